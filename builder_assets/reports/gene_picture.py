"""One gene drawn along the chromosome: exons, donor and acceptor scores, calls, sampled examples.

5' > > >  [exon]----[exon]----[exon]        canonical transcript, then all exons of the gene
donor       |          .          |         scores; o TP, x FP, hollow FN, square XP; ticks: annotated sites
acceptor         |          |
examples  . . .  : .  ..  .   .  .          one line per tier
"""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import polars as pl
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import StrMethodFormatter

from builder_assets.base_model.kind_tracks import KINDS
from builder_assets.pictures import COLOURS, ERROR, STYLE
from builder_assets.reports.gene_view import GeneView, sites_and_calls
from builder_assets.tables.dataset import TIERS

OUTCOMES: dict[str, dict[str, Any]] = {
    "TP": {"marker": "o", "facecolor": "#009e73", "edgecolor": "#009e73"},
    "FP": {"marker": "x", "color": ERROR},
    "FN": {"marker": "o", "facecolor": "none", "edgecolor": ERROR},
    "XP": {"marker": "s", "facecolor": "none", "edgecolor": "#aa4499"},
}
NEGATIVE = "#6b8eb3"  # of examples
LOWEST = 0.001  # scores below are not drawn
FORMATS = (".png", ".svg", ".pdf")


def drawn_tables(view: GeneView, dataset: str | None = None) -> dict[str, pl.DataFrame]:
    """All that the picture of a gene is drawn from, by name; what is not stored is left out.

    sites and calls: `sites_and_calls`. exons: of every transcript, with is_canonical. scores: position, donor and
    acceptor of bases where either is drawn. examples: of `dataset`.

    Args:
        view: The gene.
        dataset: Whose examples to draw; None for the first that has some.
    """
    is_canonical = pl.col("transcript_id") == view.gene["canonical_transcript_id"]
    tables = {
        "sites and calls": sites_and_calls(view),
        "exons": view.exons.select("transcript_id", "exon_rank", "start", "end", is_canonical=is_canonical),
    }
    if view.scores.height:
        high = pl.max_horizontal(KINDS) >= LOWEST
        tables["scores"] = view.scores.filter(high).select("position", *KINDS).sort("position")
    examples = view.examples.get(dataset or next(iter(view.examples), ""), pl.DataFrame())
    return tables | ({"examples": examples} if examples.height else {})


