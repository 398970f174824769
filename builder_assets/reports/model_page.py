"""The page of one base model: how right it is, where it errs, what its scores look like."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
from builder_assets.project.stored import chromosomes_of, file_of, files_of, single, stored_settings, whole
from builder_assets.reports import figures
from builder_assets.reports.gene_panel import gene_panel
from builder_assets.reports.gene_view import stored_gene, tables_of_gene
from builder_assets.reports.html_page import Panel, Section, html_page, inline_svg
from builder_assets.reports.model_numbers import FEWEST_SITES, length_histogram, ranked_genes
from builder_assets.settings import Settings
from resources.table_files import read_provenance

GENES_DRAWN = 3  # of the best ones, and of the worst
GENES_LISTED = 10
ERRORS_SAY = "Left: FN of all sites. Right: FP of all calls, XP left out."


def tables_of_model_page(settings: Settings, name: str) -> list[str]:
    """The assets that `model_page` reads, first the one that it is about."""
    genome = settings.base_models[name].genome
    own = [f"{name}/{tables.MODEL_REPORT.name}", f"{genome}/{tables.CONTIG.name}"]
    return [*own, *tables_of_gene(settings, genome, name, ())]


def model_page(settings: Settings, name: str, stale: Sequence[str] = ()) -> str:
    """HTML of a base model's page; the settings that it names are those that the stored tables were made with.

    Args:
        settings: Of the project: where the tables lie.
        name: The base model.
        stale: What is to be said of tables that are not what would be built now.

    Raises:
        NotBuiltError: a chromosome of a table is not there.
        DamagedFileError: a file is gone or not whole.
    """
    path, genome = file_of(settings, name, tables.MODEL_REPORT), settings.base_models[name].genome
    report = single(settings, name, tables.MODEL_REPORT)
    chroms = chromosomes_of(settings, name)
    performance = whole(settings, name, tables.GENE_PERFORMANCE)
    genes = whole(settings, genome, tables.GENES)
    ranked = ranked_genes(performance, genes)
    read = [files_of(settings, genome, tables.CONTIG), files_of(settings, name, tables.SPLICE_SCORES)]
    made_with = stored_settings([path, *(file for files in read for file in files.values())])
    lead = [
        *stale,
        f"On genome {genome}, {_in_words(made_with)}. Chromosomes {', '.join(chroms)}: "
        f"{performance.select('chrom', 'gene_id').n_unique():,} genes scored.",
        f"Every base counts, none is sampled. FP means not annotated, not false. {XP_SAYS} Seen and unseen: "
        "chromosomes that the base model was trained on, or not.",
        *seen_in_training(performance),
    ]
    sections = [
        Section("How right", _accuracy(report)),
        Section("Where it errs", _errors(report)),
        Section("Scores", _scores(report)),
        Section("Annotation", [_lengths(settings, genome)]),
        Section("Genes", list(_genes(settings, name, genes, ranked))),
    ]
    facts = {"base_model": name, "settings": made_with, "stale": list(stale), "versions": read_provenance(path)}
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


def _in_words(made_with: Mapping[str, Any]) -> str:
    """The settings that a person asks for first; what no footer tells is left out."""
    names = {
        "assembly": "assembly",
        "family": "family",
        "evaluation.labels": "labels",
        "evaluation.threshold": "threshold",
        "flanks": "flanks",
        "precision": "precision",
    }
    told = [f"{word} {made_with[name]}" for name, word in names.items() if name in made_with]
    error = PRECISIONS.get(str(made_with.get("precision")))
    return ", ".join(told) + (f" ({error})" if error else "")


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


def _lengths(settings: Settings, genome: str) -> Panel:
    lengths = length_histogram(whole(settings, genome, tables.INTRONS), whole(settings, genome, tables.EXONS))
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
