"""The base model's performance as tables that people can read: one row per set of sites, one column per number."""

from collections.abc import Sequence

import polars as pl

KEYS = ["scope", "labels", "kind"]
KINDS = ("both", "donor", "acceptor")
WHOLE = ("all", "seen", "unseen")
POOLED = (
    "n_sites",
    "tp",
    "fp",
    "fn",
    "xp",
    "precision",
    "recall",
    "f1",
    "average_precision",
    "top_k_accuracy",
    "tandem_recall",
)
MEANS = ("n_genes", "mean_precision", "mean_recall", "mean_f1", "mean_average_precision", "mean_top_k_accuracy")
GENE_TYPE = "gene_type="
GENE_TYPE_COLUMNS = ("n_genes", "n_sites", "tp", "fp", "fn", "precision", "recall", "f1", "mean_top_k_accuracy")


def pooled_table(values: pl.DataFrame) -> pl.DataFrame:
    """Each base once: rows (chromosomes, labels, kind), columns of POOLED; sets without sites are left out."""
    return _pivoted(_whole(values), POOLED)


def gene_mean_table(values: pl.DataFrame) -> pl.DataFrame:
    """Means over genes: rows (chromosomes, labels, kind), columns of MEANS; sets without genes are left out."""
    return _pivoted(_whole(values), MEANS)


def gene_type_table(values: pl.DataFrame) -> pl.DataFrame:
    """Both kinds per gene type, sums over genes: columns of GENE_TYPE_COLUMNS."""
    typed = values.filter(pl.col("scope").str.starts_with(GENE_TYPE), pl.col("kind") == "both")
    typed = typed.with_columns(pl.col("scope").str.strip_prefix(GENE_TYPE))
    return _pivoted(typed, GENE_TYPE_COLUMNS).rename({"scope": "gene type"}).drop("kind")


def _whole(values: pl.DataFrame) -> pl.DataFrame:
    """Values over chromosomes; those of the seen or unseen ones only where there are both."""
    counted = values.filter(pl.col("metric") == "n_genes", pl.col("value") > 0)["scope"].unique().to_list()
    scopes = WHOLE if {"seen", "unseen"} <= set(counted) else WHOLE[:1]
    return values.filter(pl.col("scope").is_in(scopes))


def _pivoted(values: pl.DataFrame, metrics: Sequence[str]) -> pl.DataFrame:
    """One row per scope, labels and kind, in the order of WHOLE and KINDS; `metrics` that are nowhere are null.

    Args:
        values: scope, labels, kind, metric, value, unique but for value.
        metrics: The columns; the first one counts, and rows where it is 0 or null are left out.
    """
    table = values.filter(pl.col("metric").is_in(metrics)).pivot("metric", index=KEYS, values="value")
    missing = [pl.lit(None, pl.Float64).alias(name) for name in metrics if name not in table.columns]
    table = table.with_columns(missing).filter(pl.col(metrics[0]).fill_null(1) > 0)
    order = {
        "scope": {name: rank for rank, name in enumerate(WHOLE)},
        "kind": {name: rank for rank, name in enumerate(KINDS)},
    }
    ranks = [pl.col(key).replace_strict(ranks, default=99, return_dtype=pl.Int8) for key, ranks in order.items()]
    counts = [pl.col(name).cast(pl.Int64) for name in metrics if name in (*POOLED[:5], "n_genes")]
    return table.sort(ranks[0], "scope", "labels", ranks[1]).select(*KEYS, *metrics).with_columns(counts)
