import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score

from builder_assets import tables
from builder_assets.base_model.evaluation import (
    AlignmentError,
    average_precision,
    check_alignment,
    evaluate,
    neither_scores,
    shift_histogram,
    top_k_accuracy,
)
from builder_assets.base_model.kind_tracks import EvaluationError, has_neighbour, scorable_bases
from builder_assets.settings import EvaluationSettings
from tests.base_model.drawn_genes import drawn_genes, drawn_scores, drawn_sequence, drawn_sites, gene, site

ALL = EvaluationSettings()
SEQUENCE = drawn_sequence(300)


def outcomes(calls: pl.DataFrame) -> dict[tuple, str]:
    return {(g, p, k): o for g, p, k, o in calls.select("gene_id", "position", "kind", "outcome").iter_rows()}


def row(performance: pl.DataFrame, gene_id: str, kind: str = "donor") -> dict:
    return performance.filter((pl.col("gene_id") == gene_id) & (pl.col("kind") == kind)).row(0, named=True)


#   gene A +   101 ......105...109..112......119.120      scored
#   gene B +                            116..119........140   not scored
#   donors         A 105 0.9   .   112 0.2   B 119 0.6     and 109, no site, 0.7
PLUS = drawn_genes(gene("A", 101, 120), gene("B", 116, 140))
PLUS_SITES = drawn_sites(site("A", 105), site("A", 112), site("B", 119), site("B", 130, "acceptor"))
PLUS_SCORES = drawn_scores(PLUS, {"A": {105: 0.9, 109: 0.7, 112: 0.2, 119: 0.6}})

# The same picture read from the right: position p becomes 221 - p.
MINUS = drawn_genes(gene("A", 101, 120, "-"), gene("B", 81, 105, "-"))
MINUS_SITES = drawn_sites(
    site("A", 116, strand="-"), site("A", 109, strand="-"), site("B", 102, strand="-"), site("B", 91, "acceptor", "-")
)
MINUS_SCORES = drawn_scores(MINUS, {"A": {116: 0.9, 112: 0.7, 109: 0.2, 102: 0.6}})


def test_evaluate__calls_of_a_drawn_gene():
    calls = evaluate(PLUS_SCORES, PLUS_SITES, PLUS, SEQUENCE, ALL, ()).calls
    tables.SPLICE_CALLS.check(calls)
    assert outcomes(calls) == {
        ("A", 105, "donor"): "TP",
        ("A", 109, "donor"): "FP",
        ("A", 112, "donor"): "FN",
        ("A", 119, "donor"): "XP",
    }
    assert calls["offset"].to_list() == [4, 8, 11, 18]
    assert calls["score"].to_list() == pytest.approx([0.9, 0.7, 0.2, 0.6])
    assert calls["is_tandem"].to_list() == [False, True, False, False]  # 109 lies 4 from 105 and 3 from 112


@pytest.mark.parametrize(
    ("genes", "sites", "scores"), [(PLUS, PLUS_SITES, PLUS_SCORES), (MINUS, MINUS_SITES, MINUS_SCORES)], ids=["+", "-"]
)
def test_evaluate__performance_of_a_drawn_gene(genes, sites, scores):
    performance = evaluate(scores, sites, genes, SEQUENCE, ALL, ["1"]).performance
    tables.GENE_PERFORMANCE.check(performance)
    assert row(performance, "A") == {
        "chrom": "1", "gene_id": "A", "kind": "donor", "strand": genes["strand"][0], "gene_type": "protein_coding",
        "length": 20, "base_model_seen": True, "n_sites": 2, "tp": 1, "fp": 1, "fn": 1, "xp": 1, "tn": 16,
        "precision": 0.5, "recall": 0.5, "f1": 0.5,
        "average_precision": pytest.approx((1 + 2 / 3) / 2),  # 119 masked: 0.2 is the third highest
        "top_k_accuracy": 0.5, "n_peaks": 2, "n_peaks_at_shift_0": 1,  # 112's maximum lies on 109
    }  # fmt: skip
    acceptor = row(performance, "A", "acceptor")
    nothing = ("precision", "recall", "f1", "average_precision", "top_k_accuracy")
    assert [acceptor[name] for name in nothing] == [None] * 5
    assert [acceptor[name] for name in ("n_sites", "tp", "fp", "fn", "xp", "tn", "n_peaks")] == [0, 0, 0, 0, 0, 20, 0]


