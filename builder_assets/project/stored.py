"""Stored tables as people are shown them: every chromosome that is asked for, or an error that says which are missing.

Nothing here asks the history; whether a table is what would be built now is said by `freshness`.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import polars as pl

from builder_assets.settings import Settings
from resources.table_contract import TableContract
from resources.table_files import SETTINGS, read_provenance, require_schema_version, scan

MOST_NAMED = 5


class NotBuiltError(ValueError):
    """What is to be shown is not there; the text says what is missing and what to do."""


def chromosomes_of(settings: Settings, owner: str) -> tuple[str, ...]:
    """The chromosomes of a genome, or of the one that a base model or a dataset is made on."""
    model = settings.datasets[owner].base_model if owner in settings.datasets else owner
    genome = settings.base_models[model].genome if model in settings.base_models else model
    return settings.genomes[genome].chromosomes


def file_of(settings: Settings, owner: str, contract: TableContract, chrom: str | None = None) -> Path:
    """Where a table lies, there or not; `chrom` is None for one over all chromosomes."""
    path = settings.data_path / owner / contract.name
    return path.with_suffix(".parquet") if chrom is None else path / f"{chrom}.parquet"


def files_of(
    settings: Settings, owner: str, contract: TableContract, chroms: Collection[str] | None = None
) -> dict[str, Path]:
    """The file of each chromosome of a table, all of them whole.

    Args:
        settings: Of the project.
        owner: Name of the genome, base model or dataset.
        contract: The table.
        chroms: Chromosomes to read; all of the settings where not given.

    Raises:
        NotBuiltError: names the chromosomes that have no file.
        SchemaVersionError: a file is of another version of this code.
        DamagedFileError: a file is not whole.
    """
    wanted = chromosomes_of(settings, owner) if chroms is None else dict.fromkeys(chroms)
    files = {chrom: file_of(settings, owner, contract, chrom) for chrom in wanted}
    missing = [chrom for chrom, path in files.items() if not path.is_file()]
    if missing:
        shown = ", ".join(missing[:MOST_NAMED]) + (" and more" if len(missing) > MOST_NAMED else "")
        command = f"builder build --genome {owner}" if owner in settings.genomes else "builder build"
        raise NotBuiltError(
            f"{owner}/{contract.name}: {len(missing)} of {len(files)} chromosomes have no table ({shown}). "
            f"`{command}` makes what is missing."
        )
    for path in files.values():
        require_schema_version(path, contract.schema_version)
    return files


def whole(
    settings: Settings, owner: str, contract: TableContract, chroms: Collection[str] | None = None
) -> pl.DataFrame:
    """All rows of a table, or those of some chromosomes, in the order of the settings; raises as `files_of` does."""
    files = files_of(settings, owner, contract, chroms).values()
    return pl.concat([contract.empty(), *(scan(path).collect() for path in files)])


def single(settings: Settings, owner: str, contract: TableContract) -> pl.DataFrame:
    """All rows of a table over all chromosomes.

    Raises:
        SchemaVersionError: the file is of another version of this code.
        DamagedFileError: it is gone, or not whole.
    """
    path = file_of(settings, owner, contract)
    require_schema_version(path, contract.schema_version)
    return scan(path).collect()


def gene_rows(settings: Settings, owner: str, contract: TableContract, chrom: str, gene_id: str) -> pl.DataFrame:
    """The rows of one gene, no other gene's read; raises as `files_of` does."""
    (path,) = files_of(settings, owner, contract, [chrom]).values()
    return scan(path).filter(pl.col("gene_id") == gene_id).collect()


def stored_settings(paths: Collection[Path]) -> dict[str, Any]:
    """The settings that shaped stored files, as their footers keep them; where files differ, a list of all values."""
    found: dict[str, list[Any]] = {}
    for path in paths:
        for name, value in read_provenance(path).get(SETTINGS, {}).items():
            values = found.setdefault(name, [])
            values += [value] if value not in values else []
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}
