"""Values pooled over genes and chromosomes, each (chrom, strand, position, kind) counted once.

Where genes of one strand overlap, a base has the highest of its scores, and it is a site if it counts as one for any of
them. Average precision and top-k need, for every site, the number of non-sites that score at least as high. They are
found exactly without holding all bases, in two passes over the chromosomes:

    pass 1   annotated bases only: their scores are the thresholds           (half a million numbers per genome)
    pass 2   all other bases, sorted a block at a time, counted at or above each threshold, and forgotten

A base that is annotated but does not count (another label, a gene that was not scored) is explained: it is in neither
count. So the non-sites are the same for every choice of labels.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from builder_assets.base_model.evaluation import TANDEM_DISTANCE, rates
from builder_assets.base_model.kind_tracks import (
    KINDS,
    EvaluationError,
    evaluated_genes,
    has_neighbour,
    kind_tracks,
    scorable_bases,
)
from builder_assets.base_model.masked_sites import MaskedSites
from builder_assets.coordinates import position_of_offset
from builder_assets.sequence import ChromosomeSequence

BLOCK = 16_000_000  # non-site scores sorted at once: 64 MB
RECALL_GRID = 100  # steps of the precision-recall curve

ANNOTATED_SCHEMA = pl.Schema(
    {
        "kind": pl.String,
        "strand": pl.String,
        "position": pl.Int64,
        "score": pl.Float32,
        "is_site": pl.Boolean,
        "is_canonical": pl.Boolean,
        "is_tandem": pl.Boolean,
    }
)


@dataclass(frozen=True)
class ChromosomeScores:
    """One chromosome's tables: SPLICE_SCORES, and SPLICE_SITES and GENES of all its genes.

    Without `sequence` every base but the sites marked unscorable counts as scorable. Bases of `masked`
    (tables.MASKED_SITES) that are not annotated are no non-sites either.
    """

    chrom: str
    scores: pl.DataFrame
    sites: pl.DataFrame
    genes: pl.DataFrame
    sequence: ChromosomeSequence | None = None
    masked: pl.DataFrame | None = None


def annotated_bases(chromosome: ChromosomeScores, labels: str) -> pl.DataFrame:
    """Every scorable annotated base of the scored genes, once per strand and kind, sorted (`ANNOTATED_SCHEMA`).

    `score` is the highest over genes; `is_site` says whether it counts under `labels` for a scored gene, `is_canonical`
    whether it counts under canonical, `is_tandem` whether a gene of which it is a site has another one within 6.
    """
    evaluated = evaluated_genes(chromosome.scores, chromosome.genes)
    canonical_tracks = kind_tracks(evaluated, chromosome.sites, chromosome.sequence, "canonical")
    found = [pl.DataFrame(schema=ANNOTATED_SCHEMA)]
    for track in kind_tracks(evaluated, chromosome.sites, chromosome.sequence, labels):
        gene, canonical = track.gene, next(canonical_tracks).sites
        offsets = track.annotated[track.scorable[track.annotated]]
        own = np.isin(offsets, track.own_sites)
        rows = {
            "position": position_of_offset(offsets, gene["start"], gene["end"], gene["strand"]),
            "score": track.scores[offsets],
            "is_site": np.isin(offsets, track.sites),
            "is_canonical": np.isin(offsets, canonical),
            "is_tandem": own & has_neighbour(offsets, track.own_sites, TANDEM_DISTANCE),
        }
        table = pl.DataFrame(rows).with_columns(kind=pl.lit(track.kind), strand=pl.lit(gene["strand"]))
        found.append(table.select(ANNOTATED_SCHEMA.names()).cast(ANNOTATED_SCHEMA))
    return (
        pl.concat(found).group_by("kind", "strand", "position").agg(pl.all().max()).sort("kind", "strand", "position")
    )


def non_site_scores(chromosome: ChromosomeScores, kind: str) -> Iterator[np.ndarray]:
    """Scores (float32) of all scorable bases that no gene has as a site of `kind`, each base once, in pieces.

    One piece is a run of genes of one strand that overlap; a base that several of them score has the highest score.
    """
    evaluated = evaluated_genes(chromosome.scores, chromosome.genes).sort("strand", "start", "end", "gene_id")
    previous_end = pl.col("end").cum_max().shift(1, fill_value=0).over("strand")
    runs = evaluated.with_columns(run=(pl.col("start") > previous_end).cum_sum().over("strand"))
    column = f"{kind}_scores"
    mask = MaskedSites(chromosome.masked)
    for part in runs.partition_by("strand", "run", maintain_order=True):
        strand, first, last = part["strand"][0], int(part["start"].min()), int(part["end"].max())  # pyright: ignore
        highest = np.zeros(last - first + 1, dtype=np.float32)
        for row, (start, end) in enumerate(part.select("start", "end").iter_rows()):
            scores = part[column][row].to_numpy()
            window = highest[start - first : end - first + 1]
            np.maximum(window, scores if strand == "+" else scores[::-1], out=window)
        counted = scorable_bases(chromosome.sequence, first, last, "+").copy()
        here = (pl.col("strand") == strand) & (pl.col("kind") == kind) & pl.col("position").is_between(first, last)
        counted[chromosome.sites.filter(here)["position"].to_numpy() - first] = False
        counted[mask.positions(first, last, strand) - first] = False
        yield highest[counted]


def number_at_or_above(pieces: Iterable[np.ndarray], thresholds: np.ndarray, block: int = BLOCK) -> np.ndarray:
    """How many of all scores in `pieces` reach each of the sorted `thresholds`: int64, exact.

    At most `block` scores and the longest piece are held at a time.
    """
    total = np.zeros(len(thresholds), dtype=np.int64)
    held: list[np.ndarray] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= block:
            total += _at_or_above(np.concatenate(held), thresholds)
            held, size = [], 0
    return total + _at_or_above(np.concatenate(held), thresholds) if held else total


def count_non_sites(
    chromosomes: Iterable[ChromosomeScores], thresholds: np.ndarray, trained_on: Sequence[str], expected: Iterable[str]
) -> dict[tuple[bool, str], np.ndarray]:
    """(seen by the base model, kind) -> number of non-sites at or above each of `thresholds`; the second pass.

    Raises:
        EvaluationError: the chromosomes are not the `expected` ones of the first pass.
    """
    counts = {(seen, kind): np.zeros(len(thresholds), dtype=np.int64) for seen in (True, False) for kind in KINDS}
    again = []
    for chromosome in chromosomes:
        again.append(chromosome.chrom)
        for kind in KINDS:
            number = number_at_or_above(non_site_scores(chromosome, kind), thresholds)
            counts[chromosome.chrom in trained_on, kind] += number
    before = sorted(expected)
    if sorted(again) != before:
        raise EvaluationError(
            f"the second pass saw chromosomes {', '.join(sorted(again)) or '(none)'}, the first {', '.join(before)}. "
            "`chromosomes` must start anew whenever it is called."
        )
    return counts


def pooled_values(
    annotated: pl.DataFrame, flag: str, thresholds: np.ndarray, non_sites: np.ndarray, threshold: float
) -> dict[str, float | None]:
    """Pooled counts and rates; sites are the rows of `annotated` with `flag`, its other rows are explained.

    Args:
        annotated: Rows of `annotated_bases`, of one scope and kind.
        flag: is_site or is_canonical.
        thresholds: float32, sorted; the score of every site and `threshold` are among them.
        non_sites: Number of non-sites at or above each of them.
        threshold: Score from which a base is called.

    top_k_accuracy: the k = n_sites highest bases, share that are sites; a non-site of equal score goes first.
    """
    limit = np.float32(threshold)
    scores, is_site = annotated["score"].to_numpy(), annotated[flag].to_numpy()
    ranked = np.sort(scores[is_site])[::-1]
    tp = int((ranked >= limit).sum())
    fp = int(non_sites[np.searchsorted(thresholds, limit)])
    tandem = scores[is_site & annotated["is_tandem"].to_numpy()]
    beyond = non_sites[np.searchsorted(thresholds, ranked)]
    precision = _precision_at_sites(ranked, beyond)
    in_top = np.arange(1, len(ranked) + 1) + beyond <= len(ranked)
    return {
        "n_sites": len(ranked),
        **{"tp": tp, "fp": fp, "fn": len(ranked) - tp, "xp": int((scores[~is_site] >= limit).sum())},
        **rates(tp, fp, len(ranked) - tp),
        "average_precision": float(precision.mean()) if len(ranked) else None,
        "top_k_accuracy": float(in_top.mean()) if len(ranked) else None,
        "n_tandem_sites": len(tandem),
        "tandem_recall": float((tandem >= limit).mean()) if len(tandem) else None,
    }


def precision_recall_curve(
    annotated: pl.DataFrame, flag: str, thresholds: np.ndarray, non_sites: np.ndarray
) -> list[tuple[float, float | None]]:
    """(recall, precision) for recall 0.00, 0.01, .. 1.00; arguments as in `pooled_values`.

    The precision is that of the highest threshold whose recall is at least the given one; null without sites.
    """
    ranked = np.sort(annotated.filter(pl.col(flag))["score"].to_numpy())[::-1]
    precision = _precision_at_sites(ranked, non_sites[np.searchsorted(thresholds, ranked)])
    # Whole-number arithmetic: the fewest sites that make up a recall of step / 100.
    needed = [max(1, -(-step * len(ranked) // RECALL_GRID)) for step in range(RECALL_GRID + 1)]
    values = [float(precision[n - 1]) if len(ranked) else None for n in needed]
    return [(step / RECALL_GRID, value) for step, value in enumerate(values)]


def _precision_at_sites(ranked: np.ndarray, non_sites: np.ndarray) -> np.ndarray:
    """Precision at the score of each site, highest first; sites of equal score are all counted in."""
    sites = len(ranked) - np.searchsorted(ranked[::-1], ranked, side="left")
    return sites / (sites + non_sites)


def _at_or_above(scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    return len(scores) - np.searchsorted(np.sort(scores), thresholds, side="left")
