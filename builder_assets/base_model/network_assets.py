"""Assets that open the network: its weights, and the scores. JAX is imported where a step runs, not with this file."""

import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import dagster as dg
import polars as pl

from builder_assets import tables
from builder_assets.asset_shell import STORE, Report, table_asset
from builder_assets.base_model.architectures import architecture_of
from builder_assets.genome.assets import files_key
from builder_assets.genome.contigs import chromosome_sequence
from builder_assets.manifest import registered_files
from builder_assets.settings import BaseModelSettings, NetworkSettings, Settings
from resources.accelerator import peak_memory_mb
from resources.base_model_files import BaseModelFiles
from resources.genome_files import GenomeFiles
from resources.log_file import log_of_run, written_to
from resources.score_memo import ScoreMemo

logger = logging.getLogger("builder.scoring")

POOL = "gpu"  # one scorer at a time per slot of this pool, on whatever device there is


def model_files_key(base_model: str) -> str:
    """Resource key of a base model's files."""
    return f"{base_model}_files"


def base_model_weights_asset(name: str, model: BaseModelSettings, settings: Settings) -> dg.AssetsDefinition:
    """`base_model_weights`: named arrays, checked for shape and against the published model."""
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


def splice_scores_asset(
    name: str,
    model: BaseModelSettings,
    assembly: str,
    chromosomes: dg.PartitionsDefinition,
    tags: Mapping[str, Any] | None,
) -> dg.AssetsDefinition:
    """`splice_scores`: a score per base of every gene of a chromosome; `tags` say what its step needs of a machine."""
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
        from builder_assets.base_model.chromosome_scores import GENE_LOGGER, score_chromosome, tracks_of

        report = Report()
        source: BaseModelFiles = getattr(context.resources, resource)
        files: GenomeFiles = getattr(context.resources, genome_files)
        device = source.configure_device()
        recorded = tuple(weights["sha256"])
        scorer, sha256 = _scorer(network, source.weights, recorded, model.longest_tile, ensemble_sd=model.ensemble_sd)  # pyright: ignore[reportArgumentType]
        store = context.resources.table_store
        published = store.path_of(context.asset_key, context.partition_key)
        memo = ScoreMemo(published, store.root, list(tracks_of(ensemble_sd=model.ensemble_sd)))
        memo.tidy()
        sequence = chromosome_sequence(files.reference(), contig, assembly)
        log = log_of_run(context.instance.storage_directory(), context.run.run_id)
        with written_to(log, [logger.name, GENE_LOGGER]):
            scoring = score_chromosome(
                genes_to_score, sequence, scorer, sha256, network, memo, device, ensemble_sd=model.ensemble_sd
            )
            peak = peak_memory_mb()
            logger.info(
                "%s: %s on %s, at most %s MB of memory", context.partition_key, scoring.text, device, f"{peak:,}"
            )
        return report.result(
            scoring.table,
            **scoring.numbers,
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
    *,
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
