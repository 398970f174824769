"""How right the base model is, gene by gene, against the annotated sites: calls, performance, alignment.

    offset       0 1 2 3 4 5 6 7 8 9        sites of the gene at 2 and 6, another gene's site at 8, threshold 0.5
    score >= .5      x   x       x
    outcome         TP  FP  FN  XP          every other scorable base is TN

What counts as a site, what is explained (XP) and which bases are scorable: `kind_tracks`. Explained bases, called or
not, are left out of average precision and top-k; unscorable and masked ones are neither call nor TN.
Everything is exact to the base and uses all bases. Arrays of one gene run by offset. Nothing here opens a file.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import bdtr

from builder_assets import tables
from builder_assets.base_model.kind_tracks import (
    KINDS,
    EvaluationError,
    KindTrack,
    evaluated_genes,
    has_neighbour,
    kind_tracks,
)
from builder_assets.coordinates import position_of_offset
from builder_assets.sequence import ChromosomeSequence
from builder_assets.settings import EvaluationSettings

TANDEM_DISTANCE = 6
OUTCOMES = np.array(["TP", "FP", "FN", "XP"])
PEAK_SCORE = 0.5  # of the alignment rule; not the threshold of calls, since a low one would judge noise
PEAK_REACH = 5
PEAK_SHARE = 0.95
PEAK_CHANCE = 1e-4  # 19 of 21 on shift 0 is what a right build of noisy genes may show; 13 of 20 is not
PEAK_MINIMUM = 20
PEAK_SCHEMA = pl.Schema(
    {"strand": pl.String, "kind": pl.String, "position": pl.Int64, "shift": pl.Int64, "peak": pl.Float32}
)


class AlignmentError(EvaluationError):
    """Scores peak beside the annotated sites instead of on them."""


@dataclass(frozen=True)
class Evaluation:
    """What one chromosome's scores are worth: tables.SPLICE_CALLS and tables.GENE_PERFORMANCE."""

    calls: pl.DataFrame
    performance: pl.DataFrame


def neither_scores(donor: np.ndarray, acceptor: np.ndarray) -> np.ndarray:
    """P(neither) of every base, float32: max(0, 1 - donor - acceptor), subtracted in float64."""
    rest = 1.0 - np.asarray(donor, dtype=np.float64) - np.asarray(acceptor, dtype=np.float64)
    return np.maximum(0.0, rest).astype(np.float32)


def evaluate(
    scores: pl.DataFrame,
    sites: pl.DataFrame,
    genes: pl.DataFrame,
    sequence: ChromosomeSequence | None,
    settings: EvaluationSettings,
    trained_on: Sequence[str],
    masked: pl.DataFrame | None = None,
) -> Evaluation:
    """Calls and performance of every scored gene of one chromosome.

    Args:
        scores: tables.SPLICE_SCORES. Genes with more than half of their bases unknown are left out.
        sites: tables.SPLICE_SITES of all genes of the chromosome, scored or not.
        genes: tables.GENES of the chromosome.
        sequence: The chromosome's bases; None counts every base as scorable but sites that are marked otherwise.
        settings: Labels and threshold.
        trained_on: Chromosomes that the base model was trained on.
        masked: tables.MASKED_SITES of the chromosome: of those that are not annotated nothing is known.

    Raises:
        EvaluationError: the annotation lacks the flag of `labels`; scores and genes, sites and genes, or sites and
            sequence disagree; a score is not finite.
    """
    calls, performance = [], []
    for track in kind_tracks(evaluated_genes(scores, genes), sites, sequence, settings.labels, masked):
        offsets, outcomes = _outcomes(track, settings.threshold)
        if len(offsets):
            calls.append(_track_calls(track, offsets, outcomes))
        performance.append(_performance(track, np.bincount(outcomes, minlength=len(OUTCOMES))))
    table = tables.SPLICE_CALLS.conform(pl.concat([tables.SPLICE_CALLS.empty(), *calls]))
    return Evaluation(calls=table, performance=_performance_table(performance, trained_on))


