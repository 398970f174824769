"""Pictures of a base model's report, each from a table of `report_tables`."""

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib.figure import Figure

from builder_assets.pictures import COLOURS, STYLE, panels

LINES = ("-", "--", ":")  # of curves of one kind


@mpl.rc_context(STYLE)
def precision_recall_figure(curves: pl.DataFrame) -> Figure:
    """Precision over recall, from `precision_recall`; the colour tells the kind, the line which sites count."""
    figure, (axes,) = panels((4, 3))
    lines = dict(zip(curves["labels"].unique(maintain_order=True), LINES, strict=False))
    for (labels, kind), part in curves.filter(pl.col("kind") != "both").group_by("labels", "kind", maintain_order=True):
        axes.plot(part["recall"].to_list(), part["precision"].to_list(), lines[labels], color=COLOURS[str(kind)],
                  label=f"{kind}, {labels} sites")  # fmt: skip
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    if curves.height:
        axes.legend()
    return figure


@mpl.rc_context(STYLE)
def score_histogram_figure(histogram: pl.DataFrame) -> Figure:
    """Bases per score bin, from `score_histogram`, one panel per kind of score; both axes in powers of ten."""
    figure, both = panels((9, 2.9), columns=2)
    for axes, ((kind,), part) in zip(both, histogram.group_by("kind", maintain_order=True), strict=True):
        left = np.log10(np.maximum(part["low"].to_numpy(), part["high"].to_numpy() / 10**0.25))
        edges = np.append(left, np.log10(part["high"][-1]))
        for column, colour, label in (
            ("others", COLOURS["neither"], "other bases"),
            ("sites", COLOURS[str(kind)], "sites"),
        ):
            counts = np.maximum(part[column].to_numpy(), 0.5)
            axes.stairs(counts, edges, baseline=0.5, fill=True, color=colour, alpha=0.75, label=label)
        axes.set_yscale("log")
        axes.set_ylim(0.5, None)
        ticks = range(-7, 1)
        axes.set_xticks(ticks, ["lower", *[f"$10^{{{t}}}$" for t in ticks[1:-1]], "1"])
        axes.set(xlabel=f"{kind} score", ylabel="bases")
        axes.legend(loc="upper right")
    return figure


@mpl.rc_context(STYLE)
def score_profile_figure(profile: pl.DataFrame) -> Figure:
    """Mean score at every shift around a site, from `score_profile`: a panel per kind of site, a line per score."""
    figure, both = panels((9, 2.6), columns=2)
    for axes, ((site,), part) in zip(both, profile.group_by("site", maintain_order=True), strict=True):
        for (score,), line in part.group_by("score", maintain_order=True):
            axes.plot(line["shift"].to_list(), line["mean"].to_list(), "o-", markersize=3, color=COLOURS[str(score)],
                      label=f"{score} score")  # fmt: skip
        axes.set_ylim(0, 1)
        axes.set_xticks(range(-10, 11, 2))
        axes.set(xlabel=f"shift from the {site}, in transcription direction", ylabel="mean score")
        axes.legend()
    return figure
