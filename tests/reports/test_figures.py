"""Figures of the pages draw the numbers that they are given, on axes that a person can read."""

import numpy as np
import polars as pl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from builder_assets.reports.figures import (
    asinh_ticks,
    correlation_figure,
    distribution_figure,
    error_figure,
    tier_figure,
)


def test_error_figure__shares_with_the_counts_beside_them():
    errors = pl.DataFrame({"tp": [30, 0], "fp": [10, 0], "fn": [10, 2]})
    missed, false = error_figure(["donor GT", "donor AT"], errors).axes
    assert [bar.get_width() for bar in missed.patches] == [0.25, 1.0]
    assert [bar.get_width() for bar in false.patches] == [0.25, 0.0]
    assert [text.get_text() for text in missed.texts] == ["10 of 40", "2 of 2"]
    assert [text.get_text() for text in false.texts] == ["10 of 40", "0 of 0"]
    assert [label.get_text() for label in missed.get_yticklabels()] == ["donor GT", "donor AT"]
    assert error_figure([], errors.clear()).axes


def test_error_figure__words_beside_full_bars_stand_apart_from_the_next_chart():
    errors = pl.DataFrame({"tp": [0, 0], "fp": [0, 0], "fn": [2, 12_345]})
    figure = error_figure(["acceptor other", "transcribed_processed_pseudogene"], errors)
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    left, right = figure.axes
    ends = max(text.get_window_extent(renderer).x1 for text in left.texts)
    begins = min(label.get_window_extent(renderer).x0 for label in right.get_yticklabels())
    assert begins - ends > 0.15 * figure.dpi


def test_tier_figure__starts_at_one_so_that_heights_compare():
    (axes,) = tier_figure(["hard", "easy"], [306, 310], [321, 850_845]).axes
    assert axes.get_ylim()[0] == 1
    assert [bar.get_height() for bar in axes.patches] == [321, 850_845, 306, 310]


def test_distribution_figure__one_scaled_panel_per_feature_and_one_outline_per_label():
    rows = [(feature, width, label, low, low + 1.0, 1, share)
            for feature, width in (("even", None), ("crowded", 0.5))
            for label, share in (("neither", 0.75), ("donor", 0.25)) for low in (0.0, 1.0)]  # fmt: skip
    schema = ["feature", "asinh_width", "label", "low", "high", "rows", "share"]
    figure = distribution_figure(pl.DataFrame(rows, schema=schema, orient="row"))
    even, crowded = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in (even, crowded)] == ["even", "crowded"]
    assert [axes.get_xscale() for axes in (even, crowded)] == ["linear", "asinh"]
    assert [outline.get_data().values.tolist() for outline in even.patches] == [[0.75, 0.75], [0.25, 0.25]]
    assert len(even.get_yticks()) > 1


@pytest.mark.parametrize(
    ("low", "high", "width", "ticks"),
    [
        (0.0, 1.0, 1e-6, [0, 1e-3, 1]),
        (-0.02, 1.0, 1e-4, [-0.01, 0, 0.01, 1]),
        (-1e-4, 0.5, 1e-4, [0, 0.1]),  # nothing below 0 that would stand apart from it
    ],
)
def test_asinh_ticks__stand_apart(low, high, width, ticks):
    assert asinh_ticks(low, high, width) == pytest.approx(ticks)


def test_correlation_figure__shows_no_ground_of_its_own_at_0():
    (axes, _) = correlation_figure(["a", "b"], np.array([[1.0, 0.0], [0.0, -1.0]])).axes
    image = axes.images[0]
    red, clear, _, blue = image.to_rgba(image.get_array()).reshape(4, 4)
    assert red[0] > red[2]
    assert blue[2] > blue[0]
    assert clear[3] < 0.01  # the page shows through, light or dark
    assert axes.get_xticklabels()[0].get_fontsize() >= 8