def average_precision(site_scores: np.ndarray, other_scores: np.ndarray) -> float | None:
    """Sum over thresholds of (recall gained) x precision, as scikit-learn defines it; null without sites.

    It equals the mean, over sites, of the precision at the site's own score.
    """
    if not len(site_scores):
        return None
    ranked = np.sort(site_scores)
    others = np.sort(other_scores[other_scores >= ranked[0]])
    sites_at_or_above = len(ranked) - np.searchsorted(ranked, ranked, side="left")
    others_at_or_above = len(others) - np.searchsorted(others, ranked, side="left")
    return float(np.mean(sites_at_or_above / (sites_at_or_above + others_at_or_above)))


def top_k_accuracy(scores: np.ndarray, is_site: np.ndarray) -> float | None:
    """Share of sites among the k highest scores, k the number of sites, ties by order; null without sites."""
    k = int(is_site.sum())
    if not k:
        return None
    lowest = np.partition(scores, len(scores) - k)[len(scores) - k]
    above = scores > lowest
    tied = np.flatnonzero(scores == lowest)[: k - int(above.sum())]
    return (int(is_site[above].sum()) + int(is_site[tied].sum())) / k


def rates(tp: int, fp: int, fn: int) -> dict[str, float | None]:
    """Precision (null without calls), recall and F1 (null without sites)."""
    return {
        "precision": tp / (tp + fp) if tp + fp else None,
        "recall": tp / (tp + fn) if tp + fn else None,
        "f1": 2 * tp / (2 * tp + fp + fn) if tp + fn else None,
    }


def site_peaks(track: KindTrack) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the scores peak beside the sites of a track that can be judged: offset, shift and score of the peak.

    Judged are sites whose maximum within +-5 is at least 0.5 and that have no annotated same-strand site of the kind
    within 6. Of equal maxima the one nearest to the site counts, then the one upstream.
    """
    sites = track.sites[~has_neighbour(track.sites, track.annotated, TANDEM_DISTANCE)]
    shifts = np.array(sorted(range(-PEAK_REACH, PEAK_REACH + 1), key=lambda shift: (abs(shift), shift)))
    around = sites[:, None] + shifts
    inside = (around >= 0) & (around < len(track.scores))
    windows = np.where(inside, track.scores[np.where(inside, around, 0)], -np.inf)
    best = windows.argmax(axis=1)
    peaks = windows[np.arange(len(sites)), best]
    judged = peaks >= PEAK_SCORE
    return sites[judged], shifts[best[judged]], peaks[judged]


def shift_histogram(
    scores: pl.DataFrame, sites: pl.DataFrame, genes: pl.DataFrame, settings: EvaluationSettings
) -> pl.DataFrame:
    """Number of judged sites of one chromosome by shift of their peak: `strand`, `kind`, `shift` (-5..5), `n`.

    A site that several genes share is counted once, with its highest peak. Every combination has a row.
    """
    found = [pl.DataFrame(schema=PEAK_SCHEMA)]
    for track in kind_tracks(evaluated_genes(scores, genes), sites, None, settings.labels):
        gene = track.gene
        offsets, shifts, peaks = site_peaks(track)
        positions = position_of_offset(offsets, gene["start"], gene["end"], gene["strand"])
        rows = pl.DataFrame({"position": positions, "shift": shifts, "peak": peaks})
        rows = rows.with_columns(strand=pl.lit(gene["strand"]), kind=pl.lit(track.kind))
        found.append(rows.select(PEAK_SCHEMA.names()).cast(PEAK_SCHEMA))
    site = ["strand", "kind", "position"]
    once = pl.concat(found).sort("peak", descending=True, maintain_order=True).unique(site, keep="first")
    counts = once.group_by("strand", "kind", "shift").agg(n=pl.len().cast(pl.Int64))
    return (
        pl.concat([empty_histogram(), counts]).group_by("strand", "kind", "shift").agg(pl.col("n").sum()).sort(pl.all())
    )


def empty_histogram() -> pl.DataFrame:
    """A shift histogram that counts nothing, to add others to."""
    rows = [(s, k, shift, 0) for s in "+-" for k in sorted(KINDS) for shift in range(-PEAK_REACH, PEAK_REACH + 1)]
    return pl.DataFrame(rows, schema=["strand", "kind", "shift", "n"], orient="row")


def check_alignment(histogram: pl.DataFrame) -> str:
    """Hard rule: scores peak on the annotated base. Says what was seen, per strand and kind.

    Args:
        histogram: `shift_histogram`, or several added up.

    Raises:
        AlignmentError: of at least 20 judged sites of a strand and kind, so few peak at shift 0 that a share of 95 %
            would give them once in 10,000 times.
    """
    seen, broken = [], []
    for (strand, kind), part in histogram.group_by("strand", "kind", maintain_order=True):
        total, exact = int(part["n"].sum()), int(part.filter(pl.col("shift") == 0)["n"].sum())
        if total < PEAK_MINIMUM:
            seen.append(f"{strand} {kind}: too few ({exact} of {total} at shift 0, {PEAK_MINIMUM} needed)")
            continue
        seen.append(f"{strand} {kind}: {exact} of {total} at shift 0")
        if bdtr(exact, total, PEAK_SHARE) < PEAK_CHANCE:
            common = part.filter(pl.col("shift") != 0).sort("n", "shift", descending=True)["shift"][0]
            broken.append(f"{strand} {kind}: {exact} of {total}, most others at {common:+d}")
    if broken:
        raise AlignmentError(
            f"scores do not peak on the annotated sites: at shift 0 are only {'; '.join(broken)}; {PEAK_SHARE:.0%} are "
            "expected, and chance does not explain the rest. Sequence and annotation may be of different assemblies, "
            "or a coordinate frame is off."
        )
    return "; ".join(seen)


def _outcomes(track: KindTrack, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Offsets of calls and missed sites, and the outcome of each as an index into `OUTCOMES`."""
    outcome = np.full(len(track.scores), 255, dtype=np.uint8)
    called = (track.scores >= np.float32(threshold)) & track.scorable
    outcome[called] = 1
    explained = track.explained
    outcome[explained[called[explained]]] = 3
    outcome[track.sites] = np.where(called[track.sites], 0, 2)
    offsets = np.flatnonzero(outcome != 255)
    return offsets, outcome[offsets]


