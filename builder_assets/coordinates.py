"""Every change of coordinate frame in the project, and the words for them.

    position   a base on the reference + strand, 1-based, as in GTF, VCF and a genome browser.
               Every stored table uses 1-based closed `start`, `end`.
    offset     0-based index into a gene's sequence in transcription direction; offset 0 is its 5' end.
    shift      signed distance in transcription direction from a site or base.

    + strand   position  101 102 103 104 105        - strand   position  101 102 103 104 105
               offset      0   1   2   3   4                   offset      4   3   2   1   0
                         5' ------------> 3'                             3' <------------ 5'

0-based half-open intervals exist only inside functions that index arrays or call pysam and PyRanges;
they are made here. Nothing in this module opens a file.
"""

import re
from typing import TypeVar

import numpy as np
import polars as pl

Positions = TypeVar("Positions", int, np.ndarray, pl.Expr)

REGION_RECORD = re.compile(r"^(?P<contig>.+):(?P<start>\d+)-(?P<end>\d+)$")

# Lengths from the assemblies' published sequence reports (GRCh37.p13, GRCh38.p14).
ASSEMBLY_LENGTHS: dict[str, dict[str, int]] = {
    "GRCh37": {
        "1": 249250621, "2": 243199373, "3": 198022430, "4": 191154276, "5": 180915260, "6": 171115067,
        "7": 159138663, "8": 146364022, "9": 141213431, "10": 135534747, "11": 135006516, "12": 133851895,
        "13": 115169878, "14": 107349540, "15": 102531392, "16": 90354753, "17": 81195210, "18": 78077248,
        "19": 59128983, "20": 63025520, "21": 48129895, "22": 51304566, "X": 155270560, "Y": 59373566, "MT": 16569,
    },
    "GRCh38": {
        "1": 248956422, "2": 242193529, "3": 198295559, "4": 190214555, "5": 181538259, "6": 170805979,
        "7": 159345973, "8": 145138636, "9": 138394717, "10": 133797422, "11": 135086622, "12": 133275309,
        "13": 114364328, "14": 107043718, "15": 101991189, "16": 90338345, "17": 83257441, "18": 80373285,
        "19": 58617616, "20": 64444167, "21": 46709983, "22": 50818468, "X": 156040895, "Y": 57227415, "MT": 16569,
    },
}  # fmt: skip

# RefSeq accession versions of chromosomes 1..22, X, Y in each assembly: NC_000001.<version> and so on.
REFSEQ_VERSIONS: dict[str, list[int]] = {
    "GRCh37": [10, 11, 11, 11, 9, 11, 13, 10, 11, 10, 9, 11, 10, 8, 9, 9, 10, 9, 9, 10, 8, 10, 10, 9],
    "GRCh38": [11, 12, 12, 12, 10, 12, 14, 11, 12, 11, 10, 12, 11, 9, 10, 10, 11, 10, 10, 11, 9, 11, 11, 10],
}
CHROMOSOME_ORDER = [*map(str, range(1, 23)), "X", "Y"]
REFSEQ_MITOCHONDRION = "NC_012920.1"  # the same record in both assemblies

# Other names of assemblies, given by UCSC, the 1000 Genomes Project, the Broad Institute and others. What goes by them
# differs in contig names, decoys and the mitochondrion, not in the positions on a chromosome.
ASSEMBLY_SYNONYMS: dict[str, tuple[str, ...]] = {
    "GRCh37": ("hg19", "b37", "hs37", "hs37d5", "g1k_v37", "human_g1k_v37", "human_g1k_v37_decoy", "GRCh37-lite"),
    "GRCh38": ("hg38", "b38", "hs38", "hs38d1", "hs38DH", "GRCh38-lite", "GRCh38_no_alt", "GRCh38_full_analysis_set"),
    "GRCm38": ("mm10",),
    "GRCm39": ("mm39",),
}
_PATCH = re.compile(r"\.p\d+$")  # GRCh38.p14: patches add contigs and leave the chromosomes as they are

