"""What an entry of a gene list means in a genome, and why: for whoever asks for a gene by its name."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from builder_assets.project.stored import whole
from builder_assets.selection import KEY, MAX_N_FRACTION, match_entries
from builder_assets.settings import Settings
from builder_assets.tables import GENES

MOST_ALIKE = 20
ALIKE_NAMED = 5  # in one sentence
SHOWN = ["gene_name", "gene_type", "strand", "start", "end", "n_transcripts", "n_splice_sites"]


class GeneSearchError(ValueError):
    """There is nothing to search, or nothing to look for; the text says what to do."""


class UnknownGeneError(ValueError):
    """Not exactly one gene is meant, or no such base model, or no scores of the gene; the text says what there is."""


def stored_genes(settings: Settings, only: str | None = None) -> dict[str, pl.DataFrame]:
    """GENES of all chromosomes, per genome (of `only`, where given).

    Raises:
        GeneSearchError: `only` is not in the settings.
        NotBuiltError: chromosomes have no table of genes, so that nothing can be said of a name; names them.
        SchemaVersionError: the table is of another version of this code.
    """
    if only is not None and only not in settings.genomes:
        raise GeneSearchError(f"genome {only!r} is not in the settings; known: {', '.join(settings.genomes)}.")
    return {name: whole(settings, name, GENES) for name in ([only] if only else settings.genomes)}


def the_gene(stored: Mapping[str, pl.DataFrame], find: str) -> tuple[str, dict[str, Any]]:
    """The genome and the row of GENES of the one gene that an entry means, in the first genome where it means one.

    Args:
        stored: GENES of all chromosomes, per genome.
        find: As for `found_genes`.

    Raises:
        UnknownGeneError: it means none or several; says which there are.
        GeneSearchError: `find` is empty.
    """
    answers = {}
    for name, genes in stored.items():
        answers[name] = found_genes(genes, find)
        if answers[name].height == 1 and not _only_alike(answers[name]):
            row = genes.join(answers[name].select(KEY), on=KEY, how="semi")
            return name, row.row(0, named=True)
    raise UnknownGeneError(" ".join(f"{name}: {verdict(found, find)}" for name, found in answers.items()))


def found_genes(genes: pl.DataFrame, find: str) -> pl.DataFrame:
    """The genes that a gene list's entry would mean, else those whose symbol, id or alias contains it.

    Args:
        genes: GENES of all chromosomes.
        find: Stable id with or without version, symbol, alias, in any case; `chrom|entry` for one chromosome only.

    Returns:
        chrom, gene_id, `why`, `SHOWN`, `note` (why it would be refused; empty if it would not), by position.

    Raises:
        GeneSearchError: `find` is empty.
    """
    text = find.strip()
    if not text:
        raise GeneSearchError("nothing to look for. Give an id or symbol: `builder genes TP53`.")
    bare = text.rsplit("|", 1)[-1].lower()
    by_id, by_name = pl.col("gene_id").str.to_lowercase(), pl.col("gene_name").str.to_lowercase()
    by_alias = pl.col("gene_aliases").list.join("|").str.to_lowercase().fill_null("")
    hits = match_entries(genes, [text]).select(KEY)
    found = genes.join(hits, on=KEY, how="semi").with_columns(
        why=pl.when(by_id == bare)
        .then(pl.lit("stable id"))
        .when(by_name == bare)
        .then(pl.lit("symbol"))
        .when(pl.format("|{}|", by_alias).str.contains(f"|{bare}|", literal=True))
        .then(pl.lit("alias"))
        .otherwise(pl.lit("stable id, its version left out"))
    )
    if not found.height:
        contains = pl.any_horizontal(name.str.contains(bare, literal=True) for name in (by_id, by_name, by_alias))
        found = genes.filter(contains).with_columns(why=pl.lit("contains it; a gene list needs the whole name"))
    note = (
        pl.when(pl.col("n_fraction") > MAX_N_FRACTION)
        .then(pl.format("refused: {} % of its bases are unknown", (pl.col("n_fraction") * 100).round(1)))
        .when(pl.col("n_splice_sites") == 0)
        .then(pl.lit("no splice site: refused unless `intronless: keep`"))
        .otherwise(pl.lit(""))
    )
    return found.select(*KEY, "why", *SHOWN, note=note).sort("chrom", "start", "gene_id").head(MOST_ALIKE)


def verdict(found: pl.DataFrame, find: str) -> str:
    """One sentence: what the entry would do in a gene list."""
    if not found.height:
        return f"{find!r} is no gene here. Ids are stable ids, symbols or aliases of this annotation."
    if _only_alike(found):
        names = found.select(pl.coalesce("gene_name", "gene_id")).to_series().to_list()
        shown = ", ".join(names[:ALIKE_NAMED]) + (", ..." if len(names) > ALIKE_NAMED else "")
        count = f"{found.height}{' or more' * (found.height == MOST_ALIKE)}"
        return f"{find!r} is no gene here; {count} have it in their name: {shown}."
    if found.height > 1:
        name = pl.lit(find) if found["chrom"].is_unique().all() else pl.col("gene_id")
        ways = ", ".join(found.select(pl.format("{}|{}", "chrom", name)).to_series())
        return f"{find!r} is ambiguous: {found.height} genes. Write one of {ways}, or the stable id."
    return f"{find!r} means {found['gene_id'][0]} on {found['chrom'][0]}, by its {found['why'][0]}."


def _only_alike(found: pl.DataFrame) -> bool:
    """Whether the genes found are not meant, but have the text in their name."""
    return bool(found.height) and found["why"][0].startswith("contains")


def gene_lines(found: pl.DataFrame) -> list[str]:
    """One line per gene for a person to read."""
    return [
        f"{row['gene_id']}  {row['gene_name'] or '(no symbol)'}  {row['gene_type'] or '(type unknown)'}  "
        f"{row['chrom']}:{row['start']}-{row['end']}({row['strand']})  {row['n_transcripts']} transcripts, "
        f"{row['n_splice_sites']} sites{'  ' + row['note'] if row['note'] else ''}"
        for row in found.iter_rows(named=True)
    ]
