"""Training examples at scale: a million rows from stored scores, and a plain pandas and Counter peer for the k-mers.

    python -m benchmarks.examples FOLDER [--chromosomes 4] [--genes 600]

FOLDER gets made-up chromosomes (about 1.3 GB) and the examples (about 1.5 GB), and is left to the user to delete; the
numbers go to benchmarks/results/examples.json. Every part runs in a process of its own, so that its largest memory is
its own; chromosomes follow each other in one process, as in a build.

Made up are random bases, genes of 60 kb on both strands with a site every 1,000 bases, and scores spread as the base
models spread them (nine of ten below 1e-5): 7 examples per 1,000 bases, where real genes have 4.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "examples.json"
GENE_LENGTH, GAP, SITE_EVERY = 60_000, 1_000, 1_000
RATE = 0.003  # share of bases that score above 0.001
GENES_AT_ONCE = 50
PEER_ROWS = 100_000
FLANK = 250


def write_inputs(folder: Path, chromosomes: int, n_genes: int) -> dict[str, Any]:
    """Genes, sites, bases and stored scores of every chromosome, the same every time."""
    import numpy as np
    import polars as pl

    from builder_assets import tables
    from resources.table_files import write_frames

    for number in range(1, chromosomes + 1):
        own = folder / str(number)
        own.mkdir(parents=True, exist_ok=True)
        generator = np.random.Generator(np.random.PCG64(number))
        length = n_genes * (GENE_LENGTH + GAP) + GAP
        np.save(own / "codes.npy", generator.integers(0, 4, size=length, dtype=np.uint8))
        starts = np.arange(n_genes) * (GENE_LENGTH + GAP) + GAP
        ends = starts + GENE_LENGTH - 1
        forward = np.arange(n_genes) % 2 == 0
        ids = [f"G{number:02d}{gene:06d}" for gene in range(n_genes)]
        spans = {"gene_id": ids, "strand": np.where(forward, "+", "-"), "start": starts, "end": ends}
        genes = pl.DataFrame(spans | {"length": np.full(n_genes, GENE_LENGTH)}).with_columns(chrom=pl.lit(str(number)))
        known = {"gene_type": "protein_coding", "gene_name": None, "n_fraction": 0.0}
        genes.with_columns(pl.lit(value).alias(name) for name, value in known.items()).write_parquet(
            own / "genes.parquet"
        )
        chosen = genes.with_columns(
            rank=pl.int_range(pl.len()), is_selected=True, reason=pl.lit("benchmark"), unit="gene_id",
            gene_type=pl.lit("protein_coding"), gene_name=pl.lit(None),
            split=pl.lit("train"), fold=0, base_model_seen=False,
        )  # fmt: skip
        tables.SELECTED_GENES.conform(chosen).write_parquet(own / "selected.parquet")
        offsets = np.arange(SITE_EVERY // 2, GENE_LENGTH, SITE_EVERY)
        positions = np.where(forward[:, None], starts[:, None] + offsets, ends[:, None] - offsets)
        sites = pl.DataFrame(
            {
                "gene_id": np.repeat(ids, len(offsets)),
                "strand": np.repeat(spans["strand"], len(offsets)),
                "position": positions.ravel(),
                "kind": np.tile(np.where(np.arange(len(offsets)) % 2, "acceptor", "donor"), n_genes),
            }
        )
        sites.with_columns(
            chrom=pl.lit(str(number)), transcript_ids=pl.lit(["T"]), n_transcripts=1, any_canonical=True,
            any_basic=True, is_scorable=True, n_genes_sharing=1,
        ).write_parquet(own / "sites.parquet")  # fmt: skip
        frames = _scores(generator, genes, offsets)
        write_frames(frames, tables.SPLICE_SCORES, {"inputs": {}}, own / "scores.parquet")
    return {"bases": chromosomes * n_genes * GENE_LENGTH}


def _scores(generator: Any, genes: Any, offsets: Any) -> Iterator[Any]:
    """SPLICE_SCORES of one chromosome, some genes at a time."""
    import numpy as np
    import polars as pl

    from builder_assets import tables

    for part in genes.iter_slices(GENES_AT_ONCE):
        size = (part.height, GENE_LENGTH)
        tracks = {}
        for first, name in enumerate(("donor_scores", "acceptor_scores")):
            values = (10 ** generator.uniform(-8, -5, size=size)).astype(np.float32)
            high = generator.random(size) < RATE
            values[high] = (10 ** generator.uniform(-3, -1, size=int(high.sum()))).astype(np.float32)
            values[:, offsets[first::2]] = 0.9
            tracks[name] = pl.Series(values).cast(pl.List(pl.Float32))
        texts = {"fingerprint": pl.lit("f"), "scored_by": pl.lit("none")}
        yield tables.SPLICE_SCORES.conform(part.with_columns(**texts, **tracks))


def examples(folder: Path, kmers: tuple[int, ...]) -> dict[str, Any]:
    """Examples of all chromosomes, from stored scores to finished Parquet, every hard rule checked."""
    import numpy as np
    import polars as pl

    from builder_assets.dataset.example_stream import ExampleInputs, ExampleStream
    from builder_assets.sequence import ChromosomeSequence
    from builder_assets.settings import EvaluationSettings, ExampleSettings, FeatureSettings, NegativeSettings
    from resources.table_files import scan, write_frames

    settings = ExampleSettings(features=FeatureSettings(kmers=kmers), negatives=NegativeSettings())
    n, columns, size = 0, 0, 0
    for own in _chromosome_folders(folder):
        codes = np.load(own / "codes.npy")
        frames = [pl.read_parquet(own / f"{name}.parquet") for name in ("sites", "genes")]
        inputs = ExampleInputs(
            pl.read_parquet(own / "selected.parquet"),
            scan(own / "scores.parquet").collect(),
            *frames,
            ChromosomeSequence(own.name, 1, codes, ((1, len(codes)),)),
        )
        stream = ExampleStream(inputs, settings, EvaluationSettings())
        target = _examples_file(own, kmers)
        write_frames(stream, stream.contract, {}, target)
        n += int(stream.gene_counts["n_rows"].sum())
        columns, size = len(stream.contract.columns), size + target.stat().st_size
    return {"rows": n, "columns": columns, "file_gigabytes": round(size / 1e9, 2)}


def checks(folder: Path, kmers: tuple[int, ...]) -> dict[str, Any]:
    """What is asked of the finished rows before the card is written: the leakage probe and the summary of features."""
    from builder_assets.dataset.card.feature_summary import feature_summary
    from builder_assets.dataset.columns import training_examples_contract
    from builder_assets.dataset.leakage_probe import leakage_probe
    from builder_assets.settings import FeatureSettings
    from resources.table_files import scan

    features = FeatureSettings(kmers=kmers)
    contract = training_examples_contract(features)
    parts = [scan(_examples_file(own, kmers)) for own in _chromosome_folders(folder)]
    started = time.perf_counter()
    questions = leakage_probe(parts, contract, features).height
    probed = time.perf_counter() - started
    return {
        "questions": questions,
        "summarised": feature_summary(parts, contract, kmers).height,
        "probe_seconds": round(probed, 1),
    }


def peer(folder: Path, k: int) -> dict[str, Any]:
    """The k-mer columns of stored rows, made by us and with one Counter per row and a pandas frame of them.

    Seconds of processor time: both run on one core, and other work on the machine changes it least.
    """
    import numpy as np
    import pandas as pd
    import polars as pl

    from builder_assets.dataset.features.kmers import kmer_counts_of_windows, kmer_names
    from builder_assets.sequence import ChromosomeSequence, letters_of

    own = _chromosome_folders(folder)[0]
    codes = np.load(own / "codes.npy")
    sequence = ChromosomeSequence(own.name, 1, codes, ((1, len(codes)),))
    stored = pl.scan_parquet(_examples_file(own, (k,))).select("gene_id", "offset", *kmer_names(k))
    stored = stored.head(PEER_ROWS).collect()
    genes = pl.read_parquet(own / "genes.parquet").select("gene_id", "start", "end", "strand").rows_by_key("gene_id")
    parts = [
        (sequence.transcribed(*genes[part["gene_id"][0]][0]), part["offset"].to_numpy())
        for part in stored.partition_by("gene_id", maintain_order=True)
    ]
    started = time.process_time()
    counts = np.concatenate([kmer_counts_of_windows(bases, offsets, FLANK, FLANK, k)[0] for bases, offsets in parts])
    ours = pl.from_numpy(np.asfortranarray(counts), schema=kmer_names(k))
    seconds = time.process_time() - started
    texts = [
        letters_of(bases[max(0, offset - FLANK) : offset + FLANK + 1]) for bases, offsets in parts for offset in offsets
    ]
    started = time.process_time()
    counters = [Counter(text[i : i + k] for i in range(len(text) - k + 1)) for text in texts]
    theirs = pd.DataFrame([{f"{k}mer_{kmer}": n for kmer, n in counter.items()} for counter in counters]).fillna(0)
    peer_seconds = time.process_time() - started
    same = bool((theirs[ours.columns].to_numpy() == ours.to_numpy()).all())
    if not same or not ours.equals(stored.select(ours.columns)):
        raise SystemExit("the k-mers of the peer, ours and the stored ones differ")
    return {
        "k": k,
        "peer_rows": ours.height,
        "our_cpu_seconds": round(seconds, 3),
        "pandas_counter_cpu_seconds": round(peer_seconds, 2),
        "times_as_fast": round(peer_seconds / seconds, 1),
    }


def _chromosome_folders(folder: Path) -> list[Path]:
    return sorted((path for path in folder.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))


def _examples_file(own: Path, kmers: tuple[int, ...]) -> Path:
    return own / f"examples_{'_'.join(map(str, kmers))}.parquet"


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "write_inputs": lambda asked: write_inputs(asked.folder, asked.chromosomes, asked.genes),
    "kmers_3": lambda asked: examples(asked.folder, (3,)),
    "peer_of_3mers": lambda asked: peer(asked.folder, 3),
    "checks_of_3mers": lambda asked: checks(asked.folder, (3,)),
    "kmers_3_6": lambda asked: examples(asked.folder, (3, 6)),
    "checks_of_3_and_6mers": lambda asked: checks(asked.folder, (3, 6)),
}


def measured(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `work` counted, with seconds and largest memory (GB) of this process; loading modules is not timed."""
    import resources.table_store  # noqa: F401

    started, cpu = time.perf_counter(), time.process_time()
    counted = work()
    seconds = time.perf_counter() - started
    rate = {"rows_per_second": round(counted["rows"] / seconds)} if "rows" in counted else {}
    return {
        **counted,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        **rate,
        "gigabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
    }


def main() -> None:
    """Run the parts and write the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--chromosomes", type=int, default=4)
    parser.add_argument("--genes", type=int, default=600, help="per chromosome")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part:
        print(json.dumps(measured(lambda: PARTS[asked.part](asked))))
        return
    found: dict[str, Any] = {"machine": {"cores": os.cpu_count(), "python": platform.python_version()}}
    for part in PARTS:
        load = round(os.getloadavg()[0], 1)
        command = [sys.executable, "-m", "benchmarks.examples", *sys.argv[1:], "--part", part]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found[part] = json.loads(done.stdout.splitlines()[-1]) | {"load_before": load}
        print(part, found[part], flush=True)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
