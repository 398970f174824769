"""Assets of one base model, from its weights to its report. Thin: the rules are next door."""

import logging
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from pydantic import BaseModel

from builder_assets import tables
from builder_assets.asset_shell import (
    MANIFEST,
    STORE,
    Report,
    markdown_table,
    table_asset,
    tables_step,
)
from builder_assets.base_model.architectures import architecture_of
from builder_assets.base_model.evaluation import check_alignment, evaluate, shift_histogram
from builder_assets.base_model.masked_sites import masked_sites
from builder_assets.base_model.model_report import model_report
from builder_assets.base_model.pooled_evaluation import ChromosomeScores
from builder_assets.base_model.precisions import PRECISIONS
from builder_assets.base_model.scoring_plan import scoring_plan
from builder_assets.genome.assets import files_key
from builder_assets.genome.contigs import chromosome_sequence
from builder_assets.manifest import registered_files
from builder_assets.selection import GeneRequest
from builder_assets.settings import BaseModelSettings, EvaluationSettings, GeneChoice, NetworkSettings, Settings
from resources.accelerator import peak_memory_mb
from resources.base_model_files import BaseModelFiles
from resources.gene_lists import read_gene_list
from resources.genome_files import GenomeFiles
from resources.log_file import written_to
from resources.observed_junctions import read_junctions
from resources.score_memo import ScoreMemo

logger = logging.getLogger("builder.scoring")

POOL = "gpu"  # one scorer at a time per slot of this pool, on whatever device there is


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


def model_files_key(base_model: str) -> str:
    """Resource key of a base model's files."""
    return f"{base_model}_files"


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
        _base_model_weights(name, model, settings),
        _scoring_plan(name, model.genome, settings),
        _genes_to_score(name, chromosomes),
        _splice_scores(name, model, genome.assembly, chromosomes, scoring_tags),
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


def _base_model_weights(name: str, model: BaseModelSettings, settings: Settings) -> dg.AssetsDefinition:
    network, resource = model.network, model_files_key(name)
    files = BaseModelFiles.of(model.family, model.weights and str(settings.path(model.weights)))

    @table_asset(
        name,
        tables.BASE_MODEL_WEIGHTS,
        1,
        network,
        input_files=files.paths_if_there(),
        resources=[resource],
        kinds=("jax", "flax"),
    )
    def base_model_weights(context: dg.AssetExecutionContext) -> dg.MaterializeResult[pl.DataFrame]:
        from builder_assets.base_model.parity import check_parity
        from builder_assets.base_model.weights import load_ensemble, weights_table

        report = Report()
        source: BaseModelFiles = getattr(context.resources, resource)
        seen = registered_files(source.paths())
        ensemble = load_ensemble(architecture_of(network.family, network.context), source.weights)
        device = source.configure_device()
        parity = check_parity(ensemble, network.precision)
        return report.result(
            weights_table(ensemble), ensemble_sha256=ensemble.sha256, parity=parity.text, device=device, **seen
        )

    return base_model_weights


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


def _splice_scores(
    name: str,
    model: BaseModelSettings,
    assembly: str,
    chromosomes: dg.PartitionsDefinition,
    tags: Mapping[str, Any] | None,
) -> dg.AssetsDefinition:
    network, resource, genome_files = model.network, model_files_key(name), files_key(model.genome)

    @table_asset(
        name,
        tables.splice_scores_contract(ensemble_sd=model.ensemble_sd),
        2,
        *model.scores,
        inputs={
            "genes_to_score": [name, "genes_to_score"],
            "contig": [model.genome, "contig"],
            "weights": [name, "base_model_weights"],
        },
        partitions=chromosomes,
        resources=[resource, genome_files, STORE],
        kinds=("jax", "flax", "parquet"),
        pool=POOL,
        op_tags=tags,
    )
    def splice_scores(
        context: dg.AssetExecutionContext, genes_to_score: pl.DataFrame, contig: pl.DataFrame, weights: pl.DataFrame
    ) -> dg.MaterializeResult[pl.DataFrame]:
        # JAX: not where definitions load
        from builder_assets.base_model.chromosome_scores import GENE_LOGGER, SD_TRACKS, TRACKS, score_chromosome

        report = Report()
        source: BaseModelFiles = getattr(context.resources, resource)
        files: GenomeFiles = getattr(context.resources, genome_files)
        device = source.configure_device()
        recorded = tuple(weights["sha256"])
        scorer, sha256 = _scorer(network, source.weights, recorded, model.longest_tile, model.ensemble_sd)  # pyright: ignore[reportArgumentType]
        store = context.resources.table_store
        published = store.path_of(context.asset_key, context.partition_key)
        tracks = [*TRACKS, *(SD_TRACKS if model.ensemble_sd else ())]
        memo = ScoreMemo(published, store.root, tracks)
        memo.tidy()
        log = Path(context.instance.storage_directory()) / "logs" / f"{context.run.run_id}.log"
        with written_to(log, [logger.name, GENE_LOGGER]):
            scoring = score_chromosome(
                genes_to_score,
                chromosome_sequence(files.reference(), contig, assembly),
                scorer,
                sha256,
                network,
                memo,
                device,
                ensemble_sd=model.ensemble_sd,
            )
            peak = peak_memory_mb()
            logger.info(
                "%s: %s on %s, at most %s MB of memory", context.partition_key, scoring.text, device, f"{peak:,}"
            )
        return report.result(
            scoring.table,
            genes_scored=scoring.n_scored,
            genes_reused=scoring.n_reused,
            genes_dropped=scoring.n_dropped,
            bases_scored=scoring.bases_scored,
            bases_per_second=round(scoring.bases_per_second, 1),
            padding_share=None if scoring.padding_share is None else round(scoring.padding_share, 4),
            device=device,
            flanks=network.flanks,
            precision=network.precision,
            ensemble_sd=model.ensemble_sd,
            peak_memory_mb=peak,
            log=dg.MetadataValue.path(str(log)),
        )

    return splice_scores


@lru_cache(maxsize=2)
def _scorer(
    network: NetworkSettings,
    weights: str | None,
    recorded: tuple[str, ...],
    longest_tile: int | None,
    ensemble_sd: bool,
) -> tuple[Any, str]:
    """The compiled ensemble, one per process; refuses weights that are not the registered ones."""
    from builder_assets.base_model.scoring import Scorer, tile_lengths
    from builder_assets.base_model.weights import load_ensemble, weights_table

    ensemble = load_ensemble(architecture_of(network.family, network.context), weights)
    if tuple(weights_table(ensemble)["sha256"]) != recorded:
        raise ValueError("the weight files changed since base_model_weights was built. `builder build` registers them.")
    tiles = tile_lengths(longest_tile)
    return Scorer(ensemble, tiles, precision=network.precision, ensemble_sd=ensemble_sd), ensemble.sha256


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
        1,
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
        headline = table.filter((pl.col("scope") == "all") & (pl.col("x") == 0)).select(
            "labels", "kind", "metric", "value"
        )
        return report.result(
            table,
            headline=dg.MetadataValue.md(markdown_table(headline)),
            flanks=model.flanks,
            precision=f"{model.precision}: {PRECISIONS[model.precision]}",
        )

    return report_of_model
