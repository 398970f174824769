"""A gene annotation on disk as raw rows: GTF, GFF3 or SpliceAI's own gene table; plain, gzip or bgzip.

Only lines and columns are read here; what they mean is decided in `builder_assets.genome.annotation_records`.
"""

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

GZIP_MAGIC = b"\x1f\x8b"
BLOCK = 1 << 26  # bounds memory: a genome-wide GENCODE GTF is 1.5 GB of text
TABLE_HEADER = ["#NAME", "CHROM", "STRAND", "TX_START", "TX_END", "EXON_START", "EXON_END"]
TABLE_FEATURE = "spliceai_gene"
N_COLUMNS = 9
# Polars takes a first blank line for a table of one column. Possessive: 64 million blank lines need no way back.
BEFORE_ROWS = re.compile(rb"(?:[ \t]*+\r?\n|#[^\n]*+(?:\n|\Z))*+")
LINE_SCHEMA = {
    "seqname": pl.String,
    "source": pl.String,
    "feature": pl.String,
    "start": pl.Int64,
    "end": pl.Int64,
    "score": pl.String,
    "strand": pl.String,
    "frame": pl.String,
    "attributes": pl.String,
}
RAW_COLUMNS = ["seqname", "source", "feature", "start", "end", "strand", "attributes"]
# Features that are neither gene, transcript, exon nor CDS in any dialect. A list of what to leave out, because GFF3
# has dozens of words for transcripts.
OTHER_FEATURES = [
    "start_codon", "stop_codon", "UTR", "five_prime_UTR", "three_prime_UTR", "five_prime_utr", "three_prime_utr",
    "Selenocysteine", "stop_codon_redefined_as_selenocysteine", "intron", "biological_region", "chromosome", "region",
    "scaffold", "supercontig", "contig", "cDNA_match", "match", "sequence_feature", "enhancer", "silencer",
]  # fmt: skip


class AnnotationFileError(ValueError):
    """The annotation cannot be read; the text names the file, the line where known, and the remedy."""


