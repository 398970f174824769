"""The report on a base model: pooled values, curves, gene means and errors by gene type (tables.MODEL_REPORT).

    scope      all, seen and unseen (chromosomes that the base model was, was not trained on), gene_type=..., motif=...
    labels     the labels of the settings, and canonical
    metric     pooled, each base once: n_sites tp fp fn xp precision recall f1 average_precision top_k_accuracy
               n_tandem_sites tandem_recall; curve pr_curve (x = recall)
               over genes: n_genes, mean_precision .. mean_top_k_accuracy (genes where they are defined)
               alignment: n_peaks_plus, n_peaks_minus (x = shift)
               scores: n_site_scores, n_other_scores (x = lower edge), mean_donor_score, mean_acceptor_score (x = shift)

Scopes by gene type and by motif, and what scores look like, are sums over genes, so a base that overlapping genes share
counts for each of them. The motif is the dinucleotide at the called or missed base (`motif_errors`).
Kind `both` pools the bases of both kinds; its gene means are over donor and acceptor rows alike.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from builder_assets import tables
from builder_assets.base_model.evaluation import (
    EvaluationError,
    check_alignment,
    empty_histogram,
    evaluate,
    rates,
    shift_histogram,
)
from builder_assets.base_model.kind_tracks import KINDS
from builder_assets.base_model.motif_errors import MOTIF_SCHEMA, motif_values, outcomes_by_motif
from builder_assets.base_model.pooled_evaluation import (
    ANNOTATED_SCHEMA,
    ChromosomeScores,
    annotated_bases,
    count_non_sites,
    pooled_values,
    precision_recall_curve,
)
from builder_assets.base_model.score_shape import ScoreShape, score_shape, shape_values, summed_shape
from builder_assets.settings import EvaluationSettings

SCOPES = {"all": (True, False), "seen": (True,), "unseen": (False,)}
KIND_GROUPS = {"donor": ("donor",), "acceptor": ("acceptor",), "both": KINDS}
COUNTS = ("n_sites", "tp", "fp", "fn", "xp")
GENE_MEANS = ("precision", "recall", "f1", "average_precision", "top_k_accuracy")
STRAND_NAMES = {"+": "plus", "-": "minus"}

Row = tuple[str, str, str, str, float, float | None]


@dataclass(frozen=True)
class FirstPass:
    """What is kept of every chromosome: its annotated bases, performance on canonical sites, and what is counted."""

    chroms: list[str]
    annotated: pl.DataFrame
    canonical_performance: pl.DataFrame
    histogram: pl.DataFrame  # shifts of peaks
    motifs: pl.DataFrame
    shape: ScoreShape


def model_report(
    chromosomes: Callable[[], Iterable[ChromosomeScores]],
    performance: pl.DataFrame,
    calls: pl.DataFrame,
    settings: EvaluationSettings,
    trained_on: Sequence[str],
) -> pl.DataFrame:
    """The report on all chromosomes together (tables.MODEL_REPORT).

    Args:
        chromosomes: Gives the chromosomes anew at each call, one at a time; it is called twice.
        performance: tables.GENE_PERFORMANCE of all of them.
        calls: tables.SPLICE_CALLS of all of them.
        settings: Labels and threshold, those that `performance` and `calls` were made with.
        trained_on: Chromosomes that the base model was trained on.

    Raises:
        AlignmentError: pooled over chromosomes, scores do not peak on the sites.
        EvaluationError: a chromosome comes twice, or not in both passes; performance or calls are of other genes or
            other scores.
    """
    first = _first_pass(chromosomes(), calls, settings, trained_on)
    check_alignment(first.histogram)
    _check_inputs(first, performance, calls, settings)
    counted = first.annotated.filter(pl.col("is_site") | pl.col("is_canonical"))["score"].to_numpy()
    thresholds = np.unique(np.append(counted, np.float32(settings.threshold)))
    non_sites = count_non_sites(chromosomes(), thresholds, trained_on, first.chroms)
    performances = {"canonical": first.canonical_performance, settings.labels: performance}
    rows = [
        *_pooled_rows(first.annotated, thresholds, non_sites, settings),
        *_gene_mean_rows(performances),
        *_gene_type_rows(performance, settings.labels),
        *_motif_rows(first.motifs, settings.labels),
        *_histogram_rows(first.histogram, settings.labels),
        *(("all", settings.labels, *value) for value in shape_values(first.shape)),
    ]
    return tables.MODEL_REPORT.conform(pl.DataFrame(rows, schema=tables.MODEL_REPORT.polars_schema(), orient="row"))


def _first_pass(
    chromosomes: Iterable[ChromosomeScores],
    calls: pl.DataFrame,
    settings: EvaluationSettings,
    trained_on: Sequence[str],
) -> FirstPass:
    canonical = EvaluationSettings(labels="canonical", threshold=settings.threshold)
    schema = {"chrom": pl.String, "is_seen": pl.Boolean, **ANNOTATED_SCHEMA}
    chroms: list[str] = []
    annotated, performance, histograms = [pl.DataFrame(schema=schema)], [tables.GENE_PERFORMANCE.empty()], []
    motifs, shapes = [pl.DataFrame(schema=MOTIF_SCHEMA)], []
    for chromosome in chromosomes:
        chrom, parts = chromosome.chrom, (chromosome.scores, chromosome.sites, chromosome.genes)
        if chrom in chroms:
            raise EvaluationError(f"chromosome {chrom} comes twice in one pass; each one must come once.")
        chroms.append(chrom)
        bases = annotated_bases(chromosome, settings.labels)
        bases = bases.with_columns(chrom=pl.lit(chrom), is_seen=pl.lit(chrom in trained_on))
        annotated.append(bases.select(list(schema)))
        performance.append(evaluate(*parts, chromosome.sequence, canonical, trained_on, chromosome.masked).performance)
        histograms.append(shift_histogram(*parts, settings))
        motifs.append(outcomes_by_motif(calls.filter(pl.col("chrom") == chrom), chromosome.sequence))
        shapes.append(score_shape(chromosome, settings.labels))
    summed = pl.concat([empty_histogram(), *histograms]).group_by("strand", "kind", "shift").agg(pl.col("n").sum())
    return FirstPass(
        chroms,
        pl.concat(annotated),
        pl.concat(performance),
        summed.sort("strand", "kind", "shift"),
        pl.concat(motifs),
        summed_shape(shapes),
    )


def _check_inputs(
    first: FirstPass, performance: pl.DataFrame, calls: pl.DataFrame, settings: EvaluationSettings
) -> None:
    """Raise unless performance and calls are of the same genes and scores."""
    key = ["chrom", "gene_id", "kind"]
    missing = first.canonical_performance.join(performance, on=key, how="anti").height
    surplus = performance.join(first.canonical_performance, on=key, how="anti").height
    if missing or surplus:
        raise EvaluationError(
            f"gene_performance lacks {missing} rows of genes that are scored and has {surplus} of genes that are not. "
            "Evaluate the chromosomes again."
        )
    # A site that one gene misses and another one calls (as explained) counts as called: it has the higher score.
    site_calls = calls.group_by("chrom", "strand", "position", "kind").agg(
        is_site=pl.col("outcome").is_in(["TP", "FN"]).any(), is_called=pl.col("outcome").is_in(["TP", "XP"]).any()
    )
    by_calls = site_calls.filter("is_site").select(pl.len(), pl.col("is_called").sum()).row(0)
    sites = first.annotated.filter("is_site")["score"].to_numpy()
    by_scores = (len(sites), int((sites >= np.float32(settings.threshold)).sum()))
    if by_calls != by_scores:
        raise EvaluationError(
            f"splice_calls has {by_calls[0]} sites, {by_calls[1]} of them called; splice_scores at threshold "
            f"{settings.threshold} has {by_scores[0]}, {by_scores[1]} of them called. Evaluate the chromosomes again."
        )


def _pooled_rows(
    annotated: pl.DataFrame,
    thresholds: np.ndarray,
    non_sites: dict[tuple[bool, str], np.ndarray],
    settings: EvaluationSettings,
) -> Iterable[Row]:
    """Pooled values and curves of every scope, labels and kind."""
    for scope, seen in SCOPES.items():
        for group, kinds in KIND_GROUPS.items():
            bases = annotated.filter(pl.col("is_seen").is_in(seen) & pl.col("kind").is_in(kinds))
            others = np.sum([non_sites[flag, kind] for flag in seen for kind in kinds], axis=0)
            for labels, flag in {"canonical": "is_canonical", settings.labels: "is_site"}.items():
                values = pooled_values(bases, flag, thresholds, others, settings.threshold)
                yield from ((scope, labels, group, metric, 0.0, value) for metric, value in values.items())
                curve = precision_recall_curve(bases, flag, thresholds, others)
                yield from ((scope, labels, group, "pr_curve", recall, value) for recall, value in curve)


def _gene_mean_rows(performances: dict[str, pl.DataFrame]) -> Iterable[Row]:
    for labels, performance in performances.items():
        for scope, seen in SCOPES.items():
            for group, kinds in KIND_GROUPS.items():
                rows = performance.filter(pl.col("base_model_seen").is_in(seen) & pl.col("kind").is_in(kinds))
                yield from ((scope, labels, group, metric, 0.0, value) for metric, value in _means(rows).items())


def _gene_type_rows(performance: pl.DataFrame, labels: str) -> Iterable[Row]:
    typed = performance.with_columns(pl.col("gene_type").fill_null("unknown"))
    for (gene_type,), genes in typed.sort("gene_type").group_by("gene_type", maintain_order=True):
        for group, kinds in KIND_GROUPS.items():
            rows = genes.filter(pl.col("kind").is_in(kinds))
            counts = {name: int(rows[name].sum()) for name in COUNTS}
            values = {**counts, **rates(counts["tp"], counts["fp"], counts["fn"]), **_means(rows)}
            yield from (
                (f"gene_type={gene_type}", labels, group, metric, 0.0, value) for metric, value in values.items()
            )


def _motif_rows(motifs: pl.DataFrame, labels: str) -> Iterable[Row]:
    for kind, motif, numbers in motif_values(motifs):
        tp, fp, fn, xp = (numbers[outcome] for outcome in ("TP", "FP", "FN", "XP"))
        values = {**dict(zip(COUNTS, (tp + fn, tp, fp, fn, xp), strict=True)), **rates(tp, fp, fn)}
        yield from ((f"motif={motif}", labels, kind, metric, 0.0, value) for metric, value in values.items())


def _means(rows: pl.DataFrame) -> dict[str, float | None]:
    """Number of genes, and means over the rows where a value is defined; null where it is nowhere."""
    means = rows.select(pl.col(GENE_MEANS).mean()).row(0, named=True)
    return {
        "n_genes": rows.select("chrom", "gene_id").n_unique(),
        **{f"mean_{name}": value for name, value in means.items()},
    }


def _histogram_rows(histogram: pl.DataFrame, labels: str) -> Iterable[Row]:
    for strand, kind, shift, n in histogram.select("strand", "kind", "shift", "n").iter_rows():
        yield ("all", labels, kind, f"n_peaks_{STRAND_NAMES[strand]}", float(shift), float(n))
