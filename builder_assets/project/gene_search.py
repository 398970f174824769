"""What an entry of a gene list means in a genome, and why: for `builder genes FIND`."""

import polars as pl

from builder_assets.selection import KEY, MAX_N_FRACTION, match_entries
from builder_assets.settings import Settings
from builder_assets.tables import GENES
from resources.table_files import require_schema_version, scan

MOST_ALIKE = 20
SHOWN = ["gene_name", "gene_type", "strand", "start", "end", "n_transcripts", "n_splice_sites"]


class GeneSearchError(ValueError):
    """There is nothing to search, or nothing to look for; the text says what to do."""


def stored_genes(settings: Settings, only: str | None = None) -> dict[str, pl.DataFrame]:
    """GENES of all chromosomes that are built, per genome (of `only`, where given).

    Raises:
        GeneSearchError: `only` is not in the settings; a genome has no table of genes yet.
        SchemaVersionError: the table is of another version of this code.
    """
    if only is not None and only not in settings.genomes:
        raise GeneSearchError(f"genome {only!r} is not in the settings; known: {', '.join(settings.genomes)}.")
    stored = {}
    for name in [only] if only else settings.genomes:
        paths = sorted((settings.data_path / name / GENES.name).glob("*.parquet"))
        if not paths:
            raise GeneSearchError(
                f"genome {name!r} has no table of genes yet. `builder build --genome {name}` makes it."
            )
        for path in paths:
            require_schema_version(path, GENES.schema_version)
        stored[name] = pl.concat(scan(path).collect() for path in paths)
    return stored


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
    if found["why"][0].startswith("contains"):
        return f"{find!r} is no gene here; {found.height} have it in their name."
    if found.height > 1:
        ways = ", ".join(f"{chrom}|{find}" for chrom in dict.fromkeys(found["chrom"]))
        return f"{find!r} is ambiguous: {found.height} genes. Write one of {ways}, or the stable id."
    return f"{find!r} means {found['gene_id'][0]} on {found['chrom'][0]}, by its {found['why'][0]}."


def gene_lines(found: pl.DataFrame) -> list[str]:
    """One line per gene for a person to read."""
    return [
        f"{row['gene_id']}  {row['gene_name'] or '(no symbol)'}  {row['gene_type'] or '(type unknown)'}  "
        f"{row['chrom']}:{row['start']}-{row['end']}({row['strand']})  {row['n_transcripts']} transcripts, "
        f"{row['n_splice_sites']} sites{'  ' + row['note'] if row['note'] else ''}"
        for row in found.iter_rows(named=True)
    ]
