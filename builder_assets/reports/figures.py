"""Pictures of the pages, each from a table of numbers: what is drawn is what the page offers for download."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator, PercentFormatter

from builder_assets.pictures import COLOURS, STYLE, panels

NEUTRAL = "#7a8794"
SPLIT_COLOURS = {"train": "#4477aa", "validation": "#ccbb44", "test": "#ee6677", "excluded": "#bbbbbb"}
# From full blue over the page's own ground to full red.
CORRELATION = LinearSegmentedColormap.from_list(
    "correlation", [(0, "#3683c4"), (0.5, "#3683c400"), (0.5, "#d6453d00"), (1, "#d6453d")]
)
BESIDE_BARS = 0.12  # inches: the words beside a full bar end where the next chart begins
MISSED, FALSE = "#ccbb44", "#ee6677"


@mpl.rc_context(STYLE)
def shift_figure(shifts: pl.DataFrame) -> Figure:
    """Peaks per shift from their site: columns series, shift, count."""
    figure, (axes,) = panels((4.4, 2.8))
    names = shifts["series"].unique(maintain_order=True).to_list()
    width = 0.8 / max(len(names), 1)
    for number, name in enumerate(names):
        part = shifts.filter(series=name)
        place = part["shift"].to_numpy() + width * (number - (len(names) - 1) / 2)
        axes.bar(place, part["count"].to_list(), width, label=name, color=COLOURS[name.split()[0]],
                 alpha=1 if name.endswith("+") else 0.55)  # fmt: skip
    axes.set(xlabel="shift of the highest score from its site", ylabel="sites")
    axes.set_xticks(range(-5, 6))
    axes.legend()
    return figure


@mpl.rc_context(STYLE)
def error_figure(names: Sequence[str], errors: pl.DataFrame) -> Figure:
    """Shares of sites that are missed and of calls that are false, one bar per row of `errors`: tp, fp, fn."""
    figure, sides = panels((8.6, 0.3 * errors.height + 0.9), columns=2)
    figure.set_layout_engine("constrained", w_pad=BESIDE_BARS)
    places = range(errors.height)
    for axes, error, colour, words in (
        (sides[0], "fn", MISSED, "sites missed"),
        (sides[1], "fp", FALSE, "calls that are no annotated site"),
    ):
        wrong, all_of_them = errors[error].to_numpy(), (errors[error] + errors["tp"]).to_numpy()
        bars = axes.barh(places, wrong / np.maximum(all_of_them, 1), color=colour)
        axes.bar_label(bars, [f"{n:,} of {whole:,}" for n, whole in zip(wrong, all_of_them, strict=True)], padding=3)
        axes.set_yticks(places, names)
        axes.invert_yaxis()
        axes.set(xlim=(0, 1), xlabel=words)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
    return figure


@mpl.rc_context(STYLE)
def length_figure(lengths: pl.DataFrame) -> Figure:
    """Introns and exons per length, on a logarithmic axis."""
    figure, (axes,) = panels((4.4, 2.8))
    for (feature,), part in lengths.group_by("feature", maintain_order=True):
        edges = [*part["low"].to_list(), part["high"][-1] + 1]
        axes.stairs(part["count"].to_list(), edges, fill=True, alpha=0.6, label=f"{feature}s",
                    color=COLOURS["donor" if feature == "exon" else "acceptor"])  # fmt: skip
    axes.set_xscale("log")
    axes.set(xlabel="length in bases", ylabel="different ones")
    axes.legend()
    return figure


@mpl.rc_context(STYLE)
def stacked_figure(table: pl.DataFrame, label: str, parts: Mapping[str, str], unit: str) -> Figure:
    """Horizontal bars, one per row of `table`, stacked of the columns named in `parts` (column -> colour)."""
    figure, (axes,) = panels((4.4, 0.26 * table.height + 1.2))
    names = table[label].to_list()
    left = np.zeros(table.height)
    for column, colour in parts.items():
        widths = table[column].to_numpy()
        axes.barh(names, widths, left=left, color=colour, label=column)
        left = left + widths
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    axes.legend(ncols=len(parts), loc="lower center", bbox_to_anchor=(0.5, 1), columnspacing=0.8)
    return figure


@mpl.rc_context(STYLE)
def tier_figure(tiers: Sequence[str], drawn: Sequence[int], pools: Sequence[int]) -> Figure:
    """Negatives drawn per tier beside the bases that they were drawn from, in powers of ten from 1."""
    figure, (axes,) = panels((4.4, 2.6))
    place = np.arange(len(tiers))
    axes.bar(place - 0.2, pools, 0.4, color=NEUTRAL, alpha=0.5, label="eligible bases")
    axes.bar(place + 0.2, drawn, 0.4, color=COLOURS["donor"], label="drawn")
    axes.set_yscale("log")
    axes.set_ylim(1, None)
    axes.set_xticks(place, tiers)
    axes.set_ylabel("bases")
    axes.legend()
    return figure


@mpl.rc_context(STYLE)
def distribution_figure(histograms: pl.DataFrame, columns: int = 4) -> Figure:
    """Small histograms, one per feature, of the share of rows of each label, from `label_histograms`."""
    features = histograms.partition_by("feature", maintain_order=True)
    rows = -(-max(len(features), 1) // columns)
    figure, all_axes = panels((2.6 * columns, 1.5 * rows + 0.4), rows, columns)
    for axes, feature in zip(all_axes, features, strict=False):
        for (label,), part in feature.group_by("label", maintain_order=True):
            edges = [*part["low"].to_list(), part["high"][-1]]
            axes.stairs(part["share"].to_list(), edges, color=COLOURS[str(label)], linewidth=1.2)
        axes.set_title(feature["feature"][0], fontsize=8.5)
        axes.yaxis.set_major_locator(MaxNLocator(2))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.xaxis.set_major_locator(MaxNLocator(3))
        if (width := feature["asinh_width"][0]) is not None:
            axes.set_xscale("asinh", linear_width=width)
            axes.set_xticks(asinh_ticks(feature["low"][0], feature["high"][-1], width))
            axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.tick_params(labelsize=7.5)
    for axes in all_axes[len(features) :]:
        axes.set_visible(False)
    handles = [Line2D([], [], color=COLOURS[label], label=label) for label in ("donor", "acceptor", "neither")]
    figure.legend(handles=handles, loc="outside upper right", ncols=3)
    return figure


def asinh_ticks(low: float, high: float, width: float) -> list[float]:
    """0, the largest power of ten towards either end, and one halfway up; those that would crowd are left out."""
    ticks = [0.0] if low <= width else []
    decades = {sign: int(np.floor(np.log10(max(end, width) / width))) for sign, end in ((-1, -low), (1, high))}
    ticks += [sign * width * 10.0**number for sign, number in decades.items() if number >= 2]
    return sorted([*ticks, width * 10.0 ** (decades[1] // 2)] if decades[1] >= 4 else ticks)


@mpl.rc_context(STYLE)
def correlation_figure(names: Sequence[str], matrix: np.ndarray) -> Figure:
    """Correlation of features, red for +1 and blue for -1."""
    size = 0.22 * len(names) + 2.2
    figure, (axes,) = panels((size + 0.6, size))
    image = axes.imshow(matrix, vmin=-1, vmax=1, cmap=CORRELATION, interpolation="nearest")
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.tick_params(length=0)
    figure.colorbar(image, ax=axes, shrink=0.5, label="correlation")
    return figure
