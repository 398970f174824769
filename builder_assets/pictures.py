"""What all pictures have in common: one style, SVG that is the same whenever the numbers are, Markdown that holds it.

It loads matplotlib, a third of a second: what every command and every worker loads imports this file where it draws.
"""

import io
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

STYLE: Any = {
    "svg.hashsalt": "splice-dataset",  # ids inside the file would be random
    "svg.fonttype": "none",  # text stays text: small files, searchable
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}
COLOURS = {"donor": "#0072b2", "acceptor": "#d55e00", "neither": "#999999", "both": "#009e73"}  # Okabe and Ito's
ERROR = "#cc3311"
BAR = COLOURS["donor"]


def panels(size: tuple[float, float], rows: int = 1, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """An empty figure of `size` inches and its axes, row by row."""
    figure = Figure(figsize=size, layout="constrained")
    return figure, list(np.ravel(figure.subplots(rows, columns, squeeze=False)))


@mpl.rc_context(STYLE)
def bar_figure(title: str, shares: Sequence[tuple[str, float]]) -> Figure:
    """Horizontal bars of shares 0..1, one per label, with the percentage beside each."""
    figure, (axes,) = panels((4.4, 0.24 * len(shares) + 0.8))
    places = range(len(shares))
    bars = axes.barh(places, [share for _, share in shares], color=BAR)
    axes.bar_label(bars, [f"{share:.1%}" for _, share in shares], padding=3)
    axes.set_yticks(places, [label for label, _ in shares])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_title(title)
    return figure


@mpl.rc_context(STYLE)
def histogram_figure(title: str, labels: Sequence[str], counts: Sequence[int]) -> Figure:
    """Upright bars, one per bin.

    Args:
        title: One line.
        labels: Lower edge of each bin.
        counts: Members of each bin.
    """
    figure, (axes,) = panels((5, 2.4))
    places = range(len(counts))
    axes.bar(places, counts, 0.95, align="edge", color=BAR)
    axes.set_xticks(places, labels)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_title(title)
    return figure


@mpl.rc_context(STYLE)
def svg_text(figure: Figure) -> str:
    """A figure as SVG without date and program name."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def markdown_picture(figure: Figure, says: str) -> str:
    """Markdown that shows a figure without a file. `says` stands where pictures cannot be shown."""
    return f"![{says}]({_data_uri(svg_text(figure))})"


def with_pictures(markdown: str, pictures: Mapping[str, str]) -> str:
    """Markdown with the pictures themselves in the place of links to them, for readers that have no files beside it.

    Args:
        markdown: Shows files, as in `![rows](rows.svg)`.
        pictures: File name -> SVG.
    """
    for name, svg in pictures.items():
        markdown = markdown.replace(f"]({name})", f"]({_data_uri(svg)})")
    return markdown


def _data_uri(svg: str) -> str:
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode('ascii')}"
