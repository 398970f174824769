"""docs/architecture.md and its picture, against the written-down asset graph and the layers that imports keep."""

import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from builder_assets.asset_graph import manifest_of
from builder_assets.settings import load_settings
from docs.draw_asset_graph import OPTIONS, PICTURE, picture, settings
from tests.test_import_directions import FOUNDATION, LAYERS, TOP

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "architecture.md").read_text("utf-8")
SVG = "{http://www.w3.org/2000/svg}"
CODE = re.compile(r"`(\w+)`")
OPTIONAL = {"masked_sites", "conservation_track", "meta_model_baseline"}


def golden() -> tuple[dict[str, set[str]], dict[str, str]]:
    """What each asset reads, and the step that makes it, as tests/golden/asset_graph.txt has it."""
    reads: dict[str, set[str]] = {}
    steps: dict[str, str] = {}
    for line in (TESTS / "golden" / "asset_graph.txt").read_text("utf-8").splitlines():
        if found := re.match(r"\S+/(\w+) .* step \w+?__(\w+)$", line):
            asset, steps[found[1]] = found[1], found[2]
            reads[asset] = set()
        elif parent := re.match(r"    <- \w+/(\w+)$", line):
            reads[asset].add(parent[1])
    return reads, steps


READS, STEPS = golden()


def rows(title: str) -> list[list[str]]:
    section = f"\n{PAGE}".split(f"\n{title}\n")[1].split("\n#")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


ROWS = [row for group in ("Genome", "Base model", "Dataset") for row in rows(f"### {group}")]


def test_architecture_page__says_what_each_asset_reads() -> None:
    listed = {asset: set(CODE.findall(reads)) for assets, reads, _ in ROWS for asset in CODE.findall(assets)}
    assert {asset: reads for asset, reads in listed.items() if asset in READS} == READS
    assert listed.keys() - READS.keys() == OPTIONAL


def parents(**options) -> dict[str, set[str]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "builder.yaml"
        path.write_text(yaml.safe_dump(settings(**options)), encoding="utf-8")
        nodes = manifest_of(load_settings(path)).nodes
    return {name.split("/")[1]: {parent.split("/")[1] for parent in node.parents} for name, node in nodes.items()}


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: "_".join(option))
def test_architecture_page__says_what_an_option_adds(option) -> None:
    """Behind the word `also`, for assets that every project has; for optional ones in their own row."""
    listed = [(asset, what) for assets, _, what in ROWS for asset in CODE.findall(assets)]
    also = {asset: set(CODE.findall(what.partition("also ")[2])) for asset, what in listed}
    own = {asset: set(CODE.findall(reads)) for assets, reads, _ in ROWS for asset in CODE.findall(assets)}
    usual, with_option = parents(), parents(**option)
    new = set().union(*(reads - usual.get(asset, set()) for asset, reads in with_option.items() if asset in usual))
    for asset, reads in with_option.items():
        if asset in usual:
            assert reads - usual[asset] == also[asset] & new, asset
        elif asset == "meta_model_baseline":
            assert reads == own[asset]
        else:
            assert reads == set()


def test_architecture_page__has_the_layers_that_imports_keep() -> None:
    listed: dict[str, set[str]] = {}
    layer = ""
    for name, modules, _ in rows("# Architecture"):
        layer = name or layer
        listed.setdefault(layer.replace(" ", "_"), set()).update(CODE.findall(modules))
    in_layers = {"foundation": set(FOUNDATION)} | {
        name: {name} for name in ("genome", "base_model", "dataset", "project")
    }
    for module, name in TOP.items():
        in_layers.setdefault(name, set()).add(module)
    assert [*listed] == LAYERS
    assert listed == in_layers


def closure(arrows: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """From every step all steps that can be reached."""
    reached: dict[str, set[str]] = {}
    for start, end in arrows:
        reached.setdefault(start, set()).add(end)
    grown = True
    while grown:
        grown = False
        for ends in reached.values():
            more = set().union(*(reached.get(end, set()) for end in ends)) - ends
            ends |= more
            grown = grown or bool(more)
    return reached


def drawn(kind: str) -> set[tuple[str, str]]:
    svg = ET.parse(PICTURE).getroot()
    return {(str(p.get("data-from")), str(p.get("data-to"))) for p in svg.iter(f"{SVG}path") if p.get("class") == kind}


def test_picture__is_what_the_script_draws() -> None:
    """After a change: `python -m docs.draw_asset_graph`."""
    if os.environ.get("WRITE_GOLDEN"):
        PICTURE.write_text(picture(), encoding="utf-8")
    assert PICTURE.read_text("utf-8") == picture()


def test_picture__has_the_written_down_graph() -> None:
    """The same steps reach the same steps, and no arrow can be spared."""
    usual = {(STEPS[parent], STEPS[asset]) for asset, reads in READS.items() for parent in reads}
    assert closure(drawn("arrow")) == closure(usual)
    for arrow in drawn("arrow"):
        assert closure(drawn("arrow") - {arrow}) != closure(usual), arrow
    boxes = {step for arrow in drawn("arrow") for step in arrow}
    assert boxes == set(STEPS.values())


def test_picture__names_every_asset_once_in_its_group() -> None:
    svg = ET.parse(PICTURE).getroot()
    boxes = [group for group in svg.iter(f"{SVG}g") if group.get("class") == "step"]
    assets = [asset for box in boxes for asset in str(box.get("data-assets")).split()]
    assert sorted(assets) == sorted({*READS, *OPTIONAL})
    for box in boxes:
        shown = " ".join(str(text.text) for text in box.iter(f"{SVG}text"))
        assert re.findall(r"\w+", shown) == str(box.get("data-assets")).split()
        dashed = {"optional" in str(rect.get("class")) for rect in box.iter(f"{SVG}rect")}
        assert dashed == {set(str(box.get("data-assets")).split()) <= OPTIONAL}


def test_picture__boxes_lie_apart_and_inside() -> None:
    svg = ET.parse(PICTURE).getroot()
    width, height = (float(size) for size in str(svg.get("viewBox")).split()[2:])
    places: dict[str, tuple[float, ...]] = {}
    for box in (group for group in svg.iter(f"{SVG}g") if group.get("class") == "step"):
        rect = next(box.iter(f"{SVG}rect"))
        x, y, wide, high = (float(str(rect.get(name))) for name in ("x", "y", "width", "height"))
        places[str(box.get("data-assets"))] = (x, y, x + wide, y + high)
        assert x >= 0
        assert y >= 0
        assert x + wide <= width
        assert y + high <= height
    for one, (left, top, right, bottom) in places.items():
        for other, (x, y, to_x, to_y) in places.items():
            assert one == other or to_x < left or x > right or to_y < top or y > bottom, (one, other)
