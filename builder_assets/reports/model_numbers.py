"""What a base model's page counts besides the model's report: lengths of introns and exons, best and worst genes."""

import numpy as np
import polars as pl

LENGTH_EDGES = np.unique(np.round(np.logspace(0, 6, 37)).astype(np.int64))  # six bins per power of ten
FEWEST_SITES = 4  # of genes that are called best or worst


def length_histogram(introns: pl.DataFrame, exons: pl.DataFrame) -> pl.DataFrame:
    """Different introns and exons of the annotation per length bin: feature, low, high, count; gaps left out.

    Args:
        introns: INTRONS of one or more chromosomes.
        exons: EXONS of the same ones.
    """
    place = ["chrom", "strand", "start", "end"]
    spans = {"intron": introns.filter(~pl.col("is_gap")).select(place), "exon": exons.select(place)}
    frames = []
    for feature, span in spans.items():
        lengths = span.unique().select(pl.col("end") - pl.col("start") + 1).to_series().to_numpy()
        counts = np.histogram(lengths, LENGTH_EDGES)[0]
        bins = {"low": LENGTH_EDGES[:-1], "high": LENGTH_EDGES[1:] - 1, "count": counts}
        frames.append(pl.DataFrame(bins).select(pl.lit(feature).alias("feature"), pl.all()))
    return pl.concat(frames)


def ranked_genes(performance: pl.DataFrame, genes: pl.DataFrame) -> pl.DataFrame:
    """Genes with enough sites, the worst first: F1 of both kinds together, then errors, then id.

    Args:
        performance: GENE_PERFORMANCE.
        genes: GENES of the same chromosomes.

    Returns:
        chrom, gene_id, gene_name, gene_type, length, n_sites, tp, fp, fn, xp, f1.
    """
    key, counts = ["chrom", "gene_id"], ["n_sites", "tp", "fp", "fn", "xp"]
    summed = performance.group_by(key).agg(pl.col(counts).sum()).filter(pl.col("n_sites") >= FEWEST_SITES)
    f1 = 2 * pl.col("tp") / (2 * pl.col("tp") + pl.col("fp") + pl.col("fn"))
    named = summed.with_columns(f1=f1).join(genes.select(*key, "gene_name", "gene_type", "length"), on=key)
    worst = named.sort("f1", pl.col("fp") + pl.col("fn"), "gene_id", descending=[False, True, False])
    return worst.select(*key, "gene_name", "gene_type", "length", *counts, "f1")
