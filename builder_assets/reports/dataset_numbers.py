"""What a dataset's page counts from its rows: a sample of them, features that differ by label, correlations."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from builder_assets.dataset.kmers import kmer_names
from builder_assets.tables.dataset import SPLITS
from resources.table_contract import Column

SAMPLE_ROWS = 20_000  # every nth row of the whole; enough for pictures


def balance_of_splits(manifest: pl.DataFrame, chromosomes: Sequence[str]) -> pl.DataFrame:
    """Rows per chromosome, with a column for each side of the split that has any gene.

    Args:
        manifest: GENE_MANIFEST.
        chromosomes: All of them, in the order in which they are to stand.
    """
    sides = [side for side in SPLITS if side in set(manifest["split"])]
    counted = manifest.group_by(chromosome="chrom").agg(
        pl.col("n_rows").filter(pl.col("split") == side).sum().alias(side) for side in sides
    )
    order = pl.DataFrame({"chromosome": chromosomes}, schema={"chromosome": pl.String})
    return order.join(counted, on="chromosome", how="left", maintain_order="left").fill_null(0)


def numeric_features(columns: Sequence[Column], kmers: Sequence[int]) -> list[str]:
    """Names of numeric features, k-mer columns left out: there are too many to draw."""
    drawn = {name for k in kmers for name in kmer_names(k)}
    numbers = ("int", "uint", "float", "bool")
    return [
        column.name
        for column in columns
        if column.role == "feature" and column.name not in drawn and column.dtype.startswith(numbers)
    ]


def sampled_rows(paths: Sequence[Path], columns: Sequence[str]) -> pl.DataFrame:
    """At most `SAMPLE_ROWS` rows, evenly spread over the files in their order, and never other ones."""
    whole = pl.scan_parquet([str(path) for path in paths]).select(columns)
    step = -(-int(whole.select(pl.len()).collect().item()) // SAMPLE_ROWS)
    return whole.gather_every(max(step, 1)).collect()


def label_distances(values: pl.DataFrame, features: Sequence[str]) -> pl.DataFrame:
    """How differently each feature is distributed at sites and at negatives: feature, distance, the largest first.

    Distance is Kolmogorov and Smirnov's: the largest gap between the two cumulative shares, 0 to 1; nulls left out.

    Args:
        values: Rows with the features and `splice_type`.
        features: Columns to compare.
    """
    is_site = (values["splice_type"] != "neither").to_numpy()
    rows = []
    for feature in features:
        numbers = values[feature].cast(pl.Float64).fill_null(np.nan).to_numpy()
        known = ~np.isnan(numbers)
        site, other = np.sort(numbers[known & is_site]), np.sort(numbers[known & ~is_site])
        if len(site) and len(other):
            places = np.concatenate([site, other])
            shares = [np.searchsorted(part, places, side="right") / len(part) for part in (site, other)]
            rows.append((feature, float(np.abs(shares[0] - shares[1]).max())))
    table = pl.DataFrame(rows, schema={"feature": pl.String, "distance": pl.Float64}, orient="row")
    return table.sort("distance", "feature", descending=[True, False])


def correlations(values: pl.DataFrame, features: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """Pearson's correlation of features over rows; a null counts as the feature's mean, constant ones are left out.

    Returns:
        Names of the features kept, and the matrix, float64 (n, n).
    """
    numbers = values.select(pl.col(features).cast(pl.Float64)).select(pl.all().fill_null(pl.all().mean()))
    kept = [name for name in features if numbers[name].n_unique() > 1]
    if not kept:
        return [], np.zeros((0, 0))
    return kept, np.atleast_2d(np.corrcoef(numbers.select(kept).to_numpy(), rowvar=False))
