from xml.etree import ElementTree

import pytest

from builder_assets.dataset.card.plots import p_site_figure, rows_figure
from builder_assets.pictures import svg_text
from tests.dataset.test_card import card


@pytest.mark.parametrize(
    "draw",
    [
        lambda: p_site_figure(card().json["score_bins"]),
        lambda: rows_figure({"train": {"site": 3, "hard": 1}, "test": {"site": 1, "hard": 0}}),
    ],
)
def test_plots__are_small_svg_and_the_same_twice(draw):
    svg = svg_text(draw())
    assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    assert svg == svg_text(draw())
    assert len(svg) < 60_000
    assert "<dc:date>" not in svg


def test_plots__name_what_they_show():
    assert "all bases of the genes" in svg_text(p_site_figure(card().json["score_bins"]))
    assert ">train<" in svg_text(rows_figure({"train": {"site": 3, "hard": 1}}))