def read_annotation(path: Path) -> pl.DataFrame:
    """Rows of an annotation, unchanged but for columns and features that nobody reads.

    Args:
        path: GTF, GFF3, or SpliceAI's gene table; plain, gzip or bgzip.

    Returns:
        seqname, source, feature, start, end, strand, attributes in file order; `start`, `end` as in the file (1-based
        closed in GTF and GFF3). Rows of SpliceAI's table have the feature `spliceai_gene`, its 0-based `start`, and as
        attributes `NAME|EXON_START|EXON_END`.

    Raises:
        AnnotationFileError: the file is missing, empty, cut off, or a line is malformed (its number is given).
    """
    frames, first_line, is_table = [], 1, False
    for block in _blocks(Path(path)):
        if first_line == 1:
            is_table = block.split(b"\n", 1)[0].strip().split(b"\t")[:2] == [b"#NAME", b"CHROM"]
        parsed = _table_rows if is_table else _rows
        frames.append(parsed(block, first_line, Path(path)))
        first_line += block.count(b"\n")
    raw = pl.concat(frames) if frames else pl.DataFrame()
    if not raw.height:
        raise AnnotationFileError(f"{path} holds no annotation rows. Check `annotation:` in the settings.")
    return raw


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes as they lie on disk."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    """The file's text in pieces of whole lines, up to a GFF3's `##FASTA`."""
    if not path.is_file():
        raise AnnotationFileError(f"no annotation at {path}. Check `annotation:` in the settings.")
    with path.open("rb") as file:
        packed = file.read(2) == GZIP_MAGIC
    rest = b""
    with gzip.open(path, "rb") if packed else path.open("rb") as file:
        while True:
            try:
                read = file.read(BLOCK)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise AnnotationFileError(f"{path} is cut off or damaged ({error}). Download it again.") from error
            whole = read.rfind(b"\n") + 1
            if read and not whole:
                rest += read
                continue
            text, rest = b"".join((rest, memoryview(read)[:whole])), read[whole:]
            end = 0 if text.startswith(b"##FASTA") else text.find(b"\n##FASTA") + 1 or None
            if text[:end]:
                yield text[:end]
            if not read or end is not None:
                return


def _table(block: bytes, schema: dict[str, Any]) -> pl.DataFrame:
    """The lines of a block that are neither blank nor comments."""
    rows = block[found.end() :] if (found := BEFORE_ROWS.match(block)) else block
    if not rows:
        return pl.DataFrame(schema=schema)
    table = pl.read_csv(
        rows, separator="\t", has_header=False, comment_prefix="#", quote_char=None, schema=schema,
        encoding="utf8-lossy",
    )  # fmt: skip
    first, third = table.columns[0], table.columns[2]
    return table.filter(pl.col(first).is_not_null() | pl.col(third).is_not_null())


def _rows(block: bytes, first_line: int, path: Path) -> pl.DataFrame:
    try:
        rows = _table(block, LINE_SCHEMA)
    except pl.exceptions.PolarsError as error:
        raise _malformed(block, first_line, path) from error
    bad = pl.any_horizontal(pl.col("seqname", "feature", "start", "end", "strand", "attributes").is_null())
    if rows.select((bad | (pl.col("start") < 1) | (pl.col("end") < pl.col("start"))).any()).item():
        raise _malformed(block, first_line, path)
    return rows.filter(~pl.col("feature").is_in(OTHER_FEATURES)).select(RAW_COLUMNS)


def _table_rows(block: bytes, first_line: int, path: Path) -> pl.DataFrame:
    schema = dict.fromkeys(TABLE_HEADER, pl.String) | {"TX_START": pl.Int64, "TX_END": pl.Int64}
    try:
        rows = _table(block, schema)
    except pl.exceptions.PolarsError as error:
        raise _malformed(block, first_line, path, len(TABLE_HEADER), (3, 4), 0) from error
    if rows.select(pl.any_horizontal(pl.all().is_null()).any()).item():
        raise _malformed(block, first_line, path, len(TABLE_HEADER), (3, 4), 0)
    return rows.select(
        pl.col("CHROM").alias("seqname"),
        pl.lit(None, dtype=pl.String).alias("source"),
        pl.lit(TABLE_FEATURE).alias("feature"),
        pl.col("TX_START").alias("start"),
        pl.col("TX_END").alias("end"),
        pl.col("STRAND").alias("strand"),
        pl.concat_str("#NAME", "EXON_START", "EXON_END", separator="|").alias("attributes"),
    )


def _malformed(
    block: bytes,
    first_line: int,
    path: Path,
    n_columns: int = N_COLUMNS,
    ends: tuple[int, int] = (3, 4),
    lowest: int = 1,
) -> AnnotationFileError:
    """The error for the first malformed line of a block; slow, so only called once something is wrong."""
    for number, line in enumerate(block.split(b"\n"), start=first_line):
        fields = line.rstrip(b"\r").split(b"\t")
        if fields == [b""] or line.startswith(b"#"):
            continue
        if len(fields) != n_columns:
            return AnnotationFileError(
                f"{path}, line {number}: {len(fields)} columns instead of {n_columns}, separated by tabs. Is the file "
                "a GTF, GFF3 or SpliceAI gene table, and whole?"
            )
        start, end = (fields[column] for column in ends)
        if not (start.isdigit() and end.isdigit() and lowest <= int(start) <= int(end)):
            shown = f"{start.decode(errors='replace')}..{end.decode(errors='replace')}"
            return AnnotationFileError(f"{path}, line {number}: start and end are {shown}, not positions in order.")
        if b"" in fields:
            column = fields.index(b"") + 1
            return AnnotationFileError(f"{path}, line {number}: column {column} is empty. Put `.` for no value.")
    return AnnotationFileError(f"{path}: lines from {first_line} on cannot be read as a table. Is the file whole?")
