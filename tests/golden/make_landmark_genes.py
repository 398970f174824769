"""Choose the landmark genes of GRCh37 and GRCh38 from GENCODE v30lift37 and v30; nothing is measured by this project.

    python tests/golden/make_landmark_genes.py SHARED_DATA_FOLDER

Protein-coding genes of one name and one length in both releases, the same strand, and at least 50 bases apart. Of
each half million bases of GRCh38 the shortest one whose two places do not overlap: usual names, and genes whose
transcripts run from end to end, come first. Where all places overlap, three genes, told apart by their very ends.
"""

import gzip
import re
import sys
from collections import Counter
from pathlib import Path
from statistics import median
from typing import NamedTuple

TARGET = Path(__file__).parents[2] / "builder_assets" / "genome" / "landmark_genes.tsv"
SOURCES = ("grch37/gencode_v30lift37.gtf.gz", "grch38/gencode_v30.gtf.gz")
CHROMOSOMES = [*map(str, range(1, 23)), "X", "Y"]
LEAST_APART, STRETCH, WHERE_OVERLAPPING = 50, 500_000, 3
ODD_NAME = re.compile(r"\.|orf|^LOC|^KIAA")  # names that change between releases
WELL_KNOWN = (
    "VHL", "PIK3CA", "PDGFRA", "SNCA", "NOTCH1", "RET", "PTEN", "BRCA2", "MLH3", "AKT1", "IDH2", "SMAD4", "JAK3",
    "ERCC2", "TOP1", "SOD1", "USP18", "NF2", "FMR1NB", "KDM5D", "EIF1AY",
)  # fmt: skip
HEAD = """\
# Protein-coding genes at their places in GRCh37 and GRCh38: first base (1-based) and length, of GENCODE v30lift37 and
# v30 (Frankish et al. 2019, doi:10.1093/nar/gky955; open access). Chosen by tests/golden/make_landmark_genes.py.
"""


class Gene(NamedTuple):
    """A gene of one release."""

    chrom: str
    start: int
    end: int
    strand: str
    name: str
    is_coding: bool
    share_of_transcript: float


def genes_of(path: Path) -> dict[str, Gene]:
    """Genes of the chromosomes by id; names that two genes have are left out."""
    rows, spans = {}, {}
    with gzip.open(path, "rt") as lines:
        for line in (line for line in lines if not line.startswith("#")):
            chrom, _, feature, start, end, _, strand, _, attributes = line.split("\t", 8)
            chrom = chrom.removeprefix("chr")
            if feature in ("gene", "transcript") and chrom in CHROMOSOMES:
                named = dict(re.findall(r'(\w+) "([^"]*)"', attributes))
                if feature == "gene":
                    rows[named["gene_id"]] = chrom, int(start), int(end), strand, named
                else:
                    spans.setdefault(named["gene_id"], []).append(int(end) - int(start) + 1)
    count = Counter(named["gene_name"] for *_, named in rows.values())
    return {
        gene: Gene(
            chrom, start, end, strand, named["gene_name"], named["gene_type"] == "protein_coding",
            median(spans[gene]) / (end - start + 1),
        )
        for gene, (chrom, start, end, strand, named) in rows.items()
        if count[named["gene_name"]] == 1
    }  # fmt: skip


def landmark_rows(data: Path) -> list[tuple[str, str, str, int, int, int]]:
    """chrom, gene_id, gene_name, first base in GRCh37 and in GRCh38, length; in the order of GRCh38."""
    first, second = (genes_of(data / source) for source in SOURCES)
    stretches: dict[tuple[str, int], list[tuple[tuple[bool, bool, bool, int, str], str]]] = {}
    for gene in sorted(first.keys() & second.keys()):
        old, new = first[gene], second[gene]
        length, apart = new.end - new.start + 1, abs(new.start - old.start)
        is_same = (old.chrom, old.strand, old.name, old.end - old.start) == (
            new.chrom, new.strand, new.name, new.end - new.start,
        )  # fmt: skip
        if is_same and new.is_coding and apart >= LEAST_APART:
            rank = (apart <= length, ODD_NAME.search(new.name) is not None, new.share_of_transcript < 0.7, length, gene)
            stretches.setdefault((new.chrom, new.start // STRETCH), []).append((rank, gene))
    chosen: set[str] = set()
    for candidates in stretches.values():
        ordered = sorted(candidates)
        overlapping = ordered[0][0][0]
        chosen |= {gene for _, gene in ordered[: WHERE_OVERLAPPING if overlapping else 1]}
        chosen |= {gene for _, gene in ordered if second[gene].name in WELL_KNOWN}
    rows = [
        (g.chrom, gene, g.name, first[gene].start, g.start, g.end - g.start + 1)
        for gene, g in second.items()
        if gene in chosen
    ]
    return sorted(rows, key=lambda row: (CHROMOSOMES.index(row[0]), row[4], row[1]))


def landmark_text(data: Path) -> str:
    """The file, as it is stored."""
    rows = [("chrom", "gene_id", "gene_name", "GRCh37", "GRCh38", "length"), *landmark_rows(data)]
    return HEAD + "".join("\t".join(map(str, row)) + "\n" for row in rows)


if __name__ == "__main__":
    TARGET.write_text(landmark_text(Path(sys.argv[1])), encoding="utf-8")
