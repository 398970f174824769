"""Speed of the SpliceAI-10k ensemble on the demo's genes of chr22:20-21M, beside its peers, in one run.

    python -m benchmarks.scoring [--tensorflow PYTHON] [--torch PYTHON] [--sets short]

PYTHON names an interpreter that has the peer; without one, that peer is left out. Both want other versions of packages
than Dagster does, so they live apart:

    python -m venv peers && peers/bin/pip install tensorflow==2.21.0 tf_keras==2.21.0 torch==2.13.0
    peers/bin/pip install --no-deps spliceai==1.3.1

Every engine runs in a process of its own, one after the other. The table is
printed and written to benchmarks/results/scoring.json: bases per second, ratio to the TensorFlow peer, share of the
arithmetic floor (published multiplications at the measured speed of a large product: what saves multiplications can
exceed it), and errors against the peer that runs the published models.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "results" / "scoring.json"
FOLDER = Path(__file__).parent
SHORT = 10_000  # bases of a short gene; most human genes that are no protein's are shorter
OWN, PUBLISHED = "this project", "TensorFlow, blocks of 5,000"


def written_genes(path: Path, sets: list[str]) -> dict[str, int]:
    """Genes, base codes and folded weights for all engines; gives the number of bases of each set."""
    import polars as pl

    from builder_assets import demo
    from builder_assets.base_model.architectures import architecture_of
    from builder_assets.base_model.folding import folded_member
    from builder_assets.base_model.weights import load_ensemble
    from builder_assets.genome.annotation_records import records_from_annotation
    from builder_assets.genome.contigs import chromosome_sequence, contig_of
    from resources.annotation_file import read_annotation
    from resources.reference_genome import ReferenceGenome

    records = records_from_annotation(read_annotation(demo.ANNOTATION), "GRCh37")
    genes = records.filter((pl.col("chrom") == "22") & (pl.col("feature") == "gene")).sort("gene_id")
    reference = ReferenceGenome(demo.FASTA, path.parent)
    sequence = chromosome_sequence(reference, contig_of(reference, "22", "GRCh37", ()), "GRCh37")
    codes = {
        gene_id: sequence.transcribed(start, end, strand)
        for gene_id, start, end, strand in genes.select("gene_id", "start", "end", "strand").iter_rows()
    }
    chosen = {
        "short": [gene for gene in codes if len(codes[gene]) < SHORT],
        "long": [gene for gene in codes if len(codes[gene]) >= SHORT],
    }
    arrays: dict[str, Any] = {f"gene/{gene}": bases for gene, bases in codes.items()}
    arrays |= {f"{name}/genes": np.array(chosen[name]) for name in sets}
    ensemble = load_ensemble(architecture_of("spliceai", 10_000))
    for number, member in enumerate(ensemble.members):
        folded = folded_member(member, ensemble.architecture)
        start = f"member/{number}/"
        arrays |= {f"{start}{name}": getattr(folded, name) for name in ("stem", "projections", "bias")}
        for unit, part in enumerate(folded.units):
            arrays |= {f"{start}{unit}/{name}": array for name, array in part._asdict().items()}
    np.savez(
        path, sets=np.array(sets), dilations=ensemble.architecture.dilations, n_members=len(ensemble.members), **arrays
    )
    return {name: sum(len(codes[gene]) for gene in chosen[name]) for name in sets}


def score_here(genes: Path, output: Path) -> None:
    """This project's engine, in its own process: scores and seconds, programs compiled before."""
    from builder_assets.base_model.architectures import architecture_of
    from builder_assets.base_model.scoring import TILE_LENGTHS, Scorer
    from builder_assets.base_model.weights import load_ensemble
    from resources.accelerator import configure_jax, peak_memory_mb

    device = configure_jax(None)
    scorer = Scorer(load_ensemble(architecture_of("spliceai", 10_000)))
    started = time.perf_counter()
    for length in TILE_LENGTHS if not device.startswith("cpu") else (100,):
        scorer.score(np.zeros(length, np.uint8))
    found: dict[str, Any] = {"compile_seconds": time.perf_counter() - started}
    given = np.load(genes)
    for name in given["sets"]:
        chosen = given[f"{name}/genes"].tolist()
        started, cpu = time.perf_counter(), time.process_time()
        tracks = list(scorer.score_genes([given[f"gene/{gene}"] for gene in chosen]))
        found[f"seconds/{name}"] = time.perf_counter() - started
        found[f"cpu_seconds/{name}"] = time.process_time() - cpu
        found |= {f"gene/{gene}": track for gene, track in zip(chosen, tracks, strict=True)}
    np.savez(output, version=device, peak_memory_mb=peak_memory_mb(), **found)


def first_score(cache: Path) -> None:
    """What a fresh process does before its first score."""
    from builder_assets.base_model.architectures import architecture_of
    from builder_assets.base_model.scoring import Scorer
    from builder_assets.base_model.weights import load_ensemble
    from resources.accelerator import configure_jax

    configure_jax(cache)
    Scorer(load_ensemble(architecture_of("spliceai", 10_000))).score(np.zeros(1_000, np.uint8))


def peak_gflops() -> float:
    """Billions of float32 operations per second in a product of 2,048 x 2,048 matrices, all cores."""
    import jax
    import jax.numpy as jnp

    size = 2_048
    product = jax.jit(lambda left, right: jnp.dot(left, right, precision="highest"))
    matrix = jnp.ones((size, size), jnp.float32)
    seconds = []
    for _ in range(6):
        started = time.perf_counter()
        product(matrix, matrix).block_until_ready()
        seconds.append(time.perf_counter() - started)
    return 2 * size**3 / min(seconds) / 1e9


