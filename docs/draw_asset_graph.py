"""Draws the asset graph of docs/architecture.md: `python -m docs.draw_asset_graph` from the root of the checkout.

Boxes, arrows and what is optional come from the graph itself; only where a box stands is written here. Colours follow
the reader's light or dark setting.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from builder_assets import demo
from builder_assets.asset_graph import manifest_of
from builder_assets.settings import load_settings

PICTURE = Path(__file__).parent / "images" / "asset_graph.svg"
GROUPS = ("genome", "base_model", "dataset")

WIDTH, HEIGHT = 736, 800
PANELS = {"genome": (8, 8, 720, 292), "base_model": (8, 312, 356, 400), "dataset": (372, 312, 356, 478)}
PLACES = {  # the middle of each step's box; a step that is not here fails
    "genome_fasta": (170, 56), "gene_annotation": (430, 56), "contig": (170, 122), "annotation_records": (430, 122),
    "chromosome_tables": (300, 196), "split_units": (540, 268),
    "base_model_weights": (98, 366), "scoring_plan": (274, 366), "genes_to_score": (274, 436),
    "splice_scores": (98, 506), "masked_sites": (274, 506), "evaluation": (186, 592), "model_report": (186, 672),
    "gene_selection": (540, 366), "selected_genes": (540, 436), "conservation_track": (636, 506),
    "examples": (540, 592), "gene_manifest": (540, 672), "dataset_card": (464, 750), "meta_model_baseline": (636, 750),
}  # fmt: skip
LETTER, LINE, ROW = 7.3, 17, 3  # width of a letter, height of a line, names per line

STYLE = """
svg { --paper: #ffffff; --ink: #1f2328; --faint: #6e7781; --panel: #f6f8fa; --box: #dff0e6; --edge: #1a7f5a }
@media (prefers-color-scheme: dark) {
svg { --paper: #16191d; --ink: #e6edf3; --faint: #9198a1; --panel: #1e2329; --box: #16352a; --edge: #4cc38a } }
text { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: var(--ink); text-anchor: middle }
.group { font: bold 13px sans-serif; text-anchor: start } .note { font: 12px sans-serif; text-anchor: start }
.note { fill: var(--faint) } .sheet { fill: var(--paper) } .panel { fill: var(--panel) }
.box { fill: var(--box); stroke: var(--edge) } .optional { stroke-dasharray: 4 3 }
path { fill: none; stroke: var(--faint); stroke-width: 1.3 } .tip { fill: var(--faint); stroke: none }
"""


class Step(NamedTuple):
    """A box: the assets that one step makes, and the steps that it reads."""

    group: str
    assets: tuple[str, ...]
    by_chromosome: bool
    reads: frozenset[str]


def settings(**options: Any) -> dict[str, Any]:
    """A project with one genome, base model and dataset, named as the groups are.

    Args:
        options: `mask_sites` of the base model, or settings of the dataset.
    """
    genome = {"assembly": "GRCh37", "fasta": str(demo.FASTA), "annotation": str(demo.ANNOTATION), "chromosomes": [22]}
    model = {"genome": "genome", "family": "spliceai", "mask_sites": options.pop("mask_sites", None)}
    dataset = {"base_model": "base_model", "genes": {"policy": "all"}, **options}
    return {"genomes": {"genome": genome}, "base_models": {"base_model": model}, "datasets": {"dataset": dataset}}


# What adds an asset or an arrow.
OPTIONS: tuple[dict[str, Any], ...] = (
    {"mask_sites": "junctions.bed"},
    {"conservation": "track.bw"},
    {"genes": {"policy": "error_total", "count": 2}},
    {"baseline": True},
)


def steps_of(project: dict[str, Any]) -> dict[str, Step]:
    """The graph of a project, by step."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "builder.yaml"
        path.write_text(yaml.safe_dump(project), encoding="utf-8")
        nodes = manifest_of(load_settings(path)).nodes
    made_by = {asset: node.step.partition("__")[2] for asset, node in nodes.items()}
    steps: dict[str, Step] = {}
    for asset, node in nodes.items():
        group, name = asset.split("/")
        before = steps.get(made_by[asset], Step(group, (), bool(node.partitions), frozenset()))
        reads = before.reads | {made_by[parent] for parent in node.parents}
        steps[made_by[asset]] = before._replace(assets=(*before.assets, name), reads=frozenset(reads))
    return steps


def without_implied(arrows: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """The arrows that no way over other arrows replaces."""
    targets: dict[str, set[str]] = {}
    for start, end in arrows:
        targets.setdefault(start, set()).add(end)

    def reached(start: str) -> set[str]:
        beyond = targets.get(start, set())
        return beyond | {end for step in beyond for end in reached(step)}

    return {
        (start, end)
        for start, ends in targets.items()
        for end in ends
        if not any(end in reached(other) for other in ends - {end})
    }


def arrows_of(steps: Mapping[str, Step]) -> set[tuple[str, str]]:
    """Every (read, reading) pair of steps."""
    return {(start, end) for end, step in steps.items() for start in step.reads}


def arrows_drawn() -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """(read, reading) pairs of steps: those of every project, and those that an option adds."""
    always = arrows_of(steps_of(settings()))
    added = (without_implied(arrows_of(steps_of(settings(**option)))) - always for option in OPTIONS)
    return without_implied(always), set().union(*added)


def picture() -> str:
    """The graph as SVG text: what every project has, and dashed what the settings may add."""
    always = steps_of(settings())
    everything = {name: step for option in OPTIONS for name, step in steps_of(settings(**option)).items()}
    usual, added = arrows_drawn()
    rows = [_panel(group) for group in GROUPS]
    rows += [_arrow(everything, start, end, "") for start, end in sorted(usual)]
    rows += [_arrow(everything, start, end, " optional") for start, end in sorted(added)]
    for name, step in sorted(everything.items()):
        rows += _box(name, step, "" if name in always else " optional")
    notes = ("doubled: one per chromosome", "dashed: if the settings ask for it", "what other arrows imply is left out")
    rows += [f'<text class="note" x="24" y="{736 + 20 * line}">{note}</text>' for line, note in enumerate(notes)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img">'
    sheet = f'<rect class="sheet" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
    return "\n".join([head, f"<style>{STYLE}</style>", sheet, *rows, "</svg>", ""])


def _panel(group: str) -> str:
    x, y, width, height = PANELS[group]
    return (
        f'<rect class="panel" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>'
        f'<text class="group" x="{x + 12}" y="{y + 20}">{group.replace("_", " ")}</text>'
    )


def _lines(step: Step) -> list[str]:
    """The names in a box, line by line."""
    per_line = ROW if len(step.assets) > ROW else 1
    return [", ".join(step.assets[i : i + per_line]) for i in range(0, len(step.assets), per_line)]


def _size(step: Step) -> tuple[float, float]:
    lines = _lines(step)
    return max(map(len, lines)) * LETTER + 20, len(lines) * LINE + 14


def _box(name: str, step: Step, kind: str) -> Iterator[str]:
    (x, y), (width, height) = PLACES[name], _size(step)
    yield f'<g class="step" data-assets="{" ".join(step.assets)}" data-group="{step.group}">'
    for shift in (4, 0) if step.by_chromosome else (0,):
        yield (
            f'<rect class="box{kind}" x="{x - width / 2 + shift:.1f}" y="{y - height / 2 + shift:.1f}" '
            f'width="{width:.1f}" height="{height:.1f}" rx="4"/>'
        )
    lines = _lines(step)
    for number, line in enumerate(lines):
        yield f'<text x="{x}" y="{y + 4 + LINE * (number - (len(lines) - 1) / 2):.1f}">{line}</text>'
    yield "</g>"


def _arrow(steps: Mapping[str, Step], start: str, end: str, kind: str) -> str:
    """From the lower edge of a box to the upper one of another; from side to side where the other stands above."""
    (x, y), (to_x, to_y) = PLACES[start], PLACES[end]
    (width, height), (to_width, to_height) = _size(steps[start]), _size(steps[end])
    behind = 4 if steps[start].by_chromosome else 0
    if to_y > y:
        y, to_y = y + height / 2 + behind, to_y - to_height / 2 - 7
        bend = max((to_y - y) * 0.6, 18)
        curve = f"C{x} {y + bend:.1f} {to_x} {to_y - bend:.1f} {to_x} {to_y:.1f}"
        tip = f"M{to_x - 4} {to_y:.1f}h8l-4 7z"
    else:
        x, to_x = x + width / 2 + behind, to_x - to_width / 2 - 7
        bend = (to_x - x) * 0.6
        curve = f"C{x + bend:.1f} {y} {to_x - bend:.1f} {to_y} {to_x:.1f} {to_y}"
        tip = f"M{to_x:.1f} {to_y - 4}v8l7 -4z"
    names = f'data-from="{start}" data-to="{end}"'
    return f'<path class="arrow{kind}" {names} d="M{x:.1f} {y:.1f}{curve}"/><path class="tip" d="{tip}"/>'


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
