"""Errors that would say something else than was meant: a lost f-prefix, several texts where one should be.

Such a message passes every test that only asks for the type of the error.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [*(ROOT / "builder_assets").rglob("*.py"), *(ROOT / "resources").rglob("*.py")]
PLACE = re.compile(r"\{[a-z_]\w*[^{}]*\}")  # what an f-string would fill in


def flaws(code: str) -> Iterator[str]:
    """Line and flaw of every such message in a module's text."""
    for node in ast.walk(ast.parse(code)):
        if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)):
            continue
        texts = [argument for argument in node.exc.args if is_text(argument)]
        tuples = [argument for argument in node.exc.args if isinstance(argument, ast.Tuple)]
        if len(texts) > 1 or any(is_text(part) for several in tuples for part in several.elts):
            yield f"line {node.lineno}: several texts"
        for text in ast.walk(node):
            if isinstance(text, ast.Constant) and PLACE.search(str(text.value)):
                yield f"line {text.lineno}: no f before {text.value!r}"


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_messages__are_filled_in(path):
    assert list(flaws(path.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    ("code", "flaw"),
    [
        ('raise ValueError("of {type(v)}")', "line 1: no f before 'of {type(v)}'"),
        ('raise ValueError(f"{v}" " of {w}")', "line 1: no f before ' of {w}'"),
        ('raise ValueError("of", f"{v}")', "line 1: several texts"),
        ('raise ValueError((f"a {v}", "b"))', "line 1: several texts"),
    ],
)
def test_flaws__finds(code, flaw):
    assert list(flaws(code)) == [flaw]
