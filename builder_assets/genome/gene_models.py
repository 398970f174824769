"""Exons, transcripts and genes of one chromosome, from its annotation records.

Nothing here looks at bases, `n_fraction` excepted; introns and sites are made from the exons elsewhere.
"""

import numpy as np
import polars as pl

from builder_assets.sequence import ChromosomeSequence, N

GENE = ["chrom", "gene_id"]
TRANSCRIPT = ["chrom", "gene_id", "transcript_id"]


def exons_from_records(records: pl.DataFrame) -> pl.DataFrame:
    """Exons with their rank in transcription order, 1..n, computed from positions (EXONS).

    + strand   rank 1 ---- rank 2 ---- rank 3
    - strand   rank 3 ---- rank 2 ---- rank 1
    """
    number = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(TRANSCRIPT)
    last = pl.len().over(TRANSCRIPT).cast(pl.Int32)
    return (
        records.filter(pl.col("feature") == "exon")
        .sort([*TRANSCRIPT, "start", "end"])
        .with_columns(exon_rank=pl.when(pl.col("strand") == "+").then(number).otherwise(last + 1 - number))
    )


def transcripts_from_exons(records: pl.DataFrame, exons: pl.DataFrame) -> pl.DataFrame:
    """Transcripts that have exons; the span is that of the exons (TRANSCRIPTS).

    `is_canonical` holds for exactly one transcript of each gene: of those tagged (all, where none is) the one with the
    longest CDS, then most exons, then longest spliced, then the smallest id.
    """
    length = pl.col("end") - pl.col("start") + 1
    spliced = exons.group_by(TRANSCRIPT).agg(
        pl.col("start").min(),
        pl.col("end").max(),
        spliced_length=length.sum(),
        n_exons=pl.len(),
        strand=pl.col("strand").first(),
    )
    coding = records.filter(pl.col("feature") == "CDS").group_by(TRANSCRIPT).agg(cds_length=length.sum())
    facts = records.filter(pl.col("feature") == "transcript").select(
        *TRANSCRIPT, "transcript_version", "transcript_type", "is_canonical", "is_mane_select", "is_basic"
    )
    transcripts = (
        facts.join(spliced, on=TRANSCRIPT)
        .join(coding, on=TRANSCRIPT, how="left")
        .with_columns(span_length=length, is_tagged=pl.col("is_canonical").fill_null(value=False))
    )
    preferred = transcripts.sort(
        [*GENE, "is_tagged", pl.col("cds_length").fill_null(0), "n_exons", "spliced_length", "transcript_id"],
        descending=[False, False, True, True, True, True, False],
    ).unique(GENE, keep="first", maintain_order=True)
    chosen = preferred.select(*TRANSCRIPT, chosen=pl.lit(value=True))
    return transcripts.join(chosen, on=TRANSCRIPT, how="left").with_columns(
        is_canonical=pl.col("chosen").fill_null(value=False)
    )


def genes_from_records(
    records: pl.DataFrame, transcripts: pl.DataFrame, exons: pl.DataFrame, sequence: ChromosomeSequence
) -> pl.DataFrame:
    """Genes that have exons, at the ends of their own records (GENES without the counts of sites)."""
    counts = transcripts.group_by(GENE).agg(
        n_transcripts=pl.len(),
        canonical_transcript_id=pl.col("transcript_id").filter("is_canonical").first(),
    )
    n_exons = exons.select(*GENE, "start", "end").unique().group_by(GENE).agg(n_exons=pl.len())
    genes = (
        records.filter(pl.col("feature") == "gene")
        .select(*GENE, "gene_version", "gene_name", "gene_aliases", "gene_type", "strand", "start", "end")
        .join(counts, on=GENE)
        .join(n_exons, on=GENE)
        .with_columns(length=pl.col("end") - pl.col("start") + 1)
    )
    unknown = unknown_bases(sequence, genes["start"].to_numpy(), genes["end"].to_numpy())
    return genes.with_columns(n_fraction=pl.Series(unknown, dtype=pl.Float64) / pl.col("length"))


def inside_segments(genes: pl.DataFrame, sequence: ChromosomeSequence) -> pl.Series:
    """Whether each gene lies wholly inside one real segment (bool, one per row)."""
    lows, highs = (np.array([segment[side] for segment in sequence.segments], dtype=np.int64) for side in (0, 1))
    starts, ends = genes["start"].to_numpy(), genes["end"].to_numpy()
    segment = np.searchsorted(lows, starts, side="right") - 1
    return pl.Series((segment >= 0) & (ends <= highs[np.maximum(segment, 0)]), dtype=pl.Boolean)


def unknown_bases(sequence: ChromosomeSequence, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Number of N in each of the intervals `starts`..`ends` (1-based closed), which lie inside the sequence held."""
    positions = np.flatnonzero(sequence.codes == N) + sequence.first_position
    return np.searchsorted(positions, ends, side="right") - np.searchsorted(positions, starts, side="left")
