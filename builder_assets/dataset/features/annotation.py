"""Features of the gene's annotation: off by default, since the same annotation makes the labels.

One row per (chrom, gene_id): genes on the pseudoautosomal regions share an id on X and Y.
No column is ever a distance to an annotated site.
"""

from dataclasses import dataclass

import polars as pl

from resources.table_contract import Column

GENE_KEY = ["chrom", "gene_id"]


@dataclass(frozen=True)
class AnnotationTables:
    """The tables that annotation features read, each of one chromosome.

    Attributes:
        transcripts: TRANSCRIPTS.
        exons: EXONS.
        introns: INTRONS.
        gene_overlaps: GENE_OVERLAPS.
    """

    transcripts: pl.DataFrame
    exons: pl.DataFrame
    introns: pl.DataFrame
    gene_overlaps: pl.DataFrame


def _count(name: str, description: str) -> Column:
    return Column(name=name, dtype="int32", description=description, unit="count", role="annotation_feature", minimum=0)


def _bases(name: str, description: str, dtype: str = "float32", *, nullable: bool = False) -> Column:
    return Column(
        name=name,
        dtype=dtype,
        description=description,
        unit="bases",
        role="annotation_feature",
        nullable=nullable,
        minimum=0,
    )


_NO_INTRON = "null without introns; alignment gaps are not counted"
ANNOTATION_COLUMNS = (
    _count("n_transcripts", "Transcripts of the gene."),
    _count("n_exons", "Unique exons of the gene."),
    _count("n_splice_sites", "Unique splice sites of the gene."),
    _count("n_overlaps_same_strand", "Genes of the same strand that share a base with it."),
    _count("n_overlaps_any", "Genes of either strand that share a base with it."),
    _count("canonical_n_exons", "Exons of the canonical transcript."),
    _bases("canonical_spliced_length", "Exon bases of the canonical transcript.", "int32"),
    _bases("canonical_exon_length_mean", "Mean exon length of the canonical transcript."),
    _bases("canonical_exon_length_median", "Median exon length of the canonical transcript."),
    _bases(
        "canonical_intron_length_total",
        "Intron bases of the canonical transcript; alignment gaps are not counted.",
        "int32",
    ),
    _bases(
        "canonical_intron_length_mean",
        f"Mean intron length of the canonical transcript; {_NO_INTRON}.",
        nullable=True,
    ),
    _bases(
        "canonical_intron_length_median",
        f"Median intron length of the canonical transcript; {_NO_INTRON}.",
        nullable=True,
    ),
)


def annotation_features(genes: pl.DataFrame, tables: AnnotationTables) -> pl.DataFrame:
    """chrom, gene_id and the columns of ANNOTATION_COLUMNS, one row per row of `genes` (GENES).

    Raises:
        ValueError: a gene has no canonical transcript, no exon of it, or no row in gene_overlaps.
    """
    exons = genes.select(*GENE_KEY, pl.col("canonical_transcript_id").alias("transcript_id")).join(
        tables.exons, on=[*GENE_KEY, "transcript_id"]
    )
    lengths = pl.col("end") - pl.col("start") + 1
    exon_part = exons.group_by(GENE_KEY).agg(
        canonical_n_exons=pl.len(),
        canonical_exon_length_mean=lengths.mean(),
        canonical_exon_length_median=lengths.median(),
    )
    spliced = tables.transcripts.filter("is_canonical").select(
        *GENE_KEY, canonical_spliced_length=pl.col("spliced_length")
    )
    overlaps = tables.gene_overlaps.select(*GENE_KEY, "n_overlaps_same_strand", "n_overlaps_any")
    joined = genes.select(*GENE_KEY, "n_transcripts", "n_exons", "n_splice_sites")
    for part in (exon_part, spliced, overlaps, _canonical_introns(exons, tables.introns)):
        joined = joined.join(part, on=GENE_KEY, how="left", validate="1:1")
    joined = joined.with_columns(pl.col("canonical_intron_length_total").fill_null(0))
    required = [column.name for column in ANNOTATION_COLUMNS if not column.nullable]
    incomplete = joined.filter(pl.any_horizontal(pl.col(name).is_null() for name in required))
    if incomplete.height:
        raise ValueError(
            f"{incomplete.height} of {genes.height} genes lack their canonical transcript, its exons or their row in "
            f"gene_overlaps, first {incomplete['gene_id'][0]}; the tables are of different builds."
        )
    return joined.select(*GENE_KEY, *[column.name for column in ANNOTATION_COLUMNS])


def _canonical_introns(exons: pl.DataFrame, introns: pl.DataFrame) -> pl.DataFrame:
    """Length statistics of the real introns between neighbouring exons of one transcript per gene."""
    between = (
        exons.sort(*GENE_KEY, "start")
        .with_columns(intron_start=pl.col("end").shift(1).over(GENE_KEY) + 1, intron_end=pl.col("start") - 1)
        .filter(pl.col("intron_start").is_not_null())
        .select(*GENE_KEY, pl.col("intron_start").alias("start"), pl.col("intron_end").alias("end"))
    )
    real = between.join(introns.filter(~pl.col("is_gap")), on=[*GENE_KEY, "start", "end"])
    return real.group_by(GENE_KEY).agg(
        canonical_intron_length_total=pl.col("length").sum(),
        canonical_intron_length_mean=pl.col("length").mean(),
        canonical_intron_length_median=pl.col("length").median(),
    )