@mpl.rc_context(STYLE)
def gene_figure(view: GeneView, dataset: str | None = None) -> Figure:
    """The gene as a figure; rows without data are left out.

    Args:
        view: The gene.
        dataset: Whose examples to draw; None for the first that has some.
    """
    tables = drawn_tables(view, dataset)
    heights = [1.0, *([1.6, 1.6] if "scores" in tables else []), *([1.5] if "examples" in tables else [])]
    figure = Figure(figsize=(10, 1.2 * sum(heights) + 0.6), layout="constrained")
    rows = list(figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0])
    rows[0].set_title(view.title, loc="left")
    _draw_exons(rows.pop(0), view, tables["exons"])
    if "scores" in tables:
        table = tables["sites and calls"]
        for kind in KINDS:
            _draw_scores(rows.pop(0), tables["scores"], table.filter(pl.col("kind") == kind), kind)
        _draw_legend(figure.axes[1], set(table["outcome"].drop_nulls()))
    if "examples" in tables:
        _draw_examples(rows.pop(0), tables["examples"])
    last = figure.axes[-1]
    last.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    last.set_xlabel(f"position on chromosome {view.gene['chrom']} (1-based)")
    margin = max(1, (view.gene["end"] - view.gene["start"]) // 100)
    last.set_xlim(view.gene["start"] - margin, view.gene["end"] + margin)
    return figure


def check_format(path: Path) -> None:
    """Refuse the name of a picture that cannot be written.

    Raises:
        ValueError: the name ends in none of `FORMATS`.
    """
    if path.suffix not in FORMATS:
        raise ValueError(f"{path.name}: a picture's name ends in one of {', '.join(FORMATS)}.")


def save_picture(view: GeneView, path: Path) -> None:
    """Write the picture of a gene; the end of the name says in which format.

    Raises:
        ValueError: the name ends in none of `FORMATS`.
    """
    check_format(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    gene_figure(view).savefig(path, dpi=150, metadata={} if path.suffix == ".png" else {"Creator": None})


def _draw_exons(axes: Any, view: GeneView, exons: pl.DataFrame) -> None:
    """The canonical transcript above, every exon of any transcript below, arrows in transcription direction."""
    gene, ink = view.gene, mpl.rcParams["text.color"]
    for level, rows, strength in ((1, exons.filter("is_canonical"), 0.65), (0, exons, 0.35)):
        spans = covered(rows)
        if not spans:
            continue
        places = [spans[0][0], spans[-1][1]]
        axes.plot(places, [level, level], color=ink, alpha=strength, linewidth=0.8, zorder=0)
        boxes = [Rectangle((start - 0.5, level - 0.3), end - start + 1, 0.6) for start, end in spans]
        axes.add_collection(PatchCollection(boxes, facecolor=ink, edgecolor=ink, alpha=strength, linewidth=0.5))
    direction, first = ("right", gene["start"]) if gene["strand"] == "+" else ("left", gene["end"])
    last = gene["end"] if gene["strand"] == "+" else gene["start"]
    axes.annotate(
        "", xy=(last, 1.7), xytext=(first, 1.7), arrowprops={"arrowstyle": "->", "color": "#999999", "linewidth": 0.8}
    )
    axes.text(first, 1.8, "5'", ha="left" if direction == "right" else "right", va="bottom")
    axes.set_ylim(-0.6, 2.4)
    n_transcripts = exons["transcript_id"].n_unique()
    axes.set_yticks([0, 1], [f"all {n_transcripts} transcripts" if n_transcripts > 1 else "1 transcript", "canonical"])
    _only_labels(axes)


def covered(exons: pl.DataFrame) -> list[tuple[int, int]]:
    """The stretches that any of the exons covers: sorted, disjoint, so that no box is drawn over another."""
    stretches: list[tuple[int, int]] = []
    for start, end in exons.select("start", "end").sort("start", "end").iter_rows():
        if stretches and start <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(end, stretches[-1][1]))
        else:
            stretches.append((start, end))
    return stretches


def _draw_legend(axes: Any, seen: set[str]) -> None:
    handles = [axes.scatter([], [], s=28, label=word, **OUTCOMES[word]) for word in OUTCOMES if word in seen]
    if handles:
        axes.legend(handles=handles, ncols=4, loc="lower right", bbox_to_anchor=(1, 0.98))


def _draw_scores(axes: Any, scores: pl.DataFrame, table: pl.DataFrame, kind: str) -> None:
    high = scores.filter(pl.col(kind) >= LOWEST)
    axes.vlines(high["position"], 0, high[kind], color=COLOURS[kind], linewidth=0.8)
    sites = table.filter(pl.col("n_transcripts").is_not_null())
    axes.vlines(sites["position"], -0.14, -0.04, color="#999999", linewidth=0.8)
    for outcome, style in OUTCOMES.items():
        own = table.filter(pl.col("outcome") == outcome)
        axes.scatter(own["position"], own["score"], s=28, zorder=3, **style)
    axes.set(ylim=(-0.16, 1.08), yticks=[0, 0.5, 1], ylabel=f"{kind}\nscore")


def _draw_examples(axes: Any, examples: pl.DataFrame) -> None:
    words = ["site", *TIERS]
    tier = examples["negative_tier"].fill_null("site")
    for level, word in enumerate(words):
        places = examples.filter(tier == word)["position"]
        colour = "#009e73" if word == "site" else NEGATIVE
        axes.scatter(places, [-level] * len(places), marker="|", s=36, linewidth=0.9, color=colour)
    axes.set_ylim(-len(words) + 0.4, 0.6)
    axes.set_yticks([-level for level in range(len(words))], words)
    axes.set_ylabel("examples")
    _only_labels(axes)


def _only_labels(axes: Any) -> None:
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
