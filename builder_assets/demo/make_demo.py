"""Make the demo genome from the public reference data that it is cut from.

    python -m builder_assets.demo.make_demo SHARED_DATA_FOLDER [--to FOLDER]

Two stretches of GRCh37, one of each kind of trouble: chr22 with a 100 kb gap and overlapping genes, and chrY with
three long genes. Same sources, same bytes: no clock, no random choice. Only cutting happens here, no interpretation.
"""

import argparse
import gzip
import hashlib
import re
from pathlib import Path

import pysam

STRETCHES = {"22": (20_000_001, 21_000_000), "Y": (14_640_001, 15_640_000)}  # chromosome -> 1-based closed
FASTA_NAME, ANNOTATION_NAME = "demo.fa.gz", "demo.gtf.gz"
LINE = 60
GENE_ID = re.compile(r'gene_id "([^"]+)"')


def demo_bases(data: Path) -> dict[str, str]:
    """The bases of the two stretches, as the sources have them; keys are names as `samtools faidx` writes them."""
    with gzip.open(data / "grch37" / "22_20-21M.fa.gz", "rt") as lines:
        header = next(lines).split()[0]
        chromosome_22 = "".join(line.strip() for line in lines)
    start, end = STRETCHES["22"]
    if header != f">22:{start}-{end}" or len(chromosome_22) != end - start + 1:
        raise ValueError(f"22_20-21M.fa.gz holds {header} with {len(chromosome_22):,} bases; expected the demo's 22.")
    start, end = STRETCHES["Y"]
    with pysam.FastaFile(str(data / "grch37" / "dev.fa.gz")) as genome:
        chromosome_y = genome.fetch("chrY", start - 1, end)
    return {f"{c}:{s}-{e}": b for (c, (s, e)), b in zip(STRETCHES.items(), (chromosome_22, chromosome_y), strict=True)}


def demo_annotation(data: Path) -> str:
    """The records of every gene that lies wholly inside a stretch, line by line as in the source."""
    kept: dict[str, list[str]] = {}
    with gzip.open(data / "grch37" / "gencode_v30lift37.gtf.gz", "rt") as lines:
        comment = next(lines)
        for line in lines:
            contig = line[: line.index("\t")]
            if contig.removeprefix("chr") in STRETCHES and (gene := GENE_ID.search(line)):
                kept.setdefault(f"{contig}|{gene[1]}", []).append(line)
    inside = [rows for name, rows in kept.items() if _lies_inside(name, rows)]
    return comment + "".join(line for rows in inside for line in rows)


def _lies_inside(name: str, rows: list[str]) -> bool:
    low, high = STRETCHES[name.split("|")[0].removeprefix("chr")]
    spans = [row.split("\t", 5)[3:5] for row in rows]
    return all(low <= int(start) and int(end) <= high for start, end in spans)


def write_demo(data: Path, folder: Path) -> list[Path]:
    """Write FASTA, its indices, annotation and SHA256SUMS into `folder`; gives the files made.

    Args:
        data: The folder that holds `grch37/22_20-21M.fa.gz`, `grch37/dev.fa.gz`, `grch37/gencode_v30lift37.gtf.gz`.
        folder: Where the demo goes; existing files are replaced.

    Raises:
        ValueError: a source is not the one that the demo is cut from.
    """
    plain, fasta, annotation = folder / "demo.fa", folder / FASTA_NAME, folder / ANNOTATION_NAME
    text = "".join(
        f">{name}\n" + "".join(bases[i : i + LINE] + "\n" for i in range(0, len(bases), LINE))
        for name, bases in demo_bases(data).items()
    )
    plain.write_text(text, encoding="ascii")
    pysam.tabix_compress(str(plain), str(fasta), force=True)
    plain.unlink()
    pysam.faidx(str(fasta))
    with annotation.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=9, fileobj=raw, mtime=0) as packed:
        packed.write(demo_annotation(data).encode("ascii"))
    made = [fasta, Path(f"{fasta}.fai"), Path(f"{fasta}.gzi"), annotation]
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in made)
    (folder / "SHA256SUMS").write_text(sums, encoding="ascii")
    return [*made, folder / "SHA256SUMS"]


def main() -> None:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description="Cut the demo genome out of public reference data.")
    parser.add_argument("data", type=Path, help="folder that holds grch37/ with the three sources")
    parser.add_argument("--to", type=Path, default=Path(__file__).parent, help="where the files go")
    arguments = parser.parse_args()
    for path in write_demo(arguments.data, arguments.to):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
