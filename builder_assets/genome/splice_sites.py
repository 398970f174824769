"""Unique splice sites of every gene, on the exon side of its introns.

    + strand   E E E|G T . . . A G|E E E
             donor ^               ^ acceptor
    - strand   the same picture, read from the right

A site is one (chrom, gene_id, position, kind); the transcripts that use it are a list on it, never rows of their own.
"""

from hashlib import blake2b

import polars as pl

from builder_assets.genome.introns import bases_around, dinucleotides, has_unknown
from builder_assets.sequence import ChromosomeSequence, letters_of

SITE = ["chrom", "gene_id", "position", "kind"]
WINDOW_FLANK = 50  # bases either side of a site in `window_hash`
SCORABLE_FLANK = 2


def splice_sites_from_introns(
    introns: pl.DataFrame, transcripts: pl.DataFrame, sequence: ChromosomeSequence
) -> pl.DataFrame:
    """The two exon bases beside every intron that is not a gap (SPLICE_SITES).

    Args:
        introns: One row per transcript and intron, from `introns_from_exons`.
        transcripts: TRANSCRIPTS rows, for flags.
        sequence: Bases of the chromosome.
    """
    flags = transcripts.select("chrom", "gene_id", "transcript_id", "is_canonical", "is_basic", "is_mane_select")
    used = (
        introns.filter(~pl.col("is_gap"))
        .join(flags, on=["chrom", "gene_id", "transcript_id"], how="left")
        .unpivot(
            on=["donor_position", "acceptor_position"],
            index=["chrom", "gene_id", "strand", "transcript_id", "is_canonical", "is_basic", "is_mane_select"],
            variable_name="kind",
            value_name="position",
        )
        .with_columns(pl.col("kind").str.strip_suffix("_position"))
    )
    sites = (
        used.group_by([*SITE, "strand"])
        .agg(
            transcript_ids=pl.col("transcript_id").unique().sort(),
            any_canonical=pl.col("is_canonical").any(),
            any_basic=_any_known("is_basic"),
            any_mane=_any_known("is_mane_select"),
        )
        .with_columns(
            n_transcripts=pl.col("transcript_ids").list.len(),
            n_genes_sharing=pl.len().over("chrom", "strand", "position", "kind"),
            intron_position=pl.col("position") + _towards_intron(),
        )
        .sort(SITE)
    )
    return _with_bases(sites, sequence)


def _any_known(flag: str) -> pl.Expr:
    return pl.when(pl.col(flag).is_not_null().any()).then(pl.col(flag).any())


def _towards_intron() -> pl.Expr:
    """+1 where the intron lies at higher positions: donors on +, acceptors on -; else -1."""
    return pl.when((pl.col("kind") == "donor") == (pl.col("strand") == "+")).then(1).otherwise(-1)


def _with_bases(sites: pl.DataFrame, sequence: ChromosomeSequence) -> pl.DataFrame:
    """`sites` with what depends on bases: motif, is_scorable, window_hash."""
    positions, strands = sites["position"].to_numpy(), sites["strand"].to_numpy()
    after = pl.Series(dinucleotides(sequence, positions, strands, shift=1), dtype=pl.String)
    before = pl.Series(dinucleotides(sequence, positions, strands, shift=-2), dtype=pl.String)
    near = bases_around(sequence, positions, strands, -SCORABLE_FLANK, SCORABLE_FLANK)
    return sites.with_columns(
        motif=pl.when(pl.col("kind") == "donor").then(after).otherwise(before),
        is_scorable=pl.Series(~has_unknown(near), dtype=pl.Boolean),
        window_hash=window_hashes(sites, sequence),
    )


def window_hashes(sites: pl.DataFrame, sequence: ChromosomeSequence) -> pl.Series:
    """blake2b-64, big-endian, of the 101 letters around each site in transcription direction; null where one is N."""
    windows = bases_around(
        sequence, sites["position"].to_numpy(), sites["strand"].to_numpy(), -WINDOW_FLANK, WINDOW_FLANK
    )
    width = 2 * WINDOW_FLANK + 1
    text = letters_of(windows.ravel())
    # A hash takes one window at a time: the one loop per site there is, about a microsecond each.
    hashes = [
        int.from_bytes(blake2b(text[i * width : (i + 1) * width].encode("ascii"), digest_size=8).digest(), "big")
        for i in range(len(windows))
    ]
    known = pl.Series(~has_unknown(windows), dtype=pl.Boolean)
    return pl.select(pl.when(known).then(pl.Series(hashes, dtype=pl.UInt64))).to_series()
