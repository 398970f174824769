"""A self-contained HTML page: text, tables and pictures in one file, light or dark as the reader's system is.

Every picture's numbers hang on it as a CSV link, all of them together as JSON. No script, nothing is fetched.
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import matplotlib as mpl
import polars as pl
from matplotlib.figure import Figure

from builder_assets.pictures import COLOURS, ERROR, svg_text

INK = "#010203"  # stands for the page's text colour, whatever that is, in every picture
INK_STYLE: Any = {
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
    **dict.fromkeys(("figure.facecolor", "axes.facecolor", "legend.facecolor"), "none"),
}
# Colours that the page chooses: this blue and this red are faint on dark ground.
THEMED = {INK: "currentColor", COLOURS["donor"]: "var(--donor)", ERROR: "var(--error)"}
DIGITS, LARGE = 4, 100  # of numbers in tables for people, none from 100 on; downloads carry all

CSS = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1d2329; --faint: #5d6873; --line: #d9dee3;
  --raised: #f5f7f9; --link: #0b62a8; --donor: #0072b2; --error: #cc3311; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181c; --ink: #dfe4e8; --faint: #96a2ad; --line: #353d45;
  --raised: #1d2329; --link: #6cb4ee; --donor: #56b4e9;
  --error: #ff8f80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .2rem; } h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem;
  border-bottom: 1px solid var(--line); padding-bottom: .2rem; } h3 { font-size: 1rem; margin: 0; }
a { color: var(--link); } nav { display: flex; flex-wrap: wrap; gap: 0 1rem; } nav a { white-space: nowrap; }
p { margin: .4rem 0; } .says { color: var(--faint); font-size: .87rem; max-width: 34rem; }
.panels { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
figure { margin: 0; padding: .8rem; background: var(--raised); border: 1px solid var(--line); border-radius: 6px;
  max-width: 100%; overflow-x: auto; }
figure svg { max-width: 100%; height: auto; display: block; }
table { border-collapse: collapse; font-size: .87rem; font-variant-numeric: tabular-nums; margin-top: .4rem; }
th, td { padding: .15rem .6rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child, td.text, th.text { text-align: left; }
.download { font-size: .87rem; margin-left: .6rem; font-weight: normal; }
"""


@dataclass(frozen=True)
class Panel:
    """A picture or a table, with what it says and its numbers.

    Attributes:
        title: One line.
        says: What to read off it, and what it is made from.
        data: The numbers, downloadable; shown as a table where there is no picture.
        svg: The picture as SVG text, from `inline_svg`.
        more: Other tables that it is drawn from, by name; downloadable too.
    """

    title: str
    says: str
    data: pl.DataFrame
    svg: str = ""
    more: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def downloads(self) -> dict[str, pl.DataFrame]:
        """All tables of the panel, by title."""
        return {self.title: self.data} | {f"{self.title}: {part}": table for part, table in self.more.items()}


@dataclass(frozen=True)
class Section:
    """Panels under one heading."""

    title: str
    panels: Sequence[Panel]


def html_page(name: str, lead: Sequence[str], sections: Sequence[Section], facts: Mapping[str, Any]) -> str:
    """The page as HTML text; equal numbers give equal bytes.

    Args:
        name: What the page is about; heading, and first part of the names of downloads.
        lead: Paragraphs below the heading, as plain text.
        sections: Sections without panels are left out.
        facts: What the JSON download holds besides the numbers of every panel.
    """
    shown = [section for section in sections if section.panels]
    panels = [panel for section in shown for panel in section.panels]
    numbers = {title: table.to_dicts() for panel in panels for title, table in panel.downloads.items()}
    everything = json.dumps({**facts, "panels": numbers}, default=str)
    links = "".join(f'<a href="#{_slug(section.title)}">{escape(section.title)}</a>' for section in shown)
    download = _download(f"{name}.json", "application/json", everything, "all numbers as JSON")
    body = "".join(_section_html(name, section) for section in shown)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(name)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{CSS}</style></head>\n'
        f"<body><h1>{escape(name)}{download}</h1>\n{''.join(f'<p>{escape(text)}</p>' for text in lead)}\n"
        f"<nav>{links}</nav>\n{body}</body></html>\n"
    )


def inline_svg(name: str, draw: Callable[[], Figure]) -> str:
    """A picture for `Panel.svg`: its ink, ground, blue and red are the page's, its ids its own.

    Args:
        name: Distinct for every picture of a page.
        draw: Makes the figure, with the styles of matplotlib that hold at the time.
    """
    with mpl.rc_context(INK_STYLE):
        svg = svg_text(draw())
    svg = svg[svg.index("<svg") :]
    for colour, themed in THEMED.items():
        svg = svg.replace(colour, themed)
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{_slug(name)}-", svg)


def _section_html(name: str, section: Section) -> str:
    panels = "".join(_panel_html(name, panel) for panel in section.panels)
    return f'<h2 id="{_slug(section.title)}">{escape(section.title)}</h2>\n<div class="panels">{panels}</div>\n'


def _panel_html(name: str, panel: Panel) -> str:
    labels = ["CSV", *panel.more]
    csv = "".join(
        _download(f"{name}.{_slug(title)}.csv", "text/csv", table.write_csv(), label)
        for label, (title, table) in zip(labels, panel.downloads.items(), strict=True)
    )
    shown = panel.svg or _table_html(panel.data)
    says = f'<p class="says">{escape(panel.says)}</p>' if panel.says else ""
    return f"<figure><h3>{escape(panel.title)}{csv}</h3>{says}{shown}</figure>\n"


def _table_html(data: pl.DataFrame) -> str:
    classes = [' class="text"' if dtype == pl.String else "" for dtype in data.dtypes]
    head = "".join(f"<th{kind}>{escape(column)}</th>" for column, kind in zip(data.columns, classes, strict=True))
    rows = "".join(
        f"<tr>{''.join(f'<td{kind}>{_cell(value)}</td>' for value, kind in zip(row, classes, strict=True))}</tr>"
        for row in data.iter_rows()
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.{DIGITS if abs(value) < LARGE else 0}f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else escape(str(value))


def _download(file_name: str, kind: str, text: str, label: str) -> str:
    data = b64encode(text.encode()).decode("ascii")
    return f'<a class="download" download="{escape(file_name)}" href="data:{kind};base64,{data}">{escape(label)}</a>'


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
