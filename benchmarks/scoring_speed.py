"""Bases per second of every way to score the same genes, peers in the same run.

    python -m benchmarks.scoring_speed --peer-python PYTHON [--max-bases 100000] [--json FILE]

Run in the repository's root. PYTHON is an interpreter with tensorflow, tf-keras, spliceai and torch; without it only
this project's engines run. On a machine with a GPU, JAX's rows are the GPU's. Bases per CPU-second are less disturbed
by other work on the machine than bases per second are.
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pysam

from builder_assets import demo
from builder_assets.base_model.architectures import architecture_of
from builder_assets.base_model.cpu_scoring import CpuScorer
from builder_assets.base_model.folding import folded_member
from builder_assets.base_model.network import PRECISION
from builder_assets.base_model.parity import largest_differences
from builder_assets.base_model.scoring import Scorer
from builder_assets.base_model.weights import EnsembleWeights, load_ensemble
from builder_assets.sequence import codes_of, reverse_complement
from resources.accelerator import configure_jax, usable_cores

PEERS = Path(__file__).parent / "peers"
FLOPS_PER_MAC = 2
RECORD = "22:20000001-21000000"


def demo_genes(max_bases: int) -> list[np.ndarray]:
    """Base codes of the demo's chr22 genes in the order of their ids, until `max_bases` are reached."""
    folder = Path(demo.__file__).parent
    with gzip.open(folder / "demo.gtf.gz", "rt") as lines:
        rows = [line.split("\t") for line in lines if not line.startswith("#")]
    spans: dict[str, tuple[int, int, str]] = {}
    for row in rows:
        if row[0] in ("22", "chr22"):
            gene = row[8].split('gene_id "')[1].split('"')[0]
            low, high, _ = spans.get(gene, (10**9, 0, ""))
            spans[gene] = min(low, int(row[3])), max(high, int(row[4])), row[6]
    with pysam.FastaFile(str(folder / "demo.fa.gz")) as reference:
        sequence = reference.fetch(RECORD)
    first = int(RECORD.split(":")[1].split("-")[0])
    genes, total = [], 0
    for _, (start, end, strand) in sorted(spans.items()):
        codes = codes_of(sequence[start - first : end - first + 1])
        if total + len(codes) <= max_bases:
            genes.append(codes if strand == "+" else reverse_complement(codes))
            total += len(codes)
    return genes


def timed(genes: list[np.ndarray], scorer: Any) -> dict[str, Any]:
    """Scores, seconds and CPU-seconds of one engine, compilation before the clock."""
    scorer.score(genes[0][:2000])
    if isinstance(scorer, Scorer):
        list(scorer.score_genes(genes))  # a program per tile length is compiled; the cache keeps them
    started = time.perf_counter(), time.process_time()
    scores = np.concatenate(list(scorer.score_genes(genes)))
    return {
        "scores": scores,
        "seconds": time.perf_counter() - started[0],
        "cpu_seconds": time.process_time() - started[1],
    }


def peer(python: str, script: str, *arguments: str) -> Callable[[Path], dict[str, Any]]:
    """A way to score that runs in another interpreter."""

    def run(genes_file: Path) -> dict[str, Any]:
        out = genes_file.with_name(f"{script}.npz")
        subprocess.run([python, str(PEERS / f"{script}.py"), str(genes_file), str(out), *arguments], check=True)
        found = np.load(out)
        return {name: found[name] if name == "scores" else float(found[name]) for name in found.files}

    return run


def write_genes(path: Path, genes: list[np.ndarray], ensemble: EnsembleWeights) -> None:
    """What the peers read: bases, and the folded weights."""
    architecture = ensemble.architecture
    arrays: dict[str, Any] = {
        "codes": np.concatenate(genes), "lengths": [len(codes) for codes in genes], "widths": architecture.widths,
        "dilations": architecture.dilations, "flank": architecture.flank, "slope": architecture.negative_slope,
        "members": len(ensemble.members),
    }  # fmt: skip
    for number, member in enumerate(ensemble.members):
        folded = folded_member(member, architecture)
        arrays |= {f"{number}/{name}": getattr(folded, name) for name in ("stem", "projections", "bias")}
        for place, unit in enumerate(folded.units):
            arrays |= {f"{number}/{place}/{name}": array for name, array in unit._asdict().items()}
    np.savez(path, **arrays)


def startup_seconds() -> float:
    """Seconds from the start of a process to the first score of a gene of 5,000 bases."""
    program = (
        "import numpy as np; from builder_assets.base_model.engines import scorer_of; "
        "from builder_assets.base_model.weights import load_ensemble; "
        "from builder_assets.base_model.architectures import architecture_of; "
        "scorer_of(load_ensemble(architecture_of('spliceai', 10000))).score(np.zeros(5000, np.uint8))"
    )
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    return time.perf_counter() - started


