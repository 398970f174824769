from dataclasses import replace

import polars as pl
import pytest

from builder_assets import tables
from builder_assets.base_model.evaluation import AlignmentError, evaluate
from builder_assets.base_model.kind_tracks import EvaluationError
from builder_assets.base_model.model_report import model_report
from builder_assets.base_model.pooled_evaluation import ChromosomeScores
from builder_assets.settings import EvaluationSettings
from tests.base_model.drawn_genes import drawn_genes, drawn_scores, drawn_sequence, drawn_sites, gene, site

ALL = EvaluationSettings()


def on(chrom: str, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(chrom=pl.lit(chrom))


def chromosome(chrom: str, genes: pl.DataFrame, sites: pl.DataFrame, scores: pl.DataFrame) -> ChromosomeScores:
    return ChromosomeScores(chrom, on(chrom, scores), on(chrom, sites), on(chrom, genes))


# Chromosome 1, unseen: A and B overlap and share the donor 115, which only B scores high; 108 is called, no site.
# Donors 103 (TP) and 112 (FN, not canonical, 3 bases before 115) belong to A.
GENES_1 = drawn_genes(gene("A", 101, 120), gene("B", 111, 130, gene_type="lncRNA"))
SITES_1 = drawn_sites(site("A", 103), site("A", 112, any_canonical=False), site("A", 115), site("B", 115))
SCORES_1 = drawn_scores(GENES_1, {"A": {103: 0.9, 108: 0.7, 112: 0.3, 115: 0.4}, "B": {115: 0.8}})
# Chromosome 2, seen: one gene on -, an acceptor called and a donor missed.
GENES_2 = drawn_genes(gene("C", 201, 220, "-", gene_type=None))
SITES_2 = drawn_sites(site("C", 205, "donor", "-"), site("C", 215, "acceptor", "-"))
SCORES_2 = drawn_scores(GENES_2, {"C": {205: 0.2}}, {"C": {215: 0.6}})
CHROMOSOMES = [chromosome("1", GENES_1, SITES_1, SCORES_1), chromosome("2", GENES_2, SITES_2, SCORES_2)]


def evaluated(chromosomes, choice=ALL) -> tuple[pl.DataFrame, pl.DataFrame]:
    results = [evaluate(c.scores, c.sites, c.genes, c.sequence, choice, ["2"]) for c in chromosomes]
    return pl.concat([r.performance for r in results]), pl.concat([r.calls for r in results])


def report_of(chromosomes, choice=ALL) -> pl.DataFrame:
    return model_report(lambda: iter(chromosomes), *evaluated(chromosomes, choice), choice, ["2"])


REPORT = report_of(CHROMOSOMES)


def values(scope: str, labels: str, kind: str, report: pl.DataFrame = REPORT) -> dict[str, float | None]:
    rows = report.filter(
        (pl.col("scope") == scope)
        & (pl.col("labels") == labels)
        & (pl.col("kind") == kind)
        & (pl.col("metric") != "pr_curve")
    ).filter(~pl.col("metric").str.starts_with("n_peaks"))
    return dict(rows.select("metric", "value").iter_rows())


def test_model_report__keeps_the_contract():
    tables.MODEL_REPORT.check(REPORT)
    assert set(REPORT["scope"]) == {
        "all",
        "seen",
        "unseen",
        "gene_type=lncRNA",
        "gene_type=protein_coding",
        "gene_type=unknown",
    }


def test_model_report__pools_each_base_once():
    found = values("unseen", "all", "donor")
    # Ranked: 103 site 0.9, 115 site 0.8, 108 not 0.7, 112 site 0.3; gene by gene there are two FN.
    assert {name: found[name] for name in ("n_sites", "tp", "fp", "fn", "xp")} == {
        "n_sites": 3, "tp": 2, "fp": 1, "fn": 1, "xp": 0,
    }  # fmt: skip
    assert found["average_precision"] == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert found["top_k_accuracy"] == pytest.approx(2 / 3)
    assert (found["n_tandem_sites"], found["tandem_recall"]) == (2, 0.5)
    assert (found["precision"], found["recall"], found["f1"]) == (2 / 3, 2 / 3, 4 / 6)


def test_model_report__canonical_leaves_other_sites_out_of_everything():
    found = values("unseen", "canonical", "donor")
    assert (found["n_sites"], found["tp"], found["fp"], found["fn"], found["xp"]) == (2, 2, 1, 0, 0)
    assert (found["average_precision"], found["top_k_accuracy"]) == (1.0, 1.0)
    # Genes: A has 103 called, 115 missed, 108 wrong: precision 1/2; B has 115 called: 1.
    assert (found["mean_precision"], found["mean_recall"], found["n_genes"]) == (0.75, 0.75, 2)


def test_model_report__gene_means_skip_genes_without_a_value():
    found = values("all", "all", "donor")
    # Recall: A 1/3, B 1/1, C 0/1. Precision: A 1/2, B 1/1, C has no call.
    assert found["mean_recall"] == pytest.approx((1 / 3 + 1 + 0) / 3)
    assert found["mean_precision"] == 0.75
    assert found["n_genes"] == 3


def test_model_report__both_kinds_are_pooled_together():
    found = values("seen", "all", "both")
    assert (found["n_sites"], found["tp"], found["fn"], found["fp"]) == (2, 1, 1, 0)
    assert found["average_precision"] == 1.0
    assert values("all", "all", "both")["n_sites"] == 5


def test_model_report__gene_types_are_sums_over_genes():
    found = values("gene_type=protein_coding", "all", "donor")
    assert [found[name] for name in ("n_genes", "n_sites", "tp", "fp", "fn", "xp")] == [1, 3, 1, 1, 2, 0]
    assert (found["precision"], found["recall"], found["f1"]) == (0.5, 1 / 3, 2 / 5)
    assert values("gene_type=unknown", "all", "acceptor")["tp"] == 1
    assert values("gene_type=unknown", "canonical", "acceptor") == {}


def test_model_report__precision_recall_curve():
    rows = REPORT.filter(pl.col("metric") == "pr_curve", scope="unseen", labels="all", kind="donor")
    curve = dict(rows.select("x", "value").iter_rows())
    assert len(curve) == 101
    assert [curve[x] for x in (0.0, 0.33, 0.34, 0.66, 0.67, 1.0)] == [1, 1, 1, 1, 0.75, 0.75]


def test_model_report__shift_histogram():
    rows = REPORT.filter(pl.col("metric").str.starts_with("n_peaks") & (pl.col("value") > 0))
    # 103 peaks on itself; 112 and 115 are tandem, 205 has no score of one half.
    assert rows.select("kind", "metric", "x", "value").rows() == [
        ("acceptor", "n_peaks_minus", 0.0, 1.0),
        ("donor", "n_peaks_plus", 0.0, 1.0),
    ]


def test_model_report__motifs_at_called_and_missed_bases():
    # The sequence is ACGTACGT...: after 103 stand T A, after 108 and 112 A C, after 115 T A.
    with_bases = replace(CHROMOSOMES[0], sequence=drawn_sequence(140))
    motifs = report_of([with_bases]).filter(pl.col("scope").str.starts_with("motif="))
    assert set(motifs["scope"]) == {"motif=other"}
    found = dict(motifs.filter(kind="donor").select("metric", "value").iter_rows())
    # Gene by gene: A calls 103 and 108 and misses 112 and 115, B calls 115.
    assert found == {"n_sites": 4, "tp": 2, "fp": 1, "fn": 2, "xp": 0, "precision": 2 / 3, "recall": 0.5, "f1": 4 / 7}
    assert motifs.filter(kind="acceptor").is_empty()  # no acceptor is called or missed there


def test_model_report__shape_of_scores():
    bins = REPORT.filter(pl.col("metric").is_in(["n_site_scores", "n_other_scores"]), kind="donor")
    counts = dict(bins.group_by("metric").agg(pl.col("value").sum()).iter_rows())
    # Sites gene by gene: 103, 112 and 115 of A, 115 of B, 205 of C; B's 112 is A's site, so it is no other base.
    assert counts == {"n_site_scores": 5, "n_other_scores": 60 - 5 - 1}
    around = REPORT.filter(metric="mean_donor_score", kind="donor", x=0)["value"].item()
    assert around == pytest.approx((0.9 + 0.3 + 0.4 + 0.8 + 0.2) / 5)


def test_model_report__order_of_chromosomes_changes_nothing():
    assert report_of(CHROMOSOMES[::-1]).equals(REPORT)


def test_model_report__canonical_labels_stand_there_once():
    choice = EvaluationSettings(labels="canonical")
    report = report_of(CHROMOSOMES, choice)
    tables.MODEL_REPORT.check(report)
    assert values("unseen", "canonical", "donor", report) == values("unseen", "canonical", "donor")


def test_model_report__a_site_that_its_gene_misses_and_another_one_calls_is_called():
    scores = drawn_scores(GENES_1, {"A": {115: 0.2}, "B": {112: 0.9}})
    sites = drawn_sites(site("A", 112), site("B", 125))
    found = values("all", "all", "donor", report_of([chromosome("1", GENES_1, sites, scores)]))
    assert [found[name] for name in ("n_sites", "tp", "fp", "fn", "xp")] == [2, 1, 0, 1, 0]


def test_model_report__without_genes_counts_nothing_and_divides_by_nothing():
    empty = chromosome("1", GENES_1, SITES_1, SCORES_1.clear())
    found = values("all", "all", "both", report_of([empty]))
    assert (found["n_sites"], found["fp"], found["n_genes"]) == (0, 0, 0)
    assert (found["average_precision"], found["mean_f1"]) == (None, None)


def test_model_report__refuses_a_chromosome_that_comes_twice():
    with pytest.raises(EvaluationError, match="chromosome 1 comes twice in one pass"):
        model_report(lambda: [CHROMOSOMES[0]] * 2, *evaluated(CHROMOSOMES[:1]), ALL, [])


def test_model_report__refuses_an_iterator_that_is_used_up():
    once = iter(CHROMOSOMES)
    with pytest.raises(EvaluationError, match=r"second pass saw chromosomes \(none\), the first 1, 2"):
        model_report(lambda: once, *evaluated(CHROMOSOMES), ALL, [])


def test_model_report__refuses_performance_of_other_genes():
    performance, calls = evaluated(CHROMOSOMES)
    other = performance.filter(pl.col("gene_id") != "C")
    with pytest.raises(EvaluationError, match="lacks 2 rows of genes that are scored and has 0 of genes that are not"):
        model_report(lambda: CHROMOSOMES, other, calls, ALL, [])
    with pytest.raises(EvaluationError, match="lacks 0 rows of genes that are scored and has 2 of genes that are not"):
        model_report(lambda: CHROMOSOMES[:1], performance, calls, ALL, [])


def test_model_report__refuses_calls_made_at_another_threshold():
    performance, calls = evaluated(CHROMOSOMES, EvaluationSettings(threshold=0.25))
    message = "splice_calls has 5 sites, 4 of them called; splice_scores at threshold 0.5 has 5, 3 of them called"
    with pytest.raises(EvaluationError, match=message):
        model_report(lambda: CHROMOSOMES, performance, calls, ALL, [])


def test_model_report__refuses_scores_that_peak_beside_the_sites():
    places = range(110, 510, 20)
    genes = drawn_genes(gene("A", 101, 600))
    sites = drawn_sites(*[site("A", place) for place in places])
    scores = drawn_scores(genes, {"A": {place + 1: 0.9 for place in places}})
    with pytest.raises(AlignmentError, match=r"\+ donor: 0 of 20, most others at \+1"):
        report_of([chromosome("1", genes, sites, scores)])
