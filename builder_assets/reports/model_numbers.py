"""What a base model's page counts from whole scores, one chromosome at a time and gene by gene."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from builder_assets.base_model.kind_tracks import KINDS
from builder_assets.coordinates import offset_of_position

SCORE_EDGES = np.array([0.0, *np.logspace(-7, 0, 29)])  # four bins per power of ten; the first one holds the rest
PROFILE_REACH = 10
LENGTH_EDGES = np.unique(np.round(np.logspace(0, 6, 37)).astype(np.int64))  # six bins per power of ten
FEWEST_SITES = 4  # of genes that are called best or worst


@dataclass(frozen=True)
class ScoredChromosome:
    """Tables of one chromosome: SPLICE_SCORES and SPLICE_SITES."""

    scores: pl.DataFrame
    sites: pl.DataFrame


@dataclass(frozen=True)
class ScoreShape:
    """How scores are distributed.

    Attributes:
        histogram: kind, low, high, sites, others: bases per bin of the kind's own score.
        profile: site (its kind), track (whose score), shift, mean, n: the mean score around scorable sites.
    """

    histogram: pl.DataFrame
    profile: pl.DataFrame


def score_shape(chromosomes: Iterable[ScoredChromosome]) -> ScoreShape:
    """Histogram and profile over all bases of all scored genes; a base of two genes counts in each."""
    n_bins, width = len(SCORE_EDGES) - 1, 2 * PROFILE_REACH + 1
    at_sites = {kind: np.zeros(n_bins, np.int64) for kind in KINDS}
    everywhere = {kind: np.zeros(n_bins, np.int64) for kind in KINDS}
    sums = {(site, track): np.zeros(width) for site in KINDS for track in KINDS}
    counts = {kind: np.zeros(width, np.int64) for kind in KINDS}
    for tracks, sites in _genes(chromosomes):
        for kind in KINDS:
            everywhere[kind] += np.histogram(tracks[kind], SCORE_EDGES)[0]
            at_sites[kind] += np.histogram(tracks[kind][sites[kind]], SCORE_EDGES)[0]
            offsets = sites[kind][:, None] + np.arange(-PROFILE_REACH, PROFILE_REACH + 1)
            inside = (offsets >= 0) & (offsets < len(tracks[kind]))
            counts[kind] += inside.sum(axis=0)
            for track in KINDS:
                values = np.where(inside, tracks[track][np.where(inside, offsets, 0)], 0.0)
                sums[kind, track] += values.sum(axis=0, dtype=np.float64)
    return ScoreShape(_histogram(at_sites, everywhere), _profile(sums, counts))


def _genes(chromosomes: Iterable[ScoredChromosome]) -> Iterator[tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]:
    """Per scored gene its tracks, and the offsets of its scorable sites, by kind."""
    for chromosome in chromosomes:
        scorable = chromosome.sites.filter("is_scorable").select("gene_id", "kind", "position")
        places = {key: part["position"].to_numpy() for key, part in scorable.group_by("gene_id", "kind")}
        columns = ["gene_id", "strand", "start", "end", "donor_scores", "acceptor_scores"]
        for gene_id, strand, start, end, *tracks in chromosome.scores.select(columns).iter_rows():
            yield (
                {kind: np.asarray(track, np.float32) for kind, track in zip(KINDS, tracks, strict=True)},
                {
                    kind: offset_of_position(places.get((gene_id, kind), np.zeros(0, np.int64)), start, end, strand)
                    for kind in KINDS
                },
            )


def _histogram(at_sites: dict[str, np.ndarray], everywhere: dict[str, np.ndarray]) -> pl.DataFrame:
    return pl.concat(
        pl.DataFrame(
            {
                "low": SCORE_EDGES[:-1],
                "high": SCORE_EDGES[1:],
                "sites": at_sites[kind],
                "others": everywhere[kind] - at_sites[kind],
            }
        ).select(pl.lit(kind).alias("kind"), pl.all())
        for kind in KINDS
    )


def _profile(sums: dict[tuple[str, str], np.ndarray], counts: dict[str, np.ndarray]) -> pl.DataFrame:
    shifts = np.arange(-PROFILE_REACH, PROFILE_REACH + 1)
    rows = [
        (site, track, int(shift), float(total / n) if n else None, int(n))
        for (site, track), totals in sums.items()
        for shift, total, n in zip(shifts, totals, counts[site], strict=True)
    ]
    schema = {"site": pl.String, "track": pl.String, "shift": pl.Int64, "mean": pl.Float64, "n": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def length_histogram(introns: pl.DataFrame, exons: pl.DataFrame) -> pl.DataFrame:
    """Different introns and exons of the annotation per length bin: feature, low, high, count; gaps left out.

    Args:
        introns: INTRONS of one or more chromosomes.
        exons: EXONS of the same ones.
    """
    place = ["chrom", "strand", "start", "end"]
    spans = {"intron": introns.filter(~pl.col("is_gap")).select(place), "exon": exons.select(place)}
    frames = []
    for feature, span in spans.items():
        lengths = span.unique().select(pl.col("end") - pl.col("start") + 1).to_series().to_numpy()
        counts = np.histogram(lengths, LENGTH_EDGES)[0]
        bins = {"low": LENGTH_EDGES[:-1], "high": LENGTH_EDGES[1:] - 1, "count": counts}
        frames.append(pl.DataFrame(bins).select(pl.lit(feature).alias("feature"), pl.all()))
    return pl.concat(frames)


def recall_by_motif(sites: pl.DataFrame, calls: pl.DataFrame) -> pl.DataFrame:
    """Evaluated sites per kind and motif of the intron's end: kind, motif, sites, called, recall.

    Args:
        sites: SPLICE_SITES.
        calls: SPLICE_CALLS of the same chromosomes.
    """
    key = ["chrom", "gene_id", "position", "kind"]
    judged = calls.filter(pl.col("outcome").is_in(["TP", "FN"])).join(sites.select(*key, "motif"), on=key)
    counted = judged.group_by("kind", pl.col("motif").fill_null("unknown")).agg(
        sites=pl.len(), called=(pl.col("outcome") == "TP").sum()
    )
    return counted.with_columns(recall=pl.col("called") / pl.col("sites")).sort(
        "kind", "sites", "motif", descending=[True, True, False]
    )


def ranked_genes(performance: pl.DataFrame, genes: pl.DataFrame) -> pl.DataFrame:
    """Genes with enough sites, the worst first: F1 of both kinds together, then errors, then id.

    Args:
        performance: GENE_PERFORMANCE.
        genes: GENES of the same chromosomes.

    Returns:
        chrom, gene_id, gene_name, gene_type, length, n_sites, tp, fp, fn, xp, f1.
    """
    key, counts = ["chrom", "gene_id"], ["n_sites", "tp", "fp", "fn", "xp"]
    summed = performance.group_by(key).agg(pl.col(counts).sum()).filter(pl.col("n_sites") >= FEWEST_SITES)
    f1 = 2 * pl.col("tp") / (2 * pl.col("tp") + pl.col("fp") + pl.col("fn"))
    named = summed.with_columns(f1=f1).join(genes.select(*key, "gene_name", "gene_type", "length"), on=key)
    worst = named.sort("f1", pl.col("fp") + pl.col("fn"), "gene_id", descending=[False, True, False])
    return worst.select(*key, "gene_name", "gene_type", "length", *counts, "f1")
