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

from builder_assets.dataset.card_plots import COLOURS, STYLE
from builder_assets.reports.gene_view import GeneView, sites_and_calls
from builder_assets.tables.dataset import TIERS

OUTCOMES: dict[str, dict[str, Any]] = {
    "TP": {"marker": "o", "facecolor": "#009e73", "edgecolor": "#009e73"},
    "FP": {"marker": "x", "color": "#cc3311"},
    "FN": {"marker": "o", "facecolor": "none", "edgecolor": "#cc3311"},
    "XP": {"marker": "s", "facecolor": "none", "edgecolor": "#aa4499"},
}
LOWEST = 0.001  # scores below are not drawn
FORMATS = (".png", ".svg", ".pdf")


def gene_figure(view: GeneView, dataset: str | None = None) -> Figure:
    """The gene as a figure; rows without data are left out.

    Args:
        view: The gene.
        dataset: Whose examples to draw; None for the first that has some.
    """
    examples = view.examples.get(dataset or next(iter(view.examples), ""), pl.DataFrame())
    heights = [1.0, *([1.6, 1.6] if view.scores.height else []), *([1.5] if examples.height else [])]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 1.2 * sum(heights) + 0.6), layout="constrained")
        panels = list(figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0])
        panels[0].set_title(view.title, loc="left")
        _draw_exons(panels.pop(0), view)
        if view.scores.height:
            table = sites_and_calls(view)
            for kind in ("donor", "acceptor"):
                _draw_scores(panels.pop(0), view, table.filter(pl.col("kind") == kind), kind)
            seen = set(table["outcome"].drop_nulls())
            handles = [
                figure.axes[1].scatter([], [], s=28, label=word, **OUTCOMES[word]) for word in OUTCOMES if word in seen
            ]
            if handles:
                figure.axes[1].legend(
                    handles=handles, frameon=False, ncols=4, loc="lower right", bbox_to_anchor=(1, 0.98)
                )
        if examples.height:
            _draw_examples(panels.pop(0), examples)
        last = figure.axes[-1]
        last.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        last.set_xlabel(f"position on chromosome {view.gene['chrom']} (1-based)")
        margin = max(1, (view.gene["end"] - view.gene["start"]) // 100)
        last.set_xlim(view.gene["start"] - margin, view.gene["end"] + margin)
    return figure


def save_picture(view: GeneView, path: Path) -> None:
    """Write the picture of a gene; the end of the name says in which format.

    Raises:
        ValueError: the name ends in none of `FORMATS`.
    """
    if path.suffix not in FORMATS:
        raise ValueError(f"{path.name}: a picture's name ends in one of {', '.join(FORMATS)}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    gene_figure(view).savefig(path, dpi=150, metadata={} if path.suffix == ".png" else {"Creator": None})


def _draw_exons(axes: Any, view: GeneView) -> None:
    """The canonical transcript above, every exon of any transcript below, arrows in transcription direction."""
    gene = view.gene
    canonical = view.exons.filter(pl.col("transcript_id") == gene["canonical_transcript_id"])
    for level, rows, colour in ((1, canonical, "#777777"), (0, view.exons, "#aaaaaa")):
        spans = rows.select("start", "end").unique().sort("start", "end").rows()
        if not spans:
            continue
        axes.plot([spans[0][0], max(end for _, end in spans)], [level, level], color=colour, linewidth=0.8, zorder=0)
        boxes = [Rectangle((start - 0.5, level - 0.3), end - start + 1, 0.6) for start, end in spans]
        axes.add_collection(PatchCollection(boxes, facecolor=colour, edgecolor=colour, linewidth=0.5))
    direction, first = ("right", gene["start"]) if gene["strand"] == "+" else ("left", gene["end"])
    last = gene["end"] if gene["strand"] == "+" else gene["start"]
    axes.annotate(
        "", xy=(last, 1.7), xytext=(first, 1.7), arrowprops={"arrowstyle": "->", "color": "#999999", "linewidth": 0.8}
    )
    axes.text(first, 1.8, "5'", ha="left" if direction == "right" else "right", va="bottom")
    axes.set_ylim(-0.6, 2.4)
    axes.set_yticks([0, 1], [f"all {view.exons['transcript_id'].n_unique()} transcripts", "canonical"])
    _only_labels(axes)


def _draw_scores(axes: Any, view: GeneView, table: pl.DataFrame, kind: str) -> None:
    high = view.scores.filter(pl.col(kind) >= LOWEST)
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
        colour = "#009e73" if word == "site" else "#56789a"
        axes.scatter(places, [-level] * len(places), marker="|", s=36, linewidth=0.9, color=colour)
    axes.set_ylim(-len(words) + 0.4, 0.6)
    axes.set_yticks([-level for level in range(len(words))], words)
    axes.set_ylabel("examples")
    _only_labels(axes)


def _only_labels(axes: Any) -> None:
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
