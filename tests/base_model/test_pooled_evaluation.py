from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve

from builder_assets.base_model import pooled_evaluation as pooled
from builder_assets.base_model.kind_tracks import KINDS, EvaluationError
from builder_assets.base_model.pooled_evaluation import (
    ChromosomeScores,
    annotated_bases,
    count_non_sites,
    non_site_scores,
    number_at_or_above,
    pooled_values,
)
from tests.base_model.drawn_genes import drawn_genes, drawn_scores, drawn_sequence, drawn_sites, gene, site

#   A +  101 ........ 110 ........ 120            donor sites  A 105, A 118 and B 118 (shared), C 125
#   B +            111 ............... 130        C is not scored; D, on the other strand, is
#   C +                     121 ........ 140
#   D -       105 ............. 125                donor site  D 115
GENES = drawn_genes(gene("A", 101, 120), gene("B", 111, 130), gene("C", 121, 140), gene("D", 105, 125, "-"))
SITES = drawn_sites(
    site("A", 105, any_canonical=False),
    site("A", 118),
    site("B", 118),
    site("B", 122, is_scorable=False),
    site("C", 125),
    site("D", 115, strand="-"),
)
SCORES = drawn_scores(
    GENES,
    {
        "A": {105: 0.9, 118: 0.2, 112: 0.6},
        "B": {118: 0.8, 112: 0.7, 122: 0.95, 125: 0.55},
        "D": {115: 0.4, 118: 0.65},
    },
)
DRAWN = ChromosomeScores("1", SCORES, SITES, GENES)


def test_annotated_bases__have_each_base_once_with_its_highest_score():
    found = annotated_bases(DRAWN, "all").select("strand", "position", "score", "is_site", "is_canonical", "is_tandem")
    assert [(*row[:2], round(row[2], 6), *row[3:]) for row in found.rows()] == [
        ("+", 105, 0.9, True, False, False),
        ("+", 118, 0.8, True, True, True),  # 122, not scorable, is still a site of B 4 bases away
        ("+", 125, 0.55, False, False, False),  # a site of C, which was not scored: explained
        ("-", 115, 0.4, True, True, False),
    ]


def test_non_site_scores__have_each_base_once_with_its_highest_score():
    donor = np.concatenate(list(non_site_scores(DRAWN, "donor")))
    # + 101..130 less 105, 118, 122, 125; - 105..125 less 115
    assert len(donor) == 26 + 20
    assert np.sort(donor)[-3:].tolist() == pytest.approx([0.001, 0.65, 0.7])
    assert sum(map(len, non_site_scores(DRAWN, "acceptor"))) == 30 + 21


def test_non_site_scores__leave_out_bases_beside_unknown_ones():
    sites = SITES.filter(pl.col("gene_id") == "D")
    chromosome = ChromosomeScores("1", SCORES, sites, GENES, drawn_sequence(300, (112,)))
    # 110..114 are not scorable: + 101..130, - 105..125 less the site at 115
    assert [len(piece) for piece in non_site_scores(chromosome, "donor")] == [25, 15]


def test_non_site_scores__without_masked_bases_of_the_strand():
    masked = pl.DataFrame({"position": [105, 128, 129, 129], "strand": ["+", "+", "+", "-"]})
    pieces = {kind: sum(map(len, non_site_scores(replace(DRAWN, masked=masked), kind))) for kind in KINDS}
    assert pieces == {"donor": 46 - 2, "acceptor": 51 - 3}  # 105 is a donor site anyway; D ends before 129


def test_non_site_scores__genes_that_touch_but_do_not_overlap_are_two_pieces():
    genes = drawn_genes(gene("A", 101, 110), gene("B", 111, 120), gene("C", 112, 113), gene("D", 115, 118))
    scores = drawn_scores(genes, {"A": {110: 0.3}, "B": {111: 0.4}, "C": {}, "D": {115: 0.9}})
    pieces = list(non_site_scores(ChromosomeScores("1", scores, SITES.clear(), genes), "donor"))
    assert [len(piece) for piece in pieces] == [10, 10]
    assert [float(piece.max()) for piece in pieces] == pytest.approx([0.3, 0.9])


@given(
    st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=6),
    st.sets(st.integers(0, 10), min_size=1),
    st.integers(1, 12),
)
def test_number_at_or_above__is_the_same_for_any_block(pieces, thresholds, block):
    edges = np.array(sorted(thresholds), dtype=np.float32)
    arrays = [np.array(piece, dtype=np.float32) for piece in pieces]
    expected = [sum(score >= edge for piece in pieces for score in piece) for edge in edges]
    assert number_at_or_above(arrays, edges, block).tolist() == expected


def test_count_non_sites__refuses_chromosomes_that_come_only_once():
    once = iter([DRAWN])
    edges = np.array([0.5], dtype=np.float32)
    assert count_non_sites(once, edges, ["1"], ["1"])[True, "donor"].tolist() == [2]
    with pytest.raises(EvaluationError, match=r"second pass saw chromosomes \(none\), the first 1\. .* start anew"):
        count_non_sites(once, edges, ["1"], ["1"])


