import json
import re
from base64 import b64decode
from html.parser import HTMLParser

import polars as pl
import pytest

from builder_assets.project.folder import create_project, open_project
from builder_assets.project.stored import NotBuiltError
from builder_assets.reports.figures import shift_figure
from builder_assets.reports.html_page import Panel, Section, html_page, inline_svg
from builder_assets.reports.pages import write_pages
from tests.reports.drawn import write_project

DATA = pl.DataFrame({"name": ["<a>", None], "n": [1234, 5], "share": [0.25, 12345.678]})
SHIFTS = pl.DataFrame({"series": ["donor +"], "shift": [0], "count": [9]})


class Links(HTMLParser):
    """Downloads of a page, every address that it names, and its ids."""

    def __init__(self, page):
        super().__init__()
        self.downloads, self.addresses, self.ids = {}, [], []
        self.feed(page)

    def handle_starttag(self, _, attrs):
        given = dict(attrs)
        if "download" in given:
            self.downloads[given["download"]] = b64decode(given["href"].split("base64,")[1]).decode()
        self.addresses += [given[name] for name in ("src", "href", "xlink:href") if name in given]
        self.ids += [given["id"]] if "id" in given else []


def test_html_page__holds_its_numbers_and_fetches_nothing():
    shifts = pl.DataFrame({"series": ["donor +"], "shift": [0], "count": [9]})
    drawn = [Panel(f"P{i}", "", shifts, inline_svg(f"p{i}", lambda: shift_figure(shifts))) for i in range(2)]
    page = html_page(
        "m", ["a < b"], [Section("One", [Panel("A table", "says", DATA), *drawn]), Section("None", [])], {"v": 1}
    )
    links = Links(page)
    assert links.downloads["m.a-table.csv"] == "name,n,share\n<a>,1234,0.25\n,5,12345.678\n"
    assert json.loads(links.downloads["m.json"]) == {
        "v": 1, "panels": {"A table": DATA.to_dicts(), **{f"P{i}": SHIFTS.to_dicts() for i in range(2)}},
    }  # fmt: skip
    assert all(address.startswith(("#", "data:")) for address in links.addresses)
    assert len(links.ids) == len(set(links.ids))
    assert "<script" not in page
    assert "<p>a &lt; b</p>" in page
    assert '<td class="text">&lt;a&gt;</td><td>1,234</td><td>0.2500</td>' in page
    assert "12,346" in page
    assert ">None<" not in page


def test_html_page__offers_every_table_of_a_panel():
    panel = Panel("A gene", "", DATA, "<svg></svg>", {"exons & more": SHIFTS})
    page = html_page("m", [], [Section("One", [panel])], {})
    links = Links(page)
    assert links.downloads["m.a-gene.csv"].startswith("name,n,share\n")
    assert links.downloads["m.a-gene-exons-more.csv"] == "series,shift,count\ndonor +,0,9\n"
    assert json.loads(links.downloads["m.json"])["panels"]["A gene: exons & more"] == SHIFTS.to_dicts()
    assert ">exons &amp; more</a>" in page


def test_inline_svg__takes_the_ink_of_the_page_and_its_references_resolve():
    svg = inline_svg(
        "A picture", lambda: shift_figure(pl.DataFrame({"series": ["donor +"], "shift": [0], "count": [9]}))
    )
    assert "currentColor" in svg
    assert "#010203" not in svg
    assert "var(--donor)" in svg  # the blue of light pages is faint on dark ones
    assert "#0072b2" not in svg
    ids = set(re.findall(r'\bid="([^"]+)"', svg))
    used = set(re.findall(r'href="#([^"]+)"', svg)) | set(re.findall(r"url\(#([^)]+)\)", svg))
    assert used <= ids
    assert all(name.startswith("a-picture-") for name in ids)


def test_write_pages__says_what_is_not_there(tmp_path):
    path = write_project(tmp_path)
    create_project(tmp_path)
    project = open_project(path)
    with pytest.raises(ValueError, match="x is no base model and no dataset; known: m, d"):
        list(write_pages(project, ["x"], tmp_path / "out"))
    with pytest.raises(
        NotBuiltError,
        match=r"no page of m: 3 tables that it is made from are not there: .*m/model_report \(never built\)\. `b",
    ):
        list(write_pages(project, ["m"], tmp_path / "out"))
    with pytest.raises(NotBuiltError, match=r"no page of d: 5 tables .*d/dataset_card \(never built\)"):
        list(write_pages(project, ["d"], tmp_path / "out"))
    with pytest.raises(NotBuiltError, match="nothing is built that has a page yet"):
        list(write_pages(project, [], tmp_path / "out"))
    assert not (tmp_path / "out").exists()
