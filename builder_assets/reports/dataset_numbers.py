"""What a dataset's page counts from its rows: a sample of them, features that differ by label, correlations."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from builder_assets.dataset.features.kmers import kmer_names
from builder_assets.tables.dataset import SPLITS
from resources.table_contract import Column

SAMPLE_ROWS = 20_000  # every nth row of the whole; enough for pictures
BINS = 30  # of a feature's values
TAIL = 0.005  # share of values at each end that the outermost bins hold too
CROWDED = 0.5  # share of values in one even bin from which bins grow with the value
COPY = 0.95  # correlation from which one of two features stands for both
LABELS = ("neither", "acceptor", "donor")


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


def with_copies(distances: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
    """`label_distances` with a column copy_of: the feature that differs more and of which this one is a near copy.

    Near copies correlate above 0.95, in values or in ranks and in one direction or the other, with a feature that is
    none itself.

    Args:
        distances: Of `label_distances`.
        values: The rows that they are of.
    """
    features = distances["feature"].to_list()
    kept, matrix = correlations(values, features)
    _, of_ranks = correlations(values.select(pl.col(kept).rank()), kept)
    nearness = np.maximum(np.abs(matrix), np.abs(of_ranks))
    place = {name: number for number, name in enumerate(kept)}
    originals: list[str] = []
    copies: list[str | None] = []
    for feature in features:
        own = [] if feature not in place else originals
        copies.append(next((name for name in own if nearness[place[name], place[feature]] > COPY), None))
        if copies[-1] is None and feature in place:
            originals.append(feature)
    return distances.with_columns(copy_of=pl.Series(copies, dtype=pl.String))


def clustered_order(matrix: np.ndarray) -> list[int]:
    """An order in which features that correlate stand together (average linkage of 1 - |r|)."""
    if len(matrix) < 3:
        return list(range(len(matrix)))
    return leaves_list(linkage(squareform(1 - np.abs(matrix), checks=False), "average", optimal_ordering=True)).tolist()


def label_histograms(values: pl.DataFrame, features: Sequence[str]) -> pl.DataFrame:
    """Rows of each label per bin of each feature; nulls left out, the outermost bins hold what lies beyond them.

    Args:
        values: Rows with the features and `splice_type`.
        features: Columns to count.

    Returns:
        feature, asinh_width (null where bins are even), label, low, high, rows, share (of the label's rows).
    """
    found = []
    for feature in features:
        numbers = values.select("splice_type", pl.col(feature).cast(pl.Float64).fill_nan(None)).drop_nulls()
        is_whole = values[feature].dtype.is_integer() or values[feature].dtype == pl.Boolean
        edges, width = histogram_edges(numbers[feature].to_numpy(), is_whole=is_whole)
        for label in LABELS:
            own = numbers.filter(pl.col("splice_type") == label)[feature].to_numpy()
            rows = np.histogram(np.clip(own, edges[0], edges[-1]), edges)[0]
            bins = {"low": edges[:-1], "high": edges[1:], "rows": rows, "share": rows / max(len(own), 1)}
            constant = (
                pl.lit(feature).alias("feature"),
                pl.lit(width, pl.Float64).alias("asinh_width"),
                pl.lit(label).alias("label"),
            )
            found.append(pl.DataFrame(bins).select(*constant, pl.all()))
    return pl.concat(found)


def histogram_edges(numbers: np.ndarray, *, is_whole: bool) -> tuple[np.ndarray, float | None]:
    """Edges of the bins of a feature, and where they are not even, the width around 0 in which they nearly are.

    Whole numbers of a small range have a bin each. Values that crowd in one of the even bins, at 0 or beside it, get
    bins that are even in asinh(value / width): about linear below the width and logarithmic above it.
    """
    if not len(numbers):
        return np.linspace(0, 1, BINS + 1), None
    low, high = np.quantile(numbers, (TAIL, 1 - TAIL))
    if low == high:
        low, high = numbers.min(), numbers.max()
    if is_whole and high - low < BINS:
        return np.arange(np.floor(low) - 0.5, np.ceil(high) + 1), None
    if low == high:
        return np.array([low - 0.5, low + 0.5]), None
    even = np.linspace(low, high, BINS + 1)
    rows = np.histogram(np.clip(numbers, low, high), even)[0]
    first, beyond = even[rows.argmax()], even[rows.argmax() + 1]
    if rows.max() <= CROWDED * len(numbers) or not 2 * first - beyond <= 0 <= 2 * beyond - first:
        return even, None
    small = np.quantile(np.abs(numbers[numbers != 0]), 0.25)
    width = 10.0 ** np.floor(np.log10(max(small, 1e-6 * (high - low))))
    edges = width * np.sinh(np.linspace(np.arcsinh(low / width), np.arcsinh(high / width), BINS + 1))
    return edges, float(width)
