"""The pictures of a dataset card that are drawn from its rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from builder_assets.pictures import COLOURS, STYLE, panels

P_SITE_BARS = {
    "rows": ("p_site", COLOURS["neither"]),
    "rows, weighted": ("p_site_weighted", "#e69f00"),
    "all bases of the genes": ("p_site_genes", COLOURS["both"]),
}


@mpl.rc_context(STYLE)
def p_site_figure(score_bins: Sequence[Mapping[str, Any]]) -> Figure:
    """P(site) per score bin: among the rows, weighted, and over all bases of the genes."""
    figure, (axes,) = panels((5, 3))
    for step, (label, (key, colour)) in enumerate(P_SITE_BARS.items()):
        heights = [row[key] or 0 for row in score_bins]
        axes.bar([place + 0.27 * (step - 1) for place in range(len(heights))], heights, 0.27, label=label, fc=colour)
    axes.set_yscale("log")
    axes.set_ylim(1e-6, 1.5)
    axes.set_xticks(range(len(score_bins)), [f"{row['low']:g}-{row['high']:g}" for row in score_bins])
    axes.set_xlabel("highest score of the base")
    axes.set_ylabel("P(site)")
    axes.legend()
    return figure


@mpl.rc_context(STYLE)
def rows_figure(tiers_by_split: Mapping[str, Mapping[str, int]]) -> Figure:
    """Rows per split: sites and each tier of negatives, stacked."""
    figure, (axes,) = panels((5, 0.5 * len(tiers_by_split) + 1.2))
    splits = list(tiers_by_split)
    left = [0] * len(splits)
    words = list(next(iter(tiers_by_split.values())))
    for number, word in enumerate(words):
        widths = [tiers_by_split[split][word] for split in splits]
        colour = COLOURS["acceptor"] if word == "site" else str(0.25 + 0.6 * number / len(words))
        axes.barh(splits, widths, left=left, label=word, fc=colour)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel("rows")
    axes.legend(ncols=len(words), loc="lower center", bbox_to_anchor=(0.5, 1), columnspacing=0.8)
    return figure
