"""Which genes a base model has to score: the union of what its datasets take, or rank by errors."""

from collections.abc import Mapping

import polars as pl

from builder_assets.selection import MAX_N_FRACTION, GeneRequest, genes_to_judge
from builder_assets.tables import SCORING_PLAN


def scoring_plan(genes: pl.DataFrame, requests: Mapping[str, GeneRequest]) -> pl.DataFrame:
    """The genes to score, each with the datasets that need it and why (tables.SCORING_PLAN).

    A base model without datasets scores every gene that is not mostly unknown bases.

    Args:
        genes: tables.GENES of all chromosomes.
        requests: Dataset name -> what it asks for.

    Raises:
        SelectionError: a dataset's choice cannot be met.
        ValueError: no gene is left to score.
    """
    wanted = [
        genes_to_judge(genes, request.choice, request.include, request.exclude).with_columns(
            reason=pl.format("{}: {}", pl.lit(name), pl.col("reason"))
        )
        for name, request in requests.items()
    ]
    if not requests:
        known = genes.filter(pl.col("n_fraction") <= MAX_N_FRACTION)
        wanted = [known.select("chrom", "gene_id", reason=pl.lit("no dataset is defined: every gene"))]
    reasons = pl.concat(wanted).group_by("chrom", "gene_id", maintain_order=True).agg(pl.col("reason").str.join("; "))
    plan = genes.join(reasons, on=["chrom", "gene_id"], how="inner")
    if plan.is_empty():
        raise ValueError(
            f"none of the {genes.height} genes can be scored: each has more than half of its bases unknown."
        )
    return SCORING_PLAN.conform(plan)
