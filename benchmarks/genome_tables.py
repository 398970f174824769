"""Tables of a whole genome from GENCODE v30, timed beside the parsers that others use.

    python -m benchmarks.genome_tables GENCODE_V30_GTF FOLDER [--peers-python PYTHON] [--build]

FOLDER gets the synthetic FASTA (3.1 GB: real contig lengths, random bases, GT and AG at the annotated introns, not
beside them) and is left to the user to delete; the numbers go to benchmarks/results/genome_tables.json. Every part runs
in a process of its own, so that its largest memory is its own. `--peers-python` names an interpreter that has gffutils,
pyranges and gtfparse, which want other versions of what the project needs; `--build` adds `builder build` of the same
genome.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "genome_tables.json"
FASTA = "synthetic_grch38.fa"
LINE = 60
GOAL = 20  # times the pure functions' seconds: a peer is not waited for any longer
PEERS = {
    "gffutils.create_db": """
import gffutils
db = gffutils.create_db(PATH, ":memory:")
rows = db.count_features_of_type()
""",
    "gffutils.create_db, no inference": """
import gffutils
db = gffutils.create_db(PATH, ":memory:", disable_infer_genes=True, disable_infer_transcripts=True,
                        merge_strategy="create_unique", keep_order=False)
rows = db.count_features_of_type()
""",
    "pyranges.read_gtf": "import pyranges\nrows = len(pyranges.read_gtf(PATH).df)",
    "gtfparse.read_gtf": "import gtfparse\nrows = gtfparse.read_gtf(PATH).shape[0]",
}


def measured(work: Callable[[], Any]) -> dict[str, Any]:
    """Seconds and largest memory (GB) of this process after `work`, with what it counted."""
    started, cpu = time.perf_counter(), time.process_time()
    counted = work()
    return {
        "seconds": round(time.perf_counter() - started, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "gigabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
        **counted,
    }


def write_fasta(gtf: Path, fasta: Path) -> dict[str, Any]:
    """Random bases of the real lengths, GT and AG written at the ends of annotated introns, none one or two beside."""
    import numpy as np
    import polars as pl

    from builder_assets.coordinates import ASSEMBLY_LENGTHS
    from builder_assets.genome.annotation_records import records_from_annotation
    from builder_assets.genome.gene_models import exons_from_records
    from builder_assets.genome.introns import introns_from_exons
    from resources.annotation_file import read_annotation

    introns = introns_from_exons(exons_from_records(records_from_annotation(read_annotation(gtf), "GRCh38")), 30)
    introns = introns.filter(~pl.col("is_gap"))
    letters = np.frombuffer(b"ACGT", dtype=np.uint8)
    ends = {"+": (b"CCGTAA", b"CCAGCC"), "-": (b"GGCTGG", b"TTACGG")}  # two bases of exon or intron around GT and AG
    with fasta.open("wb") as file:
        for number, (chrom, length) in enumerate(ASSEMBLY_LENGTHS["GRCh38"].items()):
            bases = letters[np.random.default_rng(number).integers(0, 4, length, dtype=np.uint8)]
            own = introns.filter(pl.col("chrom") == chrom)
            sites = [
                (own.filter(pl.col("strand") == strand)[column].to_numpy() - 1 - back, letters_around)
                for strand, both in ends.items()
                for column, letters_around, back in zip(("start", "end"), both, (0, 1), strict=True)
            ]
            for shifts in ((-2, -1, 2, 3), (0, 1)):  # what stands beside a site gives way to another site
                for at, letters_around in sites:
                    for shift in shifts:
                        bases[at + shift] = letters_around[shift + 2]
            file.write(f">chr{chrom}\n".encode())
            whole = length - length % LINE
            lines = np.full((whole // LINE, LINE + 1), ord("\n"), dtype=np.uint8)
            lines[:, :LINE] = bases[:whole].reshape(-1, LINE)
            file.write(lines.tobytes())
            file.write(bases[whole:].tobytes() + b"\n" * bool(length % LINE))
    return {"bases": sum(ASSEMBLY_LENGTHS["GRCh38"].values())}


def pure_functions(gtf: Path, fasta: Path) -> dict[str, Any]:
    """Everything between the two files and the six tables of every chromosome, split units included.

    `steps` are seconds of processor time, `parsing_seconds` those by the clock until the records are there.
    """
    import polars as pl

    from builder_assets.coordinates import ASSEMBLY_LENGTHS
    from builder_assets.genome.annotation_records import records_from_annotation
    from builder_assets.genome.chromosome_tables import chromosome_tables
    from builder_assets.genome.motifs import motif_verdict
    from builder_assets.genome.split_units import split_units
    from builder_assets.sequence import ChromosomeSequence, codes_of
    from builder_assets.settings import IntronSettings
    from resources.annotation_file import read_annotation
    from resources.reference_genome import ReferenceGenome

    begun = time.perf_counter()
    steps = {"read_annotation": -time.process_time()}
    raw = read_annotation(gtf)
    steps["read_annotation"] += time.process_time()
    steps["records"] = -time.process_time()
    records = records_from_annotation(raw, "GRCh38")
    del raw
    steps["records"] += time.process_time()
    parsing = time.perf_counter() - begun
    steps |= {"bases": 0.0, "tables": 0.0}
    reference = ReferenceGenome(fasta, fasta.parent / "index")
    reference.records()
    genes, sites, counts, strange = [], [], dict.fromkeys(("genes", "transcripts", "exons", "splice_sites"), 0), []
    for chrom, length in ASSEMBLY_LENGTHS["GRCh38"].items():
        started = time.process_time()
        codes = codes_of(reference.bases(f"chr{chrom}", 0, length))
        held = ChromosomeSequence(chrom, 1, codes, ((1, length),))
        steps["bases"] += time.process_time() - started
        started = time.process_time()
        made = chromosome_tables(records.filter(pl.col("chrom") == chrom), held, IntronSettings())
        verdict = motif_verdict(made.introns, made.genes, held)
        strange += [verdict.text] if verdict.level in ("warn", "error") else []
        genes.append(made.genes)
        sites.append(made.splice_sites.select("chrom", "gene_id", "window_hash"))
        counts = {name: n + getattr(made, name).height for name, n in counts.items()}
        steps["tables"] += time.process_time() - started
    steps["split_units"] = -time.process_time()
    units = split_units(pl.concat(genes), pl.concat(sites))["unit"].n_unique()
    steps["split_units"] += time.process_time()
    if strange:
        raise SystemExit("\n".join(strange))
    rounded = {name: round(spent, 2) for name, spent in steps.items()}
    return {"steps": rounded, "parsing_seconds": round(parsing, 2), **counts, "split_units": units}


def register(fasta: Path) -> dict[str, Any]:
    """What `genome_fasta` does with a FASTA that it sees for the first time."""
    from builder_assets.genome.contigs import fasta_records
    from resources.reference_genome import ReferenceGenome

    reference = ReferenceGenome(fasta, fasta.parent / f"index_{os.getpid()}")
    started = time.perf_counter()
    reference.records()
    indexing = time.perf_counter() - started
    reference.validate()
    frame = fasta_records(reference.records(), reference.file_sha256(), "GRCh38")
    return {"records": frame.height, "indexing_seconds": round(indexing, 2)}


def htslib_index(fasta: Path) -> dict[str, Any]:
    """The peer of registering: `samtools faidx`, as pysam ships it."""
    import pysam

    pysam.faidx("--fai-idx", str(fasta.parent / f"peer_{os.getpid()}.fai"), str(fasta))
    return {}


def builder_build(gtf: Path, fasta: Path) -> dict[str, Any]:
    """`builder build` of the genome's tables in a project of its own; again; and without one gene of chromosome 21."""
    import gzip

    import yaml

    from builder_assets.coordinates import ASSEMBLY_LENGTHS
    from builder_assets.project.folder import create_project

    folder = fasta.parent / f"project_{os.getpid()}"
    create_project(folder)
    with gzip.open(gtf, "rb") as file:
        lines = file.read().splitlines(keepends=True)
    own = folder / "annotation.gtf"
    own.write_bytes(b"".join(lines))
    genome = {
        "assembly": "GRCh38",
        "fasta": str(fasta),
        "annotation": str(own),
        "chromosomes": [*ASSEMBLY_LENGTHS["GRCh38"]],
    }
    (folder / "builder.yaml").write_text(yaml.safe_dump({"genomes": {"grch38": genome}}), encoding="utf-8")
    command = [sys.executable, "-c", "from builder_assets.cli import main; main()", "build"]
    sites = folder / "data" / "grch38" / "splice_sites"

    def built() -> tuple[float, set[str]]:
        """Seconds, and the chromosomes whose sites were written."""
        before = {path.stem: path.stat().st_mtime_ns for path in sites.glob("*.parquet")}
        started = time.perf_counter()
        subprocess.run([*command, "--config", str(folder / "builder.yaml")], check=True, stdout=subprocess.DEVNULL)
        spent = time.perf_counter() - started
        after = {path.stem: path.stat().st_mtime_ns for path in sites.glob("*.parquet")}
        return round(spent, 2), {chrom for chrom, written in after.items() if before.get(chrom) != written}

    whole, made = built()
    again, remade = built()
    last = next(line for line in reversed(lines) if line.startswith(b"chr21\t"))
    gene = last.split(b'gene_id "')[1].split(b'"')[0]
    own.write_bytes(b"".join(line for line in lines if b'gene_id "' + gene + b'"' not in line))
    changed, rewritten = built()
    if (len(made), remade, rewritten) != (len(genome["chromosomes"]), set(), {"21"}):
        raise SystemExit(f"written: {sorted(made)}, then {sorted(remade)}, then {sorted(rewritten)}")
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    return {
        "build_seconds": whole,
        "nothing_to_do_seconds": again,
        "one_gene_of_chr21_gone_seconds": changed,
        "build_gigabytes": round(largest, 2),
    }


