"""P(site) at a given score: in the dataset as drawn, weighted, and over all bases of its genes.

What a meta-model learns about a score is the share of sites among the examples that have it. Where a bin that holds
sites holds no negatives, it learns that every such base is a site, which looks better on examples and fails on genes.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl

EDGES = (0.0, 0.001, 0.01, 0.15, 0.5, 1.0)
N_BINS = len(EDGES) - 1
ELIGIBLE_COLUMNS = tuple(f"eligible_bin_{i}" for i in range(N_BINS))
_INNER = np.array(EDGES[1:-1], dtype=np.float32)  # scores are float32: 0.15 as stored belongs to [0.15, 0.5)


def eligible_per_bin(donor: np.ndarray, acceptor: np.ndarray, eligible: np.ndarray) -> np.ndarray:
    """Eligible bases of one gene per bin of max(donor, acceptor), int64 (5,); the last bin includes 1."""
    score = np.maximum(donor, acceptor)[eligible]
    at_least = [len(score), *[int(np.count_nonzero(score >= edge)) for edge in _INNER], 0]
    return -np.diff(np.array(at_least, dtype=np.int64))


def eligible_bins(pools: Mapping[str, pl.LazyFrame]) -> np.ndarray:
    """Eligible bases per bin over all genes of a dataset (EXAMPLE_POOLS by chromosome), int64 (5,)."""
    eligible = pl.concat(pools.values()).select(pl.col(list(ELIGIBLE_COLUMNS)).sum()).collect()
    return eligible.to_numpy().ravel().astype(np.int64)


def score_bin_expr() -> pl.Expr:
    """The bin (0..4, Int8) of an example, from its donor_score and acceptor_score."""
    score = pl.max_horizontal("donor_score", "acceptor_score")
    steps = [(score >= pl.lit(float(edge), dtype=pl.Float32)).cast(pl.Int8) for edge in _INNER]
    return pl.sum_horizontal(steps).cast(pl.Int8).alias("score_bin")


def binned_examples(examples: Iterable[pl.DataFrame | pl.LazyFrame]) -> pl.DataFrame:
    """Per score bin: sites, negatives and their summed weights; one row for each of the five bins.

    Args:
        examples: Tables of training_examples, e.g. one per chromosome.
    """
    parts = [
        part.lazy()
        .group_by(score_bin_expr())
        .agg(
            sites=(pl.col("label") > 0).sum(),
            negatives=(pl.col("label") == 0).sum(),
            negative_weight=pl.col("sample_weight").filter(pl.col("label") == 0).sum(),
        )
        .collect()
        for part in examples
    ]
    bins = pl.DataFrame({"score_bin": np.arange(N_BINS, dtype=np.int8)})
    if not parts:
        return bins.with_columns(sites=0, negatives=0, negative_weight=0.0)
    counted = pl.concat(parts).group_by("score_bin").agg(pl.col("sites", "negatives", "negative_weight").sum())
    return bins.join(counted, on="score_bin", how="left", maintain_order="left").with_columns(
        pl.col("sites", "negatives").cast(pl.Int64).fill_null(0), pl.col("negative_weight").fill_null(0.0)
    )


def score_bin_table(
    examples: Iterable[pl.DataFrame | pl.LazyFrame], eligible: np.ndarray | None = None
) -> pl.DataFrame:
    """P(site) per score bin: among the examples, among them weighted, and over all bases of the genes.

    Args:
        examples: Tables of training_examples.
        eligible: Eligible bases per bin over all their genes, int64 (5,); None where they were not counted.

    Returns:
        score_bin, low, high, sites, negatives, eligible, p_site, p_site_weighted, p_site_genes (null where the bin
        is empty or eligible bases were not counted). Every site is an example, so sites are those of the genes.
    """
    table = binned_examples(examples)
    counted = pl.Series(eligible, dtype=pl.Int64) if eligible is not None else pl.lit(None, dtype=pl.Int64)
    sites = pl.col("sites")

    def share(others: pl.Expr) -> pl.Expr:
        return pl.when(sites + others > 0).then(sites / (sites + others))

    return table.with_columns(low=pl.Series(EDGES[:-1]), high=pl.Series(EDGES[1:]), eligible=counted).select(
        "score_bin",
        "low",
        "high",
        "sites",
        "negatives",
        "eligible",
        p_site=share(pl.col("negatives")),
        p_site_weighted=share(pl.col("negative_weight")),
        p_site_genes=share(pl.col("eligible")),
    )
