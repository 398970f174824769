"""Small tables about genes that people keep: named text columns, tab- or comma-separated, plain or gzip."""

import io
import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from resources.gene_lists import GeneListError, file_text


def read_gene_table(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    """The wanted columns of a table with a header, as text without surrounding white space.

    Lines that start with # are comments, but for a header that does.

    Raises:
        GeneListError: no such file, damaged gzip or no text; no rows; a column is missing; a value is empty.
    """
    lines = [line for line in file_text(path).splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("#") or set(columns) <= set(re.split(r"[\t,]", line[1:]))]
    if len(lines) < 2:
        raise GeneListError(f"{path} holds no rows below its header; it needs the columns {', '.join(columns)}.")
    separator = "\t" if "\t" in lines[0] else ","
    try:
        table = pl.read_csv(io.StringIO("\n".join(lines)), separator=separator, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise GeneListError(f"{path} is no table: {str(error).splitlines()[0]}.") from error
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise GeneListError(f"{path} lacks the columns {', '.join(missing)}; it has {', '.join(table.columns)}.")
    wanted = table.select(pl.col(columns).str.strip_chars())
    empty = wanted.filter(pl.any_horizontal(pl.col(columns).fill_null("") == "")).height
    if empty:
        raise GeneListError(f"{path}: {empty} of {wanted.height} rows have an empty {' or '.join(columns)}.")
    return wanted
