"""Draws the pictures of docs/coordinates.md: `python -m docs.draw_coordinates` from the root of the checkout.

Each is the first intron of a gene of the demo genome, taken from the same tables and by the same functions as a build.
Colours follow the reader's light or dark setting.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from builder_assets import demo
from builder_assets.coordinates import offset_of_position
from builder_assets.genome.annotation_records import records_from_annotation
from builder_assets.genome.chromosome_tables import ChromosomeTables, chromosome_tables
from builder_assets.genome.contigs import chromosome_sequence, contig_of
from builder_assets.sequence import ChromosomeSequence, letters_of
from builder_assets.settings import IntronSettings
from resources.annotation_file import read_annotation
from resources.reference_genome import ReferenceGenome

IMAGES = Path(__file__).parent / "images"
GENES = {"coordinates_plus.svg": "TMEM191B", "coordinates_minus.svg": "CCDC188"}
ASSEMBLY, CHROMOSOME = "GRCh37", "22"

N_SHOWN = 5  # bases on each side of an exon's border
LEFT, COLUMN, BREAK, RIGHT = 92, 25, 78, 24
FIRST_COLUMN = LEFT + COLUMN / 2
WIDTH = LEFT + 4 * N_SHOWN * COLUMN + BREAK + RIGHT
TRACK = 62  # height of the middle of the gene's line
BOXES, POSITIONS, REFERENCE, TRANSCRIBED, OFFSETS, SHIFTS, NAMES = 112, 178, 206, 232, 288, 316, 346
HEIGHT = 372

STYLE = """
svg { --paper: #ffffff; --ink: #1f2328; --faint: #6e7781; --exon: #cfe3f7; --donor: #b35900; --acceptor: #1a7f37 }
@media (prefers-color-scheme: dark) {
svg { --paper: #16191d; --ink: #e6edf3; --faint: #9198a1; --exon: #1f4468; --donor: #ffa657; --acceptor: #56d364 } }
text { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: var(--ink); text-anchor: middle }
.title { font: bold 14px sans-serif; text-anchor: start } .label { font: 12px sans-serif; text-anchor: start }
.label { fill: var(--faint) } .up { text-anchor: start } .end { text-anchor: end }
.start { text-anchor: start } .sheet { fill: var(--paper) } .box { fill: var(--exon) }
path { fill: none; stroke: var(--faint) } .cut { stroke-dasharray: 3 3 }
.mark { fill: none; stroke-width: 2 } .donor { stroke: var(--donor) } .acceptor { stroke: var(--acceptor) }
.name { font: bold 12px sans-serif } .name.donor { fill: var(--donor); stroke: none }
.name.acceptor { fill: var(--acceptor); stroke: none }
"""


@dataclass(frozen=True)
class DrawnGene:
    """What one picture shows: 1-based closed positions on the + strand.

    Attributes:
        name: The symbol.
        strand: + or -.
        start: First position of the gene, by which offsets count on +.
        end: Last position, by which offsets count on -.
        transcript_id: Its canonical transcript.
        exons: Start and end of that transcript's exons, in the order of transcription.
        donor: Position of the first intron's donor.
        acceptor: And of its acceptor.
    """

    name: str
    strand: str
    start: int
    end: int
    transcript_id: str
    exons: list[tuple[int, int]]
    donor: int
    acceptor: int

    def bases(self) -> list[list[int]]:
        """Positions shown, by rising position: around the intron's lower end, and around its upper one."""
        lower, upper = sorted((self.donor, self.acceptor))
        first = [lower - N_SHOWN + 1 + i for i in range(2 * N_SHOWN)]
        return [first, [upper - N_SHOWN + i for i in range(2 * N_SHOWN)]]


def drawn_gene(tables: ChromosomeTables, name: str) -> DrawnGene:
    """The gene `name`, with the first intron of its canonical transcript."""
    gene = tables.genes.row(by_predicate=pl.col("gene_name") == name, named=True)
    exons = tables.exons.filter(pl.col("transcript_id") == gene["canonical_transcript_id"]).sort("exon_rank")
    ends = [(int(start), int(end)) for start, end in exons.select("start", "end").iter_rows()]
    (first, second), plus = ends[:2], gene["strand"] == "+"
    intron = (first[1] + 1, second[0] - 1) if plus else (second[1] + 1, first[0] - 1)
    row = tables.introns.row(
        by_predicate=(pl.col("gene_id") == gene["gene_id"])
        & (pl.col("start") == intron[0]) & (pl.col("end") == intron[1]),
        named=True,
    )  # fmt: skip
    return DrawnGene(
        name=name, strand=gene["strand"], start=gene["start"], end=gene["end"], exons=ends,
        transcript_id=gene["canonical_transcript_id"], donor=row["donor_position"], acceptor=row["acceptor_position"],
    )  # fmt: skip


def picture(gene: DrawnGene, sequence: ChromosomeSequence) -> str:
    """The gene along its chromosome, and below it the bases beside its first intron (SVG text)."""
    rows = [*_gene_line(gene), *_labels(gene)]
    for side, positions in enumerate(gene.bases()):
        rows += _bases(gene, sequence, positions, FIRST_COLUMN + side * (2 * N_SHOWN * COLUMN + BREAK))
    middle = LEFT + 2 * N_SHOWN * COLUMN + BREAK / 2
    length = abs(gene.acceptor - gene.donor) - 1
    for line, text in enumerate(("intron of", f"{length:,}", "bases")):
        rows.append(_text("intron", middle, TRANSCRIBED - 50 + 16 * line, text))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img">'
    sheet = f'<rect class="sheet" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
    return "\n".join([head, f"<style>{STYLE}</style>", sheet, *rows, "</svg>", ""])


def _gene_line(gene: DrawnGene) -> Iterator[str]:
    """Exons as boxes on a line, its ends, its direction, and where the bases below are from."""
    left, right = LEFT, WIDTH - RIGHT

    def x(position: float) -> float:
        return left + (right - left) * (position - gene.start) / (gene.end + 1 - gene.start)

    lower, upper = sorted((gene.donor, gene.acceptor))
    edge = LEFT + 4 * N_SHOWN * COLUMN + BREAK
    yield f'<path d="M{left} {TRACK}H{right}"/>'
    for start, end in gene.exons:
        width = x(end + 1) - x(start)
        yield f'<rect class="box" x="{x(start):.1f}" y="{TRACK - 9}" width="{width:.1f}" height="18"/>'
    for at, down in ((lower + 1, LEFT), (upper, edge)):
        yield f'<path class="cut" d="M{x(at):.1f} {TRACK + 9}L{down} {BOXES - 4}"/>'
    tip, back = (right, -7) if gene.strand == "+" else (left, 7)
    yield f'<path d="M{tip + back} {TRACK - 5}L{tip} {TRACK}L{tip + back} {TRACK + 5}"/>'
    yield _text("title", 14, 24, f"{gene.name}, {gene.strand} strand")
    yield _text("start", left, TRACK - 16, f"{gene.start}")
    yield _text("end", right, TRACK - 16, f"{gene.end}")
    first, last = ("5'", "3'") if gene.strand == "+" else ("3'", "5'")
    yield _text("five", left - 12, TRACK + 4, first)
    yield _text("three", right + 12, TRACK + 4, last)


def _labels(gene: DrawnGene) -> Iterator[str]:
    rows = ("position", POSITIONS), ("+ strand", REFERENCE), ("gene", TRANSCRIBED), ("offset", OFFSETS)
    for name, y in (*rows, ("shift", SHIFTS)):
        yield _text("label", 14, y, name)
    yield _text("label", 14, TRACK + 4, "gene")
    direction = "left to right" if gene.strand == "+" else "right to left"
    yield _text("label", 14, HEIGHT - 10, f"{gene.transcript_id}, exons shaded; transcribed from {direction}")


def _bases(gene: DrawnGene, sequence: ChromosomeSequence, positions: list[int], left: float) -> Iterator[str]:
    """A column per base, one group each: position, both letters, offset, shift from the site of this side."""
    site = gene.donor if gene.donor in positions else gene.acceptor
    kind = "donor" if site == gene.donor else "acceptor"
    for i, position in enumerate(positions):
        x = left + i * COLUMN
        offset = offset_of_position(position, gene.start, gene.end, gene.strand)
        shift = offset - offset_of_position(site, gene.start, gene.end, gene.strand)
        in_exon = any(start <= position <= end for start, end in gene.exons)
        yield f'<g class="base" data-part="{"exon" if in_exon else "intron"}">'
        if in_exon:
            yield _box("box", x, 0)
        yield _text("position up", x + 4, POSITIONS, f"{position}", turned=True)
        yield _text("reference", x, REFERENCE, letters_of(sequence.forward(position, position)))
        yield _text("transcribed", x, TRANSCRIBED, letters_of(sequence.transcribed(position, position, gene.strand)))
        yield _text("offset up", x + 4, OFFSETS, f"{offset}", turned=True)
        yield _text("shift", x, SHIFTS, f"{shift:+d}" if shift else "0")
        if position == site:
            yield _box(f"mark {kind}", x, 1)
            yield _text(f"name {kind}", x, NAMES - 4, kind)
        yield "</g>"


def _box(name: str, x: float, inside: int) -> str:
    return (
        f'<rect class="{name}" x="{x - COLUMN / 2 + inside:.1f}" y="{BOXES + inside}" width="{COLUMN - 2 * inside}" '
        f'height="{SHIFTS + 8 - BOXES - 2 * inside}"/>'
    )


def _text(name: str, x: float, y: float, text: str, *, turned: bool = False) -> str:
    turn = f' transform="rotate(-90 {x:.1f} {y})"' if turned else ""
    return f'<text class="{name}" x="{x:.1f}" y="{y}"{turn}>{text}</text>'


def pictures() -> dict[str, str]:
    """Every picture by the name of its file."""
    with tempfile.TemporaryDirectory() as index, ReferenceGenome(demo.FASTA, Path(index)) as reference:
        sequence = chromosome_sequence(reference, contig_of(reference, CHROMOSOME, ASSEMBLY, ()), ASSEMBLY)
    records = records_from_annotation(read_annotation(demo.ANNOTATION), ASSEMBLY)
    tables = chromosome_tables(records.filter(pl.col("chrom") == CHROMOSOME), sequence, IntronSettings())
    return {file: picture(drawn_gene(tables, name), sequence) for file, name in GENES.items()}


if __name__ == "__main__":
    for name, svg in pictures().items():
        (IMAGES / name).write_text(svg, encoding="utf-8")
