"""Introns from exons: one per transcript first, then one per gene with its motif.

+ strand   E E E|G T . . . A G|E E E       - strand   E E E|C T . . . A C|E E E
donor ^ start     end ^ acceptor         acceptor ^ start     end ^ donor
"""

import numpy as np
import polars as pl

from builder_assets.sequence import ChromosomeSequence, N, reverse_complement

TRANSCRIPT = ["chrom", "gene_id", "transcript_id"]
SHORTEST_WITH_MOTIF = 4
CLASSES = ["GT-AG", "GC-AG", "AT-AC"]
_PAIRS = np.array([first + second for first in "ACGTN" for second in "ACGTN"])


def introns_from_exons(exons: pl.DataFrame, min_intron: int) -> pl.DataFrame:
    """The introns of every transcript: what lies between neighbouring exons (never donors x acceptors).

    Args:
        exons: EXONS rows.
        min_intron: Shorter ones are gaps of an alignment (`is_gap`), not splices.

    Returns:
        chrom, gene_id, transcript_id, strand, start, end, length, donor_position, acceptor_position, is_gap; as many
        rows as a transcript has exons, less one. `length` is 0 where exons abut and negative where they overlap.
    """
    following = pl.col("start").shift(-1).over(TRANSCRIPT)
    between = (
        exons.sort([*TRANSCRIPT, "start", "end"])
        .select(*TRANSCRIPT, "strand", start=pl.col("end") + 1, end=following - 1)
        .filter(pl.col("end").is_not_null())
    )
    is_forward = pl.col("strand") == "+"
    before, after = pl.col("start") - 1, pl.col("end") + 1
    return between.with_columns(
        length=pl.col("end") - pl.col("start") + 1,
        donor_position=pl.when(is_forward).then(before).otherwise(after),
        acceptor_position=pl.when(is_forward).then(after).otherwise(before),
    ).with_columns(is_gap=pl.col("length") < min_intron)


def unique_introns(introns: pl.DataFrame, sequence: ChromosomeSequence) -> pl.DataFrame:
    """The introns of every gene, each once, with motif and number of transcripts (INTRONS)."""
    key = ["chrom", "gene_id", "strand", "start", "end", "length", "donor_position", "acceptor_position", "is_gap"]
    unique = introns.group_by(key).agg(n_transcripts=pl.col("transcript_id").n_unique()).sort(key)
    strands = unique["strand"].to_numpy()
    first = dinucleotides(sequence, unique["donor_position"].to_numpy(), strands, shift=1)
    last = dinucleotides(sequence, unique["acceptor_position"].to_numpy(), strands, shift=-2)
    motif = pl.concat_str(pl.Series(first, dtype=pl.String), pl.Series(last, dtype=pl.String), separator="-")
    unique = unique.with_columns(motif=pl.when(pl.col("length") >= SHORTEST_WITH_MOTIF).then(motif))
    is_known = ~pl.col("motif").str.contains("N", literal=True)
    named = pl.when(pl.col("motif").is_in(CLASSES)).then("motif").otherwise(pl.lit("other"))
    return unique.with_columns(motif_class=pl.when(is_known).then(named))


def dinucleotides(
    sequence: ChromosomeSequence, positions: np.ndarray, strands: np.ndarray, *, shift: int
) -> np.ndarray:
    """Two bases in transcription direction, the first at `shift` from each position, as text (GT, AG, NN).

    Args:
        sequence: Bases of the chromosome.
        positions: 1-based, shape (n,).
        strands: "+" or "-", shape (n,).
        shift: 1 reads the intron's first two bases from a donor, -2 its last two from an acceptor.
    """
    return _PAIRS[np.ravel_multi_index(tuple(bases_around(sequence, positions, strands, shift, shift + 1).T), (5, 5))]


def bases_around(
    sequence: ChromosomeSequence, positions: np.ndarray, strands: np.ndarray, first: int, last: int
) -> np.ndarray:
    """Base codes at shifts `first`..`last` of each position, in transcription direction (uint8, shape (n, shifts))."""
    shifts = np.arange(first, last + 1)
    forward = sequence.at(positions[:, None] + shifts)
    backward = sequence.at(positions[:, None] - shifts)
    complement = reverse_complement(backward)[:, ::-1]
    return np.where((strands == "+")[:, None], forward, complement)


def has_unknown(codes: np.ndarray) -> np.ndarray:
    """Whether a row of base codes holds an N (bool, shape (n,))."""
    return (codes == N).any(axis=1)
