"""Bases that are neither negative nor error because reads have shown a junction there.

+ strand   E E E|i i i i i|E E E      an intron start..end masks start - 1 (donor) and end + 1 (acceptor):
^           ^          both exon-side bases, whichever kind each is on the junction's strand
"""

import numpy as np
import polars as pl

from builder_assets.coordinates import canonical_chromosome, offset_of_position
from builder_assets.tables import MASKED_SITES


def masked_sites(junctions: pl.DataFrame, chrom: str, assembly: str) -> pl.DataFrame:
    """The exon-side bases of one chromosome's junctions (MASKED_SITES); of unknown strand, on both.

    Args:
        junctions: Introns with contig, start, end (1-based closed), strand, from `read_junctions`.
        chrom: Canonical name of the chromosome.
        assembly: Decides what contig names mean.
    """
    names = {contig: canonical_chromosome(contig, assembly) for contig in junctions["contig"].unique().sort()}
    own = junctions.filter(pl.col("contig").replace_strict(names, return_dtype=pl.String) == chrom)
    strands = pl.when(pl.col("strand") == ".").then(pl.lit("+,-")).otherwise(pl.col("strand")).str.split(",")
    bases = own.select(
        position=pl.concat_list(pl.col("start") - 1, pl.col("end") + 1), strand=strands, chrom=pl.lit(chrom)
    )
    bases = bases.explode("position").explode("strand").filter(pl.col("position") >= 1)
    return MASKED_SITES.conform(bases.unique())


class MaskedSites:
    """MASKED_SITES of one chromosome, ready to be asked gene by gene."""

    def __init__(self, masked: pl.DataFrame | None) -> None:
        """Index the table; None masks nothing."""
        self._positions = {
            strand: np.empty(0, dtype=np.int64)
            if masked is None
            else masked.filter(strand=strand)["position"].unique().sort().to_numpy()
            for strand in ("+", "-")
        }

    def positions(self, start: int, end: int, strand: str) -> np.ndarray:
        """The masked positions in `start`..`end` of a strand, sorted."""
        positions = self._positions[strand]
        low, high = np.searchsorted(positions, [start, end + 1])
        return positions[low:high]

    def offsets(self, start: int, end: int, strand: str) -> np.ndarray:
        """The same as offsets of a gene with that span; in no order."""
        return offset_of_position(self.positions(start, end, strand), start, end, strand)
