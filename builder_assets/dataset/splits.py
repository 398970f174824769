"""Sides of the split and folds, by units that are never parted.

A unit is a component of genes that share bases, exact windows around sites, or are X/Y twins (tables.SPLIT_UNITS),
over the whole annotation. The side of a gene depends on its unit and the seed alone, never on which genes are selected
beside it; only the exclusion of partners of `by: chromosome` looks at the selection.
"""

from collections.abc import Sequence

import polars as pl

from builder_assets import tables
from builder_assets.seeds import seed_of
from builder_assets.selection import GeneRequest, GeneSelection, select_genes
from builder_assets.settings import SplitSettings

KEY = ["chrom", "gene_id"]
SIDES = ("train", "validation", "test")  # where a unit would stand on several, the first one keeps its genes


class SplitError(ValueError):
    """Genes cannot be parted as the settings ask."""


def assign_splits(
    selection_table: pl.DataFrame,
    split_units: pl.DataFrame,
    settings: SplitSettings,
    trained_on: Sequence[str],
    user_sides: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The selection with unit, side, fold and whether the base model was trained on it (tables.GENE_SELECTION).

    Refused genes, genes on a chromosome that stands on no side, and genes whose unit has a gene on an earlier side
    (train before validation before test) get split `excluded`, the reason added.

    Args:
        selection_table: `GeneSelection.table`.
        split_units: tables.SPLIT_UNITS of the whole annotation.
        settings: How to part.
        trained_on: Chromosomes that the base model was trained on.
        user_sides: chrom, gene_id, side of `by: table`.

    Raises:
        SplitError: a selected gene has no unit, or a side that should hold genes is empty.
    """
    table = selection_table.join(split_units.select(*KEY, "unit"), on=KEY, how="left", maintain_order="left")
    lost = table.filter(pl.col("unit").is_null())
    if lost.height:
        raise SplitError(
            f"{lost.height} of {table.height} genes of the selection are in no split unit, first "
            f"{'|'.join(lost.select(KEY).row(0))}. The units were made from another annotation: build them again."
        )
    table = table.join(
        unit_draws(table["unit"].unique().sort(), settings), on="unit", how="left", maintain_order="left"
    )
    table = _with_side(table, settings, user_sides).with_columns(_side_rank())
    selected_rank = pl.when(pl.col("is_selected")).then(pl.col("side_rank"))
    table = table.with_columns(first_rank=selected_rank.min().over("unit")).with_columns(why=_exclusion(settings))
    table = table.with_columns(
        split=pl.when(pl.col("is_selected") & pl.col("why").is_null())
        .then(pl.col("side"))
        .otherwise(pl.lit("excluded")),
        reason=pl.when(pl.col("is_selected") & pl.col("why").is_not_null())
        .then(pl.format("{}; excluded: {}", pl.col("reason"), pl.col("why")))
        .otherwise(pl.col("reason")),
        base_model_seen=pl.col("chrom").is_in(list(trained_on)),
    )
    _check_sides(table, settings)
    assigned = tables.GENE_SELECTION.conform(table)
    check_units(assigned)
    return assigned


def dataset_genes(
    genes: pl.DataFrame,
    split_units: pl.DataFrame,
    request: GeneRequest,
    settings: SplitSettings,
    performance: pl.DataFrame | None = None,
    user_sides: pl.DataFrame | None = None,
) -> GeneSelection:
    """What a dataset's choice takes; an error policy, which chooses training genes only, is told the sides.

    Args:
        genes: tables.GENES of all chromosomes.
        split_units: tables.SPLIT_UNITS.
        request: The choice and the entries of its list files.
        settings: How to part.
        performance: tables.GENE_PERFORMANCE, where the policy reads it.
        user_sides: chrom, gene_id, side of `by: table`.
    """
    choice = request.choice
    sides = sides_of_genes(split_units, settings, user_sides) if choice.reads_performance else None
    return select_genes(genes, choice, request.include, request.exclude, performance, sides)


def sides_of_genes(
    split_units: pl.DataFrame, settings: SplitSettings, user_sides: pl.DataFrame | None = None
) -> pl.DataFrame:
    """The side that every gene of the annotation would be on: chrom, gene_id, side; null on none.

    Args:
        split_units: tables.SPLIT_UNITS of the whole annotation.
        settings: How to part.
        user_sides: chrom, gene_id, side of `by: table`.
    """
    draws = unit_draws(split_units["unit"].unique().sort(), settings)
    table = split_units.select(*KEY, "unit").join(draws, on="unit", how="left", maintain_order="left")
    return _with_side(table, settings, user_sides).select(*KEY, "side")


def _with_side(table: pl.DataFrame, settings: SplitSettings, user_sides: pl.DataFrame | None) -> pl.DataFrame:
    if settings.by != "table":
        return table.with_columns(side=_side(settings))
    if user_sides is None:
        raise SplitError("splits by: table needs the sides of the user's table, and none were given.")
    return table.join(user_sides.select(*KEY, "side"), on=KEY, how="left", maintain_order="left")


def unit_draws(units: pl.Series, settings: SplitSettings) -> pl.DataFrame:
    """For each unit a number in [0, 1) that decides its side, and its fold: `unit`, `draw`, `fold`.

    The words `split` and `fold` are hashed in: a gene alone in its unit would otherwise draw the very number by which
    the random policy picked it, and the genes picked, which have the lowest numbers, would all be test genes.
    """
    return pl.DataFrame(
        {
            "unit": units,
            "draw": [seed_of(settings.seed, "split", unit) / 2**64 for unit in units],
            "fold": [seed_of(settings.seed, "fold", unit) % settings.folds for unit in units],
        },
        schema={"unit": pl.String, "draw": pl.Float64, "fold": pl.Int8},
    )


def check_units(table: pl.DataFrame) -> None:
    """Hard rule: no unit stands on two of train, validation and test, or in two folds.

    Raises:
        SplitError: how many do, and the first.
    """
    parted = (
        table.filter(pl.col("split").is_in(SIDES))
        .group_by("unit")
        .agg(pl.col("split").unique().sort(), pl.col("fold").unique().sort())
        .filter((pl.col("split").list.len() > 1) | (pl.col("fold").list.len() > 1))
        .sort("unit")
    )
    if parted.height:
        unit, sides, folds = parted.row(0)
        raise SplitError(
            f"{parted.height} split units are parted, first {unit}: sides {', '.join(sides)}, folds "
            f"{', '.join(map(str, folds))}. Genes of one unit share sequence and must stand together."
        )


def _side(settings: SplitSettings) -> pl.Expr:
    """The side that settings give a gene; null for chromosomes that stand on none."""
    if settings.by == "gene":
        return (
            pl.when(pl.col("draw") < settings.test)
            .then(pl.lit("test"))
            .when(pl.col("draw") < settings.test + settings.validation)
            .then(pl.lit("validation"))
            .otherwise(pl.lit("train"))
        )
    sides = {chrom: side for side, chroms in settings.chromosome_table.items() for chrom in chroms}
    rest = "train" if settings.preset == "spliceai" else None
    return pl.col("chrom").replace_strict(sides, default=pl.lit(rest, pl.String), return_dtype=pl.String)


def _side_rank() -> pl.Expr:
    ranks = {side: rank for rank, side in enumerate(SIDES)}
    return pl.col("side").replace_strict(ranks, default=None, return_dtype=pl.Int8).alias("side_rank")


def _exclusion(settings: SplitSettings) -> pl.Expr:
    """Why a selected gene is on no side; null if it is on one. `settings` names the cause for chromosomes."""
    source = f"preset {settings.preset}" if settings.preset else "the table of chromosomes"
    nowhere = pl.format(f"chromosome {{}} stands on no side of {source}", pl.col("chrom"))
    if settings.by == "table":
        nowhere = pl.lit("the user's table gives it no side")
    sides = {rank: side for rank, side in enumerate(SIDES)}
    first = pl.col("first_rank").replace_strict(sides, default=None, return_dtype=pl.String)
    return (
        pl.when(pl.col("side").is_null())
        .then(nowhere)
        .when(pl.col("side_rank") > pl.col("first_rank"))
        .then(pl.format("a {} gene, but its unit {} has a {} gene", pl.col("side"), pl.col("unit"), first))
        .otherwise(None)
    )


def _check_sides(table: pl.DataFrame, settings: SplitSettings) -> None:
    """Raise when a side that should hold genes holds none."""
    selected = table.filter(pl.col("is_selected"))
    sizes = dict(selected.group_by("split").len().iter_rows())
    among = f"{selected.height} selected genes in {selected['unit'].n_unique()} units"
    if settings.by == "gene":
        shares = {
            "train": 1 - settings.validation - settings.test,
            "validation": settings.validation,
            "test": settings.test,
        }
        empty = [f"{side} (share {shares[side]:g})" for side in SIDES if shares[side] > 0 and not sizes.get(side)]
        remedy = "Take more genes, another `splits: seed:`, or share 0 for that side."
    elif settings.by == "table":
        empty = ["train"] if not sizes.get("train") else []
        remedy = f"{sizes.get('excluded', 0)} are excluded. Give more of them the side train in the table."
    else:
        named = settings.chromosome_table
        expected = [side for side in SIDES if side == "train" or named.get(side)]
        empty = [
            f"{side} (chromosomes {', '.join(named.get(side, ())) or 'none named'})"
            for side in expected
            if not sizes.get(side)
        ]
        there = ", ".join(selected["chrom"].unique().sort())
        remedy = (
            f"The selection has genes on {there}; {sizes.get('excluded', 0)} are excluded. "
            "Name other chromosomes, or take genes on these."
        )
    if empty:
        raise SplitError(f"no gene is left for {' and for '.join(empty)}: {among}. {remedy}")
