"""Pictures of the pages, each from a table of numbers; colours are those of the dataset card."""

from collections.abc import Iterable, Mapping, Sequence

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from builder_assets.dataset.card_plots import COLOURS, STYLE

NEUTRAL = "#7a8794"
SPLIT_COLOURS = {"train": "#4477aa", "validation": "#ccbb44", "test": "#ee6677", "excluded": "#bbbbbb"}


def score_histogram_figure(histogram: pl.DataFrame) -> Figure:
    """Bases per score bin, sites against the others, one panel per kind; both axes in powers of ten."""
    figure, panels = _panels(2, (9, 2.9))
    for axes, ((kind,), part) in zip(panels, histogram.group_by("kind", maintain_order=True), strict=True):
        left = np.log10(np.maximum(part["low"].to_numpy(), part["high"].to_numpy() / 10**0.25))
        right = np.log10(part["high"].to_numpy())
        for column, colour, label in (("others", COLOURS["neither"], "other bases"), ("sites", COLOURS[kind], "sites")):
            counts = part[column].to_numpy()
            edges = np.append(left, right[-1])
            axes.stairs(np.maximum(counts, 0.5), edges, baseline=0.5, fill=True, color=colour, alpha=0.75, label=label)
        axes.set_yscale("log")
        axes.set_ylim(0.5, None)
        ticks = range(-7, 1)
        axes.set_xticks(ticks, ["lower", *[f"$10^{{{t}}}$" for t in ticks[1:-1]], "1"])
        axes.set(xlabel=f"{kind} score", ylabel="bases")
        axes.legend(frameon=False, loc="upper right")
    return figure


def profile_figure(profile: pl.DataFrame) -> Figure:
    """Mean score at every shift around a site, one panel per kind of site, one line per track."""
    figure, panels = _panels(2, (9, 2.6))
    for axes, ((site,), part) in zip(panels, profile.group_by("site", maintain_order=True), strict=True):
        for (track,), line in part.group_by("track", maintain_order=True):
            axes.plot(line["shift"].to_list(), line["mean"].to_list(), "o-", markersize=3, color=COLOURS[str(track)],
                      label=f"{track} score")  # fmt: skip
        axes.set_ylim(0, 1)
        axes.set_xticks(range(-10, 11, 2))
        axes.set(xlabel=f"shift from the {site}, in transcription direction", ylabel="mean score")
        axes.legend(frameon=False)
    return figure


def shift_figure(shifts: pl.DataFrame) -> Figure:
    """Peaks per shift from their site: columns series, shift, count."""
    figure, (axes,) = _panels(1, (4.4, 2.8))
    names = shifts["series"].unique(maintain_order=True).to_list()
    width = 0.8 / max(len(names), 1)
    for number, name in enumerate(names):
        part = shifts.filter(series=name)
        place = part["shift"].to_numpy() + width * (number - (len(names) - 1) / 2)
        axes.bar(place, part["count"].to_list(), width, label=name, color=COLOURS[name.split()[0]],
                 alpha=1 if name.endswith("+") else 0.55)  # fmt: skip
    axes.set(xlabel="shift of the highest score from its site", ylabel="sites")
    axes.set_xticks(range(-5, 6))
    axes.legend(frameon=False)
    return figure


def length_figure(lengths: pl.DataFrame) -> Figure:
    """Introns and exons per length, on a logarithmic axis."""
    figure, (axes,) = _panels(1, (4.4, 2.8))
    for (feature,), part in lengths.group_by("feature", maintain_order=True):
        edges = [*part["low"].to_list(), part["high"][-1] + 1]
        axes.stairs(part["count"].to_list(), edges, fill=True, alpha=0.6, label=f"{feature}s",
                    color=COLOURS["donor" if feature == "exon" else "acceptor"])  # fmt: skip
    axes.set_xscale("log")
    axes.set(xlabel="length in bases", ylabel="different ones")
    axes.legend(frameon=False)
    return figure


