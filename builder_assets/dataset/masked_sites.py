"""Bases that stay out of the negatives because reads have shown a junction there.

+ strand   E E E|i i i i i|E E E      an intron start..end masks start - 1 (donor) and end + 1 (acceptor):
^           ^          both exon-side bases, whichever kind each is on the junction's strand
"""

import polars as pl

from builder_assets.coordinates import canonical_chromosome
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
