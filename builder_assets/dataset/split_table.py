"""A user's own split: which gene is on which side, as the entries of a table mean the genes of the annotation."""

import polars as pl

from builder_assets.dataset.splits import SIDES, SplitError
from builder_assets.selection import match_entries

SIDE_WORDS = {"train": "train", "training": "train", "validation": "validation", "valid": "validation",
              "val": "validation", "test": "test"}  # fmt: skip


def user_sides(rows: pl.DataFrame, genes: pl.DataFrame) -> pl.DataFrame:
    """The side of each gene that the table names: chrom, gene_id, side.

    Args:
        rows: gene_id (an id with or without version, a symbol, or chrom|id) and split, both text.
        genes: tables.GENES of all chromosomes.

    Raises:
        SplitError: a word that is no side, an entry that means no gene or several, or a gene with two sides.
    """
    words = rows.with_columns(side=pl.col("split").str.to_lowercase().replace_strict(SIDE_WORDS, default=None))
    strange = words.filter(pl.col("side").is_null())["split"].unique().sort().to_list()
    if strange:
        raise SplitError(
            f"{len(strange)} words in the column split are no side: {', '.join(map(repr, strange[:5]))}; "
            f"known are {', '.join(SIDES)}."
        )
    entries = words["gene_id"].to_list()
    hits = match_entries(genes, entries)
    meanings = hits.group_by("entry_order").len()
    several = meanings.filter(pl.col("len") > 1)["entry_order"].sort().to_list()
    missing = sorted(set(range(len(entries))) - set(meanings["entry_order"]))
    if several or missing:
        shown = ", ".join(entries[i] for i in [*missing, *several][:10])
        raise SplitError(
            f"the split table has {len(missing)} of {len(entries)} entries that mean no gene of the annotation and "
            f"{len(several)} that mean several, first {shown}. Correct them, or write chrom|gene_id."
        )
    named = hits.join(words.with_row_index("entry_order").select("entry_order", "side"), on="entry_order")
    named = named.select("chrom", "gene_id", "side").unique().sort("chrom", "gene_id", "side")
    twice = named.filter(named.select("chrom", "gene_id").is_duplicated())
    if twice.height:
        raise SplitError(
            f"the split table puts {twice.select('chrom', 'gene_id').n_unique()} genes on two sides, first "
            f"{'|'.join(twice.row(0)[:2])} on {' and '.join(twice['side'][:2])}."
        )
    return named
