"""What is said of bfloat16 is what benchmarks/precision.py measured; WRITE_GOLDEN=1 writes docs/scoring.md anew."""

import json
import os
import re
from pathlib import Path

from builder_assets.base_model.parity import ALLOWED
from builder_assets.base_model.precisions import PRECISIONS
from builder_assets.dataset.card.text import markdown_rows

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "scoring.md"
MEASURED = json.loads((ROOT / "benchmarks" / "results" / "precision.json").read_text("utf-8"))
SOURCES = {name: row for name, row in MEASURED.items() if isinstance(row, dict)}
PLACE = re.compile(r"(?<=<!-- precision -->\n).*?(?=\n<!-- end -->)", re.DOTALL)


def table() -> str:
    heads = ("genes", "model", "bases", "largest dp", "largest d ln p", "mean d ln p", "calls", "changed", "top-k")
    rows = [
        [
            f"{row['genes']} of {name}", row["family"], f"{row['bases']:,}", f"{row['max_difference']:.1e}",
            f"{row['max_log_difference']:.1e}", f"{row['mean_log_difference']:.1e}", str(row["calls"]),
            str(row["call_flips"]), f"{row['top_k_float32']:.4f} to {row['top_k_bfloat16']:.4f}",
        ]
        for name, row in SOURCES.items()
    ]  # fmt: skip
    return markdown_rows(heads, rows)


def test_page__has_the_measured_errors() -> None:
    if os.environ.get("WRITE_GOLDEN"):
        PAGE.write_text(PLACE.sub(lambda _: table(), PAGE.read_text("utf-8")), encoding="utf-8")
    found = PLACE.search(PAGE.read_text("utf-8"))
    assert found
    assert found[0] == table()


def test_precisions__say_the_largest_measured_errors() -> None:
    assert MEASURED["precision"] == "bfloat16"
    worst = {name: max(row[name] for row in SOURCES.values()) for name in ("max_difference", "max_log_difference")}
    assert f"{worst['max_difference']:.1e} in p and {worst['max_log_difference']:.1e} in ln p" in PRECISIONS["bfloat16"]
    flips, calls, bases = (sum(row[name] for row in SOURCES.values()) for name in ("call_flips", "calls", "bases"))
    assert f"{flips} of {calls:,} calls changed" in PRECISIONS["bfloat16"]
    assert f"{bases:,} bases" in PRECISIONS["bfloat16"]
    change = max(abs(row["top_k_bfloat16"] - row["top_k_float32"]) for row in SOURCES.values())
    assert f"top-k by at most {change:.4f}" in PRECISIONS["bfloat16"]
    assert worst["max_difference"] < ALLOWED["bfloat16"].difference / 2
    assert worst["max_log_difference"] < ALLOWED["bfloat16"].log_difference / 2
