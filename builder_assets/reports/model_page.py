"""The page of one base model: how right it is, where it errs, what its scores look like."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from builder_assets import tables
from builder_assets.base_model.precisions import PRECISIONS
from builder_assets.base_model.report_figures import (
    precision_recall_figure,
    score_histogram_figure,
    score_profile_figure,
)
from builder_assets.base_model.report_tables import (
    POOLED_SAYS,
    XP_SAYS,
    gene_mean_table,
    gene_type_table,
    motif_table,
    peak_shifts,
    pooled_table,
    precision_recall,
    score_histogram,
    score_profile,
)
from builder_assets.reports import figures
from builder_assets.reports.gene_panel import gene_panel
from builder_assets.reports.gene_view import stored_gene
from builder_assets.reports.html_page import Panel, Section, html_page, inline_svg
from builder_assets.reports.model_numbers import FEWEST_SITES, length_histogram, ranked_genes
from builder_assets.reports.stored import NotBuiltError, parts, versions_of, whole
from builder_assets.settings import Settings
from resources.table_files import scan

GENES_DRAWN = 3  # of the best ones, and of the worst
GENES_LISTED = 10
ERRORS_SAY = "Left: FN of all sites. Right: FP of all calls, XP left out."


def model_page(settings: Settings, name: str) -> str:
    """HTML of a base model's page.

    Raises:
        NotBuiltError: it is not built.
    """
    data, model = settings.data_path, settings.base_models[name]
    path = data / name / f"{tables.MODEL_REPORT.name}.parquet"
    if not path.is_file():
        raise NotBuiltError(f"base model {name!r} has no report yet. `builder build` makes it.")
    report = scan(path).collect()
    genome = data / model.genome
    chroms = [part.stem for part in parts(data / name, tables.SPLICE_SCORES)]
    performance = whole(data / name, tables.GENE_PERFORMANCE)
    genes = whole(genome, tables.GENES, chroms)
    ranked = ranked_genes(performance, genes)
    lead = [
        f"{model.family} on genome {model.genome} ({settings.genomes[model.genome].assembly}), labels {model.labels}, "
        f"threshold {model.threshold}, flanks {model.flanks}, precision {model.precision} "
        f"({PRECISIONS[model.precision]}). Chromosomes {', '.join(chroms)}: "
        f"{performance.select('chrom', 'gene_id').n_unique():,} genes scored.",
        f"Every base counts, none is sampled. FP means not annotated, not false. {XP_SAYS} Seen and unseen: "
        "chromosomes that the base model was trained on, or not.",
        *seen_in_training(performance),
    ]
    sections = [
        Section("How right", _accuracy(report)),
        Section("Where it errs", _errors(report)),
        Section("Scores", _scores(report)),
        Section("Annotation", [_lengths(genome, chroms)]),
        Section("Genes", list(_genes(settings, name, genes, ranked))),
    ]
    facts = {"base_model": name, "settings": model.model_dump(), "versions": versions_of(path)}
    return html_page(name, lead, sections, facts)


def seen_in_training(performance: pl.DataFrame) -> list[str]:
    """A sentence where genes lie on chromosomes of the model's training, else nothing."""
    genes = performance.select("chrom", "gene_id", "base_model_seen").unique()
    seen = int(genes["base_model_seen"].sum())
    if not seen:
        return []
    which, where_not = ("All", "") if seen == genes.height else (f"{seen:,} of", " Rows `unseen` leave them out.")
    return [
        f"{which} {genes.height:,} genes lie on chromosomes that the base model was trained on: numbers over all "
        f"chromosomes flatter it.{where_not}"
    ]


def _accuracy(report: pl.DataFrame) -> list[Panel]:
    curves = precision_recall(report)
    return [
        Panel(
            "Precision over recall",
            "Over all chromosomes, each base once.",
            curves,
            inline_svg("precision-recall", lambda: precision_recall_figure(curves)),
        ),
        Panel("Pooled", f"Each base once, over all genes. {POOLED_SAYS}", pooled_table(report)),
        Panel("Means over genes", "Each gene once.", gene_mean_table(report)),
    ]


def _errors(report: pl.DataFrame) -> list[Panel]:
    by_type, by_motif, shifts = gene_type_table(report), motif_table(report), peak_shifts(report)
    types = by_type["gene type"].to_list()
    motifs = by_motif.select(pl.format("{} {}", "kind", "motif")).to_series().to_list()
    return [
        Panel(
            "Errors by gene type",
            f"Both kinds, sums over genes. {ERRORS_SAY}",
            by_type,
            inline_svg("gene-type", lambda: figures.error_figure(types, by_type)),
        ),
        Panel(
            "Errors by motif",
            f"Intron dinucleotide at the missed or called base, sums over genes. {ERRORS_SAY}",
            by_motif,
            inline_svg("motif", lambda: figures.error_figure(motifs, by_motif)),
        ),
        Panel(
            "Shift of peaks",
            "Sites with a peak within 5 bases. On a right build nearly all lie at 0.",
            shifts,
            inline_svg("shift", lambda: figures.shift_figure(shifts)),
        ),
    ]


def _scores(report: pl.DataFrame) -> list[Panel]:
    histogram, profile = score_histogram(report), score_profile(report)
    return [
        Panel(
            "Scores of sites and of other bases",
            "All bases of all scored genes. Where the two overlap, a score alone does not tell a site.",
            histogram,
            inline_svg("histogram", lambda: score_histogram_figure(histogram)),
        ),
        Panel(
            "Scores around sites",
            "Mean over annotated sites; a peak beside 0 would mean shifted coordinates.",
            profile,
            inline_svg("profile", lambda: score_profile_figure(profile)),
        ),
    ]


def _lengths(genome: Path, chroms: list[str]) -> Panel:
    lengths = length_histogram(whole(genome, tables.INTRONS, chroms), whole(genome, tables.EXONS, chroms))
    return Panel(
        "Introns and exons",
        "Different ones of all transcripts on these chromosomes, alignment gaps left out.",
        lengths,
        inline_svg("lengths", lambda: figures.length_figure(lengths)),
    )


def _genes(settings: Settings, name: str, genes: pl.DataFrame, ranked: pl.DataFrame) -> Iterator[Panel]:
    listed = f"F1 of both kinds; genes of at least {FEWEST_SITES} sites."
    best = ranked.reverse()
    yield Panel("Worst genes", listed, ranked.head(GENES_LISTED))
    yield Panel("Best genes", listed, best.head(GENES_LISTED))
    drawn = {
        "worst": ranked.head(GENES_DRAWN),
        "best": best.head(max(0, ranked.height - GENES_DRAWN)).head(GENES_DRAWN),
    }
    for word, shown in drawn.items():
        for chrom, gene_id, f1 in shown.select("chrom", "gene_id", "f1").iter_rows():
            gene = genes.row(by_predicate=(pl.col("chrom") == chrom) & (pl.col("gene_id") == gene_id), named=True)
            view = stored_gene(settings, settings.base_models[name].genome, name, gene)
            yield gene_panel(f"{gene['gene_name'] or gene_id}, among the {word}: F1 {f1:.3f}", view)
