"""Which assembly an annotation was made for, judged by where it puts known genes, not by any name in it."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import polars as pl

from builder_assets.coordinates import ASSEMBLY_LENGTHS
from resources.gene_tables import read_gene_table

LANDMARK_FILE = Path(__file__).with_name("landmark_genes.tsv")
PLACED_IN = ("GRCh37", "GRCh38")
LEAST_COVERED = 0.5  # releases move the ends of a gene, by less than this
FEWEST_EXACT = 2  # landmarks that name the assembly of an annotation which the settings call something else
LEAST_EXACT = 0.5  # share of them; correct annotations of six other makers have 55 to 100 % on every chromosome


class WrongAssemblyError(ValueError):
    """An annotation is of another assembly than the settings say; the text names both and the evidence."""


@cache
def landmark_genes() -> pl.DataFrame:
    """The genes whose places are known: chrom, gene_id, gene_name, GRCh37, GRCh38 (first bases, 1-based), length.

    There are 4,367, all over the chromosomes, and none where both assemblies have it at the same place.
    """
    numbers = [*PLACED_IN, "length"]
    table = read_gene_table(LANDMARK_FILE, ("chrom", "gene_id", "gene_name", *numbers))
    return table.with_columns(pl.col(numbers).cast(pl.Int64))


def landmark_places(genes: pl.DataFrame) -> pl.DataFrame:
    """The landmark genes of an annotation, and the assembly in whose place each lies.

    A gene lies where an assembly has it if it begins or ends at the very base, or covers at least half of the place;
    and if that holds for no other assembly.

    Args:
        genes: chrom, gene_id, gene_name, start, end (1-based closed) of gene records.

    Returns:
        gene_id, symbol, chrom, start, assembly (null: in neither place), is_exact, by chromosome and start.
    """
    known = landmark_genes().rename({"gene_id": "stable_id", "gene_name": "symbol"})
    by_id = genes.join(known, left_on=["chrom", "gene_id"], right_on=["chrom", "stable_id"])
    others = genes.filter(~pl.col("gene_id").is_in(by_id["gene_id"].implode()))
    by_name = others.join(known, left_on=["chrom", "gene_name"], right_on=["chrom", "symbol"]).with_columns(
        symbol="gene_name"
    )
    columns = ["gene_id", "symbol", "chrom", "start", "end", *PLACED_IN, "length"]
    found = pl.concat([by_id.select(columns), by_name.select(columns)])
    exact, covering = _only_one(_begins_or_ends), _only_one(_covers)
    return found.select(
        "gene_id", "symbol", "chrom", "start", assembly=pl.coalesce(exact, covering), is_exact=exact.is_not_null()
    ).sort("chrom", "start")


def _only_one(holds: Callable[[str], pl.Expr]) -> pl.Expr:
    """The assembly for which something holds; null where it holds for none or for both."""
    first, second = PLACED_IN
    return (
        pl.when(holds(first) & ~holds(second))
        .then(pl.lit(first))
        .when(holds(second) & ~holds(first))
        .then(pl.lit(second))
    )


def _begins_or_ends(assembly: str) -> pl.Expr:
    """Whether a gene begins or ends at the very base where the landmark does in `assembly`."""
    low, high = _place(assembly)
    return (pl.col("start") == low) | (pl.col("end") == high)


def _covers(assembly: str) -> pl.Expr:
    """Whether a gene covers at least half of the landmark's place in `assembly`."""
    low, high = _place(assembly)
    shared = pl.min_horizontal("end", high) - pl.max_horizontal("start", low) + 1
    return shared >= LEAST_COVERED * pl.col("length")


def _place(assembly: str) -> tuple[pl.Expr, pl.Expr]:
    """First and last base of a landmark."""
    return pl.col(assembly), pl.col(assembly) + pl.col("length") - 1


def likely_assembly(places: pl.DataFrame) -> str | None:
    """The assembly in whose place most landmarks lie; null where there is none, or as many of each."""
    counts = places.drop_nulls("assembly").group_by("assembly").len().sort("len", "assembly", descending=True)
    if not counts.height or (counts.height > 1 and counts["len"][0] == counts["len"][1]):
        return None
    return counts["assembly"][0]


def landmark_words(places: pl.DataFrame) -> str:
    """What the landmarks say of the assembly, in a sentence."""
    likely = likely_assembly(places)
    if likely is None:
        return "No well-known gene tells the assembly."
    n_there = places.filter(pl.col("assembly") == likely).height
    return f"{n_there:,} of {places.height:,} well-known genes lie where {likely} has them."


def check_assembly(records: pl.DataFrame, assembly: str) -> str | None:
    """Raise if an annotation puts known human genes where another assembly has them than the settings name.

    Where the settings name neither GRCh37 nor GRCh38, half of the landmarks, and two at least, must begin or end at
    the very base: another species or another human assembly may have genes of the same name near by.

    Args:
        records: GENE_ANNOTATION.
        assembly: Of the settings.

    Returns:
        The likely assembly; None where the landmarks of the annotation, if it has any, do not tell.

    Raises:
        WrongAssemblyError: more landmarks lie where another assembly has them than where this one has.
    """
    places = landmark_places(records.filter(pl.col("feature") == "gene"))
    likely = likely_assembly(places)
    if likely in (None, assembly):
        return likely
    there = places.filter(pl.col("assembly") == likely)
    if assembly not in ASSEMBLY_LENGTHS:
        n_exact = there["is_exact"].sum()
        if n_exact < max(FEWEST_EXACT, LEAST_EXACT * places.height):
            return None
    symbol, chrom, start = there.select("symbol", "chrom", "start").row(0)
    raise WrongAssemblyError(
        f"the annotation is of {likely}, the settings say {assembly}: {there.height:,} of {places.height:,} well-known "
        f"genes lie where {likely} has them, such as {symbol} at {chrom}:{start:,}. Take the annotation of {assembly}, "
        "or correct `assembly:` and `fasta:`."
    )
