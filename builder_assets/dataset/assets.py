"""Assets of one dataset: the choice of genes and the manifest of them; examples, card and baseline stand next door."""

from typing import Any

import dagster as dg
import polars as pl
from pydantic import BaseModel

from builder_assets import tables
from builder_assets.asset_shell import MANIFEST, Report, table_asset
from builder_assets.base_model.assets import gene_request, list_files
from builder_assets.dataset.card.assets import CARD_FILES, CardRule, dataset_card_asset
from builder_assets.dataset.checks import dataset_checks
from builder_assets.dataset.example_assets import ExampleRule, conservation_track_asset, training_examples_step
from builder_assets.dataset.gene_manifest import gene_manifest
from builder_assets.dataset.meta_model.assets import BASELINE, BASELINE_FILES, meta_model_baseline_asset
from builder_assets.dataset.split_table import user_sides
from builder_assets.dataset.splits import assign_splits, dataset_genes
from builder_assets.manifest import registered_files
from builder_assets.settings import GeneChoice, Settings, SplitSettings
from resources.gene_tables import read_gene_table

MANIFEST_FILES = {"gene_manifest.csv": "*"}  # beside the table: all its rows as CSV
COMPANION_NAMES = {
    tables.GENE_MANIFEST.name: tuple(MANIFEST_FILES),
    tables.DATASET_CARD.name: tuple(CARD_FILES),
    BASELINE: tuple(BASELINE_FILES),
}


class SelectionRule(BaseModel, frozen=True):
    """What gene_selection reads of the settings, but the paths of list files."""

    genes: GeneChoice
    splits: SplitSettings
    trained_on: tuple[str, ...]


def dataset_assets(name: str, settings: Settings) -> tuple[list[dg.AssetsDefinition], list[dg.AssetChecksDefinition]]:
    """All assets of one dataset."""
    dataset = settings.datasets[name]
    model = settings.base_models[dataset.base_model]
    genome = settings.genomes[model.genome]
    chromosomes = dg.StaticPartitionsDefinition(list(genome.chromosomes))
    rule = ExampleRule(examples=dataset.examples, evaluation=model.evaluation)
    track = settings.path(dataset.conservation) if dataset.conservation else None
    card_rule = CardRule(network=model.network, dataset=dataset.versioned, evaluation=model.evaluation)
    assets = [
        _gene_selection(name, model.genome, settings),
        _selected_genes(name, chromosomes),
        *([conservation_track_asset(name, track, chromosomes)] if track else []),
        training_examples_step(name, dataset.base_model, model.genome, genome.assembly, rule, chromosomes, track),
        _gene_manifest(name, dataset.base_model, model.genome),
        dataset_card_asset(name, dataset.base_model, model.genome, card_rule),
    ]
    if dataset.baseline:
        assets.append(meta_model_baseline_asset(name, dataset.base_model, model.genome, genome.assembly, rule, track))
    return assets, dataset_checks(name, dataset.examples.features)


def _gene_selection(name: str, genome: str, settings: Settings) -> dg.AssetsDefinition:
    dataset = settings.datasets[name]
    trained_on = settings.base_models[dataset.base_model].trained_on
    rule = SelectionRule(genes=dataset.genes.versioned, splits=dataset.splits.versioned, trained_on=trained_on)
    files = list(list_files(dataset.genes, settings).values())
    split_file = settings.path(dataset.splits.file) if dataset.splits.file else None
    files += [split_file] if split_file else []
    judged = {"gene_performance": [dataset.base_model, "gene_performance"]} if dataset.genes.reads_performance else {}

    @table_asset(
        name,
        tables.GENE_SELECTION,
        2,
        rule,
        inputs={"genes": [genome, "genes"], "split_units": [genome, "split_units"], **judged},
        over_chromosomes=["genes", *judged],
        input_files=files,
        resources=[MANIFEST],
    )
    def gene_selection(context: dg.AssetExecutionContext, **inputs: Any) -> dg.MaterializeResult[pl.DataFrame]:
        report = Report()
        context.resources.manifest.require_fresh(context.instance, f"{name}/{tables.GENE_SELECTION.name}")
        seen = registered_files(files)
        request = gene_request(dataset.genes, settings)
        genes = pl.concat(inputs["genes"].values()).collect()
        sides = user_sides(read_gene_table(split_file, ("gene_id", "split")), genes) if split_file else None
        performance = pl.concat(inputs["gene_performance"].values()).collect() if judged else None
        chosen = dataset_genes(genes, inputs["split_units"], request, rule.splits, performance, sides)
        for note in chosen.notes:
            context.log.warning(note)
        table = assign_splits(chosen.table, inputs["split_units"], rule.splits, trained_on, sides)
        rows_by_side = dict(table.filter("is_selected").group_by("split").len().sort("split").iter_rows())
        return report.result(
            table,
            candidates=chosen.n_candidates,
            refused_without_splice_site=chosen.n_refused_intronless,
            refused_unknown_bases=chosen.n_refused_n,
            notes="\n".join(chosen.notes),
            **rows_by_side,
            **seen,
        )

    return gene_selection


def _selected_genes(name: str, chromosomes: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @table_asset(
        name,
        tables.SELECTED_GENES,
        1,
        inputs={"gene_selection": [name, "gene_selection"]},
        partitions=chromosomes,
    )
    def selected_genes(
        context: dg.AssetExecutionContext, gene_selection: pl.LazyFrame
    ) -> dg.MaterializeResult[pl.DataFrame]:
        report = Report()
        own = gene_selection.filter(pl.col("is_selected"), pl.col("chrom") == context.partition_key).collect()
        return report.result(own.select(tables.SELECTED_GENES.names))

    return selected_genes


def _gene_manifest(name: str, base_model: str, genome: str) -> dg.AssetsDefinition:
    @table_asset(
        name,
        tables.GENE_MANIFEST,
        1,
        inputs={
            "gene_selection": [name, "gene_selection"],
            "training_examples": [name, "training_examples"],
            "gene_performance": [base_model, "gene_performance"],
            "splice_sites": [genome, "splice_sites"],
        },
        resources=[MANIFEST],
        companions=MANIFEST_FILES,
    )
    def manifest_of_genes(
        context: dg.AssetExecutionContext,
        gene_selection: pl.DataFrame,
        training_examples: dict[str, pl.LazyFrame],
        gene_performance: dict[str, pl.LazyFrame],
        splice_sites: dict[str, pl.LazyFrame],
    ) -> dg.MaterializeResult[pl.DataFrame]:
        report = Report()
        context.resources.manifest.require_fresh(context.instance, f"{name}/{tables.GENE_MANIFEST.name}")
        table = gene_manifest(
            gene_selection,
            pl.concat(splice_sites.values()).collect(),
            training_examples.values(),
            pl.concat(gene_performance.values()).collect(),
        )
        return report.result(table, examples=int(table["n_rows"].sum()))

    return manifest_of_genes