def test_evaluate__minus_strand_calls_are_mirrored_positions_at_equal_offsets():
    plus = evaluate(PLUS_SCORES, PLUS_SITES, PLUS, SEQUENCE, ALL, ()).calls
    minus = evaluate(MINUS_SCORES, MINUS_SITES, MINUS, SEQUENCE, ALL, ()).calls.sort("offset")
    assert minus["position"].to_list() == [221 - position for position in plus["position"]]
    assert minus["offset"].to_list() == plus["offset"].to_list()
    assert minus["outcome"].to_list() == plus["outcome"].to_list()


def test_evaluate__another_genes_site_is_missed_only_by_its_own_gene():
    scores = drawn_scores(PLUS, {"A": {119: 0.6}, "B": {119: 0.1}})
    calls = outcomes(evaluate(scores, PLUS_SITES, PLUS, SEQUENCE, ALL, ()).calls)
    assert (calls["A", 119, "donor"], calls["B", 119, "donor"]) == ("XP", "FN")


@pytest.mark.parametrize(
    "other", [site("B", 110, "acceptor"), site("B", 110, "donor", "-")], ids=["other kind", "other strand"]
)
def test_evaluate__a_site_of_another_kind_or_strand_explains_nothing(other):
    genes = drawn_genes(gene("A", 101, 120), gene("B", 105, 140, other["strand"]))
    scores = drawn_scores(genes, {"A": {110: 0.6}})
    calls = evaluate(scores, drawn_sites(other), genes, SEQUENCE, ALL, ()).calls
    assert outcomes(calls) == {("A", 110, "donor"): "FP"}


def test_evaluate__every_tandem_site_keeps_its_own_outcome():
    # Three donors 2 and 3 bases apart: a window or a peak filter would merge them.
    sites = drawn_sites(site("A", 105), site("A", 107), site("A", 110))
    genes = drawn_genes(gene("A", 101, 120))
    result = evaluate(drawn_scores(genes, {"A": {105: 0.9, 107: 0.6, 110: 0.1}}), sites, genes, SEQUENCE, ALL, ())
    assert list(outcomes(result.calls).values()) == ["TP", "TP", "FN"]
    assert result.calls["is_tandem"].to_list() == [True, True, True]
    assert row(result.performance, "A")["n_peaks"] == 0  # tandem sites are no evidence on alignment


def test_evaluate__a_site_counts_although_its_neighbour_crossed_the_threshold_first():
    genes = drawn_genes(gene("A", 101, 120))
    result = evaluate(
        drawn_scores(genes, {"A": {104: 0.95, 105: 0.6}}), drawn_sites(site("A", 105)), genes, SEQUENCE, ALL, ()
    )
    assert list(outcomes(result.calls).items()) == [(("A", 104, "donor"), "FP"), (("A", 105, "donor"), "TP")]


def test_evaluate__score_at_the_threshold_is_a_call_below_is_none():
    genes, sites = drawn_genes(gene("A", 101, 120)), drawn_sites(site("A", 105), site("A", 115))
    scores = drawn_scores(genes, {"A": {105: 0.3, 115: float(np.nextafter(np.float32(0.3), np.float32(0)))}})
    choice = EvaluationSettings(threshold=0.3)
    assert list(outcomes(evaluate(scores, sites, genes, SEQUENCE, choice, ()).calls).values()) == ["TP", "FN"]


def test_evaluate__a_base_that_is_both_kinds_counts_for_both():
    genes, sites = drawn_genes(gene("A", 101, 120)), drawn_sites(site("A", 110), site("A", 110, "acceptor"))
    scores = drawn_scores(genes, {"A": {110: 0.5}}, {"A": {110: 0.45}})
    assert outcomes(evaluate(scores, sites, genes, SEQUENCE, ALL, ()).calls) == {
        ("A", 110, "acceptor"): "FN",
        ("A", 110, "donor"): "TP",
    }


