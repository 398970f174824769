"""What every asset of the small project holds is written down in golden/content.txt, beside its LOGIC number.

Content that changed under the same number means a rule that changed without `builder build` noticing. Values that
are scores, or reckoned from them, and the device that scored are left out: last bits differ between machines.
"""

import os
from pathlib import Path

import polars as pl
from polars import selectors as cs

from builder_assets.dataset.features.score_context import CONTEXT_COLUMNS
from builder_assets.dataset.features.scores import BASE_COLUMNS, DERIVED_COLUMNS
from builder_assets.manifest import Cell, Node, cells_of
from resources.content_hash import content_hash
from resources.table_files import scan
from tests.projects import needs_weights, reopened

GOLDEN = Path(__file__).parent / "golden" / "content.txt"
TEXTS_WITH_SCORES = ("model_report", "dataset_card")
SCORE_COLUMNS = {column.name for column in (*BASE_COLUMNS, *DERIVED_COLUMNS, *CONTEXT_COLUMNS)}
DEVICE = "scored_by"

pytestmark = needs_weights


def test_content__changes_only_with_the_logic_number(built_folder):
    """Set WRITE_GOLDEN=1 to write it anew, and read the difference."""
    manifest = reopened(built_folder).manifest
    now = {
        str(cell): f"{cell}  logic {_logic(manifest.nodes[cell.asset])}  {_content(manifest.path_of(cell), cell)}"
        for cell in cells_of(manifest.nodes)
        if not cell.asset.endswith(TEXTS_WITH_SCORES)
    }
    if os.environ.get("WRITE_GOLDEN"):
        GOLDEN.write_text("\n".join(now.values()) + "\n")
    before = {line.split("  ")[0]: line for line in GOLDEN.read_text().splitlines()}
    unnoticed = [
        cell for cell in now if cell in before and before[cell] != now[cell] and _told(before[cell]) == _told(now[cell])
    ]
    assert unnoticed == [], "content changed under the same LOGIC number: raise it, then WRITE_GOLDEN=1"
    assert list(now.values()) == list(before.values()), "golden/content.txt is not current: WRITE_GOLDEN=1"


def _logic(node: Node) -> str:
    return node.code_version.split("-")[0]


def _told(line: str) -> str:
    return line.split("  ")[1]


def _content(path: Path, cell: Cell) -> str:
    frame = scan(path).collect()
    return content_hash(frame.select(_exact_columns(frame, cell)).to_arrow())


def _exact_columns(frame: pl.DataFrame, cell: Cell) -> list[str]:
    if cell.asset.startswith("toy/"):
        return frame.columns
    return frame.select(
        ~cs.float() & ~cs.by_dtype(pl.List(pl.Float32)) & ~cs.by_name((SCORE_COLUMNS | {DEVICE}) & set(frame.columns))
    ).columns
