"""The page of one dataset: what it holds, how its negatives were drawn, and what its features look like."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from builder_assets import tables
from builder_assets.dataset.card.plots import p_site_figure, rows_figure
from builder_assets.dataset.card.text import in_sample_warning
from builder_assets.dataset.columns import training_examples_contract
from builder_assets.project.stored import NotBuiltError, chromosomes_of, file_of, files_of, single, whole
from builder_assets.reports import figures
from builder_assets.reports.dataset_numbers import (
    balance_of_splits,
    clustered_order,
    correlations,
    label_distances,
    label_histograms,
    numeric_features,
    sampled_rows,
    with_copies,
)
from builder_assets.reports.gene_panel import gene_panel
from builder_assets.reports.gene_view import stored_gene, tables_of_gene
from builder_assets.reports.html_page import Panel, Section, html_page, inline_svg
from builder_assets.settings import Settings
from builder_assets.tables.dataset import TIERS
from resources.table_contract import Column
from resources.table_files import read_provenance, scan

FEATURES_DRAWN, CORRELATIONS_DRAWN = 20, 30
GENES_DRAWN = 3
GENES_LISTED = 10
CORRELATION_DIGITS = 4  # of the download


def tables_of_dataset_page(settings: Settings, name: str) -> list[str]:
    """The assets that `dataset_page` reads, first the one that it is about."""
    model = settings.datasets[name].base_model
    own = [f"{name}/{table.name}" for table in (tables.DATASET_CARD, tables.GENE_MANIFEST, tables.EXAMPLE_POOLS)]
    return [*own, *tables_of_gene(settings, settings.base_models[model].genome, model, [name])]


def dataset_page(settings: Settings, name: str, stale: Sequence[str] = ()) -> str:
    """HTML of a dataset's page; the settings that it names are those of its card, not those of `builder.yaml`.

    Args:
        settings: Of the project: where the tables lie.
        name: The dataset.
        stale: What is to be said of tables that are not what would be built now.

    Raises:
        NotBuiltError: a chromosome of a table is not there, or its rows are not those that the card tells of.
        DamagedFileError: a file is gone or not whole.
    """
    card = json.loads(single(settings, name, tables.DATASET_CARD)["json"].item())
    manifest = single(settings, name, tables.GENE_MANIFEST)
    counts = card["counts"]
    lead = [
        *stale,
        f"{counts['rows']:,} rows from {counts['genes']:,} genes, on base model "
        f"{card['config']['dataset']['base_model']}. One row is one base of one gene: a splice site, or a sampled "
        "negative that stands for as many bases as its sample_weight.",
        in_sample_warning(card["in_sample"]).replace("> **Warning.** ", "Warning: ").replace("`", ""),
        card["licence"]["text"],
    ]
    sections = [
        Section("Rows", _rows(card, balance_of_splits(manifest, chromosomes_of(settings, name)))),
        Section("Negatives", _negatives(card, whole(settings, name, tables.EXAMPLE_POOLS))),
        Section("Features", list(_features(settings, name, card))),
        Section("Genes", list(_genes(settings, name, manifest))),
    ]
    versions = read_provenance(file_of(settings, name, tables.DATASET_CARD))
    facts = {"dataset": name, "card": card, "stale": list(stale), "versions": versions}
    return html_page(name, [text for text in lead if text], sections, facts)


def _rows(card: Mapping[str, Any], balance: pl.DataFrame) -> list[Panel]:
    counts = card["counts"]
    tiers = pl.DataFrame([{"split": split, **row} for split, row in counts["rows_by_split_and_tier"].items()])
    sides = {side: colour for side, colour in figures.SPLIT_COLOURS.items() if side in balance.columns}
    types = _crossed("gene type", counts["rows_by_gene_type_and_label"])
    return [
        Panel(
            "Rows by split",
            "Sites, and negatives by tier.",
            tiers,
            inline_svg("rows", lambda: rows_figure(counts["rows_by_split_and_tier"])),
        ),
        Panel(
            "Rows by chromosome and split",
            "Genes of one unit never stand on two sides.",
            balance,
            inline_svg("balance", lambda: figures.stacked_figure(balance, "chromosome", sides, "rows")),
        ),
        Panel("Rows by gene type", "", types),
        Panel("Genes by split", "", _crossed("split", {s: {"genes": n} for s, n in counts["genes_by_split"].items()})),
    ]


def _crossed(label: str, counts: Mapping[str, Mapping[str, int]]) -> pl.DataFrame:
    return pl.DataFrame([{label: key, **row} for key, row in counts.items()])


def _negatives(card: Mapping[str, Any], pools: pl.DataFrame) -> list[Panel]:
    sums = {word: [int(pools[f"{word}_{tier}"].sum()) for tier in TIERS] for word in ("pool", "drawn")}
    bins = pl.DataFrame(card["score_bins"], infer_schema_length=None)
    return [
        Panel(
            "P(site) by score",
            "Weighted rows must follow the bases of the genes; where rows without weights are far above, a model "
            "trained without sample_weight trusts scores too much.",
            bins,
            inline_svg("p-site", lambda: p_site_figure(card["score_bins"])),
        ),
        Panel(
            "Negatives by tier",
            "Bases that each tier had to offer, and those drawn.",
            pl.DataFrame({"tier": list(TIERS), "eligible": sums["pool"], "drawn": sums["drawn"]}),
            inline_svg("tiers", lambda: figures.tier_figure(TIERS, sums["drawn"], sums["pool"])),
        ),
        Panel(
            "Weights", "Effective rows = (sum of weights)^2 / sum of squared weights.", pl.DataFrame(card["weights"])
        ),
    ]


def _features(settings: Settings, name: str, card: Mapping[str, Any]) -> Iterator[Panel]:
    files = files_of(settings, name, training_examples_contract(settings.datasets[name].features))
    columns, n_rows = [Column.model_validate(column) for column in card["columns"]], card["counts"]["rows"]
    told = [column.name for column in columns]
    if other := [chrom for chrom, path in files.items() if scan(path).collect_schema().names() != told]:
        raise NotBuiltError(
            f"{name}/training_examples: {len(other)} of {len(files)} chromosomes ({', '.join(other)}) have other "
            "columns than the card tells of. `builder build` makes all of them alike."
        )
    features = numeric_features(columns, card["config"]["dataset"]["kmers"])
    values = sampled_rows(list(files.values()), [*features, "splice_type"])
    rows = f"A sample of {values.height:,} of {n_rows:,} rows" if values.height < n_rows else f"All {n_rows:,} rows"
    sample = f"{rows}, unweighted; k-mer columns left out."
    kept, matrix = correlations(values, features)
    distances = with_copies(label_distances(values, features), values)
    telling = distances.filter(pl.col("copy_of").is_null())["feature"].to_list()
    chosen = "that differ most between sites and negatives (Kolmogorov-Smirnov), one of each set of near copies"
    histograms = label_histograms(values, telling[:FEATURES_DRAWN])
    yield Panel(
        "Distributions by label",
        f"Share of the label's rows over the value; the features {chosen}. Where values crowd, the axis is "
        f"logarithmic away from 0. {sample}",
        histograms,
        inline_svg("distributions", lambda: figures.distribution_figure(histograms)),
        {"distances of all features": distances},
    )
    drawn = [kept.index(name) for name in telling[:CORRELATIONS_DRAWN] if name in kept]
    drawn = [drawn[place] for place in clustered_order(matrix[np.ix_(drawn, drawn)])]
    yield Panel(
        "Correlation of features",
        f"Pearson's, nulls as the mean; the features {chosen}, those that correlate side by side. The CSV has all. "
        f"{sample}",
        pl.DataFrame(
            {"feature": kept, **{name: matrix[:, column].round(CORRELATION_DIGITS) for column, name in enumerate(kept)}}
        ),
        inline_svg(
            "correlation",
            lambda: figures.correlation_figure([kept[place] for place in drawn], matrix[np.ix_(drawn, drawn)]),
        ),
    )


def _genes(settings: Settings, name: str, manifest: pl.DataFrame) -> Iterator[Panel]:
    """The genes with the most errors, and the longest one without any; the first few with their examples."""
    errors = pl.col("fp") + pl.col("fn")
    columns = ["chrom", "gene_id", "gene_name", "gene_type", "split", "total_splice_sites", "tp", "fp", "fn", "n_rows"]
    ranked = manifest.sort(errors, "gene_id", descending=[True, False])
    yield Panel("Genes with the most errors", "FP and FN of the base model, both kinds.",
                ranked.select(columns).head(GENES_LISTED))  # fmt: skip
    clean = manifest.filter(errors == 0, pl.col("tp") > 0).sort("tp", "gene_id", descending=[True, False])
    shown = pl.concat([ranked.head(GENES_DRAWN), clean.head(1)]).unique(["chrom", "gene_id"], maintain_order=True)
    base_model = settings.datasets[name].base_model
    genome = settings.base_models[base_model].genome
    genes = whole(settings, genome, tables.GENES)
    for chrom, gene_id, fp, fn in shown.select("chrom", "gene_id", "fp", "fn").iter_rows():
        rows = genes.filter(pl.col("chrom") == chrom, pl.col("gene_id") == gene_id)
        for gene in rows.iter_rows(named=True):  # none where the annotation is a later one than the dataset
            view = stored_gene(settings, genome, base_model, gene)
            yield gene_panel(f"{gene['gene_name'] or gene_id}: {fp} FP, {fn} FN", view, name)