def stacked_figure(table: pl.DataFrame, label: str, parts: Mapping[str, str], unit: str) -> Figure:
    """Horizontal bars, one per row of `table`, stacked of the columns named in `parts` (column -> colour)."""
    figure, (axes,) = _panels(1, (4.4, 0.26 * table.height + 1.2))
    names = table[label].to_list()
    left = np.zeros(table.height)
    for column, colour in parts.items():
        widths = table[column].to_numpy()
        axes.barh(names, widths, left=left, color=colour, label=column)
        left = left + widths
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    axes.legend(frameon=False, ncols=len(parts), loc="lower center", bbox_to_anchor=(0.5, 1), columnspacing=0.8)
    return figure


def tier_figure(tiers: Sequence[str], drawn: Sequence[int], pools: Sequence[int]) -> Figure:
    """Negatives drawn per tier beside the bases that they were drawn from, in powers of ten."""
    figure, (axes,) = _panels(1, (4.4, 2.6))
    place = np.arange(len(tiers))
    axes.bar(place - 0.2, pools, 0.4, color=NEUTRAL, alpha=0.5, label="eligible bases")
    axes.bar(place + 0.2, drawn, 0.4, color=COLOURS["donor"], label="drawn")
    axes.set_yscale("log")
    axes.set_xticks(place, tiers)
    axes.set_ylabel("bases")
    axes.legend(frameon=False)
    return figure


def distribution_figure(features: Sequence[str], values: pl.DataFrame, columns: int = 4) -> Figure:
    """Small histograms, one per feature, of the share of rows of each label.

    Args:
        features: Columns of `values` to draw.
        values: A sample of rows, with `splice_type`.
        columns: Pictures side by side.
    """
    rows = -(-len(features) // columns)
    figure, panels = _panels(rows * columns, (2.6 * columns, 1.35 * rows + 0.4), rows)
    for axes, feature in zip(panels, features, strict=False):
        known = values[feature].cast(pl.Float64).drop_nulls()
        edges = np.linspace(*_span(known), 31)
        for label in ("neither", "acceptor", "donor"):
            own = values.filter(splice_type=label)[feature].cast(pl.Float64).drop_nulls().to_numpy()
            share = np.histogram(own, edges)[0] / max(len(own), 1)
            axes.stairs(share, edges, color=COLOURS[label], linewidth=1.2)
        axes.set_title(feature, fontsize=7.5)
        axes.set_yticks([])
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.tick_params(labelsize=7)
    for axes in panels[len(features) :]:
        axes.set_visible(False)
    handles = [Line2D([], [], color=COLOURS[label], label=label) for label in ("donor", "acceptor", "neither")]
    figure.legend(handles=handles, loc="outside upper right", ncols=3, frameon=False)
    return figure


def correlation_figure(names: Sequence[str], matrix: np.ndarray) -> Figure:
    """Correlation of features, red for +1 and blue for -1."""
    size = 0.13 * len(names) + 2.2
    figure, (axes,) = _panels(1, (size + 0.6, size))
    image = axes.imshow(matrix, vmin=-1, vmax=1, cmap="RdBu_r", interpolation="nearest")
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=5.5)
    axes.set_yticks(range(len(names)), names, fontsize=5.5)
    axes.tick_params(length=0)
    figure.colorbar(image, ax=axes, shrink=0.5, label="correlation")
    return figure


def _span(values: pl.Series) -> tuple[float, float]:
    """The range that holds all but the outermost 0.5 % at each side; never empty."""
    if not len(values):
        return 0.0, 1.0
    low, high = (float(values.quantile(q) or 0.0) for q in (0.005, 0.995))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _panels(number: int, size: tuple[float, float], rows: int = 1) -> tuple[Figure, list[Axes]]:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        grid: Iterable[Axes] = np.ravel(figure.subplots(rows, number // rows, squeeze=False))
    return figure, list(grid)
