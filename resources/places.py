"""Where tables lie: in a folder, or under a prefix of an object store, `s3://bucket/prefix`.

universal-pathlib gives objects the methods of `pathlib.Path`, so both are handled alike; what only one can do is here.
"""

from pathlib import Path
from typing import Any, cast

import pyarrow.parquet as pq
from upath import UPath


def is_remote(path: Path | str) -> bool:
    """Whether a path is an address of an object store."""
    return "://" in str(path)


def place(text: str) -> Path:
    """The folder or prefix that `text` names; what others write there is seen at once."""
    return cast(Path, UPath(text, use_listings_cache=False)) if is_remote(text) else Path(text)


def put(written: Path, path: Path) -> None:
    """Copy a file into an object store; the object appears whole, or not at all."""
    remote: Any = path
    remote.fs.put_file(str(written), remote.path)


def parquet_file(path: Path) -> pq.ParquetFile:
    """A stored Parquet file, opened; raises as `pyarrow.parquet.ParquetFile` does."""
    remote: Any = path
    return pq.ParquetFile(remote.path, filesystem=remote.fs) if is_remote(path) else pq.ParquetFile(path)