PARTS: dict[str, Callable[[Path, Path], dict[str, Any]]] = {
    "pure_functions": pure_functions,
    "register": lambda _, fasta: register(fasta),
    "htslib_index": lambda _, fasta: htslib_index(fasta),
    "builder_build": builder_build,
}


def in_own_process(part: str, gtf: Path, fasta: Path) -> dict[str, Any]:
    """One part, run by this file in a fresh interpreter."""
    command = [sys.executable, "-m", "benchmarks.genome_tables", str(gtf), str(fasta.parent), "--part", part]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def peer(python: str, name: str, gtf: Path, limit: float) -> dict[str, Any]:
    """A peer's parser in its own interpreter, given up after `limit` seconds."""
    code = (
        f"import time, resource, warnings; warnings.simplefilter('ignore'); PATH = {str(gtf)!r}\n"
        f"started, cpu = time.perf_counter(), time.process_time()\n{PEERS[name].strip()}\n"
        "spent, cpu = time.perf_counter() - started, time.process_time() - cpu\n"
        "import json; print(json.dumps({'seconds': round(spent, 2), 'cpu_seconds': round(cpu, 2), 'rows': rows, "
        "'gigabytes': round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2)}))"
    )
    try:
        done = subprocess.run([python, "-c", code], check=False, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return {"not_finished_after_seconds": round(limit)}
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Run the parts and write the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gtf", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--peers-python", default=sys.executable)
    parser.add_argument("--build", action="store_true")
    parser.add_argument("--part", choices=[*PARTS, "write_fasta"], help=argparse.SUPPRESS)
    asked = parser.parse_args()
    gtf, fasta = asked.gtf.resolve(), asked.folder.resolve() / FASTA
    if asked.part:
        work = write_fasta if asked.part == "write_fasta" else PARTS[asked.part]
        print(json.dumps(measured(lambda: work(gtf, fasta))))
        return
    asked.folder.mkdir(parents=True, exist_ok=True)
    if not fasta.is_file():
        in_own_process("write_fasta", gtf, fasta)
    load = os.getloadavg()[0]
    found: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load_at_start": round(load, 1)},
        **{part: in_own_process(part, gtf, fasta) for part in PARTS if part != "builder_build" or asked.build},
    }
    ours = found["pure_functions"]["seconds"]
    found |= {name: peer(asked.peers_python, name, gtf, limit=GOAL * ours) for name in PEERS}
    for name in PEERS:
        if "seconds" in found[name]:
            found[name]["times_pure_functions"] = round(found[name]["seconds"] / ours, 1)
            found[name]["times_parsing"] = round(found[name]["seconds"] / found["pure_functions"]["parsing_seconds"], 1)
    found["machine"]["load_at_end"] = round(os.getloadavg()[0], 1)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
