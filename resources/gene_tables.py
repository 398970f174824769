"""Small tables about genes that people keep: named text columns, tab- or comma-separated, plain or gzip."""

import io
import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from resources.gene_lists import GeneListError, file_text


def read_gene_table(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    """The wanted columns of a table with a header, as text without surrounding white space.

    Lines that start with # are comments; where no other line names the columns, the last of them above the rows does.

    Raises:
        GeneListError: no such file, damaged gzip or no text; no rows; a column is missing; a value is empty.
    """
    lines = [line for line in file_text(path).splitlines() if line.strip()]
    rows = [line for line in lines if not line.startswith("#")]
    above = lines[: lines.index(rows[0])] if rows else []
    if above and _named(above[-1]).intersection(columns) and not _named(rows[0]).intersection(columns):
        rows.insert(0, above[-1].lstrip("#"))
    if len(rows) < 2:
        raise GeneListError(f"{path} holds no rows below its header; it needs the columns {', '.join(columns)}.")
    by_tab = "\t" in rows[0]
    try:
        table = pl.read_csv(
            io.StringIO("\n".join(rows)),
            separator="\t" if by_tab else ",",
            quote_char=None if by_tab else '"',
            infer_schema=False,
        )
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


def _named(line: str) -> set[str]:
    """What a line would name as the header."""
    return {name.strip() for name in re.split(r"[\t,]", line.lstrip("#"))}
