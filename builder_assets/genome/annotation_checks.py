"""What the checks of a genome find: contigs that fit, introns of usual lengths, known types, tables that agree.

Pure: each function takes stored tables and gives a verdict with the numbers behind it. A hard rule elsewhere raises
before anything is stored; these judge what is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from builder_assets.coordinates import ASSEMBLY_LENGTHS, is_chromosome
from builder_assets.genome.landmarks import landmark_places, landmark_words

GENE = ["chrom", "gene_id"]
TRANSCRIPT = [*GENE, "transcript_id"]
SHORT_CONTIG = 1_000_000  # bases; a scaffold or mitochondrion as short as this may have no gene
LARGEST_SHARE_UNKNOWN_TYPE = 0.01
LARGEST_SHARE_OF_GAPS = 0.01
LENGTH_BINS = (0, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Attributes:
        level: error stops what comes after, warn does not.
        text: One or two sentences with the numbers that decided.
        numbers: All numbers.
    """

    level: Literal["pass", "warn", "error"]
    text: str
    numbers: Mapping[str, float] = field(default_factory=dict)


def contig_table(records: pl.DataFrame, fasta: pl.DataFrame, assembly: str) -> pl.DataFrame:
    """Genes and ends per chromosome: chrom, genes, last_gene_end, fasta_end, assembly_length (null: not there).

    Args:
        records: GENE_ANNOTATION.
        fasta: GENOME_FASTA.
        assembly: Its known lengths are shown beside.
    """
    genes = (
        records.filter(pl.col("feature") == "gene")
        .group_by("chrom")
        .agg(genes=pl.len().cast(pl.Int64), last_gene_end=pl.col("end").max())
    )
    ends = fasta.group_by("chrom").agg(fasta_end=pl.col("end").max())
    lengths = ASSEMBLY_LENGTHS.get(assembly, {})
    known = pl.DataFrame(
        {"chrom": list(lengths), "assembly_length": list(lengths.values())},
        schema={"chrom": pl.String, "assembly_length": pl.Int64},
    )
    joined = genes.join(ends, on="chrom", how="full", coalesce=True).join(known, on="chrom", how="left")
    return joined.with_columns(pl.col("genes").fill_null(0)).sort("chrom")


def contig_fit(records: pl.DataFrame, fasta: pl.DataFrame, chromosomes: tuple[str, ...], assembly: str) -> Verdict:
    """Do annotation and FASTA hold the same chromosomes, and do the genes end inside them?

    error  no gene on a chromosome of the settings, or on a scaffold of a million bases or more
    warn   no gene on a shorter scaffold or the mitochondrion; genes end beyond the FASTA of their chromosome

    What is a chromosome is told by its name (1 to 999, X, 2L, IV), whatever its length: the genome may be small, or the
    FASTA a part of it. Annotations without the mitochondrion are usual. Contigs that the settings do not name are
    counted: they are left out, and no gene goes silently.
    """
    table = contig_table(records, fasta, assembly)
    own = table.filter(pl.col("chrom").is_in(list(chromosomes)))
    empty = own.filter(pl.col("genes") == 0)
    ends = empty.select("chrom", "fasta_end").iter_rows()
    lost = [chrom for chrom, end in ends if is_chromosome(chrom) or end >= SHORT_CONTIG]
    beyond = own.filter(pl.col("last_gene_end") > pl.col("fasta_end"))
    others = table.filter(~pl.col("chrom").is_in(list(chromosomes)) & (pl.col("genes") > 0))
    landmarks = landmark_words(landmark_places(records.filter(pl.col("feature") == "gene")))
    numbers: dict[str, float] = {
        "genes": int(own["genes"].sum()),
        "chromosomes_without_genes": empty.height,
        "chromosomes_with_genes_beyond_the_fasta": beyond.height,
        "contigs_left_out": others.height,
        "genes_left_out": int(others["genes"].sum()),
        "fasta_contigs_left_out": fasta.filter(~pl.col("chrom").is_in(list(chromosomes)))["chrom"].n_unique(),
    }
    text = (
        f"{numbers['genes']:,} genes on {own.height} chromosomes; left out: {numbers['genes_left_out']:,} genes on "
        f"{others.height} contigs that the settings do not name{_named(others)}. {landmarks}"
    )
    if beyond.height:
        text += (
            f" Genes end beyond the FASTA on {beyond.height} chromosomes{_named(beyond)}: the FASTA is partial, or of "
            "another assembly."
        )
    if empty.height:
        text += (
            f" No gene at all on {empty.height} chromosomes of the settings{_named(empty)}: the annotation lacks them, "
            "or names them in another way."
        )
    if lost:
        text += f" Take an annotation that has {', '.join(lost[:5])}, or leave them out of `chromosomes:`."
    return Verdict("error" if lost else "warn" if empty.height or beyond.height else "pass", text, numbers)


