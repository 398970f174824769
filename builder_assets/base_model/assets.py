"""Assets of one base model: genes to score, evaluation, report; what opens the network is in `network_assets`.

What loads matplotlib is imported where it is used: every command and every worker loads this file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from pydantic import BaseModel

from builder_assets import tables
from builder_assets.asset_shell import MANIFEST, Report, table_asset, tables_step
from builder_assets.base_model.evaluation import check_alignment, evaluate, shift_histogram
from builder_assets.base_model.masked_sites import masked_sites
from builder_assets.base_model.model_report import model_report
from builder_assets.base_model.network_assets import base_model_weights_asset, splice_scores_asset
from builder_assets.base_model.pooled_evaluation import ChromosomeScores
from builder_assets.base_model.precisions import PRECISIONS
from builder_assets.base_model.scoring_plan import scoring_plan
from builder_assets.genome.assets import files_key
from builder_assets.genome.contigs import chromosome_sequence
from builder_assets.manifest import registered_files
from builder_assets.selection import GeneRequest
from builder_assets.settings import BaseModelSettings, EvaluationSettings, GeneChoice, Settings
from resources.gene_lists import read_gene_list
from resources.genome_files import GenomeFiles
from resources.observed_junctions import read_junctions


class Requests(BaseModel, frozen=True):
    """The part of the datasets' settings that decides which genes are scored."""

    choices: dict[str, GeneChoice]


class MaskRule(BaseModel, frozen=True):
    """What masked_sites reads of the settings, but the path of its file."""

    assembly: str


class EvaluationRule(BaseModel, frozen=True):
    """What calls and performance depend on besides scores and sites."""

    evaluation: EvaluationSettings
    trained_on: tuple[str, ...]


def base_model_assets(
    name: str, settings: Settings, scoring_tags: Mapping[str, Any] | None = None
) -> tuple[list[dg.AssetsDefinition], list[dg.AssetChecksDefinition]]:
    """All assets of one base model; `scoring_tags` are the op tags of the step that wants an accelerator."""
    model = settings.base_models[name]
    genome = settings.genomes[model.genome]
    chromosomes = dg.StaticPartitionsDefinition(list(genome.chromosomes))
    rule = EvaluationRule(evaluation=model.evaluation, trained_on=model.trained_on)
    masks = settings.path(model.mask_sites) if model.mask_sites else None
    assets = [
        base_model_weights_asset(name, model, settings),
        _scoring_plan(name, model.genome, settings),
        _genes_to_score(name, chromosomes),
        splice_scores_asset(name, model, genome.assembly, chromosomes, scoring_tags),
        *([_masked_sites(name, masks, genome.assembly, chromosomes)] if masks else []),
        _evaluation(name, model.genome, genome.assembly, rule, chromosomes),
        _model_report(name, model, genome.assembly, rule),
    ]
    return assets, []


def list_files(choice: GeneChoice, settings: Settings) -> dict[str, Any]:
    """The user's list files of a choice: "include" and "exclude" -> path, where given."""
    files = {"include": choice.include_file, "exclude": choice.exclude_file}
    return {word: settings.path(text) for word, text in files.items() if text is not None}


def gene_request(choice: GeneChoice, settings: Settings) -> GeneRequest:
    """A dataset's choice with the entries of its list files, read now."""
    entries = {word: read_gene_list(path) for word, path in list_files(choice, settings).items()}
    return GeneRequest(choice, entries.get("include", ()), entries.get("exclude", ()))


def _scoring_plan(name: str, genome: str, settings: Settings) -> dg.AssetsDefinition:
    choices = {dataset: d.genes for dataset, d in settings.datasets_of(name).items()}
    versioned = Requests(choices={dataset: choice.versioned for dataset, choice in choices.items()})
    files = [path for choice in choices.values() for path in list_files(choice, settings).values()]

    @table_asset(
        name,
        tables.SCORING_PLAN,
        2,
        versioned,
        inputs={"genes": [genome, "genes"]},
        input_files=files,
        resources=[MANIFEST],
    )
    def plan(context: dg.AssetExecutionContext, genes: dict[str, pl.LazyFrame]) -> dg.MaterializeResult[pl.DataFrame]:
        report = Report()
        context.resources.manifest.require_fresh(context.instance, f"{name}/{tables.SCORING_PLAN.name}")
        seen = registered_files(files)
        requests = {dataset: gene_request(choice, settings) for dataset, choice in choices.items()}
        table = scoring_plan(pl.concat(genes.values()).collect(), requests)
        return report.result(table, bases=int(table["length"].sum()), **seen)

    return plan


