"""Which genes a dataset takes, in which order and why; and which ones it refuses.

Pure: it sees the `genes` of all chromosomes and the choice of the settings. Files of listed genes are read elsewhere;
sides of the split are assigned in `builder_assets.dataset.splits`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from builder_assets.selection_policies import SelectionError, policy_order, ranked_by_errors, training_share
from builder_assets.settings import GeneChoice

MAX_N_FRACTION = 0.5  # genes with more than this share of unknown bases are neither selected nor evaluated
KEY = ["chrom", "gene_id"]
SELECTION_COLUMNS = [
    *KEY, "rank", "is_selected", "reason", "gene_name", "gene_type", "strand", "start", "end", "length",
]  # fmt: skip

# `.15`, `.15_5` (lift-over) and `.15_PAR_Y` (the mark stays): the version of a gene id, in lower case.
VERSION_SUFFIX = r"\.\d+(?:_\d+)?(_par_y)?$"


@dataclass(frozen=True)
class GeneRequest:
    """What one dataset asks for: its choice, and the entries of its list files."""

    choice: GeneChoice
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()


@dataclass(frozen=True)
class GeneSelection:
    """The genes that a dataset takes.

    Attributes:
        table: `SELECTION_COLUMNS`; selected genes by rank, then the listed genes that were refused.
        n_candidates: Genes that policy and lists name, before refusals.
        n_refused_intronless: Candidates refused because they have no splice site.
        n_refused_n: Candidates refused because more than half of their bases are unknown.
        notes: What the person who asked should know: entries skipped, fewer genes than asked for.
    """

    table: pl.DataFrame
    n_candidates: int
    n_refused_intronless: int
    n_refused_n: int
    notes: tuple[str, ...]


def select_genes(
    genes: pl.DataFrame,
    choice: GeneChoice,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    performance: pl.DataFrame | None = None,
    sides: pl.DataFrame | None = None,
) -> GeneSelection:
    """The genes that `choice` takes from `genes` (tables.GENES of all chromosomes), listed ones first.

    Args:
        genes: tables.GENES of every chromosome of the settings.
        choice: Policy, types, lists and seed; what each policy offers in which order: `selection_policies`.
        include: Listed entries beside `choice.include`, e.g. from its file.
        exclude: Entries beside `choice.exclude`.
        performance: tables.GENE_PERFORMANCE of every candidate; needed by policies that rank by errors.
        sides: chrom, gene_id, side of every gene; needed by them too, since they choose training genes only.

    Raises:
        SelectionError: unknown types, unknown or ambiguous entries, entries both included and excluded, more listed
            genes than `count`, no gene at all, or performance or sides that a policy needs are not there.
    """
    asked, others, list_notes = _candidates(genes, choice, include, exclude)
    count_notes: tuple[str, ...] = ()
    if choice.reads_performance:
        asked, others, count_notes = ranked_by_errors(asked, others, choice, performance, sides)
    else:
        others = policy_order(others, choice)
    candidates = pl.concat([asked, others], how="diagonal_relaxed")
    taken = candidates.filter(pl.col("refusal").is_null())
    if choice.count is not None:
        _check_count(choice.count, asked)
        if choice.reads_performance:
            taken, more_notes = training_share(taken, choice)
            count_notes += more_notes
        if taken.height < choice.count:
            missing = f"count: {choice.count} genes asked for, {taken.height} are there; all of them taken."
            count_notes += (missing,)
        taken = taken.head(choice.count)
    refused = asked.filter(pl.col("refusal").is_not_null())
    _check_any(taken, candidates, choice)
    return GeneSelection(
        table=_selection_table(taken, refused),
        n_candidates=candidates.height,
        n_refused_intronless=candidates.filter(pl.col("refusal") == "no splice site").height,
        n_refused_n=candidates.filter(pl.col("refusal") == "unknown bases").height,
        notes=(*list_notes, *count_notes),
    )


def genes_to_judge(
    genes: pl.DataFrame, choice: GeneChoice, include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> pl.DataFrame:
    """The genes whose scores a choice needs, with the reason: for an error policy every candidate.

    Raises:
        SelectionError: see `select_genes`.
    """
    if not choice.reads_performance:
        return select_genes(genes, choice, include, exclude).table.filter("is_selected").select(*KEY, "reason")
    asked, others, _ = _candidates(genes, choice, include, exclude)
    others = others.with_columns(reason=pl.lit(f"candidate of policy {choice.policy}"))
    candidates = pl.concat([asked, others], how="diagonal_relaxed")
    usable = candidates.filter(pl.col("refusal").is_null())
    _check_any(usable, candidates, choice)
    return usable.select(*KEY, "reason")


def _candidates(
    genes: pl.DataFrame, choice: GeneChoice, include: Sequence[str], exclude: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame, tuple[str, ...]]:
    """Listed genes in the order of the list with their reason, the policy's other genes, and notes on the lists."""
    _check_types(genes, choice.types)
    excluded, exclude_notes = _listed_genes(genes, [*choice.exclude, *exclude], "exclude", choice)
    listed, include_notes = _listed_genes(genes, [*choice.include, *include], "include", choice)
    _check_contradictions(listed, excluded)
    judged = genes.with_columns(_refusal(choice)).join(listed, on=KEY, how="left", maintain_order="left")
    asked = judged.filter(pl.col("entry").is_not_null()).sort("entry_order")
    asked = asked.with_columns(_listed_reason(choice.types))
    others = judged.filter(pl.col("entry").is_null()).join(excluded, on=KEY, how="anti")
    if choice.policy == "custom":
        others = others.clear()
    if choice.types:
        others = others.filter(pl.col("gene_type").is_in(list(choice.types)))
    return asked, others, (*exclude_notes, *include_notes)