@pytest.mark.parametrize(("strand", "unknown"), [("+", 107), ("-", 114)])
def test_evaluate__bases_beside_an_unknown_one_are_neither_sites_nor_calls(strand, unknown):
    # Offset 6 is N: offsets 4..8 are not scorable, among them a site (4), a call (8); 9 is scorable.
    genes = drawn_genes(gene("A", 101, 120, strand))
    place = (lambda offset: 101 + offset) if strand == "+" else (lambda offset: 120 - offset)
    sites = drawn_sites(site("A", place(4), strand=strand, is_scorable=False), site("A", place(9), strand=strand))
    scores = drawn_scores(genes, {"A": {place(4): 0.9, place(8): 0.8, place(9): 0.6, place(15): 0.55}})
    result = evaluate(scores, sites, genes, drawn_sequence(300, (unknown,)), ALL, ())
    assert outcomes(result.calls) == {("A", place(9), "donor"): "TP", ("A", place(15), "donor"): "FP"}
    counted = row(result.performance, "A")
    assert [counted[name] for name in ("n_sites", "tp", "fp", "fn", "xp", "tn")] == [1, 1, 1, 0, 0, 13]
    assert (counted["average_precision"], counted["top_k_accuracy"]) == (1.0, 1.0)
    assert row(result.performance, "A", "acceptor")["tn"] == 15


def test_evaluate__of_a_masked_base_nothing_is_known_but_an_annotated_one_stays():
    #   109, called and no site, and 115 are masked; so are the sites 105 and 119, of this gene and of another
    masked = pl.DataFrame({"chrom": ["1"] * 5, "position": [105, 109, 115, 119, 110], "strand": [*"++++-"]})
    result = evaluate(PLUS_SCORES, PLUS_SITES, PLUS, SEQUENCE, ALL, (), masked)
    assert list(outcomes(result.calls).values()) == ["TP", "FN", "XP"]
    donor, acceptor = row(result.performance, "A"), row(result.performance, "A", "acceptor")
    assert [donor[name] for name in ("tp", "fp", "fn", "xp", "tn")] == [1, 0, 1, 1, 15]
    assert donor["average_precision"] == 1
    assert acceptor["tn"] == 16  # no acceptor is annotated there: four bases are unknown


def test_evaluate__without_a_sequence_only_marked_sites_are_not_scorable():
    genes, sites = drawn_genes(gene("A", 101, 120)), drawn_sites(site("A", 105, is_scorable=False))
    result = evaluate(drawn_scores(genes, {"A": {105: 0.9, 106: 0.9}}), sites, genes, None, ALL, ())
    assert outcomes(result.calls) == {("A", 106, "donor"): "FP"}
    assert row(result.performance, "A")["tn"] == 18


FLAGGED = drawn_sites(
    site("A", 103, any_canonical=True, any_basic=True, any_mane=True),
    site("A", 110, any_canonical=False, any_basic=True, any_mane=False),
    site("A", 117, any_canonical=False, any_basic=False, any_mane=False),
)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [("all", "TP FN TP"), ("basic", "TP FN XP"), ("canonical", "TP XP"), ("mane", "TP XP")],
)
def test_evaluate__own_sites_outside_the_labels_are_explained(labels, expected):
    genes = drawn_genes(gene("A", 101, 120))
    scores = drawn_scores(genes, {"A": {103: 0.9, 110: 0.1, 117: 0.95}})
    result = evaluate(scores, FLAGGED, genes, SEQUENCE, EvaluationSettings(labels=labels), ())
    assert " ".join(result.calls["outcome"]) == expected
    if labels in ("canonical", "mane"):
        assert row(result.performance, "A")["average_precision"] == 1.0


def test_evaluate__shared_sites_of_many_transcripts_count_once():
    genes = drawn_genes(gene("A", 101, 120, n_transcripts=9))
    sites = drawn_sites(site("A", 105, transcript_ids=[f"T{n}" for n in range(9)], n_transcripts=9))
    performance = evaluate(drawn_scores(genes, {"A": {105: 0.9}}), sites, genes, SEQUENCE, ALL, ()).performance
    assert (row(performance, "A")["n_sites"], row(performance, "A")["tp"]) == (1, 1)


def test_evaluate__leaves_out_genes_that_are_mostly_unknown():
    genes = drawn_genes(gene("A", 101, 120, n_fraction=0.51), gene("B", 141, 160, n_fraction=0.5))
    scores = drawn_scores(genes, {"A": {105: 0.9}, "B": {}})
    assert evaluate(scores, PLUS_SITES.clear(), genes, None, ALL, ()).performance["gene_id"].unique().to_list() == ["B"]


