"""Assets of one dataset, from the choice of genes to the card. Thin: the rules are next door.

What loads scikit-learn or matplotlib is imported where it is used: every command and every worker loads this file.
"""

import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import polars as pl
from pydantic import BaseModel

from builder_assets import tables
from builder_assets.asset_shell import (
    MANIFEST,
    STORE,
    Report,
    asset_inputs,
    check_result,
    markdown_table,
    table_asset,
    tables_step,
)
from builder_assets.base_model.assets import gene_request, list_files
from builder_assets.dataset.annotation_features import AnnotationTables
from builder_assets.dataset.columns import training_examples_contract
from builder_assets.dataset.example_stream import ExampleInputs, ExampleStream
from builder_assets.dataset.gene_manifest import gene_manifest
from builder_assets.dataset.gene_rows import GeneValues
from builder_assets.dataset.meta_baseline import meta_model_baseline
from builder_assets.dataset.p_site import p_site_verdict
from builder_assets.dataset.rules import check_files, check_schemas, check_score_bins
from builder_assets.dataset.score_bins import ELIGIBLE_COLUMNS, score_bin_table
from builder_assets.dataset.split_table import user_sides
from builder_assets.dataset.splits import assign_splits, dataset_genes
from builder_assets.genome.assets import files_key
from builder_assets.genome.contigs import chromosome_sequence
from builder_assets.manifest import Cell, registered_files
from builder_assets.settings import (
    DatasetSettings,
    EvaluationSettings,
    ExampleSettings,
    FeatureSettings,
    GeneChoice,
    NetworkSettings,
    Settings,
    SplitSettings,
)
from resources.conservation_track import conservation_track
from resources.gene_tables import read_gene_table
from resources.genome_files import GenomeFiles

ANNOTATION = ("transcripts", "exons", "introns", "gene_overlaps")
CARD_PLOTS = [column.name for column in tables.DATASET_CARD.columns if column.name.endswith(".svg")]
# Files beside a table, and the column that holds each (* for all rows as CSV).
MANIFEST_FILES = {"gene_manifest.csv": "*"}
CARD_FILES = {"README.md": "markdown", "dataset_card.json": "json"} | {plot: plot for plot in CARD_PLOTS}
BASELINE = tables.META_MODEL_BASELINE.name
BASELINE_FILES = {f"{BASELINE}.md": "markdown", f"{BASELINE}.json": "json", f"{BASELINE}.svg": "plot"}
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


class ExampleRule(BaseModel, frozen=True):
    """What training_examples reads of the settings."""

    examples: ExampleSettings
    evaluation: EvaluationSettings


class CardRule(BaseModel, frozen=True):
    """What the card says of the settings."""

    network: NetworkSettings
    dataset: DatasetSettings
    evaluation: EvaluationSettings


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
        *([_conservation_track(name, track, chromosomes)] if track else []),
        _training_examples(name, dataset.base_model, model.genome, genome.assembly, rule, chromosomes, track),
        _gene_manifest(name, dataset.base_model, model.genome),
        _dataset_card(name, dataset.base_model, model.genome, card_rule),
    ]
    if dataset.baseline:
        assets.append(_meta_model_baseline(name, dataset.base_model, model.genome, genome.assembly, rule, track))
    return assets, [_leakage_check(name, dataset.examples.features), _p_site_check(name)]


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


def _training_examples(
    name: str,
    base_model: str,
    genome: str,
    assembly: str,
    rule: ExampleRule,
    chromosomes: dg.PartitionsDefinition,
    track: Path | None,
) -> dg.AssetsDefinition:
    resource = files_key(genome)
    contract = training_examples_contract(rule.examples.features)
    annotation = ANNOTATION if rule.examples.features.annotation_features else ()
    own = ("selected_genes", *(["conservation_track"] if track else []))
    of_model = _model_inputs(rule)
    made = (contract, tables.EXAMPLE_POOLS)

    @tables_step(
        name,
        "examples",
        made,
        2,
        rule,
        inputs={
            **{table: [name, table] for table in own},
            **{table: [base_model, table] for table in of_model},
            **{table: [genome, table] for table in ("splice_sites", "genes", "contig", *annotation)},
        },
        partitions=chromosomes,
        resources=[resource],
    )
    def examples(context: dg.AssetExecutionContext, **frames: pl.DataFrame):
        report = Report()
        files: GenomeFiles = getattr(context.resources, resource)
        inputs = _example_inputs(frames, files, assembly, track, context.partition_key)
        stream = ExampleStream(inputs, rule.examples, rule.evaluation)
        yield report.stream(stream, [name, made[0].name], lambda: {"genes": stream.gene_counts.height})
        # The stream knows its counts now that the store has taken all of it.
        yield report.result(tables.EXAMPLE_POOLS.conform(stream.gene_counts), [name, made[1].name])

    return examples