def measured_peak(dtype: str) -> float:
    """Operations per second of a product of two 2048 x 2048 matrices in JAX; the best of five."""
    square = jnp.ones((2048, 2048), dtype)
    product = jax.jit(lambda a: jnp.dot(a, a, precision=PRECISION, preferred_element_type=jnp.float32))
    product(square).block_until_ready()
    best = np.inf
    for _ in range(5):
        started = time.perf_counter()
        product(square).block_until_ready()
        best = min(best, time.perf_counter() - started)
    return 2 * 2048**3 / best


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", help="interpreter with the peers' packages")
    parser.add_argument("--max-bases", type=int, default=10**9, help="genes are taken until this many bases")
    parser.add_argument("--family", choices=("spliceai", "openspliceai"), default="spliceai")
    parser.add_argument("--weights", help="folder of the weights; needed for openspliceai")
    parser.add_argument("--context", type=int, default=10000)
    parser.add_argument("--json", type=Path, help="file to write")
    options = parser.parse_args()
    device = configure_jax(None)
    ensemble = load_ensemble(architecture_of(options.family, options.context), options.weights)
    genes = demo_genes(options.max_bases)
    n_bases = sum(map(len, genes))
    cores = usable_cores()
    ways: dict[str, Callable[[Path], dict[str, Any]]] = {}
    if options.peer_python:
        if options.family == "spliceai":
            ways["Keras, 5,000-base blocks, batch 1"] = peer(options.peer_python, "keras_blocks")
        for precision in ("float32", "bfloat16"):
            ways[f"PyTorch, long tiles, {precision}"] = peer(options.peer_python, "torch_tiles", precision)
    for precision in ("float32", "bfloat16"):
        ways[f"OpenVINO, {precision}"] = lambda _, p=precision: timed(genes, CpuScorer(ensemble, p, cores))
    ways[f"JAX on {jax.default_backend()}, float32"] = lambda _: timed(genes, Scorer(ensemble))
    if jax.default_backend() != "cpu":
        ways["JAX, bfloat16"] = lambda _: timed(genes, Scorer(ensemble, precision="bfloat16"))
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        genes_file = Path(folder) / "genes.npz"
        write_genes(genes_file, genes, ensemble)
        for name, score in ways.items():
            results[name] = score(genes_file)
            print(f"{name}: {n_bases / results[name]['seconds']:,.0f} bases/s", flush=True)
    rows = _rows(results, n_bases, ensemble)
    report = {
        "device": device, "genes": len(genes), "bases": n_bases, "startup_seconds": round(startup_seconds(), 1),
        "rows": rows,
    }  # fmt: skip
    _print(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _rows(results: dict[str, dict[str, Any]], n_bases: int, ensemble: EnsembleWeights) -> list[dict[str, Any]]:
    """One row per way; errors against the first way."""
    first = next(iter(results.values()))
    operations = FLOPS_PER_MAC * ensemble.architecture.macs_per_base() * len(ensemble.members)
    peaks = {dtype: measured_peak(dtype) for dtype in ("float32", "bfloat16")}
    rows = []
    for name, found in results.items():
        difference, logs = largest_differences(found["scores"], first["scores"])
        peak = peaks["bfloat16" if "bfloat16" in name else "float32"]
        rate = n_bases / found["seconds"]
        rows.append(
            {
                "way": name,
                "bases/s": round(rate),
                "bases/CPU-s": round(n_bases / found["cpu_seconds"]),
                "times the first": round(rate * first["seconds"] / n_bases, 2),
                "GFLOP/s": round(rate * operations / 1e9),
                "share of matrix peak": round(rate * operations / peak, 2),
                "max dp": float(f"{difference:.1e}"),
                "max dlnp": float(f"{logs:.1e}"),
                "calls changed": int(((found["scores"] >= 0.5) != (first["scores"] >= 0.5))[:, 1:].sum()),
            }
        )
    return rows


def _print(report: dict[str, Any]) -> None:
    names = list(report["rows"][0])
    print(f"\n{report['genes']} genes, {report['bases']:,} bases, {report['device']}; first score after "
          f"{report['startup_seconds']} s\n")  # fmt: skip
    print("| " + " | ".join(names) + " |\n|" + "---|" * len(names))
    for row in report["rows"]:
        print(
            "| "
            + " | ".join(f"{row[name]:,}" if isinstance(row[name], int) else str(row[name]) for name in names)
            + " |"
        )


if __name__ == "__main__":
    main()
