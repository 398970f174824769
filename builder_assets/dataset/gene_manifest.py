"""One row per selected gene: what it is, why it was taken, and what the dataset holds of it."""

from collections.abc import Iterable

import polars as pl

from builder_assets.dataset import rules
from builder_assets.tables.dataset import GENE_MANIFEST, TIERS

GENE_KEY = ["chrom", "gene_id"]
OUTCOMES = ("tp", "fp", "fn", "xp")
FILE_NAME = "training_examples/{}.parquet"


def gene_manifest(
    selection: pl.DataFrame,
    sites: pl.DataFrame,
    examples: Iterable[pl.DataFrame | pl.LazyFrame],
    performance: pl.DataFrame,
) -> pl.DataFrame:
    """The manifest of a dataset (GENE_MANIFEST), in order of selection; genes without rows are listed with zeros.

    Args:
        selection: GENE_SELECTION; refused genes are left out.
        sites: SPLICE_SITES of the selected genes' chromosomes; unique sites are counted, not transcripts' copies.
        examples: Tables of training_examples, e.g. one per chromosome.
        performance: GENE_PERFORMANCE; both kinds are summed.

    Raises:
        ValueError: selected genes have no performance, examples belong to genes that were not selected, or a split
            unit stands on two sides.
    """
    rules.check_units(selection.filter("is_selected"))
    chosen = selection.filter("is_selected").sort("rank")
    outcomes = performance.group_by(GENE_KEY).agg(pl.col(OUTCOMES).sum())
    unknown = chosen.join(outcomes, on=GENE_KEY, how="anti", maintain_order="left")["gene_id"].to_list()
    if unknown:
        raise ValueError(
            f"{len(unknown)} of {chosen.height} selected genes have no row in gene_performance, first "
            f"{', '.join(unknown[:5])}. Rebuild gene_performance for their chromosomes."
        )
    rows = _row_counts(examples)
    strange = rows.join(chosen, on=GENE_KEY, how="anti").sort(GENE_KEY)
    if strange.height:
        raise ValueError(
            f"{strange.height} genes have examples and were not selected, first {strange['gene_id'][0]} on chromosome "
            f"{strange['chrom'][0]}. Rebuild training_examples."
        )
    table = chosen.rename({"length": "gene_length"})
    for part in (_site_counts(sites), rows, outcomes):
        table = table.join(part, on=GENE_KEY, how="left", validate="1:1")
    counts = [column.name for column in GENE_MANIFEST.columns if column.unit == "count"]
    table = table.sort("rank").with_row_index("global_index").with_columns(pl.col(counts).fill_null(0))
    manifest = GENE_MANIFEST.conform(
        table.with_columns(
            splice_density_per_kb=1000 * pl.col("total_splice_sites") / pl.col("gene_length"),
            file_name=pl.when(pl.col("n_rows") > 0).then(pl.format(FILE_NAME, "chrom")),
        )
    )
    GENE_MANIFEST.check(manifest)
    rules.check_manifest(manifest, selection)
    return manifest


def _site_counts(sites: pl.DataFrame) -> pl.DataFrame:
    kinds = pl.col("kind")
    return sites.group_by(GENE_KEY).agg(
        total_splice_sites=pl.len(),
        donor_sites=(kinds == "donor").sum(),
        acceptor_sites=(kinds == "acceptor").sum(),
    )


def _row_counts(examples: Iterable[pl.DataFrame | pl.LazyFrame]) -> pl.DataFrame:
    """Examples per gene: all, per label, per tier."""
    labels = [(pl.col("splice_type") == name).sum().alias(f"rows_{name}") for name in ("donor", "acceptor", "neither")]
    tiers = [(pl.col("negative_tier") == tier).sum().alias(f"rows_{tier}") for tier in TIERS]
    names = ["n_rows", *[f"rows_{name}" for name in ("donor", "acceptor", "neither", *TIERS)]]
    none = pl.DataFrame(schema={"chrom": pl.String, "gene_id": pl.String} | dict.fromkeys(names, pl.UInt32))
    parts = [
        part.lazy().group_by(GENE_KEY).agg(pl.len().alias("n_rows"), *labels, *tiers).collect() for part in examples
    ]
    return pl.concat([none, *parts], how="vertical_relaxed").group_by(GENE_KEY).agg(pl.col(names).sum())
