"""Training examples at scale: rows per second, peak memory, and a plain pandas and Counter peer for the k-mers.

    python benchmarks/examples.py rows [--kmers 3,6] [--genes 400]    one chromosome through stream and Parquet
    python benchmarks/examples.py peer                                 k-mers against pandas and Counter, same rows

The chromosome is made up: random bases, genes of 60 kb with a site every 1,000 bases, scores spread as the base models
spread them (nine of ten below 1e-5). Run on an idle machine; each prints one line of numbers.
"""

import argparse
import resource
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

from builder_assets import tables
from builder_assets.dataset.example_stream import ExampleInputs, ExampleStream
from builder_assets.dataset.kmers import kmer_counts_of_windows, kmer_names
from builder_assets.sequence import ChromosomeSequence, letters_of
from builder_assets.settings import EvaluationSettings, ExampleSettings, FeatureSettings, NegativeSettings
from resources.table_store import write_frames

GENE_LENGTH, GAP, SITE_EVERY = 60_000, 1_000, 1_000
RATE = 0.003  # share of bases that score above 0.01


def made_up_chromosome(n_genes: int) -> ExampleInputs:
    """Genes, sites, scores and bases of a chromosome, the same every time."""
    generator = np.random.Generator(np.random.PCG64(1))
    length = n_genes * (GENE_LENGTH + GAP) + GAP
    codes = generator.integers(0, 4, size=length, dtype=np.uint8)
    starts = np.arange(n_genes) * (GENE_LENGTH + GAP) + GAP
    ids = [f"G{number:06d}" for number in range(n_genes)]
    same = {"chrom": "1", "strand": "+", "gene_type": "protein_coding", "gene_name": None, "n_fraction": 0.0}
    spans = {"gene_id": ids, "start": starts, "end": starts + GENE_LENGTH - 1, "length": GENE_LENGTH}
    genes = pl.DataFrame(spans).with_columns(pl.lit(value).alias(name) for name, value in same.items())
    chosen = genes.with_columns(
        rank=pl.int_range(pl.len()), is_selected=True, reason=pl.lit("benchmark"), unit="gene_id",
        split=pl.lit("train"), fold=0, base_model_seen=False,
    )  # fmt: skip
    offsets = np.arange(SITE_EVERY // 2, GENE_LENGTH, SITE_EVERY)
    positions = (starts[:, None] + offsets).ravel()
    kinds = np.where(np.arange(len(positions)) % 2, "acceptor", "donor")
    sites = pl.DataFrame({"gene_id": np.repeat(ids, len(offsets)), "position": positions, "kind": kinds}).with_columns(
        chrom=pl.lit("1"), strand=pl.lit("+"), transcript_ids=pl.lit(["T"]), n_transcripts=1, any_canonical=True,
        any_basic=True, is_scorable=True, n_genes_sharing=1,
    )  # fmt: skip
    scores = _made_up_scores(generator, spans, offsets)
    sequence = ChromosomeSequence("1", 1, codes, ((1, length),))
    return ExampleInputs(chosen.select(tables.SELECTED_GENES.names), scores, sites, genes, sequence)


def _made_up_scores(generator: np.random.Generator, spans: dict, offsets: np.ndarray) -> pl.DataFrame:
    n = len(spans["gene_id"])
    tracks = {}
    for name in ("donor_scores", "acceptor_scores"):
        values = (10 ** generator.uniform(-8, -5, size=(n, GENE_LENGTH))).astype(np.float32)
        high = generator.random((n, GENE_LENGTH)) < RATE
        values[high] = (10 ** generator.uniform(-3, -1, size=int(high.sum()))).astype(np.float32)
        values[:, offsets[name.startswith("acceptor") :: 2]] = 0.9
        tracks[name] = pl.Series(values).cast(pl.List(pl.Float32))
    frame = pl.DataFrame(spans | tracks)
    return frame.with_columns(chrom=pl.lit("1"), strand=pl.lit("+"), fingerprint=pl.lit("f"), scored_by=pl.lit("none"))


def rows(kmers: tuple[int, ...], n_genes: int) -> None:
    """Time one chromosome from stored scores to a Parquet file."""
    inputs = made_up_chromosome(n_genes)
    settings = ExampleSettings(features=FeatureSettings(kmers=kmers), negatives=NegativeSettings())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    stream = ExampleStream(inputs, settings, EvaluationSettings())
    with tempfile.TemporaryDirectory() as folder:
        started, cpu = time.perf_counter(), time.process_time()
        write_frames(stream, stream.contract, {}, Path(folder) / "1.parquet")
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        size = (Path(folder) / "1.parquet").stat().st_size / 1e6
    n = int(stream.gene_counts["n_rows"].sum())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"kmers {list(kmers)}: {n:,} rows x {len(stream.contract.columns):,} columns of {n_genes} genes in "
        f"{seconds:.1f} s ({cpu:.1f} CPU s), {n / seconds:,.0f} rows/s, peak {peak:.2f} GB "
        f"(inputs {before:.2f}), file {size:,.0f} MB"
    )


def peer(n_rows: int = 20_000, k: int = 3) -> None:
    """K-mer columns against one Counter per row and a pandas frame of them, as the predecessor makes them."""
    codes = np.random.Generator(np.random.PCG64(2)).integers(0, 4, size=1_000_000, dtype=np.uint8)
    offsets = np.linspace(300, 999_000, n_rows).astype(np.int64)
    started = time.perf_counter()
    counts, _ = kmer_counts_of_windows(codes, offsets, 250, 250, k)
    ours = pl.from_numpy(counts, schema=kmer_names(k))
    seconds = time.perf_counter() - started
    texts = [letters_of(codes[offset - 250 : offset + 251]) for offset in offsets]
    started = time.perf_counter()
    counters = [Counter(text[i : i + k] for i in range(len(text) - k + 1)) for text in texts]
    theirs = pd.DataFrame([{f"{k}mer_{kmer}": n for kmer, n in counter.items()} for counter in counters]).fillna(0)
    peer_seconds = time.perf_counter() - started
    same = (theirs[ours.columns].to_numpy() == ours.to_numpy()).all()
    print(
        f"{n_rows:,} rows, k {k}: {seconds:.3f} s, pandas and Counter {peer_seconds:.1f} s, "
        f"{peer_seconds / seconds:.0f}x, equal: {bool(same)}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("rows", "peer"))
    parser.add_argument("--kmers", default="3")
    parser.add_argument("--genes", type=int, default=1000)
    arguments = parser.parse_args()
    if arguments.what == "rows":
        rows(tuple(int(k) for k in arguments.kmers.split(",")), arguments.genes)
    else:
        peer()