def _performance(track: KindTrack, outcomes: np.ndarray) -> dict:
    """One row of tables.GENE_PERFORMANCE, less base_model_seen."""
    tp, fp, fn, xp = map(int, outcomes)
    compared = track.scorable.copy()
    compared[track.explained] = False
    is_site = np.zeros(len(track.scores), dtype=bool)
    is_site[track.sites] = True
    _, shifts, _ = site_peaks(track)
    return {
        **{name: track.gene[name] for name in ("chrom", "gene_id", "strand", "gene_type", "length")},
        "kind": track.kind,
        "n_sites": len(track.sites),
        **{"tp": tp, "fp": fp, "fn": fn, "xp": xp, "tn": int(track.scorable.sum()) - tp - fp - fn - xp},
        **rates(tp, fp, fn),
        "average_precision": average_precision(track.scores[track.sites], track.scores[compared & ~is_site]),
        "top_k_accuracy": top_k_accuracy(track.scores[compared], is_site[compared]),
        "n_peaks": len(shifts),
        "n_peaks_at_shift_0": int((shifts == 0).sum()),
    }


def _track_calls(track: KindTrack, offsets: np.ndarray, outcomes: np.ndarray) -> pl.DataFrame:
    """Rows of tables.SPLICE_CALLS of one gene and kind."""
    gene = track.gene
    columns = {
        "position": position_of_offset(offsets, gene["start"], gene["end"], gene["strand"]),
        "offset": offsets,
        "outcome": OUTCOMES[outcomes],
        "score": track.scores[offsets],
        "is_tandem": has_neighbour(offsets, track.own_sites, TANDEM_DISTANCE),
    }
    same = {"chrom": gene["chrom"], "gene_id": gene["gene_id"], "strand": gene["strand"], "kind": track.kind}
    rows = pl.DataFrame(columns).with_columns(pl.lit(value).alias(name) for name, value in same.items())
    return rows.select(tables.SPLICE_CALLS.names).cast(tables.SPLICE_CALLS.polars_schema())


def _performance_table(rows: list[dict], trained_on: Sequence[str]) -> pl.DataFrame:
    schema = {name: kind for name, kind in tables.GENE_PERFORMANCE.polars_schema().items() if name != "base_model_seen"}
    table = pl.DataFrame(rows, schema=schema)
    return tables.GENE_PERFORMANCE.conform(table.with_columns(base_model_seen=pl.col("chrom").is_in(list(trained_on))))
