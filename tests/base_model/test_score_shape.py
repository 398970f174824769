import numpy as np
import polars as pl
import pytest

from builder_assets.base_model.pooled_evaluation import ChromosomeScores
from builder_assets.base_model.score_shape import (
    PROFILE_REACH,
    SCORE_EDGES,
    SHIFTS,
    score_shape,
    shape_values,
    summed_shape,
)
from tests.base_model.drawn_genes import drawn_genes, drawn_scores, drawn_sequence, drawn_sites, gene, site

# + gene A 101..130: donor 105 (0.9), acceptor 121 (0.25), and 110 called as a donor (0.7), which is none.
# - gene C 201..230: donor 226 (0.8), acceptor 210 (0.6).
GENES = drawn_genes(gene("A", 101, 130), gene("C", 201, 230, "-"))
SITES = drawn_sites(
    site("A", 105), site("A", 121, "acceptor"), site("C", 226, strand="-"), site("C", 210, "acceptor", "-")
)
SCORES = drawn_scores(GENES, {"A": {105: 0.9, 110: 0.7}, "C": {226: 0.8}}, {"A": {121: 0.25}, "C": {210: 0.6}})
CHROMOSOME = ChromosomeScores("1", SCORES, SITES, GENES)
DONOR, ACCEPTOR = 0, 1


def above(shape, kind: int, score: float) -> tuple[int, int]:
    """Sites and other bases in the bins above a score."""
    bins = SCORE_EDGES[:-1] > score
    return int(shape.sites[kind, bins].sum()), int(shape.others[kind, bins].sum())


def test_score_shape__every_base_once_and_sites_at_their_score():
    shape = score_shape(CHROMOSOME, "all")
    assert shape.sites.sum(axis=1).tolist() == [2, 2]
    assert shape.others.sum(axis=1).tolist() == [58, 58]
    assert above(shape, DONOR, 0.5) == (2, 1)  # 0.9, 0.8, and the call at 110 with 0.7
    assert above(shape, ACCEPTOR, 0.5) == (1, 0)


def test_score_shape__profile_is_in_transcription_direction():
    shape = score_shape(CHROMOSOME, "all")
    means = {shift: shape.sums[DONOR, DONOR, shift + PROFILE_REACH] / 2 for shift in (0, 5)}
    assert means[0] == pytest.approx((0.9 + 0.8) / 2)
    assert means[5] == pytest.approx((0.7 + 0.001) / 2)  # the call five bases downstream on the + gene
    assert shape.counts[DONOR].tolist() == [2 if shift >= -4 else 0 for shift in SHIFTS]  # both lie 4 from their 5' end
    assert shape.sums[ACCEPTOR, ACCEPTOR, PROFILE_REACH] / 2 == pytest.approx((0.25 + 0.6) / 2)
    assert shape.sums[DONOR, ACCEPTOR, PROFILE_REACH] / 2 == pytest.approx(0.001)


def test_score_shape__leaves_out_what_is_unknown_and_sites_that_do_not_count():
    sites = SITES.with_columns(any_canonical=pl.col("gene_id") == "C")
    shape = score_shape(ChromosomeScores("1", SCORES, sites, GENES, drawn_sequence(300, (112,))), "canonical")
    assert shape.sites.sum(axis=1).tolist() == [1, 1]
    assert shape.others.sum(axis=1).tolist() == [53, 53]  # of 60: two sites, and 110..114 around the N
    assert above(shape, DONOR, 0.5) == (1, 0)


def test_summed_shape__order_changes_nothing():
    rng = np.random.default_rng(0)
    parts = [score_shape(CHROMOSOME, "all") for _ in range(7)]
    for part in parts:
        part.sums[:] = rng.normal(size=part.sums.shape)
    forward, backward = summed_shape(parts), summed_shape(parts[::-1])
    assert forward.sums.tolist() == backward.sums.tolist()
    assert forward.sites.sum(axis=1).tolist() == [14, 14]
    assert summed_shape([]).others.sum() == 0


def test_shape_values__are_counts_per_bin_and_means_per_shift():
    values = {(kind, metric, x): value for kind, metric, x, value in shape_values(score_shape(CHROMOSOME, "all"))}
    assert len(values) == 2 * (2 * (len(SCORE_EDGES) - 1) + 2 * len(SHIFTS))
    assert sum(values["donor", "n_other_scores", float(low)] for low in SCORE_EDGES[:-1]) == 58
    assert values["acceptor", "mean_acceptor_score", 0.0] == pytest.approx(0.425)
    assert values["donor", "mean_acceptor_score", -5.0] is None
