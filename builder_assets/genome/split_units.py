"""Genes that training and test must not share: they overlap, are copies of each other, or have a twin on X and Y.

Units are made from the whole annotation, never from a selection, so that choosing other genes moves none.
"""

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from builder_assets.genome.overlaps import overlapping_pairs
from builder_assets.tables import SPLIT_UNITS

PAR_Y_SUFFIX = "_PAR_Y"
OLD_PAR_Y_ID = r"^ENSGR0"  # GENCODE up to 24 wrote ENSGR0000182378 for ENSG00000182378 on Y


class SplitUnitError(ValueError):
    """The inputs of the units do not fit together; the text says which rows."""


def split_units(genes: pl.DataFrame, splice_sites: pl.DataFrame, paralogs: pl.DataFrame | None = None) -> pl.DataFrame:
    """Connected components of genes that share something a model could remember (SPLIT_UNITS).

    Two genes are joined by: a base in common, on either strand; an identical 101-base window around a site of each;
    being the X and Y copy of a pseudoautosomal gene; a row of `paralogs`.

    Args:
        genes: GENES of all chromosomes.
        splice_sites: chrom, gene_id, window_hash (null: no window, joins nothing) of all chromosomes.
        paralogs: gene_id, paralog_id; ids that the annotation lacks are passed over, on every chromosome.

    Returns:
        One row per gene: the smallest `chrom|gene_id` of its component, and the component's size.

    Raises:
        SplitUnitError: a site of a gene that is not there; a gene twice; a paralog table without its columns, or with
            no pair of known genes.
    """
    nodes = genes.select("chrom", "gene_id").sort("chrom", "gene_id").with_row_index("node")
    if nodes.select("chrom", "gene_id").is_duplicated().any():
        twice = nodes.filter(nodes.select("chrom", "gene_id").is_duplicated())
        raise SplitUnitError(f"{twice.height} rows repeat a gene, first {twice['gene_id'][0]} on {twice['chrom'][0]}.")
    edges = [_overlap_edges(nodes, genes), _window_edges(nodes, splice_sites), _par_edges(nodes)]
    if paralogs is not None:
        edges.append(_paralog_edges(nodes, paralogs))
    label = _components(nodes.height, np.concatenate(edges))
    labelled = nodes.with_columns(
        label=pl.Series(label, dtype=pl.Int64), name=pl.concat_str("chrom", "gene_id", separator="|")
    )
    return SPLIT_UNITS.conform(
        labelled.with_columns(unit=pl.col("name").min().over("label"), unit_size=pl.len().over("label"))
    )


def _components(n_nodes: int, edges: np.ndarray) -> np.ndarray:
    if not n_nodes:
        return np.empty(0, dtype=np.int64)
    graph = coo_array((np.ones(len(edges), dtype=np.int8), (edges[:, 0], edges[:, 1])), shape=(n_nodes, n_nodes))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _edges(frame: pl.DataFrame) -> np.ndarray:
    return frame.select("node", "other").cast(pl.Int64).to_numpy().reshape(-1, 2)


def _overlap_edges(nodes: pl.DataFrame, genes: pl.DataFrame) -> np.ndarray:
    pairs = overlapping_pairs(genes).join(nodes, on=["chrom", "gene_id"])
    others = nodes.rename({"node": "other", "gene_id": "other_gene_id"})
    return _edges(pairs.join(others, on=["chrom", "other_gene_id"]))


def _window_edges(nodes: pl.DataFrame, splice_sites: pl.DataFrame) -> np.ndarray:
    windows = splice_sites.select("chrom", "gene_id", "window_hash").join(nodes, on=["chrom", "gene_id"], how="left")
    lost = windows.filter(pl.col("node").is_null())
    if lost.height:
        raise SplitUnitError(
            f"{lost.height} of {windows.height} splice sites belong to genes that are not among the "
            f"{nodes.height} given, first {lost['gene_id'][0]} on {lost['chrom'][0]}. Give both tables of the same "
            "chromosomes."
        )
    return _star(windows.filter(pl.col("window_hash").is_not_null()), "window_hash")


def _par_edges(nodes: pl.DataFrame) -> np.ndarray:
    both = nodes.filter(pl.col("chrom").is_in(["X", "Y"])).with_columns(
        pl.col("gene_id").str.strip_suffix(PAR_Y_SUFFIX).str.replace(OLD_PAR_Y_ID, "ENSG00")
    )
    return _star(both, "gene_id")


def _star(frame: pl.DataFrame, shared: str) -> np.ndarray:
    """Edges from the first node that has a value to every node that has it."""
    return _edges(frame.with_columns(other=pl.col("node").min().over(shared)).unique(["node", "other"]))


def _paralog_edges(nodes: pl.DataFrame, paralogs: pl.DataFrame) -> np.ndarray:
    missing = [name for name in ("gene_id", "paralog_id") if name not in paralogs.columns]
    if missing:
        raise SplitUnitError(
            f"the table of paralogs lacks {', '.join(missing)}; it has {', '.join(paralogs.columns)}. It needs "
            "gene_id and paralog_id."
        )
    pairs = paralogs.join(nodes, on="gene_id").join(
        nodes.select("gene_id", other="node"), left_on="paralog_id", right_on="gene_id"
    )
    if paralogs.height and not pairs.height:
        raise SplitUnitError(
            f"none of the {paralogs.height} pairs of paralogs names two known genes. Ids must be like "
            f"{nodes['gene_id'].first()}, without version."
        )
    return _edges(pairs)