def errors_against(expected: Any, found: Any) -> dict[str, float]:
    """Largest differences of probabilities, and of their logarithms from 1e-9 up; calls at 0.5 that differ."""
    names = [name for name in expected.files if name.startswith("gene/")]
    published = np.concatenate([expected[name] for name in names]).astype(np.float64)
    scores = np.concatenate([found[name] for name in names]).astype(np.float64)
    compared = published >= 1e-9
    with np.errstate(divide="ignore"):
        logs = np.abs(np.log(scores[compared]) - np.log(published[compared]))
    return {
        "max_difference": float(np.abs(scores - published).max()),
        "max_log_difference": float(logs.max()),
        "call_flips": int(((scores >= 0.5) != (published >= 0.5))[:, 1:].sum()),
    }


def main() -> None:
    """Run all engines, print the table, write the results."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tensorflow", metavar="PYTHON", help="an interpreter with tensorflow, tf_keras and spliceai")
    parser.add_argument("--torch", metavar="PYTHON", help="an interpreter with torch")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--sets", nargs="+", choices=["short", "long"], default=["short", "long"])
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        run = {"here": lambda a, b: score_here(Path(a), Path(b)), "first": lambda a: first_score(Path(a))}
        run[options.part[0]](*options.part[1:])
        return
    here = [sys.executable, "-m", "benchmarks.scoring", "--part"]
    engines = {OWN: [*here, "here", "GENES", "OUTPUT"]}
    if options.torch:
        script = [options.torch, str(FOLDER / "scoring_torch.py"), "GENES", "OUTPUT"]
        engines |= {f"PyTorch, long tiles, {kind}": [*script, kind] for kind in ("float32", "bfloat16")}
    if options.tensorflow:
        engines[PUBLISHED] = [options.tensorflow, str(FOLDER / "scoring_tensorflow.py"), "GENES", "OUTPUT"]
    with tempfile.TemporaryDirectory() as folder:
        results = measured(Path(folder), engines, options.sets)
        started = [_seconds([*here, "first", str(Path(folder, "cache"))]) for _ in range(2)]
    results["first_score_seconds"] = {"nothing_cached": started[0], "programs_cached": started[1]}
    print(table_of(results))
    options.output.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def measured(folder: Path, engines: dict[str, list[str]], sets: list[str]) -> dict[str, Any]:
    """Numbers of all engines."""
    from builder_assets.base_model.architectures import architecture_of

    genes = folder / "genes.npz"
    bases = written_genes(genes, sets)
    load = [os.getloadavg()[0]]
    outputs = {}
    for number, (name, command) in enumerate(engines.items()):
        output = folder / f"{number}.npz"
        _seconds([{"GENES": str(genes), "OUTPUT": str(output)}.get(word, word) for word in command])
        outputs[name] = np.load(output)
        load.append(os.getloadavg()[0])
    gflops = peak_gflops()
    floor = gflops * 1e9 / (2 * 5 * architecture_of("spliceai", 10_000).macs_per_base())
    published = outputs.get(PUBLISHED)
    rows = {}
    for name, output in outputs.items():
        seconds = {kind: float(output[f"seconds/{kind}"]) for kind in sets}
        rates = {kind: bases[kind] / seconds[kind] for kind in sets}
        rates["all"] = sum(bases.values()) / sum(seconds.values())
        rows[name] = {
            "version": str(output["version"]),
            "bases_per_second": rates,
            "bases_per_cpu_second": sum(bases.values()) / sum(float(output[f"cpu_seconds/{kind}"]) for kind in sets),
            "share_of_floor": rates["all"] / floor,
        }
        rows[name] |= {key: float(output[key]) for key in ("compile_seconds", "peak_memory_mb") if key in output.files}
        if published is not None:
            rows[name] |= errors_against(published, output)
    accelerator = "run on it" if not rows[OWN]["version"].startswith("cpu") else "none here: not run"
    return {
        "bases": bases,
        "load_after_each": load,
        "accelerator": accelerator,
        "peak_gflops": gflops,
        "floor_bases_per_second": floor,
        "engines": rows,
    }


def table_of(results: dict[str, Any]) -> str:
    """The results for people."""
    kinds = [*results["bases"], "all"]
    published = results["engines"].get(PUBLISHED)
    errors = "    |dp| |dlnp| flips" if published else ""
    lines = [f"{'bases/s':34}" + "".join(f"{kind:>10}" for kind in kinds) + " per CPU-s   ratio   floor" + errors]
    for name, row in results["engines"].items():
        rates = row["bases_per_second"]
        line = f"{name:34}" + "".join(f"{rates[kind]:10,.0f}" for kind in kinds)
        line += f"{row['bases_per_cpu_second']:10,.0f}"
        line += f"{rates['all'] / published['bases_per_second']['all']:8.1f}" if published else " " * 8
        line += f"{row['share_of_floor']:8.0%}"
        if published:
            line += f" {row['max_difference']:.1e} {row['max_log_difference']:.1e} {row['call_flips']:5}"
        lines.append(line)
    first, loads = results["first_score_seconds"], [f"{load:.1f}" for load in results["load_after_each"]]
    lines.append(
        f"first score {first['programs_cached']:.1f} s after the start, {first['nothing_cached']:.1f} uncached"
    )
    lines.append(f"accelerator: {results['accelerator']}; load before and after each engine: {', '.join(loads)}")
    return "\n".join(lines)


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
