"""The pictures of a dataset card, as SVG texts that are the same whenever the numbers are."""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import polars as pl
from matplotlib.figure import Figure

STYLE: Any = {
    "svg.hashsalt": "splice-dataset",  # ids inside the file would be random
    "svg.fonttype": "none",  # text stays text: small files, searchable
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
COLOURS = {"donor": "#0072b2", "acceptor": "#d55e00", "neither": "#999999", "both": "#009e73"}  # Okabe and Ito's


def svg_text(figure: Figure) -> str:
    """A figure as SVG without date and program name."""
    buffer = io.StringIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def p_site_plot(score_bins: Sequence[Mapping[str, Any]]) -> str:
    """P(site) per score bin: among the rows, weighted, and over all bases of the genes."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5, 3), layout="constrained")
        axes = figure.subplots()
        bars = {
            "rows": ("p_site", "#cccccc"),
            "rows, weighted": ("p_site_weighted", "#56b4e9"),
            "all bases of the genes": ("p_site_genes", "#0072b2"),
        }
        for step, (label, (key, colour)) in enumerate(bars.items()):
            heights = [row[key] or 0 for row in score_bins]
            axes.bar(
                [place + 0.27 * (step - 1) for place in range(len(heights))], heights, 0.27, label=label, fc=colour
            )
        axes.set_yscale("log")
        axes.set_ylim(1e-6, 1.5)
        axes.set_xticks(range(len(score_bins)), [f"{row['low']:g}-{row['high']:g}" for row in score_bins])
        axes.set_xlabel("highest score of the base")
        axes.set_ylabel("P(site)")
        axes.legend(frameon=False)
    return svg_text(figure)


def rows_plot(tiers_by_split: Mapping[str, Mapping[str, int]]) -> str:
    """Rows per split: sites and each tier of negatives, stacked."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5, 0.5 * len(tiers_by_split) + 1.2), layout="constrained")
        axes = figure.subplots()
        splits = list(tiers_by_split)
        left = [0] * len(splits)
        words = list(next(iter(tiers_by_split.values())))
        for number, word in enumerate(words):
            widths = [tiers_by_split[split][word] for split in splits]
            colour = "#d55e00" if word == "site" else str(0.25 + 0.6 * number / len(words))
            axes.barh(splits, widths, left=left, label=word, fc=colour)
            left = [a + b for a, b in zip(left, widths, strict=True)]
        axes.invert_yaxis()
        axes.set_xlabel("rows")
        axes.legend(frameon=False, ncols=len(words), loc="lower center", bbox_to_anchor=(0.5, 1), columnspacing=0.8)
    return svg_text(figure)


def curves_of_report(report: pl.DataFrame) -> dict[str, list[tuple[float, float]]]:
    """Label -> (recall, precision) of the base model over all chromosomes, from a MODEL_REPORT."""
    points = report.filter(pl.col("metric") == "pr_curve", pl.col("scope") == "all", pl.col("value").is_not_null())
    points = points.filter(pl.col("kind") != "both").sort("labels", "kind", "x")
    curves: dict[str, list[tuple[float, float]]] = {}
    for labels, kind, x, value in points.select("labels", "kind", "x", "value").iter_rows():
        curves.setdefault(f"{kind}, {labels} sites", []).append((x, value))
    return curves


def precision_recall_plot(curves: Mapping[str, Iterable[tuple[float, float]]]) -> str:
    """Precision over recall; the first word of a label, a kind, gives the colour, equal ones differ by their line."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4, 3), layout="constrained")
        axes = figure.subplots()
        drawn: dict[str, int] = {}
        for label, points in curves.items():
            kind = label.split(",")[0]
            line = ("-", "--", ":")[drawn.setdefault(kind, 0) % 3]
            drawn[kind] += 1
            recall, precision = zip(*points, strict=True)
            axes.plot(recall, precision, line, color=COLOURS.get(kind, "black"), label=label)
        axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
        if curves:
            axes.legend(frameon=False)
    return svg_text(figure)