def match_entries(genes: pl.DataFrame, entries: Sequence[str]) -> pl.DataFrame:
    """The genes that each entry may mean: `entry_order`, `entry`, `chrom`, `gene_id`, one row per possible gene.

    An entry is a gene id with or without its version, else a symbol, else an alias, in any case; `chrom|entry` names
    the chromosome where one stands on two. Entries that mean no gene have no row; ambiguous ones have several.
    """
    names = pl.DataFrame({"entry": list(entries)}, schema={"entry": pl.String}).with_row_index("entry_order")
    names = names.with_columns(
        wanted=pl.col("entry").str.extract(r"^(?:chr)?([^|]+)\|"),
        name=pl.col("entry").str.replace(r"^[^|]+\|", "").str.to_lowercase(),
    ).with_columns(bare=pl.col("name").str.replace(VERSION_SUFFIX, "${1}"))
    ids = genes.select(*KEY, key=pl.col("gene_id").str.to_lowercase())
    symbols = genes.select(*KEY, key=pl.col("gene_name").str.to_lowercase()).drop_nulls("key")
    # Symbols such as RP11-34P13.7 look like an id with its version, so the whole text is tried first.
    aliases = genes.select(*KEY, key="gene_aliases").explode("key", empty_as_null=True).drop_nulls("key")
    aliases = aliases.with_columns(pl.col("key").str.to_lowercase())
    readings = [("name", ids), ("name", symbols), ("bare", ids), ("name", aliases)]
    hits = pl.concat(
        names.join(known, left_on=column, right_on="key").select(
            "entry_order", "entry", "wanted", *KEY, pl.lit(order).alias("reading")
        )
        for order, (column, known) in enumerate(readings)
    )
    return (
        hits.filter(pl.col("wanted").is_null() | (pl.col("wanted") == pl.col("chrom")))
        .filter(pl.col("reading") == pl.col("reading").min().over("entry_order"))
        .select("entry_order", "entry", *KEY)
        .unique()
        .sort("entry_order", *KEY)
    )


def _listed_genes(
    genes: pl.DataFrame, entries: Sequence[str], where: str, choice: GeneChoice
) -> tuple[pl.DataFrame, list[str]]:
    """The genes of a list, each under its first entry, and notes on entries that were skipped."""
    entries = list(dict.fromkeys(entry.strip() for entry in entries))
    hits = match_entries(genes, entries)
    known = set(hits["entry"])
    unknown = [entry for entry in entries if entry not in known]
    several = hits.filter(pl.len().over("entry_order") > 1)
    meanings = several.group_by("entry", maintain_order=True).agg(pl.concat_str(KEY, separator="|"))
    ambiguous = [f"{entry} ({', '.join(genes)})" for entry, genes in meanings.iter_rows()]
    problems = []
    if unknown:
        problems.append(f"{where}: {len(unknown)} of {len(entries)} entries are unknown: {', '.join(unknown)}.")
    if ambiguous:
        problems.append(f"{where}: {len(ambiguous)} of {len(entries)} entries are ambiguous: {'; '.join(ambiguous)}.")
    if problems and choice.on_unknown == "fail":
        remedy = "Correct them (write chrom|gene_id where one name stands for several), or set `on_unknown: skip`."
        raise SelectionError(" ".join([*problems, remedy]))
    single = hits.filter(pl.len().over("entry_order") == 1)
    return single.unique(KEY, keep="first", maintain_order=True), [f"{problem} Skipped." for problem in problems]