def drawn_pool(site_scores: list[int], other_scores: list[int]) -> tuple[pl.DataFrame, str, np.ndarray, np.ndarray]:
    """`annotated_bases` of the sites, their flag, thresholds, and counts of the others, by plain counting."""
    rows = [(score, True, False) for score in site_scores]
    schema = {"score": pl.Float32, "is_site": pl.Boolean, "is_tandem": pl.Boolean}
    thresholds = np.unique(np.array([*site_scores, 3], np.float32))
    counts = np.array([sum(other >= edge for other in other_scores) for edge in thresholds])
    return pl.DataFrame(rows, schema=schema, orient="row"), "is_site", thresholds, counts


@given(st.lists(st.integers(0, 6), min_size=1, max_size=20), st.lists(st.integers(0, 6), max_size=20))
def test_pooled_values__agree_with_scikit_learn_and_with_a_sorted_list(site_scores, other_scores):
    values = pooled_values(*drawn_pool(site_scores, other_scores), threshold=3)
    truth = [True] * len(site_scores) + [False] * len(other_scores)
    everything = site_scores + other_scores
    assert values["average_precision"] == pytest.approx(average_precision_score(truth, everything))
    ranked = sorted(zip(everything, truth, strict=True), key=lambda base: (-base[0], base[1]))  # non-sites first
    k = len(site_scores)
    assert values["top_k_accuracy"] == pytest.approx(sum(is_site for _, is_site in ranked[:k]) / k)
    assert values["tp"] == sum(score >= 3 for score in site_scores)
    assert values["fp"] == sum(score >= 3 for score in other_scores)
    assert values["tp"] + values["fn"] == k == values["n_sites"]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=20), st.lists(st.integers(0, 6), max_size=20))
def test_precision_recall_curve__takes_the_highest_threshold_that_reaches_the_recall(site_scores, other_scores):
    curve = pooled.precision_recall_curve(*drawn_pool(site_scores, other_scores))
    assert [recall for recall, _ in curve] == [step / 100 for step in range(101)]
    truth = [True] * len(site_scores) + [False] * len(other_scores)
    precision, recall, _ = precision_recall_curve(truth, site_scores + other_scores)
    # scikit-learn runs from the lowest threshold on, and appends a point that belongs to none. Of equal recalls the
    # highest threshold is the one before the recall falls; recall 0 is held by the first threshold that has a site.
    precision, recall = precision[:-1], recall[:-1]
    for wanted, value in curve:
        reaching = np.flatnonzero(recall >= max(wanted, 1e-9) - 1e-12)
        assert value == pytest.approx(precision[reaching[-1]])


def test_pooled_values__without_sites_rates_are_null():
    pool = drawn_pool([], [5, 1])
    values = pooled_values(*pool, threshold=3)
    assert (values["n_sites"], values["fp"], values["precision"]) == (0, 1, 0.0)
    undefined = ("recall", "f1", "average_precision", "top_k_accuracy", "tandem_recall")
    assert [values[name] for name in undefined] == [None] * 5
    curve = pooled.precision_recall_curve(*pool)
    assert {value for _, value in curve} == {None}


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_pooling__agrees_with_scikit_learn_on_a_dictionary_of_bases(data):
    """Three random genes on two strands; the reference keeps one number per (strand, position)."""
    level = st.sampled_from([0.0, 0.125, 0.5, 0.75, 1.0])
    rows, given_scores, drawn = [], {}, []
    for name in "ABC":
        start = data.draw(st.integers(101, 120))
        end = start + data.draw(st.integers(0, 25))
        strand = data.draw(st.sampled_from("+-"))
        track = data.draw(st.lists(level, min_size=end - start + 1, max_size=end - start + 1))
        places = data.draw(st.sets(st.integers(start, end), max_size=4))
        rows.append(gene(name, start, end, strand))
        drawn += [site(name, place, strand=strand) for place in places]
        given_scores[name] = dict(enumerate(track, start=start))
    genes, sites = drawn_genes(*rows), drawn_sites(*drawn)
    chromosome = ChromosomeScores("1", drawn_scores(genes, given_scores), sites, genes)
    bases: dict[tuple, float] = {}
    for row in rows:
        for position, score in given_scores[row["gene_id"]].items():
            key = row["strand"], position
            bases[key] = max(score, bases.get(key, 0.0))
    truth = [any(s["strand"] == strand and s["position"] == p for s in drawn) for strand, p in bases]

    annotated = annotated_bases(chromosome, "all").filter(pl.col("kind") == "donor")
    thresholds = np.unique(np.append(annotated["score"].to_numpy(), np.float32(0.5)))
    others = number_at_or_above(non_site_scores(chromosome, "donor"), thresholds, block=7)
    values = pooled_values(annotated, "is_site", thresholds, others, 0.5)
    called = [score >= 0.5 for score in bases.values()]
    assert values["n_sites"] == sum(truth)
    assert values["tp"] == sum(c and t for c, t in zip(called, truth, strict=True))
    assert values["fp"] == sum(c and not t for c, t in zip(called, truth, strict=True))
    if any(truth):
        assert values["average_precision"] == pytest.approx(average_precision_score(truth, list(bases.values())))
