import re
from base64 import b64decode
from xml.etree import ElementTree as ET

from builder_assets.pictures import bar_figure, histogram_figure, markdown_picture, svg_text, with_pictures

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg):
    return ["".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{SVG}text")]


def test_bar_figure__lengths_follow_shares():
    figure = bar_figure("GT & AG", [("GT", 0.5), ("AG", 1.0), ("<none>", 0.0)])
    half, whole, none = (bar.get_width() for bar in figure.axes[0].patches)
    assert (half * 2, none) == (whole, 0)
    assert {"GT & AG", "GT", "50.0%", "AG", "100.0%", "<none>", "0.0%"} <= set(texts(svg_text(figure)))


def test_histogram_figure__bars_are_as_high_as_counts():
    axes = histogram_figure("t", ["0", "30", "100"], [1, 4, 0]).axes[0]
    assert [bar.get_height() for bar in axes.patches] == [1, 4, 0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "30", "100"]
    assert svg_text(histogram_figure("t", ["0"], [0])).count("<svg") == 1


def test_svg_text__is_the_same_twice_and_has_a_ground_of_its_own():
    svg = svg_text(bar_figure("t", [("a", 1.0)]))
    assert svg == svg_text(bar_figure("t", [("a", 1.0)]))
    assert "fill: #ffffff" in svg  # readable on a dark page
    assert "<dc:date>" not in svg


def test_markdown_picture__carries_the_svg_itself():
    figure = bar_figure("é", [("a", 1.0)])
    found = re.fullmatch(r"!\[says\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)", markdown_picture(figure, "says"))
    assert b64decode(found[1]).decode() == svg_text(figure)


def test_with_pictures__puts_files_in_the_place_of_links():
    text = "![rows](rows.svg) and [a page](rows.html), ![p](p_site.svg)"
    shown = with_pictures(text, {"rows.svg": "<svg>1</svg>", "p_site.svg": "<svg>2</svg>"})
    first, second = re.findall(r"!\[\w+\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)", shown)
    assert (b64decode(first), b64decode(second)) == (b"<svg>1</svg>", b"<svg>2</svg>")
    assert "[a page](rows.html)" in shown
