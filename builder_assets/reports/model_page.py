"""The page of one base model: how right it is, where it errs, what its scores look like."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from builder_assets import tables
from builder_assets.base_model.model_report import STRAND_NAMES
from builder_assets.base_model.precisions import PRECISIONS
from builder_assets.dataset.base_model_text import gene_mean_table, gene_type_table, pooled_table
from builder_assets.dataset.card_plots import curves_of_report, precision_recall_plot
from builder_assets.reports import figures
from builder_assets.reports.gene_picture import gene_figure
from builder_assets.reports.gene_view import sites_and_calls, stored_gene
from builder_assets.reports.html_page import Panel, Section, html_page, inline_svg
from builder_assets.reports.model_numbers import (
    FEWEST_SITES,
    ScoredChromosome,
    length_histogram,
    ranked_genes,
    recall_by_motif,
    score_shape,
)
from builder_assets.reports.stored import NotBuiltError, parts, versions_of, whole
from builder_assets.settings import Settings
from resources.table_files import scan

GENES_DRAWN = 3  # of the best ones, and of the worst
GENES_LISTED = 10
ERROR_COLOURS = {"tp": "#4477aa", "fn": "#ccbb44", "fp": "#ee6677"}


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
        "Every base counts, none is sampled. FP means not annotated, not false; XP, a call that is another gene's "
        "site, is neither right nor wrong. Seen and unseen: chromosomes that the base model was trained on, or not.",
    ]
    sections = [
        Section("How right", _accuracy(report)),
        Section("Where it errs", _errors(name, report, settings, chroms)),
        Section("Scores", _scores(name, data, genome, chroms)),
        Section("Annotation", [_lengths(genome, chroms)]),
        Section("Genes", list(_genes(settings, name, genes, ranked))),
    ]
    facts = {"base_model": name, "settings": model.model_dump(), "versions": versions_of(path)}
    return html_page(name, lead, sections, facts)


def _accuracy(report: pl.DataFrame) -> list[Panel]:
    curve = report.filter(pl.col("metric") == "pr_curve", pl.col("scope") == "all").drop("scope", "metric")
    return [
        Panel(
            "Precision over recall",
            "Over all chromosomes, each base once.",
            curve.rename({"x": "recall", "value": "precision"}),
            inline_svg("precision-recall", lambda: precision_recall_plot(curves_of_report(report))),
        ),
        Panel("Pooled", "Each base once, over all genes.", pooled_table(report)),
        Panel("Means over genes", "Each gene once.", gene_mean_table(report)),
    ]


def _errors(name: str, report: pl.DataFrame, settings: Settings, chroms: list[str]) -> list[Panel]:
    data = settings.data_path
    by_type = gene_type_table(report)
    sites = whole(data / settings.base_models[name].genome, tables.SPLICE_SITES, chroms)
    motifs = recall_by_motif(sites, whole(data / name, tables.SPLICE_CALLS))
    shifts = _shifts(report)
    return [
        Panel(
            "Errors by gene type",
            "Both kinds, sums over genes.",
            by_type,
            inline_svg(
                "gene-type", lambda: figures.stacked_figure(by_type, "gene type", ERROR_COLOURS, "sites and calls")
            ),
        ),
        Panel("Recall by motif", "Intron dinucleotide at the site; evaluated sites.", motifs),
        Panel(
            "Shift of peaks",
            "Sites with a peak within 5 bases. On a right build nearly all lie at 0.",
            shifts,
            inline_svg("shift", lambda: figures.shift_figure(shifts)),
        ),
    ]


def _shifts(report: pl.DataFrame) -> pl.DataFrame:
    strands = {f"n_peaks_{word}": sign for sign, word in STRAND_NAMES.items()}
    rows = report.filter(pl.col("metric").is_in(list(strands))).sort(
        "kind", "metric", "x", descending=[True, True, False]
    )
    series = pl.format("{} {}", "kind", pl.col("metric").replace_strict(strands))
    return rows.select(series=series, shift=pl.col("x").cast(pl.Int64), count=pl.col("value").cast(pl.Int64))


def _scores(name: str, data: Path, genome: Path, chroms: list[str]) -> list[Panel]:
    def chromosomes() -> Iterator[ScoredChromosome]:
        for chrom in chroms:
            yield ScoredChromosome(whole(data / name, tables.SPLICE_SCORES, [chrom]),
                                   whole(genome, tables.SPLICE_SITES, [chrom]))  # fmt: skip

    shape = score_shape(chromosomes())
    return [
        Panel(
            "Scores of sites and of other bases",
            "All bases of all scored genes. Where the two overlap, a score alone does not tell a site.",
            shape.histogram,
            inline_svg("histogram", lambda: figures.score_histogram_figure(shape.histogram)),
        ),
        Panel(
            "Scores around sites",
            "Mean over annotated sites; a peak beside 0 would mean shifted coordinates.",
            shape.profile,
            inline_svg("profile", lambda: figures.profile_figure(shape.profile)),
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
            yield Panel(
                f"{gene['gene_name'] or gene_id}, among the {word}: F1 {f1:.3f}",
                "",
                sites_and_calls(view),
                inline_svg(f"{chrom}-{gene_id}", lambda view=view: gene_figure(view)),
            )