def _refusal(choice: GeneChoice) -> pl.Expr:
    """Why a gene cannot be taken; null if it can."""
    unknown = pl.when(pl.col("n_fraction") > MAX_N_FRACTION).then(pl.lit("unknown bases"))
    if choice.intronless == "refuse":
        unknown = unknown.when(pl.col("n_splice_sites") == 0).then(pl.lit("no splice site"))
    return unknown.otherwise(None).cast(pl.String).alias("refusal")


def _listed_reason(types: Sequence[str]) -> pl.Expr:
    listed = pl.format("listed as {}", pl.col("entry"))
    if not types:
        return listed.alias("reason")
    kind = pl.col("gene_type").fill_null("unknown")
    return (
        pl.when(kind.is_in(list(types)))
        .then(listed)
        .otherwise(pl.format("{}, though its type {} is not among the types asked for", listed, kind))
        .alias("reason")
    )


def _selection_table(taken: pl.DataFrame, refused: pl.DataFrame) -> pl.DataFrame:
    share = (pl.col("n_fraction") * 100).round(1)
    why = pl.when(pl.col("refusal") == "unknown bases").then(
        pl.format("refused, {}: {} % of its bases are unknown", pl.col("reason"), share)
    )
    refused = refused.sort(KEY).with_columns(
        rank=pl.lit(None, pl.Int32),
        is_selected=pl.lit(False),
        reason=why.otherwise(pl.format("refused, {}: it has no splice site", pl.col("reason"))),
    )
    taken = taken.with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int32), is_selected=pl.lit(True))
    return pl.concat([taken.select(SELECTION_COLUMNS), refused.select(SELECTION_COLUMNS)])


def _check_types(genes: pl.DataFrame, types: Sequence[str]) -> None:
    joined = [name for name in types if "," in name]
    if joined:
        written = ", ".join(part.strip() for part in joined[0].split(","))
        raise SelectionError(f"types: {joined[0]!r} is one text with a comma; write a list: [{written}].")
    present = sorted(genes["gene_type"].drop_nulls().unique())
    unknown = [name for name in types if name not in present]
    if unknown:
        raise SelectionError(
            f"types: {', '.join(unknown)} not among the {genes.height} genes; "
            f"known are {', '.join(present) or '(none: the annotation has no gene types)'}."
        )


def _check_contradictions(listed: pl.DataFrame, excluded: pl.DataFrame) -> None:
    both = listed.join(excluded, on=KEY, how="semi").select(pl.concat_str(KEY, separator="|")).to_series().to_list()
    if both:
        raise SelectionError(
            f"{len(both)} genes are both included and excluded: {', '.join(both)}. Take them off one list."
        )


def _check_count(count: int, asked: pl.DataFrame) -> None:
    usable = asked.filter(pl.col("refusal").is_null()).height
    if usable > count:
        raise SelectionError(
            f"count: {count} is the total, listed genes included, but {usable} genes are listed. "
            "Raise `count:`, shorten the list, or use policy custom."
        )


def _check_any(taken: pl.DataFrame, candidates: pl.DataFrame, choice: GeneChoice) -> None:
    if taken.height:
        return
    refusals = candidates.group_by("refusal").len().sort("refusal")
    why = "; ".join(f"{number} refused: {refusal}" for refusal, number in refusals.iter_rows())
    raise SelectionError(
        f"no gene is left to select: {candidates.height} candidates of policy {choice.policy}, types "
        f"{', '.join(choice.types) or '(any)'}{'; ' + why if why else ''}. "
        "Look at `types:`, `exclude:` and `intronless:`."
    )
