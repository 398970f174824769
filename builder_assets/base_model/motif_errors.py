"""Calls and missed sites by the dinucleotide that stands where an intron would begin or end.

donor     E E E[G T]. . .     the two bases after the called or missed one
acceptor  . . .[A G]E E E     the two bases before it
"""

from collections.abc import Iterator

import polars as pl

from builder_assets.genome.introns import dinucleotides
from builder_assets.genome.motifs import ACCEPTOR_MOTIFS, DONOR_MOTIFS
from builder_assets.sequence import ChromosomeSequence

MOTIFS = {"donor": DONOR_MOTIFS, "acceptor": ACCEPTOR_MOTIFS}
SHIFTS = {"donor": 1, "acceptor": -2}
OTHER = "other"
MOTIF_SCHEMA = pl.Schema({"kind": pl.String, "motif": pl.String, "outcome": pl.String, "n": pl.Int64})


def outcomes_by_motif(calls: pl.DataFrame, sequence: ChromosomeSequence | None) -> pl.DataFrame:
    """Number of calls and missed sites by kind, motif and outcome (`MOTIF_SCHEMA`), sums over genes.

    Args:
        calls: tables.SPLICE_CALLS of one chromosome.
        sequence: Its bases; without them nothing is counted.
    """
    if sequence is None:
        return pl.DataFrame(schema=MOTIF_SCHEMA)
    is_known = pl.any_horizontal(
        (pl.col("kind") == kind) & pl.col("motif").is_in(motifs) for kind, motifs in MOTIFS.items()
    )
    named = with_motifs(calls, sequence).with_columns(motif=pl.when(is_known).then("motif").otherwise(pl.lit(OTHER)))
    counted = named.group_by("kind", "motif", "outcome").agg(n=pl.len())
    return counted.select(MOTIF_SCHEMA.names()).cast(MOTIF_SCHEMA)


def with_motifs(calls: pl.DataFrame, sequence: ChromosomeSequence) -> pl.DataFrame:
    """`calls` with the column motif: the dinucleotide in transcription direction, such as GT; N where unknown.

    Args:
        calls: position, kind, strand of one chromosome, and whatever else.
        sequence: Its bases.
    """
    parts = []
    for kind, shift in SHIFTS.items():
        own = calls.filter(pl.col("kind") == kind)
        pairs = dinucleotides(sequence, own["position"].to_numpy(), own["strand"].to_numpy(), shift=shift)
        parts.append(own.with_columns(motif=pl.Series(pairs, dtype=pl.String)))
    return pl.concat(parts)


def motif_values(outcomes: pl.DataFrame) -> Iterator[tuple[str, str, dict[str, int]]]:
    """Kind, motif, and how many of each outcome, of summed `outcomes_by_motif`; motifs without any are left out."""
    counts = outcomes.group_by("kind", "motif", "outcome").agg(pl.col("n").sum())
    found = {(kind, motif, outcome): n for kind, motif, outcome, n in counts.iter_rows()}
    for kind, motifs in MOTIFS.items():
        for motif in (*motifs, OTHER):
            numbers = {outcome: found.get((kind, motif, outcome), 0) for outcome in ("TP", "FP", "FN", "XP")}
            if any(numbers.values()):
                yield kind, motif, numbers