def _gene_values(path: Path, chrom: str) -> GeneValues:
    """The conservation track over one gene, in transcription direction."""
    track = conservation_track(path, chrom)

    def values(start: int, end: int, strand: str) -> np.ndarray:
        return track.values(start, end)[:: 1 if strand == "+" else -1]

    return values


def _conservation_track(name: str, path: Path, chromosomes: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @table_asset(
        name, tables.CONSERVATION_TRACK, 1, partitions=chromosomes, input_files=[path], kinds=("bigwig", "parquet")
    )
    def track_of_chromosome(context: dg.AssetExecutionContext) -> dg.MaterializeResult[pl.DataFrame]:
        report = Report()
        seen = registered_files([path])
        n_values, sha256 = conservation_track(path, context.partition_key).digest()
        frame = pl.DataFrame({"chrom": [context.partition_key], "n_values": [n_values], "sha256": [sha256]})
        return report.result(tables.CONSERVATION_TRACK.conform(frame), **seen)

    return track_of_chromosome


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


def _dataset_card(name: str, base_model: str, genome: str, rule: CardRule) -> dg.AssetsDefinition:
    contract = training_examples_contract(rule.dataset.examples.features)
    users = {"masked_sites": [base_model, "masked_sites"]} if rule.evaluation.mask_sites else {}
    users |= {"conservation_track": [name, "conservation_track"]} if rule.dataset.conservation else {}

    @table_asset(
        name,
        tables.DATASET_CARD,
        4,
        rule,
        inputs={
            "training_examples": [name, "training_examples"],
            "example_pools": [name, "example_pools"],
            "gene_manifest": [name, "gene_manifest"],
            "model_report": [base_model, "model_report"],
            "base_model_weights": [base_model, "base_model_weights"],
            "genome_fasta": [genome, "genome_fasta"],
            "gene_annotation": [genome, "gene_annotation"],
            **users,
        },
        over_chromosomes=users,
        resources=[MANIFEST, STORE],
        kinds=("markdown", "json", "huggingface"),
        companions=CARD_FILES,
    )
    def card_of_dataset(
        context: dg.AssetExecutionContext,
        training_examples: dict[str, pl.LazyFrame],
        example_pools: dict[str, pl.LazyFrame],
        gene_manifest: pl.DataFrame,
        model_report: pl.DataFrame,
        base_model_weights: pl.LazyFrame,  # noqa: ARG001  this and the next ones: the card names their versions
        genome_fasta: pl.LazyFrame,  # noqa: ARG001
        gene_annotation: pl.LazyFrame,  # noqa: ARG001
        **of_users: dict[str, pl.LazyFrame],  # noqa: ARG001
    ) -> dg.MaterializeResult[pl.DataFrame]:
        from builder_assets.dataset.card import dataset_card

        report = Report()
        manifest, key = context.resources.manifest, f"{name}/{tables.DATASET_CARD.name}"
        manifest.require_fresh(context.instance, key)
        eligible_bins = _eligible_bins(example_pools)
        store = context.resources.table_store
        folder = store.path_of(dg.AssetKey([name, contract.name]), next(iter(training_examples))).parent
        check_files((path.name for path in folder.glob("*.parquet")), training_examples)
        check_schemas(training_examples)
        note = check_score_bins(score_bin_table(training_examples.values(), eligible_bins))
        card = dataset_card(
            name,
            rule.network.family,
            contract,
            training_examples.values(),
            gene_manifest,
            model_report,
            rule.model_dump(mode="json"),
            {package: version(package) for package in ("splice-dataset-builder", "jax", "polars")},
            manifest.input_versions(context.instance, Cell(key)),
            eligible_bins,
            [note],
        )
        text = json.dumps(card.json, indent=2, ensure_ascii=False) + "\n"
        frame = pl.DataFrame({"json": [text], "markdown": [card.markdown], **card.plots})
        return report.result(frame, card=dg.MetadataValue.md(card.markdown))

    return card_of_dataset


def _meta_model_baseline(
    name: str, base_model: str, genome: str, assembly: str, rule: ExampleRule, track: Path | None
) -> dg.AssetsDefinition:
    resource = files_key(genome)
    file_name = tables.META_MODEL_BASELINE.name
    own = ["training_examples", "selected_genes", *(["conservation_track"] if track else [])]
    of_model, of_genome = _model_inputs(rule), ("splice_sites", "genes", "contig")
    partitioned = [*own, *of_model, *of_genome]

    @table_asset(
        name,
        tables.META_MODEL_BASELINE,
        1,
        rule,
        inputs={
            "gene_manifest": [name, "gene_manifest"],  # its checks must have passed
            **{table: [name, table] for table in own},
            **{table: [base_model, table] for table in of_model},
            **{table: [genome, table] for table in of_genome},
        },
        over_chromosomes=partitioned,
        resources=[MANIFEST, resource],
        kinds=("lightgbm", "markdown"),
        companions=BASELINE_FILES,
    )
    def baseline_of_dataset(context: dg.AssetExecutionContext, **inputs: Any) -> dg.MaterializeResult[pl.DataFrame]:
        from builder_assets.dataset.meta_baseline_text import baseline_markdown, baseline_plot

        report = Report()
        context.resources.manifest.require_fresh(context.instance, f"{name}/{file_name}")
        files: GenomeFiles = getattr(context.resources, resource)

        def chromosomes() -> Iterator[ExampleInputs]:
            for chrom in inputs["selected_genes"]:
                frames = {table: inputs[table][chrom].collect() for table in partitioned if table != own[0]}
                yield _example_inputs(frames, files, assembly, track, chrom)

        examples = list(inputs["training_examples"].values())
        found = meta_model_baseline(examples, chromosomes, rule.examples, rule.evaluation, rule.examples.negatives.seed)
        text = baseline_markdown(name, found.facts)
        facts = json.dumps(found.facts, indent=2, ensure_ascii=False) + "\n"
        frame = pl.DataFrame({"json": [facts], "markdown": [text], "plot": [baseline_plot(found.facts, found.curves)]})
        return report.result(frame, report=dg.MetadataValue.md(text))

    return baseline_of_dataset


def _model_inputs(rule: ExampleRule) -> list[str]:
    """The base model's tables that examples read."""
    return ["splice_scores", *(["masked_sites"] if rule.evaluation.mask_sites else [])]


def _example_inputs(
    frames: Mapping[str, pl.DataFrame], files: GenomeFiles, assembly: str, track: Path | None, chrom: str
) -> ExampleInputs:
    """What the examples of one chromosome are made of, from the tables that are there."""
    return ExampleInputs(
        frames["selected_genes"],
        frames["splice_scores"],
        frames["splice_sites"],
        frames["genes"],
        chromosome_sequence(files.reference(), frames["contig"], assembly),
        AnnotationTables(**{table: frames[table] for table in ANNOTATION}) if "transcripts" in frames else None,
        frames.get("masked_sites"),
        _gene_values(track, chrom) if track else None,
    )


def _leakage_check(name: str, features: FeatureSettings) -> dg.AssetChecksDefinition:
    contract = training_examples_contract(features)
    judged = dg.AssetKey([name, tables.GENE_MANIFEST.name])

    @dg.asset_check(
        name="leakage_probe",
        asset=judged,
        additional_ins=asset_inputs({"training_examples": [name, "training_examples"]}),
        blocking=True,
        required_resource_keys={STORE},
        description="No column but the labels tells the label: AUC within score bins, null masks, small trees.",
    )
    def probe(
        context: dg.AssetCheckExecutionContext, training_examples: dict[str, pl.LazyFrame]
    ) -> dg.AssetCheckResult:
        from builder_assets.dataset.leakage_probe import leakage_probe, leaks_text

        findings = leakage_probe(training_examples.values(), contract, features)
        clean = findings.filter(verdict="leak").is_empty()
        path = context.resources.table_store.path_of(judged, None)
        strongest = dg.MetadataValue.md(markdown_table(findings.head(40)))
        return check_result(
            clean, blocking=not clean, text=leaks_text(findings), path=path, numbers={"strongest": strongest}
        )

    return probe


def _p_site_check(name: str) -> dg.AssetChecksDefinition:
    judged = dg.AssetKey([name, tables.GENE_MANIFEST.name])

    @dg.asset_check(
        name="p_site",
        asset=judged,
        additional_ins=asset_inputs({table: [name, table] for table in ("training_examples", "example_pools")}),
        required_resource_keys={STORE},
        description="P(site) per score bin: the weighted rows against all bases of the genes.",
    )
    def p_site(
        context: dg.AssetCheckExecutionContext,
        training_examples: dict[str, pl.LazyFrame],
        example_pools: dict[str, pl.LazyFrame],
    ) -> dg.AssetCheckResult:
        table = score_bin_table(training_examples.values(), _eligible_bins(example_pools))
        passed, text = p_site_verdict(table)
        path = context.resources.table_store.path_of(judged, None)
        shown = dg.MetadataValue.md(markdown_table(table))
        return check_result(passed, blocking=False, text=text, path=path, numbers={"p_site": shown})

    return p_site


def _eligible_bins(pools: Mapping[str, pl.LazyFrame]) -> np.ndarray:
    """Eligible bases per score bin over all genes, int64 (5,)."""
    eligible = pl.concat(pools.values()).select(pl.col(list(ELIGIBLE_COLUMNS)).sum()).collect()
    return eligible.to_numpy().ravel().astype(np.int64)
