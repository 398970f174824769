from xml.etree import ElementTree

import polars as pl
import pytest

from builder_assets.base_model.report_figures import (
    precision_recall_figure,
    score_histogram_figure,
    score_profile_figure,
)
from builder_assets.base_model.report_tables import precision_recall, score_histogram, score_profile
from builder_assets.pictures import COLOURS, svg_text
from tests.base_model.test_model_report import REPORT

CURVES = precision_recall(REPORT)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: precision_recall_figure(CURVES),
        lambda: precision_recall_figure(CURVES.clear()),
        lambda: score_histogram_figure(score_histogram(REPORT)),
        lambda: score_profile_figure(score_profile(REPORT)),
    ],
)
def test_figures__are_small_svg_and_the_same_twice(draw):
    svg = svg_text(draw())
    assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    assert svg == svg_text(draw())
    assert len(svg) < 60_000


def test_precision_recall_figure__a_colour_per_kind_and_a_line_per_labels():
    curves = pl.DataFrame(
        [(labels, kind, recall, 0.5) for labels in ("all", "canonical") for kind in ("donor", "both")
         for recall in (0.0, 1.0)],
        schema=["labels", "kind", "recall", "precision"], orient="row",
    )  # fmt: skip
    lines = precision_recall_figure(curves).axes[0].lines
    assert [(line.get_label(), line.get_color(), line.get_linestyle()) for line in lines] == [
        ("donor, all sites", COLOURS["donor"], "-"), ("donor, canonical sites", COLOURS["donor"], "--"),
    ]  # fmt: skip


def test_score_histogram_figure__counts_stand_over_their_bins():
    bins = pl.DataFrame({"kind": ["donor", "acceptor"], "low": [0.1, 0.1], "high": [1.0, 1.0],
                         "sites": [9, 0], "others": [70, 5]})  # fmt: skip
    donors, acceptors = score_histogram_figure(bins).axes
    assert [float(stairs.get_data().values[0]) for stairs in donors.patches] == [70, 9]
    assert [float(stairs.get_data().values[0]) for stairs in acceptors.patches] == [5, 0.5]  # none: below one
    assert donors.patches[1].get_data().edges.tolist()[-1] == 0  # 10^0
