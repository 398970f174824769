"""What the values of each feature look like: missing values, range, mean and spread, over all rows of a dataset."""

from collections.abc import Iterable, Sequence

import polars as pl

from builder_assets.dataset.features.kmers import kmer_names
from resources.table_contract import TableContract

FEATURE_ROLES = ("feature", "annotation_feature")
COLUMNS_AT_ONCE = 256
DIGITS = 6  # significant ones: the order in which threads add up shows further behind
SUMMARY = pl.Schema(
    {
        "column": pl.String,
        "columns": pl.Int64,
        "null_share": pl.Float64,
        "minimum": pl.Float64,
        "mean": pl.Float64,
        "sd": pl.Float64,
        "maximum": pl.Float64,
    }
)


def feature_summary(
    examples: Iterable[pl.DataFrame | pl.LazyFrame], contract: TableContract, kmers: Sequence[int]
) -> pl.DataFrame:
    """One row per numeric feature; the columns of each k-mer length are summed up in one row, `3mer_AAA .. 3mer_TTT`.

    Every row counts once, whatever its weight. Columns of texts and lists are left out.

    Returns:
        column, columns (how many it stands for), null_share, minimum, mean, sd (of the population), maximum; the last
        four null where all values are.
    """
    parts = [part.lazy() for part in examples]
    names = [c.name for c in contract.columns if c.role in FEATURE_ROLES and c.dtype[:2] not in ("st", "li")]
    group = {name: _group_name(k) for k in kmers for name in kmer_names(k)}
    moments = pl.concat(
        _moments(part, names[first : first + COLUMNS_AT_ONCE])
        for first in range(0, len(names), COLUMNS_AT_ONCE)
        for part in parts
    )
    grouped = moments.with_columns(name=pl.col("column"), column=pl.col("column").replace(group))
    sums = grouped.group_by("column", maintain_order=True).agg(
        pl.col("name").n_unique().cast(pl.Int64).alias("columns"),
        pl.col("rows", "nulls", "total", "squares").sum(),
        pl.col("minimum").min(),
        pl.col("maximum").max(),
    )
    known = pl.col("rows") - pl.col("nulls")
    mean = pl.when(known > 0).then(pl.col("total") / known)
    spread = (pl.col("squares") / known - mean**2).clip(0).sqrt()
    return sums.with_columns(null_share=pl.col("nulls") / pl.col("rows"), mean=mean, sd=spread).select(
        pl.col(name).round_sig_figs(DIGITS) if dtype == pl.Float64 else pl.col(name) for name, dtype in SUMMARY.items()
    )


def _group_name(k: int) -> str:
    names = kmer_names(k)
    return f"{names[0]} .. {names[-1]}"


def _moments(part: pl.LazyFrame, names: Sequence[str]) -> pl.DataFrame:
    """Per column of one table: rows, nulls, sum and sum of squares of the known values, their range."""
    values = pl.col(names).cast(pl.Float64)
    measures = {
        "rows": pl.col(names).len().cast(pl.Int64),
        "nulls": pl.col(names).null_count().cast(pl.Int64),
        "total": values.sum(),
        "squares": (values * values).sum(),
        "minimum": values.min(),
        "maximum": values.max(),
    }
    row = part.select(measure.name.prefix(f"{word}:") for word, measure in measures.items()).collect()
    columns = {word: [row[f"{word}:{name}"].item() for name in names] for word in measures}
    numbers = {word: pl.Int64 if word in ("rows", "nulls") else pl.Float64 for word in measures}
    return pl.DataFrame({"column": list(names), **columns}, schema={"column": pl.String, **numbers})
