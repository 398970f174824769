"""Published releases of genomes as data: where their files lie, for which assembly, and what they contain.

    ensembl:112   ensembl:87   gencode:v47   gencode:v24lift37   mane:1.3

No address is opened here; `resources.downloads` does that.
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

import polars as pl

Role = Literal["fasta", "annotation", "summary"]
ROLES: tuple[Role, ...] = get_args(Role)


class ReleaseError(ValueError):
    """A release that is not known, or not for this assembly; the text says what there is."""


@dataclass(frozen=True)
class Remote:
    """A file of a publisher.

    Attributes:
        url: Its address.
        checksums: Address of the publisher's list of checksums; None where there is none.
    """

    url: str
    checksums: str | None = None


@dataclass(frozen=True)
class Series:
    """Releases of one publisher for one assembly; `{n}` in an address is the number.

    Attributes:
        name: What stands before the colon in the settings.
        pattern: What stands behind it.
        assembly: Of its files.
        first: Lowest number.
        last: Highest number; None where releases go on.
        folder: Address of the annotation's folder.
        annotation: File in it.
        fasta_folder: Address of the FASTA's folder.
        fasta: File in it.
        checksums: Name of the list in both folders; None where the publisher has none.
        summary: File beside the annotation that lists its transcripts; None where there is none.
    """

    name: str
    pattern: str
    assembly: str
    first: float
    last: float | None
    folder: str
    annotation: str
    fasta_folder: str
    fasta: str
    checksums: str | None
    summary: str | None = None


ENSEMBL = "https://ftp.ensembl.org/pub"
GENCODE = "https://ftp.ebi.ac.uk/pub/databases/gencode/Gencode_human/release_{n}"
NCBI = "https://ftp.ncbi.nlm.nih.gov"
_NUMBER, _V_NUMBER = r"(\d+)", r"v?(\d+)"
SERIES = (
    Series("ensembl", _NUMBER, "GRCh38", 76, None, f"{ENSEMBL}/release-{{n}}/gtf/homo_sapiens",
           "Homo_sapiens.GRCh38.{n}.gtf.gz", f"{ENSEMBL}/release-{{n}}/fasta/homo_sapiens/dna",
           "Homo_sapiens.GRCh38.dna.primary_assembly.fa.gz", "CHECKSUMS"),
    Series("ensembl", _NUMBER, "GRCh37", 75, 75, f"{ENSEMBL}/release-75/gtf/homo_sapiens",
           "Homo_sapiens.GRCh37.75.gtf.gz", f"{ENSEMBL}/release-75/fasta/homo_sapiens/dna",
           "Homo_sapiens.GRCh37.75.dna.primary_assembly.fa.gz", "CHECKSUMS"),
    Series("ensembl", _NUMBER, "GRCh37", 85, 87, f"{ENSEMBL}/grch37/release-{{n}}/gtf/homo_sapiens",
           "Homo_sapiens.GRCh37.{n}.gtf.gz", f"{ENSEMBL}/grch37/release-{{n}}/fasta/homo_sapiens/dna",
           "Homo_sapiens.GRCh37.dna.primary_assembly.fa.gz", "CHECKSUMS"),
    Series("gencode", _V_NUMBER, "GRCh38", 22, None, GENCODE, "gencode.v{n}.annotation.gtf.gz", GENCODE,
           "GRCh38.primary_assembly.genome.fa.gz", "MD5SUMS"),
    Series("gencode", _V_NUMBER, "GRCh37", 19, 19, GENCODE, "gencode.v19.annotation.gtf.gz", GENCODE,
           "GRCh37.p13.genome.fa.gz", "MD5SUMS"),
    Series("gencode", _V_NUMBER + "lift37", "GRCh37", 22, None, f"{GENCODE}/GRCh37_mapping",
           "gencode.v{n}lift37.annotation.gtf.gz", f"{GENCODE}/GRCh37_mapping",
           "GRCh37.primary_assembly.genome.fa.gz", "MD5SUMS"),
    Series("mane", r"v?(\d+\.\d+)", "GRCh38", 1.0, None, f"{NCBI}/refseq/MANE/MANE_human/release_{{n}}",
           "MANE.GRCh38.v{n}.refseq_genomic.gff.gz",
           f"{NCBI}/genomes/all/GCA/000/001/405/GCA_000001405.15_GRCh38/seqs_for_alignment_pipelines.ucsc_ids",
           "GCA_000001405.15_GRCh38_no_alt_analysis_set.fna.gz", None,
           summary="MANE.GRCh38.v{n}.summary.txt.gz"),
)  # fmt: skip

# Genes and transcripts (None: nobody's count was found) of annotation files, as publishers or users counted them.
PUBLISHED_TOTALS: dict[str, tuple[int, int | None]] = {
    "ensembl:75 GRCh37": (63_677, None),  # rows of Bioconductor's data set airway, counted with this GTF
    "ensembl:87 GRCh37": (57_905, 196_501),  # pleiadian53/meta-spliceai; a user's map of transcripts to genes
    "ensembl:102 GRCh38": (60_675, 232_024),  # lines of the GTF: issue 28 of Bioconductor/GenomicFeatures
    "ensembl:112 GRCh38": (63_140, 254_129),  # pleiadian53/meta-spliceai
    "gencode:v19 GRCh37": (57_820, None),  # what the tool GetTss prints of this GTF, in its manual
    "gencode:v27 GRCh38": (58_288, 200_401),  # tx2gene_gencode27 of Bioconductor's HumanTranscriptomeCompendium
    "gencode:v30 GRCh38": (58_870, 208_621),  # the exon table of mmsplice 2.4.0
    "gencode:v30lift37 GRCh37": (60_627, 210_425),  # the same
    "gencode:v43 GRCh38": (62_703, None),  # gene ids of the GTF, counted in a user's R script
    "gencode:v44 GRCh38": (62_700, None),  # the same
    "gencode:v47 GRCh38": (78_724, None),  # genes of a user's STAR index made with this GTF
    "gencode:v48 GRCh38": (78_686, 385_669),  # gencodegenes.org/human/stats_48.html, as a course's script cites it
}
LARGEST_DRIFT = 0.01
# Genes of any release of a publisher. Those above have 57,820 to 78,724, Ensembl 116 has 78,941. MANE's set of 2023 has
# 19,316 transcripts (UCSC's table mane), one per gene and a second one for few.
USUAL_GENES = {"ensembl": (55_000, 90_000), "gencode": (55_000, 90_000), "mane": (18_000, 22_000)}


def is_release(text: str) -> bool:
    """Whether a setting names a release (`ensembl:112`), not a path or an address."""
    return re.fullmatch(r"[A-Za-z]+:[^/\\]+", text) is not None


def release_file(text: str, role: Role, assembly: str) -> Remote | None:
    """The file of a release; None for the summary of one that has none.

    Args:
        text: `name:release`, as in the settings.
        role: Which of its files.
        assembly: Of the settings: a release has it, or is refused.

    Raises:
        ReleaseError: an unknown publisher, a release that is not in the table, or one without this assembly.
    """
    series, n = _series_of(text, assembly)
    folder, file = {
        "fasta": (series.fasta_folder, series.fasta),
        "annotation": (series.folder, series.annotation),
        "summary": (series.folder, series.summary),
    }[role]
    if file is None:
        return None
    folder = folder.format(n=n)
    return Remote(f"{folder}/{file.format(n=n)}", f"{folder}/{series.checksums}" if series.checksums else None)


def _series_of(text: str, assembly: str) -> tuple[Series, str]:
    """The series that a release belongs to, and its number there."""
    name, _, number = text.partition(":")
    named = [series for series in SERIES if series.name == name.lower()]
    if not named:
        known = ", ".join(dict.fromkeys(series.name for series in SERIES))
        raise ReleaseError(f"{text!r}: no releases of {name!r} are known; known are {known}. Or give a path or URL.")
    fitting = [(series, found[1]) for series in named if (found := re.fullmatch(series.pattern, number))]
    there = [(series, n) for series, n in fitting if series.first <= float(n) <= (series.last or float("inf"))]
    chosen = next(((series, n) for series, n in there if series.assembly == assembly), None)
    if chosen is None and there:
        assemblies = " and ".join(sorted({series.assembly for series, _ in there}))
        raise ReleaseError(
            f"{text!r} has no files for {assembly}, only for {assemblies}; {assembly} has {_ranges(named, assembly)}."
        )
    if chosen is None:
        ranges = "; ".join(f"{a}: {_ranges(named, a)}" for a in dict.fromkeys(series.assembly for series in named))
        raise ReleaseError(f"{text!r} is not a release of {name}. There are {ranges}.")
    return chosen


def _ranges(series: list[Series], assembly: str) -> str:
    """The releases of an assembly, in words."""
    spans = [
        f"{one.first:g}" if one.last == one.first else f"{one.first:g} to {f'{one.last:g}' if one.last else 'now'}"
        for one in series
        if one.assembly == assembly
    ]
    lifted = " (written like v24lift37)" if any("lift37" in s.pattern for s in series if s.assembly == assembly) else ""
    return (", ".join(spans) or "none") + lifted


def release_name(text: str, assembly: str) -> str:
    """The one name of a release and its assembly, however it is written: `GENCODE:30` is `gencode:v30 GRCh38`.

    Raises:
        ReleaseError: as `release_file`.
    """
    series, n = _series_of(text, assembly)
    before, after = ("v", "lift37" if "lift37" in series.pattern else "") if series.name == "gencode" else ("", "")
    return f"{series.name}:{before}{n}{after} {series.assembly}"


def total_drift(records: pl.DataFrame, annotation: str, assembly: str) -> tuple[bool, str, dict[str, float]]:
    """Genes and transcripts against the published totals of a release.

    Args:
        records: GENE_ANNOTATION.
        annotation: As in the settings; a file of unknown release is compared with all releases in the table.
        assembly: Of the settings.

    Returns:
        Whether all is well, one or two sentences, and the numbers. A release without totals must have as many genes
        as any of its publisher. A file that is like no release in the table is well: most are not in it.
    """
    own = [records.filter(pl.col("feature") == feature).height for feature in ("gene", "transcript")]
    numbers: dict[str, float] = {"genes": own[0], "transcripts": own[1]}
    shown = f"{own[0]:,} genes, {own[1]:,} transcripts"
    if not is_release(annotation):
        alike = [name for name, totals in PUBLISHED_TOTALS.items() if _drift(own, totals) <= LARGEST_DRIFT]
        like = f"as {', '.join(alike)}" if alike else "like no release with totals known here"
        return True, f"{shown}: {like}.", numbers
    name = release_name(annotation, assembly)
    if expected := PUBLISHED_TOTALS.get(name):
        drift = _drift(own, expected)
        is_well, numbers = drift <= LARGEST_DRIFT, numbers | {"drift": drift}
        totals = " and ".join(f"{n:,}" for n in expected if n is not None)
        known = f"{annotation} was published with {totals} (apart {drift:.2%})"
    else:
        fewest, most = USUAL_GENES[name.partition(":")[0]]
        is_well = fewest <= own[0] <= most
        known = f"the totals of {annotation} are not known here; others of its kind have {fewest:,} to {most:,} genes"
    return is_well, f"{shown}; {known}.{'' if is_well else ' Is the file whole, and of this release?'}", numbers


def _drift(own: list[int], totals: tuple[int, int | None]) -> float:
    """The larger of the differences from known totals, as a share of them."""
    return max(abs(n - total) / total for n, total in zip(own, totals, strict=True) if total is not None)
