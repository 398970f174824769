"""A MODEL_REPORT as tables that people can read and pictures are drawn from, one row per set of sites, bin or point."""

from collections.abc import Sequence

import polars as pl

from builder_assets.base_model.evaluation import TANDEM_DISTANCE

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
GENE_TYPE, MOTIF = "gene_type=", "motif="
GENE_TYPE_COLUMNS = ("n_genes", "n_sites", "tp", "fp", "fn", "precision", "recall", "f1", "mean_top_k_accuracy")
MOTIF_COLUMNS = ("n_sites", "tp", "fp", "fn", "precision", "recall")
# What the names of numbers do not say by themselves.
XP_SAYS = "XP: a call that is another gene's site, neither right nor wrong."
POOLED_SAYS = (
    f"{XP_SAYS} average_precision: the area under the precision-recall curve. top_k_accuracy: the share of sites among "
    "the k bases with the highest scores, k being the number of sites. tandem_recall: recall of the sites that have "
    f"another site of their gene and kind within {TANDEM_DISTANCE} bases."
)


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


def motif_table(values: pl.DataFrame) -> pl.DataFrame:
    """Sums over genes by kind and motif at the called or missed base, the commonest first: columns of MOTIF_COLUMNS."""
    own = values.filter(pl.col("scope").str.starts_with(MOTIF), pl.col("metric").is_in(MOTIF_COLUMNS))
    table = own.pivot("metric", on_columns=MOTIF_COLUMNS, index=["scope", "kind"], values="value")
    table = table.select(pl.col("scope").str.strip_prefix(MOTIF).alias("motif"), "kind", *MOTIF_COLUMNS)
    commonest = pl.col("tp") + pl.col("fp") + pl.col("fn")
    counts = [pl.col(name).cast(pl.Int64) for name in ("n_sites", "tp", "fp", "fn")]
    return table.sort("kind", commonest, "motif", descending=[True, True, False]).with_columns(counts)


def precision_recall(report: pl.DataFrame) -> pl.DataFrame:
    """The curves over all chromosomes: labels, kind, recall, precision; points without a value are left out."""
    points = report.filter(pl.col("metric") == "pr_curve", pl.col("scope") == "all", pl.col("value").is_not_null())
    curves = points.select("labels", "kind", recall="x", precision="value")
    return curves.sort("labels", "kind", "recall", descending=[False, True, False])


def peak_shifts(report: pl.DataFrame) -> pl.DataFrame:
    """Sites by shift of their peak: series (kind and strand), shift, count."""
    strands = {"n_peaks_plus": "+", "n_peaks_minus": "-"}
    rows = report.filter(pl.col("metric").is_in(list(strands)))
    rows = rows.sort("kind", "metric", "x", descending=[True, True, False])
    series = pl.format("{} {}", "kind", pl.col("metric").replace_strict(strands))
    return rows.select(series=series, shift=pl.col("x").cast(pl.Int64), count=pl.col("value").cast(pl.Int64))


def score_histogram(report: pl.DataFrame) -> pl.DataFrame:
    """Bases per bin of the kind's own score: kind, low, high, sites, others."""
    columns = {"sites": "n_site_scores", "others": "n_other_scores"}
    rows = report.filter(pl.col("metric").is_in(list(columns.values())))
    bins = rows.pivot("metric", on_columns=list(columns.values()), index=["kind", "x"], values="value")
    bins = bins.sort("kind", "x", descending=[True, False])
    high = pl.col("x").shift(-1, fill_value=1.0).over("kind")
    counts = [pl.col(metric).cast(pl.Int64).alias(name) for name, metric in columns.items()]
    return bins.select("kind", pl.col("x").alias("low"), high.alias("high"), *counts)


def score_profile(report: pl.DataFrame) -> pl.DataFrame:
    """Mean scores around sites: site (its kind), score (whose), shift, mean."""
    scores = {f"mean_{kind}_score": kind for kind in ("donor", "acceptor")}
    rows = report.filter(pl.col("metric").is_in(list(scores)))
    profile = rows.select(
        site="kind", score=pl.col("metric").replace_strict(scores), shift=pl.col("x").cast(pl.Int64), mean="value"
    )
    return profile.sort("site", "score", "shift", descending=[True, True, False])


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
