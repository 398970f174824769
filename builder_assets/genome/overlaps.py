"""Genes that share a base, on one strand or on either."""

import numpy as np
import polars as pl

from builder_assets.tables import GENE_OVERLAPS


class OverlapError(ValueError):
    """A gene overlaps another that does not overlap it."""


def overlapping_pairs(genes: pl.DataFrame) -> pl.DataFrame:
    """Each pair of genes that share a base, once (chrom, gene_id, other_gene_id, same_strand).

    Args:
        genes: GENES rows of one or several chromosomes.
    """
    pairs = [
        _pairs_of_chromosome(own.sort("start", "end", "gene_id"))
        for _, own in genes.sort("chrom").group_by("chrom", maintain_order=True)
    ]
    empty = pl.DataFrame(
        schema={"chrom": pl.String, "gene_id": pl.String, "other_gene_id": pl.String, "same_strand": pl.Boolean}
    )
    return pl.concat([empty, *pairs])


def _pairs_of_chromosome(genes: pl.DataFrame) -> pl.DataFrame:
    """Sorted by start, a gene overlaps exactly those after it that start no later than it ends."""
    starts, ends = genes["start"].to_numpy(), genes["end"].to_numpy()
    row = np.arange(genes.height)
    n_later = np.searchsorted(starts, ends, side="right") - row - 1
    first = np.repeat(row, n_later)
    within = np.arange(len(first)) - np.repeat(np.cumsum(n_later) - n_later, n_later)
    a, b = genes[first], genes[first + 1 + within]
    return a.select("chrom", "gene_id", other_gene_id=b["gene_id"], same_strand=pl.col("strand") == b["strand"])


def gene_overlaps_from_genes(genes: pl.DataFrame) -> pl.DataFrame:
    """For every gene, the others that share a base with it; zeros kept (GENE_OVERLAPS)."""
    pairs = overlapping_pairs(genes)
    both_ways = pl.concat(
        [pairs, pairs.select("chrom", gene_id="other_gene_id", other_gene_id="gene_id", same_strand="same_strand")]
    )
    counted = both_ways.group_by("chrom", "gene_id").agg(
        n_overlaps_same_strand=pl.col("same_strand").sum(),
        n_overlaps_any=pl.len(),
        overlapping_gene_ids=pl.col("other_gene_id").sort(),
    )
    overlaps = genes.select("chrom", "gene_id").join(counted, on=["chrom", "gene_id"], how="left")
    return GENE_OVERLAPS.conform(
        overlaps.with_columns(
            pl.col("n_overlaps_same_strand", "n_overlaps_any").fill_null(0),
            pl.col("overlapping_gene_ids").fill_null([]),
        )
    )


def check_symmetric(overlaps: pl.DataFrame) -> None:
    """Raise `OverlapError` unless every overlap is listed by both genes, and counts are those of the lists."""
    pairs = overlaps.select("chrom", "gene_id", other="overlapping_gene_ids").explode("other", empty_as_null=False)
    mirrored = pairs.select("chrom", gene_id="other", other="gene_id")
    single = pairs.join(mirrored, on=["chrom", "gene_id", "other"], how="anti").sort(pl.all())
    if single.height:
        chrom, gene, other = single.row(0)
        raise OverlapError(
            f"{single.height} of {pairs.height} overlaps on chromosome {chrom} are listed by one gene only, first "
            f"{gene} with {other}."
        )
    miscounted = overlaps.filter(pl.col("n_overlaps_any") != pl.col("overlapping_gene_ids").list.n_unique())
    if miscounted.height:
        raise OverlapError(
            f"{miscounted.height} genes count other overlaps than they list, first {miscounted['gene_id'][0]}."
        )