_CHROMOSOME = r"(?:\d{1,3}[A-Za-z]?|[XYZW]\d?|[IVX]+|LG[A-Z]?\d+)"  # 22, 2L, X, Z, IV, and linkage groups
# What may follow `chr`: a chromosome, the mitochondrion, what is placed nowhere, and contigs named after one of them
# (1_KI270706v1_random, 2LHet).
_AFTER_CHR = re.compile(rf"chr((?:{_CHROMOSOME}(?:Het)?|M|MT|U|Un|Uextra|EBV)(?:_\w+)?)", re.ASCII)


class AssemblyMismatchError(ValueError):
    """A contig name that belongs to another assembly than the one asked for."""


def _refseq_names(assembly: str) -> dict[str, str]:
    names = {
        f"NC_{number:06d}.{version}": chromosome
        for number, (chromosome, version) in enumerate(
            zip(CHROMOSOME_ORDER, REFSEQ_VERSIONS[assembly], strict=True), start=1
        )
    }
    return names | {REFSEQ_MITOCHONDRION: "MT"}


def assembly_name(name: str) -> str:
    """The one name of an assembly, whichever it is called by: `hg38` and `GRCh38.p14` are `GRCh38`.

    A name that is not known passes through unchanged.
    """
    bare = _PATCH.sub("", name.strip().lower()).replace("-", "_")
    for known, others in ASSEMBLY_SYNONYMS.items():
        if bare in {other.lower().replace("-", "_") for other in (known, *others)}:
            return known
    return name


def canonical_chromosome(contig: str, assembly: str) -> str:
    """The canonical name of `contig`: no `chr`, `MT` for the mitochondrion, RefSeq accessions resolved.

    `chr` goes only where the name of a chromosome is left: `chr22` is 22, but `chromosome_1` and `chr_001` are whole
    names. Names that are not known pass through unchanged.

    Raises:
        AssemblyMismatchError: `contig` is a RefSeq accession of another assembly; the text names both.
    """
    found = _AFTER_CHR.fullmatch(contig)
    bare = found[1] if found else contig
    if bare in {"M", "MT"}:
        return "MT"
    if not bare.startswith("NC_"):
        return bare
    if assembly in REFSEQ_VERSIONS and bare in (known := _refseq_names(assembly)):
        return known[bare]
    for other in REFSEQ_VERSIONS:
        if other != assembly and bare in _refseq_names(other):
            raise AssemblyMismatchError(
                f"{contig} is chromosome {_refseq_names(other)[bare]} of {other}, but the settings say {assembly}."
            )
    return bare


def is_chromosome(name: str) -> bool:
    """Whether a canonical name is that of a nuclear chromosome, not of a scaffold or the mitochondrion."""
    return re.fullmatch(_CHROMOSOME, name, re.ASCII) is not None


def region_of_record(record: str) -> tuple[str, int, int] | None:
    """Contig, start and end of a record named like `22:20000001-21000000` (1-based closed), else None."""
    found = REGION_RECORD.match(record)
    return (found["contig"], int(found["start"]), int(found["end"])) if found else None


def half_open(start: int, end: int) -> tuple[int, int]:
    """0-based half-open interval of the 1-based closed `start`, `end`; for array slices and pysam."""
    return start - 1, end


def position_of_offset(offset: Positions, start: int, end: int, strand: str) -> Positions:
    """Position of an offset in a gene at `start`..`end` on `strand`."""
    return start + offset if strand == "+" else end - offset  # pyright: ignore[reportReturnType]


def offset_of_position(position: Positions, start: int, end: int, strand: str) -> Positions:
    """Offset of a position in a gene at `start`..`end` on `strand`; the inverse of `position_of_offset`."""
    return position - start if strand == "+" else end - position  # pyright: ignore[reportReturnType]


def position_expr(offset: pl.Expr, start: pl.Expr, end: pl.Expr, strand: pl.Expr) -> pl.Expr:
    """`position_of_offset` for columns, where the strand differs by row."""
    return pl.when(strand == "+").then(start + offset).otherwise(end - offset)


def offset_expr(position: pl.Expr, start: pl.Expr, end: pl.Expr, strand: pl.Expr) -> pl.Expr:
    """`offset_of_position` for columns, where the strand differs by row."""
    return pl.when(strand == "+").then(position - start).otherwise(end - position)
