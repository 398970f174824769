from xml.etree import ElementTree

import pytest

from builder_assets.dataset.card_plots import curves_of_report, p_site_plot, precision_recall_plot, rows_plot
from tests.dataset.test_card import REPORT, card


@pytest.mark.parametrize(
    "draw",
    [
        lambda: p_site_plot(card().json["score_bins"]),
        lambda: rows_plot({"train": {"site": 3, "hard": 1}, "test": {"site": 1, "hard": 0}}),
        lambda: precision_recall_plot(curves_of_report(REPORT)),
        lambda: precision_recall_plot({}),
    ],
)
def test_plots__are_small_svg_and_the_same_twice(draw):
    svg = draw()
    assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    assert svg == draw()
    assert len(svg) < 60_000
    assert "<dc:date>" not in svg


def test_plots__name_what_they_show():
    assert "all bases of the genes" in p_site_plot(card().json["score_bins"])
    assert ">train<" in rows_plot({"train": {"site": 3, "hard": 1}})
    assert "donor, all sites" in precision_recall_plot(curves_of_report(REPORT))


def test_curves_of_report__points_in_order_of_recall():
    assert curves_of_report(REPORT) == {"donor, all sites": [(0.0, 1.0), (0.5, 0.5)]}
