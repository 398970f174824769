"""Genomes small enough to draw: their bases, their annotation, and how both look in the mirror."""

from pathlib import Path

import numpy as np
import polars as pl

from builder_assets.sequence import ChromosomeSequence, codes_of, reverse_complement

RAW = {
    "seqname": pl.String, "source": pl.String, "feature": pl.String, "start": pl.Int64, "end": pl.Int64,
    "strand": pl.String, "attributes": pl.String,
}  # fmt: skip


def bases(length: int, seed: int = 7) -> np.ndarray:
    """Base codes of a random sequence."""
    return np.random.default_rng(seed).integers(0, 4, length).astype(np.uint8)


def sequence(codes: np.ndarray, chrom: str = "1", segments=None) -> ChromosomeSequence:
    return ChromosomeSequence(chrom=chrom, first_position=1, codes=codes, segments=segments or ((1, len(codes)),))


def with_letters(codes: np.ndarray, placed: dict[int, str]) -> np.ndarray:
    """`codes` with letters written from 1-based positions on."""
    written = codes.copy()
    for position, letters in placed.items():
        written[position - 1 : position - 1 + len(letters)] = codes_of(letters)
    return written


def gtf_rows(
    models: list[tuple[str, str, str, list[tuple[int, int]]]], chrom: str = "1", more: str = ""
) -> pl.DataFrame:
    """Exon rows of (gene, transcript, strand, exons)."""
    rows = [
        (chrom, "made", "exon", start, end, strand, f'gene_id "{gene}"; transcript_id "{transcript}"; {more}')
        for gene, transcript, strand, exons in models
        for start, end in exons
    ]
    return pl.DataFrame(rows, schema=RAW, orient="row")


def mirrored(models, length: int):
    """The same models on the reverse-complemented genome."""
    other = {"+": "-", "-": "+"}
    return [
        (gene, transcript, other[strand], [(length + 1 - end, length + 1 - start) for start, end in exons])
        for gene, transcript, strand, exons in models
    ]


def mirror(codes: np.ndarray) -> np.ndarray:
    return reverse_complement(codes)


def write_fasta(path: Path, records: dict[str, str]) -> Path:
    path.write_text("".join(f">{name}\n{letters}\n" for name, letters in records.items()), encoding="ascii")
    return path