def test_evaluate__no_scored_gene_gives_empty_tables_of_the_contract():
    result = evaluate(PLUS_SCORES.clear(), PLUS_SITES, PLUS, SEQUENCE, ALL, ())
    tables.SPLICE_CALLS.check(result.calls)
    tables.GENE_PERFORMANCE.check(result.performance)
    assert result.calls.height == result.performance.height == 0


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_evaluate__counts_add_up_to_the_scorable_bases(data):
    tenths = st.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0])
    track = data.draw(st.lists(tenths, min_size=30, max_size=30))
    places = data.draw(st.sets(st.integers(101, 130), max_size=8))
    others = data.draw(st.sets(st.integers(101, 130), max_size=8))
    genes = drawn_genes(gene("A", 101, 130), gene("B", 101, 130))
    sequence = drawn_sequence(300, tuple(data.draw(st.sets(st.integers(95, 135), max_size=2))))
    scorable = scorable_bases(sequence, 101, 130, "+")
    rows = [site(g, p, is_scorable=bool(scorable[p - 101])) for g, ps in (("A", places), ("B", others)) for p in ps]
    scores = drawn_scores(genes, {"A": dict(enumerate(track, start=101))})
    result = evaluate(scores, drawn_sites(*rows), genes, sequence, ALL, ())
    counted = row(result.performance, "A")
    assert sum(counted[name] for name in ("tp", "fp", "fn", "xp", "tn")) == scorable.sum()
    assert counted["tp"] + counted["fn"] == counted["n_sites"] == sum(bool(scorable[p - 101]) for p in places)
    assert result.calls.height == sum(counted[name] for name in ("tp", "fp", "fn", "xp"))
    if counted["n_sites"]:
        kept = [i for i in range(30) if scorable[i] and (i + 101 in places or i + 101 not in others)]
        expected = average_precision_score([i + 101 in places for i in kept], [track[i] for i in kept])
        assert counted["average_precision"] == pytest.approx(expected)


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=60))
def test_average_precision__is_scikit_learns(rows):
    scores, is_site = np.array([s for s, _ in rows], dtype=np.float32), np.array([y for _, y in rows])
    value = average_precision(scores[is_site], scores[~is_site])
    if not is_site.any():
        assert value is None
    else:
        assert value == pytest.approx(average_precision_score(is_site, scores))


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=40))
def test_top_k_accuracy__is_the_share_of_sites_among_the_first_k_of_a_stable_sort(rows):
    ranked = sorted(rows, key=lambda scored: -scored[0])  # stable: equal scores stay in order of offset
    k = sum(is_site for _, is_site in rows)
    expected = sum(is_site for _, is_site in ranked[:k]) / k if k else None
    assert top_k_accuracy(np.array([s for s, _ in rows], np.float32), np.array([y for _, y in rows])) == expected


def test_neither_scores__are_the_rest_and_never_negative():
    donor, acceptor = np.array([0.25, 0.7, 1e-8, 0], np.float32), np.array([0.5, 0.4, 0, 0], np.float32)
    neither = neither_scores(donor, acceptor)
    assert neither.dtype == np.float32
    assert neither.tolist() == [0.25, 0.0, 1.0, 1.0]


def test_has_neighbour__reaches_as_far_as_the_distance_and_skips_the_place_itself():
    found = has_neighbour(np.array([4, 10, 16, 17, 3]), np.array([10]), 6)
    assert found.tolist() == [True, False, True, False, False]


def test_shift_histogram__counts_peaks_in_transcription_direction():
    for genes, sites, scores in ((PLUS, PLUS_SITES, PLUS_SCORES), (MINUS, MINUS_SITES, MINUS_SCORES)):
        histogram = shift_histogram(scores, sites, genes, ALL)
        assert histogram.height == 2 * 2 * 11
        found = histogram.filter(pl.col("n") > 0).select("strand", "kind", "shift", "n").rows()
        assert found == [(genes["strand"][0], "donor", -3, 1), (genes["strand"][0], "donor", 0, 1)]


def test_shift_histogram__a_shared_site_counts_once_with_its_highest_peak():
    genes = drawn_genes(gene("A", 101, 120), gene("B", 101, 120))
    sites = drawn_sites(site("A", 110), site("B", 110))
    scores = drawn_scores(genes, {"A": {111: 0.6}, "B": {110: 0.8}})
    found = shift_histogram(scores, sites, genes, ALL).filter(pl.col("n") > 0).select("shift", "n").rows()
    assert found == [(0, 1)]


