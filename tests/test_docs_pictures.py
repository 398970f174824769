"""The pictures of docs/coordinates.md, against the demo genome's files themselves: no table of the project is asked."""

import gzip
import os
import re
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pysam
import pytest

from builder_assets import demo
from docs.draw_coordinates import GENES, IMAGES, pictures

SVG = "{http://www.w3.org/2000/svg}"
REGION = "22:20000001-21000000"  # the only record of chromosome 22 in the demo's FASTA
COMPLEMENT = dict(zip("ACGT", "TGCA", strict=True))


class Base(NamedTuple):
    """A column of a picture."""

    position: int
    reference: str
    transcribed: str
    offset: int
    shift: int
    part: str
    kind: str


def drawn(file: str) -> tuple[ET.Element, list[Base]]:
    """The picture, and its columns from left to right."""
    svg = ET.parse(IMAGES / file).getroot()
    columns = []
    for group in svg.iter(f"{SVG}g"):
        shown = {str(text.get("class")).split()[0]: str(text.text) for text in group.iter(f"{SVG}text")}
        columns.append(
            Base(
                int(shown["position"]), shown["reference"], shown["transcribed"], int(shown["offset"]),
                int(shown["shift"]), str(group.get("data-part")), shown.get("name", ""),
            )
        )  # fmt: skip
    return svg, columns


def annotated(name: str, transcript: str) -> tuple[str, int, int, list[tuple[int, int]]]:
    """Strand, start and end of a gene, and the exons of one transcript, as the lines of the GTF say."""
    strand, start, end, exons = "", 0, 0, []
    with gzip.open(demo.ANNOTATION, "rt") as lines:
        for line in lines:
            fields = line.rstrip().split("\t")
            if f'gene_name "{name}"' in line and fields[2] == "gene":
                strand, start, end = fields[6], int(fields[3]), int(fields[4])
            if f'transcript_id "{transcript}' in line and fields[2] == "exon":
                exons.append((int(fields[3]), int(fields[4])))
    return strand, start, end, sorted(exons, reverse=strand == "-")


def test_pictures__are_what_the_script_draws():
    """After a change: `python -m docs.draw_coordinates`."""
    for file, svg in pictures().items():
        if os.environ.get("WRITE_GOLDEN"):
            (IMAGES / file).write_text(svg, encoding="utf-8")
        assert (IMAGES / file).read_text("utf-8") == svg


@pytest.mark.parametrize("file", GENES)
def test_pictures__say_what_the_files_say(file):
    svg, columns = drawn(file)
    texts = {str(text.get("class")): str(text.text) for text in svg.iter(f"{SVG}text")}
    strand, start, end, exons = annotated(GENES[file], texts["label"].split(",")[0])
    assert texts["title"] == f"{GENES[file]}, {strand} strand"
    assert (texts["start"], texts["end"]) == (str(start), str(end))
    (donor,) = [base for base in columns if base.kind == "donor"]
    (acceptor,) = [base for base in columns if base.kind == "acceptor"]
    first, second = exons[:2]
    expected = (first[1], second[0]) if strand == "+" else (first[0], second[1])
    assert (donor.position, acceptor.position) == expected
    assert abs(acceptor.position - donor.position) - 1 == int(texts_of(svg, "intron")[1].replace(",", ""))
    with pysam.FastaFile(str(demo.FASTA)) as fasta:
        bases = fasta.fetch(REGION).upper()
    assert len(columns) == 20
    for base in columns:
        assert base.reference == bases[base.position - 20_000_001]
        assert base.transcribed == (base.reference if strand == "+" else COMPLEMENT[base.reference])
        assert base.offset == (base.position - start if strand == "+" else end - base.position)
        near = min((donor, acceptor), key=lambda site, at=base: abs(site.position - at.position))
        assert base.shift == base.offset - near.offset
        assert base.part == ("exon" if any(low <= base.position <= high for low, high in exons) else "intron")
    by_offset = {base.offset: base for base in columns}
    assert "".join(by_offset[donor.offset + i].transcribed for i in (1, 2)) == "GT"
    assert "".join(by_offset[acceptor.offset - i].transcribed for i in (2, 1)) == "AG"


def texts_of(svg: ET.Element, name: str) -> list[str]:
    return [str(text.text) for text in svg.iter(f"{SVG}text") if text.get("class") == name]


@pytest.mark.parametrize("file", GENES)
def test_page__says_in_words_what_the_picture_shows(file):
    _, columns = drawn(file)
    page = (IMAGES.parent / "coordinates.md").read_text("utf-8")
    (words,) = re.findall(rf"!\[([^]]*)\]\(images/{file}\)", page)
    for base in columns:
        if base.kind:
            assert f"{base.kind} at {base.position}, offset {base.offset}" in words
    assert words.startswith(GENES[file])


def test_pictures__are_whole_files_for_light_and_dark():
    """Nothing is fetched; every colour has a value for both, and is used."""
    for file in GENES:
        text = (IMAGES / file).read_text("utf-8")
        assert re.findall(r"https?://", text) == ["http://"]  # the namespace
        light, dark = (set(re.findall(r"(--\w+):", part)) for part in text.split("</style>")[0].split("@media"))
        assert light == dark == set(re.findall(r"var\((--\w+)\)", text))
        assert Path(IMAGES / file).stat().st_size < 20_000
