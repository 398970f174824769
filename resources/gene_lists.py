"""Gene lists that people keep: one gene per line, or a column of a TSV or CSV, plain or gzip.

Only the text of the entries is read here; which gene an entry means is decided in `builder_assets.selection`.
"""

import csv
import gzip
import re
import zlib
from pathlib import Path

# Column names by which a header is known, the least ambiguous first; lower case, blanks and dashes as underscores.
GENE_COLUMNS = (
    "gene_id",
    "ensembl_gene_id",
    "gene_stable_id",
    "ensembl_id",
    "gene",
    "gene_name",
    "gene_symbol",
    "symbol",
    "hgnc_symbol",
    "approved_symbol",
)
GZIP_MAGIC = b"\x1f\x8b"
COMMENT = re.compile(r"(^|\s)#.*$")


class GeneListError(ValueError):
    """A gene list that cannot be read; the text names the file, the line and what to do."""


def read_gene_list(path: Path) -> list[str]:
    """The entries of a gene list, in the order of the file, each once.

    Tab- or comma-separated text or one entry per line; gzip is known by its first bytes. Comments start with `#` at
    the start of a line or after white space. With a header (a first line that holds a name of `GENE_COLUMNS`) the
    entries are that column, otherwise the first one.

    Raises:
        GeneListError: no such file; a broken gzip; no text; no entries; a row without an entry; an entry with white
            space in it; one headerless line of several fields, which may be a list or a table.
    """
    lines = [
        (number, COMMENT.sub("", line).rstrip()) for number, line in enumerate(file_text(path).splitlines(), start=1)
    ]
    lines = [(number, line) for number, line in lines if line.strip()]
    if not lines:
        raise GeneListError(f"gene list {path} holds no genes, only blank lines and comments if anything.")
    separator = next((mark for mark in "\t," if mark in lines[0][1]), None)
    rows = [(number, _fields(line, separator)) for number, line in lines]
    header = [re.sub(r"[\s-]+", "_", field.lower()) for field in rows[0][1]]
    named = [header.index(name) for name in GENE_COLUMNS if name in header]
    if not named and len(rows) == 1 and len(header) > 1:
        raise GeneListError(
            f"gene list {path} is one line of {len(header)} fields without a header. Write one gene per line."
        )
    column = named[0] if named else 0
    entries = [(number, fields[column] if column < len(fields) else "") for number, fields in rows[bool(named) :]]
    _check(path, entries)
    return list(dict.fromkeys(entry for _, entry in entries))


def file_text(path: Path) -> str:
    """The decompressed text of a file."""
    if not path.is_file():
        raise GeneListError(f"no gene list at {path}.")
    raw = path.read_bytes()
    if raw.startswith(GZIP_MAGIC):
        try:
            raw = gzip.decompress(raw)
        except (EOFError, OSError, zlib.error) as error:
            raise GeneListError(f"gene list {path} is a truncated or damaged gzip file ({error}).") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise GeneListError(
            f"gene list {path} is no UTF-8 text (byte {error.start}). Save it as plain text."
        ) from error
    if "\0" in text:
        raise GeneListError(f"gene list {path} is binary: it holds NUL bytes. Save it as plain text.")
    return text


def _fields(line: str, separator: str | None) -> list[str]:
    """The stripped fields of one line, quotes removed."""
    fields = next(csv.reader([line], delimiter=separator or "\t", skipinitialspace=True))
    return [field.strip() for field in fields]


def _check(path: Path, entries: list[tuple[int, str]]) -> None:
    """Raise unless there are entries, each one word."""
    if not entries:
        raise GeneListError(f"gene list {path} holds no genes, only its header.")
    blank = [str(number) for number, entry in entries if not entry]
    if blank:
        raise GeneListError(
            f"gene list {path}: {len(blank)} of {len(entries)} rows name no gene, first on line {blank[0]}."
        )
    spaced = [(number, entry) for number, entry in entries if re.search(r"\s", entry)]
    if spaced:
        number, entry = spaced[0]
        raise GeneListError(
            f"gene list {path}: {len(spaced)} of {len(entries)} entries hold white space, first {entry!r} on line "
            f"{number}. Write one gene per line, or separate columns by tabs or commas."
        )
