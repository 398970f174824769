"""`builder export`: a built dataset as other programs want it."""

from enum import StrEnum
from pathlib import Path

from builder_assets.dataset.columns import training_examples_contract
from builder_assets.dataset.features.kmers import kmer_names
from builder_assets.dataset.predecessor_columns import SIDECAR, master_columns
from builder_assets.manifest import Cell
from builder_assets.project.folder import Project
from builder_assets.project.freshness import listed, tables_behind
from resources.dataset_writers import ExportError, check_files, write_csv, write_master, write_parquet, write_shards

ROWS_PER_SHARD = 100_000


class Layout(StrEnum):
    """How a dataset is written."""

    PARQUET = "parquet"
    CSV = "csv"
    SHARDS = "shards"
    MASTER = "master"


def export_dataset(
    project: Project, name: str, layout: Layout, output: Path, rows_per_shard: int = ROWS_PER_SHARD
) -> int:
    """Write the examples of a dataset to `output`, a file or a folder that is not there yet; returns the rows.

    Raises:
        ExportError: no such dataset, chromosomes that are not built and fresh, files of another schema, or `output`
            is there already.
    """
    settings = project.settings
    if name not in settings.datasets:
        raise ExportError(f"no dataset {name!r} in the settings; known: {', '.join(settings.datasets) or 'none'}.")
    asset = f"{name}/training_examples"
    if behind := tables_behind(project, [asset]):
        raise ExportError(
            f"{len(behind)} chromosomes of {name} are not built or not fresh: {listed(behind)}. "
            "Run `builder build` first."
        )
    dataset = settings.datasets[name]
    contract = training_examples_contract(dataset.examples.features)
    chromosomes = project.manifest.nodes[asset].partitions
    paths = {chrom: project.manifest.path_of(Cell(asset, chrom)) for chrom in chromosomes}
    check_files(paths, contract)
    files = list(paths.values())
    if layout is Layout.PARQUET:
        return write_parquet(files, output)
    if layout is Layout.CSV:
        return write_csv(files, output)
    if layout is Layout.SHARDS:
        return write_shards(files, output, rows_per_shard)
    kmers = [column for k in dataset.kmers for column in kmer_names(k)]
    manifest = project.manifest.path_of(Cell(f"{name}/gene_manifest")).with_name("gene_manifest.csv")
    return write_master(files, output, master_columns(kmers), SIDECAR, manifest)