def _named(rows: pl.DataFrame, most: int = 5) -> str:
    shown = ", ".join(rows["chrom"].head(most).to_list())
    return f" ({shown}{', ...' if rows.height > most else ''})" if rows.height else ""


def gene_types(genes: pl.DataFrame) -> Verdict:
    """How many genes have a type; warns over 1 % without one: `types:` of a dataset cannot find those.

    Args:
        genes: GENES.
    """
    unknown = genes["gene_type"].null_count()
    counts = (
        genes.drop_nulls("gene_type").group_by("gene_type").len().sort(["len", "gene_type"], descending=[True, False])
    )
    numbers = {"genes": genes.height, "unknown": unknown, **dict(counts.iter_rows())}
    share = unknown / genes.height if genes.height else 0.0
    text = f"{unknown:,} of {genes.height:,} genes ({share:.1%}) have no type; {counts.height} types are known."
    return Verdict("warn" if share > LARGEST_SHARE_UNKNOWN_TYPE else "pass", text, numbers)


def length_histogram(introns: pl.DataFrame) -> list[tuple[str, int]]:
    """Unique introns per bin of length: its lower edge in words, and how many."""
    lengths = introns["length"].clip(0)
    reached = [int((lengths >= low).sum()) for low in LENGTH_BINS]
    return [
        (_short(low), longer - still_longer)
        for low, longer, still_longer in zip(LENGTH_BINS, reached, [*reached[1:], 0], strict=True)
    ]


def _short(bases: int) -> str:
    return f"{bases // 1_000_000}M" if bases >= 1_000_000 else f"{bases // 1000}k" if bases >= 1000 else str(bases)


def intron_lengths(introns: pl.DataFrame) -> Verdict:
    """Lengths of unique introns; warns where over 1 % are gaps, shorter than `min_intron`.

    Args:
        introns: INTRONS.
    """
    real = introns.filter(~pl.col("is_gap"))["length"]
    gaps = introns.height - real.len()
    share = gaps / introns.height if introns.height else 0.0
    numbers = {"introns": introns.height, "gaps": gaps, "median": _whole(real.median()), "longest": _whole(real.max())}
    text = (
        f"{introns.height:,} unique introns, {gaps:,} of them gaps ({share:.2%}); the others are {numbers['median']:,} "
        f"bases long in the median, {numbers['longest']:,} at most."
    )
    return Verdict("warn" if share > LARGEST_SHARE_OF_GAPS else "pass", text, numbers)


def _whole(value: object) -> int:
    return int(value) if isinstance(value, (int, float)) else 0


def table_identities(
    genes: pl.DataFrame, transcripts: pl.DataFrame, introns: pl.DataFrame, sites: pl.DataFrame, overlaps: pl.DataFrame
) -> Verdict:
    """Do the stored tables of a chromosome tell one story? Any difference is an error.

    Introns over transcripts = sum of (n_exons - 1); donors and acceptors of `genes` = rows of `splice_sites`; every
    transcript and site has its gene; one canonical transcript per gene; overlaps are listed by both genes.
    """
    site_counts = sites.group_by(GENE).agg(found=pl.len())
    pairs = overlaps.select("chrom", "gene_id", other="overlapping_gene_ids").explode("other", empty_as_null=False)
    canonical = transcripts.filter("is_canonical").group_by(GENE).len()
    numbers: dict[str, float] = {
        "transcript_introns": int((transcripts["n_exons"] - 1).sum()),
        "transcripts_without_gene": transcripts.join(genes, on=GENE, how="anti").height,
        "sites_without_gene": sites.join(genes, on=GENE, how="anti").height,
        "genes_without_one_canonical_transcript": genes.join(
            canonical.filter(pl.col("len") == 1), on=GENE, how="anti"
        ).height,
        "genes_with_other_site_counts": genes.join(site_counts, on=GENE, how="left")
        .filter(pl.col("n_splice_sites") != pl.col("found").fill_null(0))
        .height,
        "overlaps_listed_once": pairs.join(
            pairs.select("chrom", gene_id="other", other="gene_id"), on=["chrom", "gene_id", "other"], how="anti"
        ).height,
        "intron_difference": int((transcripts["n_exons"] - 1).sum()) - int(introns["n_transcripts"].sum()),
    }
    broken = {name: number for name, number in numbers.items() if name != "transcript_introns" and number}
    if broken:
        shown = ", ".join(f"{name.replace('_', ' ')}: {number:,}" for name, number in broken.items())
        return Verdict("error", f"The tables contradict each other: {shown}. Build the chromosome again.", numbers)
    text = (
        f"{genes.height:,} genes, {transcripts.height:,} transcripts, {numbers['transcript_introns']:,} transcript "
        f"introns, {sites.height:,} unique sites and {pairs.height // 2:,} overlaps agree with each other."
    )
    return Verdict("pass", text, numbers)