def _genes_to_score(name: str, chromosomes: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @table_asset(
        name,
        tables.GENES_TO_SCORE,
        1,
        inputs={"plan": [name, tables.SCORING_PLAN.name]},
        partitions=chromosomes,
    )
    def genes_to_score(context: dg.AssetExecutionContext, plan: pl.LazyFrame) -> dg.MaterializeResult[pl.DataFrame]:
        report = Report()
        own = plan.filter(pl.col("chrom") == context.partition_key).select(tables.GENES_TO_SCORE.names).collect()
        return report.result(own, bases=int(own["length"].sum()))

    return genes_to_score


def _masked_sites(name: str, path: Path, assembly: str, chromosomes: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @table_asset(
        name,
        tables.MASKED_SITES,
        1,
        MaskRule(assembly=assembly),
        partitions=chromosomes,
        input_files=[path],
        kinds=("bed", "parquet"),
    )
    def masked_sites_of_chromosome(context: dg.AssetExecutionContext) -> dg.MaterializeResult[pl.DataFrame]:
        report = Report()
        seen = registered_files([path])
        frame = masked_sites(read_junctions(path), context.partition_key, assembly)
        return report.result(frame, **seen)

    return masked_sites_of_chromosome


def _masked_inputs(name: str, rule: EvaluationRule) -> dict[str, list[str]]:
    """The table of masked sites, where the settings name some."""
    return {"masked_sites": [name, "masked_sites"]} if rule.evaluation.mask_sites else {}


def _evaluation(
    name: str, genome: str, assembly: str, rule: EvaluationRule, chromosomes: dg.PartitionsDefinition
) -> dg.AssetsDefinition:
    resource = files_key(genome)
    made = (tables.SPLICE_CALLS, tables.GENE_PERFORMANCE)

    @tables_step(
        name,
        "evaluation",
        made,
        1,
        rule,
        inputs={
            "splice_scores": [name, "splice_scores"],
            "splice_sites": [genome, "splice_sites"],
            "genes": [genome, "genes"],
            "contig": [genome, "contig"],
            **_masked_inputs(name, rule),
        },
        partitions=chromosomes,
        resources=[resource],
    )
    def evaluation(
        context: dg.AssetExecutionContext,
        splice_scores: pl.DataFrame,
        splice_sites: pl.DataFrame,
        genes: pl.DataFrame,
        contig: pl.DataFrame,
        **masked: pl.DataFrame,
    ):
        report = Report()
        files: GenomeFiles = getattr(context.resources, resource)
        sequence = chromosome_sequence(files.reference(), contig, assembly)
        alignment = check_alignment(shift_histogram(splice_scores, splice_sites, genes, rule.evaluation))
        found = evaluate(
            splice_scores, splice_sites, genes, sequence, rule.evaluation, rule.trained_on, masked.get("masked_sites")
        )
        outcomes = dict(found.calls.group_by("outcome").len().sort("outcome").iter_rows())
        return (
            report.result(found.calls, [name, made[0].name], alignment=alignment, **outcomes),
            report.result(found.performance, [name, made[1].name]),
        )

    return evaluation


def _model_report(name: str, model: BaseModelSettings, assembly: str, rule: EvaluationRule) -> dg.AssetsDefinition:
    genome, resource = model.genome, files_key(model.genome)

    @table_asset(
        name,
        tables.MODEL_REPORT,
        2,
        rule,
        inputs={
            "splice_scores": [name, "splice_scores"],
            "splice_calls": [name, "splice_calls"],
            "gene_performance": [name, "gene_performance"],
            "splice_sites": [genome, "splice_sites"],
            "genes": [genome, "genes"],
            "contig": [genome, "contig"],
            **_masked_inputs(name, rule),
        },
        over_chromosomes=_masked_inputs(name, rule),
        resources=[MANIFEST, resource],
    )
    def report_of_model(
        context: dg.AssetExecutionContext,
        splice_scores: dict[str, pl.LazyFrame],
        splice_calls: dict[str, pl.LazyFrame],
        gene_performance: dict[str, pl.LazyFrame],
        splice_sites: dict[str, pl.LazyFrame],
        genes: dict[str, pl.LazyFrame],
        contig: dict[str, pl.LazyFrame],
        **masked: dict[str, pl.LazyFrame],
    ) -> dg.MaterializeResult[pl.DataFrame]:
        from builder_assets.base_model.report_text import report_markdown

        report = Report()
        context.resources.manifest.require_fresh(context.instance, f"{name}/{tables.MODEL_REPORT.name}")
        files: GenomeFiles = getattr(context.resources, resource)

        def chromosomes() -> Any:
            for chrom, scores in splice_scores.items():
                sequence = chromosome_sequence(files.reference(), contig[chrom].collect(), assembly)
                sites, own_genes = splice_sites[chrom].collect(), genes[chrom].collect()
                mask = masked["masked_sites"][chrom].collect() if masked else None
                yield ChromosomeScores(chrom, scores.collect(), sites, own_genes, sequence, mask)

        performance = pl.concat(gene_performance.values()).collect()
        calls = pl.concat(splice_calls.values()).collect()
        table = model_report(chromosomes, performance, calls, rule.evaluation, rule.trained_on)
        return report.result(
            table,
            report=dg.MetadataValue.md(report_markdown(name, table)),
            flanks=model.flanks,
            precision=f"{model.precision}: {PRECISIONS[model.precision]}",
        )

    return report_of_model