def test_shift_histogram__sees_nothing_beyond_the_ends_of_a_gene_or_below_one_half():
    genes = drawn_genes(gene("A", 101, 120))
    sites = drawn_sites(site("A", 101), site("A", 110), site("A", 120))
    scores = drawn_scores(genes, {"A": {102: 0.7, 110: 0.49, 120: 0.5}})
    found = shift_histogram(scores, sites, genes, ALL).filter(pl.col("n") > 0).select("shift", "n").rows()
    assert found == [(0, 1), (1, 1)]


@pytest.mark.parametrize(
    ("peaks", "shift"), [({108: 0.9, 110: 0.9}, 0), ({109: 0.9, 111: 0.9}, -1), ({106: 0.9, 111: 0.9}, 1)]
)
def test_shift_histogram__of_equal_maxima_the_nearest_counts_then_the_one_upstream(peaks, shift):
    genes = drawn_genes(gene("A", 101, 120))
    found = shift_histogram(drawn_scores(genes, {"A": peaks}), drawn_sites(site("A", 110)), genes, ALL)
    assert found.filter(pl.col("n") > 0).select("shift", "n").rows() == [(shift, 1)]


def histogram_of(*rows: tuple[str, str, int, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["strand", "kind", "shift", "n"], orient="row")


def test_check_alignment__says_what_it_saw():
    histogram = histogram_of(("+", "donor", 0, 19), ("+", "donor", 1, 1), ("-", "donor", 0, 0), ("-", "donor", -2, 19))
    assert check_alignment(histogram) == (
        "+ donor: 19 of 20 at shift 0; - donor: too few (0 of 19 at shift 0, 20 needed)"
    )


def test_check_alignment__refuses_scores_that_peak_beside_the_sites():
    histogram = histogram_of(("+", "donor", 0, 50), ("-", "acceptor", 0, 80), ("-", "acceptor", 1, 20))
    with pytest.raises(AlignmentError, match=r"at shift 0 are only - acceptor: 80 of 100, most others at \+1; 95% are"):
        check_alignment(histogram)
    shifted = histogram_of(("+", "donor", 0, 2), ("+", "donor", -1, 30))
    with pytest.raises(AlignmentError, match=r"\+ donor: 2 of 32, most others at -1"):
        check_alignment(shifted)


@pytest.mark.parametrize(("total", "fewest"), [(20, 14), (100, 85), (1000, 923)])
def test_check_alignment__a_share_below_is_refused_where_chance_does_not_explain_it(total, fewest):
    # 19 of 21 were seen on short genes of chrY: right, and below 95 %
    def seen(exact):
        return check_alignment(histogram_of(("+", "donor", 0, exact), ("+", "donor", 3, total - exact)))

    chances = [binomtest(n, total, 0.95, alternative="less").pvalue for n in (fewest - 1, fewest)]
    assert chances[0] < 1e-4 <= chances[1]
    assert seen(fewest) == f"+ donor: {fewest} of {total} at shift 0"
    with pytest.raises(AlignmentError, match=rf"\+ donor: {fewest - 1} of {total}, most others at \+3; .* chance does"):
        seen(fewest - 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"genes": PLUS.with_columns(end=pl.col("end") + 1)},
            r"1 of 1 scored genes are not in `genes`.*1\|A\|\+\|101\|120",
        ),
        ({"settings": EvaluationSettings(labels="mane")}, r"labels: mane is asked for.*none of its 4 sites.*any_mane"),
        (
            {"scores": PLUS_SCORES.with_columns(pl.col("donor_scores").list.head(19))},
            r"1\|A: 19 donor scores for 20 bases",
        ),
        (
            {
                "scores": PLUS_SCORES.with_columns(
                    pl.lit([float("nan")] * 20, pl.List(pl.Float32)).alias("acceptor_scores")
                )
            },
            r"1\|A: 20 of 20 acceptor scores are not finite",
        ),
        ({"sites": drawn_sites(site("A", 121), site("A", 105))}, r"1\|A: 1 of 2 donor sites lie outside the gene"),
        (
            {"sequence": drawn_sequence(300, (107,))},
            r"1\|A: 1 of 2 donor sites are marked scorable, but the sequence has an N within 2",
        ),
    ],
)
def test_evaluate__refuses_inputs_that_do_not_belong_together(change, message):
    inputs = {"scores": PLUS_SCORES, "sites": PLUS_SITES, "genes": PLUS, "sequence": SEQUENCE, "settings": ALL}
    with pytest.raises(EvaluationError, match=message):
        evaluate(**(inputs | change), trained_on=())
