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
    parts = []
    for kind, motifs in MOTIFS.items():
        own = calls.filter(pl.col("kind") == kind)
        pairs = dinucleotides(sequence, own["position"].to_numpy(), own["strand"].to_numpy(), shift=SHIFTS[kind])
        named = own.with_columns(motif=pl.Series(pairs, dtype=pl.String))
        parts.append(
            named.with_columns(motif=pl.when(pl.col("motif").is_in(motifs)).then("motif").otherwise(pl.lit(OTHER)))
        )
    counted = pl.concat(parts).group_by("kind", "motif", "outcome").agg(n=pl.len())
    return counted.select(MOTIF_SCHEMA.names()).cast(MOTIF_SCHEMA)


def motif_values(outcomes: pl.DataFrame) -> Iterator[tuple[str, str, dict[str, int]]]:
    """Kind, motif, and how many of each outcome, of summed `outcomes_by_motif`; motifs without any are left out."""
    counts = outcomes.group_by("kind", "motif", "outcome").agg(pl.col("n").sum())
    found = {(kind, motif, outcome): n for kind, motif, outcome, n in counts.iter_rows()}
    for kind, motifs in MOTIFS.items():
        for motif in (*motifs, OTHER):
            numbers = {outcome: found.get((kind, motif, outcome), 0) for outcome in ("TP", "FP", "FN", "XP")}
            if any(numbers.values()):
                yield kind, motif, numbers
