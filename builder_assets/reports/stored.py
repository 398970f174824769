"""Stored tables as the pages read them: parts of some chromosomes, in the order of the files, never a missing one."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import polars as pl

from resources.table_contract import TableContract
from resources.table_files import read_provenance, scan


class NotBuiltError(ValueError):
    """What is to be shown is not there yet; the text says what to do."""


def parts(folder: Path, contract: TableContract) -> list[Path]:
    """Files of a table by chromosome."""
    return sorted((folder / contract.name).glob("*.parquet"))


def whole(folder: Path, contract: TableContract, chroms: Collection[str] | None = None) -> pl.DataFrame:
    """All rows of a table, or those of some chromosomes; an empty one where nothing is stored.

    Args:
        folder: Folder of the genome, base model or dataset.
        contract: The table.
        chroms: Chromosomes to read; all where not given.
    """
    frames = [scan(path).collect() for path in parts(folder, contract) if chroms is None or path.stem in chroms]
    return pl.concat([contract.empty(), *frames])


def versions_of(path: Path) -> dict[str, Any]:
    """What made a stored file: code version, data version and those of its inputs."""
    return read_provenance(path)
