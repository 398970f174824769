"""From settings to Definitions: the whole asset graph, its checks, jobs and resources."""

import warnings
from collections.abc import Mapping
from functools import partial
from itertools import chain
from typing import Any

import dagster as dg

from builder_assets.asset_shell import MANIFEST, STORE
from builder_assets.base_model.assets import base_model_assets
from builder_assets.base_model.network_assets import model_files_key
from builder_assets.dataset.assets import dataset_assets
from builder_assets.genome.assets import files_key, genome_assets
from builder_assets.genome.releases import ROLES
from builder_assets.genome.sources import fasta_index_dir, source_files
from builder_assets.manifest import Manifest, nodes_of
from builder_assets.sensors import freshness_checks, sensors_of
from builder_assets.settings import Settings
from resources.base_model_files import BaseModelFiles
from resources.genome_files import GenomeFiles
from resources.table_store import TableStore

# Partitioned checks and backfill policies are marked preview and beta in Dagster 1.13; tests pin what we use.
for _category in (dg.BetaWarning, dg.PreviewWarning):
    warnings.filterwarnings("ignore", category=_category)

COMPILED_PROGRAMS = ".cache/jax"  # in the project folder: bridges the processes that UI and daemon start

Assets = list[dg.AssetsDefinition]
Checks = list[dg.AssetChecksDefinition]


def build_defs(
    settings: Settings,
    overrides: Mapping[str, Any] | None = None,
    *,
    executor: dg.ExecutorDefinition = dg.in_process_executor,
    scoring_tags: Mapping[str, Any] | None = None,
) -> dg.Definitions:
    """Fresh Definitions for these settings.

    Args:
        settings: What exists.
        overrides: Resources that replace the usual ones, by key; for tests.
        executor: Where the steps of a run are done. The usual one: one chromosome = one run = one process, so one
            compiled model; deploy/ has those that share the steps out.
        scoring_tags: Op tags of the scoring step for such an executor: its GPU.
    """
    assets, checks = assets_and_checks(settings, scoring_tags)
    store = TableStore(base_dir=str(settings.data_path))
    manifest = manifest_of(settings)
    resources: dict[str, Any] = {
        STORE: store,
        MANIFEST: manifest,
        **{files_key(name): genome_files(settings, name) for name in settings.genomes},
        **{
            model_files_key(name): BaseModelFiles(
                family=model.family,
                weights=model.weights and str(settings.path(model.weights)),
                cache_dir=str(settings.root / COMPILED_PROGRAMS),
            )
            for name, model in settings.base_models.items()
        },
    }
    return dg.Definitions(
        assets=assets,
        asset_checks=[*checks, *freshness_checks(manifest)],
        jobs=_jobs(assets),
        sensors=sensors_of(manifest),
        resources=resources | dict(overrides or {}),
        executor=executor,
    )


def genome_files(settings: Settings, name: str) -> GenomeFiles:
    """Where the FASTA and the annotation of one genome lie."""
    genome = settings.genomes[name]
    fasta, *others = (source_files(settings, genome, role) for role in ROLES)
    paths = [str(file.path) for file in fasta]
    return GenomeFiles(
        fasta=paths[0],
        more_fastas=paths[1:],
        index_dir=str(fasta_index_dir(settings, name)),
        remote={
            str(file.path): [file.remote.url, file.remote.checksums or ""]
            for file in chain(fasta, *others)
            if file.remote
        },
    )


def assets_and_checks(settings: Settings, scoring_tags: Mapping[str, Any] | None = None) -> tuple[Assets, Checks]:
    """Every asset and check that the settings describe."""
    assets: Assets = []
    checks: Checks = []
    for make, names in (
        (genome_assets, settings.genomes),
        (partial(base_model_assets, scoring_tags=scoring_tags), settings.base_models),
        (dataset_assets, settings.datasets),
    ):
        for name in names:
            more_assets, more_checks = make(name, settings)
            assets += more_assets
            checks += more_checks
    return assets, checks


def manifest_of(settings: Settings) -> Manifest:
    """The manifest of these settings' asset graph."""
    assets, checks = assets_and_checks(settings)
    keys = [key for check in checks for key in check.check_keys]
    return Manifest(nodes_of(assets, keys), TableStore(base_dir=str(settings.data_path)))


def _jobs(assets: Assets) -> list[Any]:
    """Per genome, model and dataset one job for its chromosomes and one for the rest: none mixes partitionings."""
    chosen: dict[str, list[dg.AssetKey]] = {}
    for definition in assets:
        for spec in definition.specs:
            part = "chromosomes" if definition.partitions_def else "whole"
            chosen.setdefault(f"{spec.group_name}__{part}", []).append(spec.key)
    return [
        dg.define_asset_job(
            name,
            selection=dg.AssetSelection.assets(*keys),
            description="Pick chromosomes, or backfill all." if name.endswith("chromosomes") else None,
        )
        for name, keys in chosen.items()
    ]
