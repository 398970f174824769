"""How scores are distributed: a histogram at sites and at other bases, and the mean score around sites.

A base that several genes share counts in each of them. Sites that do not count, and bases of which nothing is known,
are in neither histogram.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from builder_assets.base_model.kind_tracks import KINDS, evaluated_genes, kind_tracks
from builder_assets.base_model.pooled_evaluation import ChromosomeScores

SCORE_EDGES = np.array([0.0, *np.logspace(-7, 0, 29)])  # four bins per power of ten; the first one holds the rest
PROFILE_REACH = 10
SHIFTS = np.arange(-PROFILE_REACH, PROFILE_REACH + 1)


@dataclass(frozen=True)
class ScoreShape:
    """Counts and sums of one chromosome, or of several; kinds in the order of `KINDS`.

    Attributes:
        sites: Sites per bin of their own kind's score: int64, shape (kinds, bins).
        others: Other bases per bin of the kind's score: int64, shape (kinds, bins).
        sums: Summed score around sites: float64, shape (kinds of site, kinds of score, shifts).
        counts: Sites that have a base of their gene at that shift: int64, shape (kinds of site, shifts).
    """

    sites: np.ndarray
    others: np.ndarray
    sums: np.ndarray
    counts: np.ndarray


def empty_shape() -> ScoreShape:
    """The shape of no gene."""
    kinds, bins, shifts = len(KINDS), len(SCORE_EDGES) - 1, len(SHIFTS)
    histogram = np.zeros((kinds, bins), np.int64)
    return ScoreShape(
        histogram, histogram.copy(), np.zeros((kinds, kinds, shifts)), np.zeros((kinds, shifts), np.int64)
    )


def score_shape(chromosome: ChromosomeScores, labels: str) -> ScoreShape:
    """The shape of one chromosome's scores; `labels` says which sites count."""
    shape = empty_shape()
    evaluated = evaluated_genes(chromosome.scores, chromosome.genes)
    tracks = kind_tracks(evaluated, chromosome.sites, chromosome.sequence, labels, chromosome.masked)
    for gene in zip(tracks, tracks, strict=True):  # its donor track and its acceptor track
        for kind, track in enumerate(gene):
            left_out = ~track.scorable
            left_out[track.annotated] = True
            shape.sites[kind] += np.histogram(track.scores[track.sites], SCORE_EDGES)[0]
            shape.others[kind] += np.histogram(track.scores, SCORE_EDGES)[0]
            shape.others[kind] -= np.histogram(track.scores[left_out], SCORE_EDGES)[0]
            offsets = track.sites[:, None] + SHIFTS
            inside = (offsets >= 0) & (offsets < len(track.scores))
            shape.counts[kind] += inside.sum(axis=0)
            for score, scored in enumerate(gene):
                values = np.where(inside, scored.scores[np.where(inside, offsets, 0)], 0.0)
                shape.sums[kind, score] += values.sum(axis=0, dtype=np.float64)
    return shape


def summed_shape(shapes: Iterable[ScoreShape]) -> ScoreShape:
    """Several chromosomes together, to the last bit the same in whatever order they come."""
    parts = [empty_shape(), *shapes]
    return ScoreShape(
        sites=np.sum([part.sites for part in parts], axis=0),
        others=np.sum([part.others for part in parts], axis=0),
        sums=np.sort([part.sums for part in parts], axis=0).sum(axis=0),
        counts=np.sum([part.counts for part in parts], axis=0),
    )


def shape_values(shape: ScoreShape) -> Iterator[tuple[str, str, float, float | None]]:
    """The shape as (kind, metric, x, value), as tables.MODEL_REPORT holds it.

    n_site_scores, n_other_scores: bases of a bin, x its lower edge. mean_donor_score, mean_acceptor_score: around
    sites of `kind`, x the shift in transcription direction; null where no site has a base of its gene there.
    """
    for number, kind in enumerate(KINDS):
        for metric, counts in (("n_site_scores", shape.sites), ("n_other_scores", shape.others)):
            for low, count in zip(SCORE_EDGES, counts[number], strict=False):
                yield kind, metric, float(low), float(count)
        for score, sums in zip(KINDS, shape.sums[number], strict=True):
            for shift, total, count in zip(SHIFTS, sums, shape.counts[number], strict=True):
                yield kind, f"mean_{score}_score", float(shift), float(total / count) if count else None
