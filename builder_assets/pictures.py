"""Small SVG pictures for the UI, and how Markdown carries them. No plotting library: bars are rectangles."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape

WIDTH, ROW, LEFT, RIGHT = 360, 18, 110, 60
HEIGHT, BASE = 120, 96  # of a histogram, and of the line its bars stand on
INK, FILL = "#444", "#4c78a8"


def bar_picture(title: str, bars: Sequence[tuple[str, float]]) -> str:
    """Horizontal bars of shares 0..1, one per label, with the percentage beside each (SVG text)."""
    rows = [_text(0, 12, title, bold=True)]
    for i, (label, share) in enumerate(bars):
        top = ROW * (i + 1) + 4
        width = (WIDTH - LEFT - RIGHT) * min(max(share, 0.0), 1.0)
        rows += [
            _text(0, top + 11, label),
            f'<rect x="{LEFT}" y="{top}" width="{width:.1f}" height="{ROW - 5}" fill="{FILL}"/>',
            _text(LEFT + width + 4, top + 11, f"{share:.1%}"),
        ]
    return _svg(rows, ROW * (len(bars) + 1) + 8)


def histogram_picture(title: str, labels: Sequence[str], counts: Sequence[int]) -> str:
    """Upright bars, one per bin, the largest as high as the picture (SVG text).

    Args:
        title: One line.
        labels: Lower edge of each bin, shown below it.
        counts: Members of each bin.
    """
    step = WIDTH / max(len(counts), 1)
    largest = max([*counts, 1])
    rows = [_text(0, 12, title, bold=True)]
    for i, (label, count) in enumerate(zip(labels, counts, strict=True)):
        height = (BASE - 22) * count / largest
        rows += [
            f'<rect x="{i * step + 1:.1f}" y="{BASE - height:.1f}" width="{step - 2:.1f}" height="{height:.1f}" '
            f'fill="{FILL}"><title>{escape(label)}: {count:,}</title></rect>',
            _text(i * step + 1, BASE + 14, label),
        ]
    return _svg(rows, HEIGHT)


def markdown_picture(svg: str, says: str) -> str:
    """Markdown that shows `svg` without a file: a data URI. `says` stands where pictures cannot be shown."""
    return f"![{says}](data:image/svg+xml;base64,{b64encode(svg.encode()).decode('ascii')})"


def _text(x: float, y: float, text: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{INK}"{weight}>{escape(text)}</text>'


def _svg(rows: Sequence[str], height: int) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" '
    return f'{head}font-size="11">{"".join(rows)}</svg>'
