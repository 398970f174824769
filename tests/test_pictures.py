import re
from base64 import b64decode
from xml.etree import ElementTree as ET

from builder_assets.pictures import bar_picture, histogram_picture, markdown_picture

SVG = "{http://www.w3.org/2000/svg}"


def rects(svg):
    return [(float(r.get("width")), float(r.get("height"))) for r in ET.fromstring(svg).iter(f"{SVG}rect")]


def texts(svg):
    return [text.text for text in ET.fromstring(svg).iter(f"{SVG}text")]


def test_bar_picture__lengths_follow_shares():
    svg = bar_picture("GT & AG", [("GT", 0.5), ("AG", 1.0), ("<none>", 0.0)])
    half, whole, none = (width for width, _ in rects(svg))
    assert (half * 2, none) == (whole, 0)
    assert texts(svg) == ["GT & AG", "GT", "50.0%", "AG", "100.0%", "<none>", "0.0%"]


def test_histogram_picture__largest_bin_is_highest():
    heights = [height for _, height in rects(histogram_picture("t", ["0", "30", "100"], [1, 4, 0]))]
    assert heights[0] * 4 == heights[1]
    assert heights[2] == 0
    assert rects(histogram_picture("t", ["0"], [0])) == [(358.0, 0.0)]


def test_markdown_picture__carries_the_svg_itself():
    svg = bar_picture("é", [("a", 1.0)])
    found = re.fullmatch(r"!\[says\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)", markdown_picture(svg, "says"))
    assert b64decode(found[1]).decode() == svg
