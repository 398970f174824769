"""Junctions that reads have shown: BED, or STAR's SJ.out.tab, plain or gzip. Only the introns are read here.

BED 3..9 columns   the row is the intron, 0-based half-open; strand in column 6, else both
BED 12 columns     the intron lies between the two blocks, as junction callers write it
SJ.out.tab         nine columns, first and last base of the intron 1-based; strand 0 unknown, 1 +, 2 -
"""

import gzip
import zlib
from pathlib import Path

import polars as pl

GZIP_MAGIC = b"\x1f\x8b"
SCHEMA = {"contig": pl.String, "start": pl.Int64, "end": pl.Int64, "strand": pl.String}
STAR_COLUMNS, STAR_STRANDS = 9, {"0": ".", "1": "+", "2": "-"}
BED12_COLUMNS = 12


class JunctionFileError(ValueError):
    """A file of junctions that cannot be read; the text names the file, the line and what to do."""


def read_junctions(path: Path) -> pl.DataFrame:
    """The introns of a file: contig as written, start and end 1-based closed, strand `+`, `-` or `.`.

    Raises:
        JunctionFileError: no such file; damaged gzip; no rows; rows of differing width or without numbers; a strand
            that is none; a BED12 row that has not two blocks.
    """
    rows = [line.split("\t") for line in _lines(path)]
    if not rows:
        raise JunctionFileError(f"{path} holds no junctions.")
    width = len(rows[0])
    uneven = [number for number, row in enumerate(rows, start=1) if len(row) != width]
    if uneven or width < 3:
        raise JunctionFileError(
            f"{path}: {len(uneven) or len(rows)} of {len(rows)} rows are no BED or SJ.out.tab rows, first row "
            f"{uneven[0] if uneven else 1}. Columns are separated by tabs, as many in every row, three at least."
        )
    table = pl.DataFrame(rows, schema=[f"c{number}" for number in range(width)], orient="row")
    star = width == STAR_COLUMNS and table["c3"].is_in(list(STAR_STRANDS)).all()
    try:
        introns = table.select(_star_introns() if star else _bed_introns(width)).cast(SCHEMA)  # pyright: ignore
    except pl.exceptions.PolarsError as error:
        raise JunctionFileError(
            f"{path}: a start, end or block is no number ({str(error).splitlines()[0]})."
        ) from error
    if width == BED12_COLUMNS and (table["c9"] != "2").any():
        raise JunctionFileError(
            f"{path}: {int((table['c9'] != '2').sum())} of {len(rows)} BED12 rows have not two blocks; a junction has."
        )
    wrong = introns.filter(~pl.col("strand").is_in(["+", "-", "."]) | (pl.col("start") > pl.col("end")))
    if wrong.height:
        raise JunctionFileError(
            f"{path}: {wrong.height} of {len(rows)} junctions have a strand that is none of + - . or end before their "
            f"start, first {wrong.row(0)}."
        )
    return introns


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise JunctionFileError(f"no file of junctions at {path}.")
    raw = path.read_bytes()
    try:
        text = (gzip.decompress(raw) if raw.startswith(GZIP_MAGIC) else raw).decode("utf-8")
    except (EOFError, OSError, zlib.error, UnicodeDecodeError) as error:
        raise JunctionFileError(f"{path} is no text, or a damaged gzip file ({error}).") from error
    lines = (line.rstrip("\r") for line in text.split("\n"))
    return [line for line in lines if line.strip() and not line.startswith(("#", "track", "browser"))]


def _star_introns() -> list[pl.Expr]:
    strand = pl.col("c3").replace_strict(STAR_STRANDS, return_dtype=pl.String)
    return [
        pl.col("c0").alias("contig"),
        pl.col("c1").cast(pl.Int64).alias("start"),
        pl.col("c2").cast(pl.Int64).alias("end"),
        strand.alias("strand"),
    ]


def _bed_introns(width: int) -> list[pl.Expr]:
    start, end = pl.col("c1").cast(pl.Int64), pl.col("c2").cast(pl.Int64)
    if width == BED12_COLUMNS:
        sizes = pl.col("c10").str.strip_chars(",").str.split(",")
        start = start + sizes.list.first().cast(pl.Int64)
        end = end - sizes.list.last().cast(pl.Int64)
    strand = pl.col("c5") if width >= 6 else pl.lit(".")
    return [pl.col("c0").alias("contig"), (start + 1).alias("start"), end.alias("end"), strand.alias("strand")]
