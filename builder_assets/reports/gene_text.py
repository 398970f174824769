"""One gene for the terminal: its truth, how right the base model is, every site and call, and its examples."""

from collections import Counter
from collections.abc import Iterator

import polars as pl
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from builder_assets.base_model.report_tables import XP_SAYS
from builder_assets.reports.gene_view import GeneView, sites_and_calls
from builder_assets.tables.dataset import TIERS

HARDEST = 10  # negatives shown one by one
OUTCOME_STYLES = {"TP": "green", "FP": "red", "FN": "red", "XP": "magenta"}


def gene_text(view: GeneView) -> Iterator[RenderableType]:
    """The parts of the report, one after the other; what is not built is said, not left out."""
    gene, introns = view.gene, view.introns.filter(~pl.col("is_gap"))
    yield Text.assemble((view.title, "bold"), f"  {gene['length']:,} bases")
    motifs = Counter(introns["motif_class"].fill_null("unknown").to_list()).most_common()
    yield (
        f"truth ({view.genome}): {gene['n_donors']} donors and {gene['n_acceptors']} acceptors of "
        f"{gene['n_transcripts']} transcripts; {introns.height} introns"
        + (f" ({', '.join(f'{word} {n}' for word, n in motifs)})" if motifs else "")
    )
    if not view.scores.height:
        yield f"{view.base_model or 'no base model'}: no scores of this gene; no dataset needs it, or it is not built."
    if view.performance.height:
        yield performance_table(view)
        yield f"{XP_SAYS} AP: average precision, the area under the precision-recall curve."
    sites = sites_and_calls(view)
    yield sites_table(sites) if sites.height else "no splice site, and no base that is called."
    for name, examples in view.examples.items():
        yield from _examples(name, examples)


def performance_table(view: GeneView) -> Table:
    """Counts and rates per kind."""
    table = Table(title=f"{view.base_model}, all bases", title_justify="left")
    counts = {"n_sites": "sites", "tp": "TP", "fp": "FP", "fn": "FN", "xp": "XP"}
    rates = {"precision": "precision", "recall": "recall", "f1": "F1", "average_precision": "AP"}
    for column in ("kind", *counts.values(), *rates.values()):
        table.add_column(column, justify="left" if column == "kind" else "right")
    for row in view.performance.sort("kind", descending=True).iter_rows(named=True):
        shown = ["" if row[rate] is None else f"{row[rate]:.3f}" for rate in rates]
        table.add_row(row["kind"], *[f"{row[count]:,}" for count in counts], *shown)
    return table


def sites_table(sites: pl.DataFrame) -> Table:
    """Every annotated site and called base, 5' to 3', from `sites_and_calls`."""
    table = Table(title="sites and calls, 5' to 3'", title_justify="left")
    for column in ("position", "offset", "kind", "motif", "transcripts", "score", "outcome"):
        table.add_column(column, justify="left" if column in ("kind", "motif", "outcome") else "right")
    for row in sites.iter_rows(named=True):
        outcome, score, n = row["outcome"] or "", row["score"], row["n_transcripts"]
        style = OUTCOME_STYLES.get(outcome, "")
        table.add_row(
            f"{row['position']:,}",
            f"{row['offset']:,}",
            row["kind"],
            row["motif"] or "",
            "" if n is None else f"{n}{' canonical' if row['canonical'] else ''}",
            "" if score is None else f"{score:.3f}",
            Text(outcome, style),
        )
    return table


def _examples(name: str, examples: pl.DataFrame) -> Iterator[RenderableType]:
    counts = Counter(examples["negative_tier"].fill_null("site").to_list())
    tiers = ", ".join(f"{word} {counts[word]}" for word in ("site", *TIERS) if counts[word])
    side = f"split {examples['split'][0]}, fold {examples['fold'][0]}"
    yield Text.assemble((name, "bold"), f": {examples.height} rows, {side}: {tiers}")
    highest = pl.max_horizontal("donor_score", "acceptor_score")
    hard = examples.filter(pl.col("negative_tier").is_not_null()).sort(highest, descending=True).head(HARDEST)
    table = Table(title=f"its {hard.height} highest negatives", title_justify="left")
    for column in ("position", "tier", "donor score", "acceptor score", "weight"):
        table.add_column(column, justify="left" if column == "tier" else "right")
    for row in hard.iter_rows(named=True):
        scores = [f"{row['donor_score']:.3f}", f"{row['acceptor_score']:.3f}"]
        table.add_row(f"{row['position']:,}", row["negative_tier"], *scores, f"{row['sample_weight']:.1f}")
    yield table
