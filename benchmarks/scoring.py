"""Speed of the SpliceAI-10k and OpenSpliceAI-10k ensembles on the demo's genes of chr22:20-21M, beside their peers.

    python -m benchmarks.scoring [--tensorflow PYTHON] [--torch PYTHON] [--openspliceai FOLDER] [--sets short]

PYTHON names an interpreter that has the peer; without one, that peer is left out. FOLDER holds the five .pt files of
OpenSpliceAI MANE-10k. Peers want other versions of packages than Dagster does, so they live apart:

    python -m venv peers && peers/bin/pip install tensorflow==2.21.0 tf_keras==2.21.0 torch openspliceai==0.0.5
    peers/bin/pip install --no-deps spliceai==1.3.1

Every engine runs in a process of its own, one after the other, on whatever device its library finds. The table is
printed and written to benchmarks/results/scoring.json: bases per second, ratio to the peer that runs the published
models, errors against it, and the share of the arithmetic floor (published multiplications at the measured speed of a
large product: what saves multiplications can exceed it) by the clock and per CPU-second.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

RESULTS = Path(__file__).parent / "results" / "scoring.json"
FOLDER = Path(__file__).parent
SHORT = 10_000  # bases of a short gene; most human genes that are no protein's are shorter
BLOCK = "blocks of 5,000"


class Engine(NamedTuple):
    """What computes scores: a command, and whose published models it runs.

    Attributes:
        command: Words; GENES and OUTPUT stand for the files.
        published: Name of the engine that it is compared with.
        n_members: Of the ensemble.
        is_own: This project's.
    """

    command: list[str]
    published: str
    n_members: int = 5
    is_own: bool = False


def written_genes(path: Path, sets: list[str], long_genes: int | None = None) -> dict[str, int]:
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
        "long": [gene for gene in codes if len(codes[gene]) >= SHORT][:long_genes],
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


def score_here(genes: Path, output: Path, precision: str, family: str, n_members: int, weights: str | None) -> None:
    """This project's engine, in its own process: scores and seconds, programs compiled before."""
    from builder_assets.base_model.architectures import architecture_of
    from builder_assets.base_model.scoring import TILE_LENGTHS, Scorer
    from builder_assets.base_model.weights import load_ensemble
    from resources.accelerator import configure_jax, peak_memory_mb

    device = configure_jax(None)
    ensemble = load_ensemble(architecture_of(family, 10_000), weights)
    scorer = Scorer(replace(ensemble, members=ensemble.members[:n_members]), precision=precision)
    started = time.perf_counter()
    for length in TILE_LENGTHS if not device.startswith("cpu") else (100,):
        scorer.score(np.zeros(length, np.uint8))
    found: dict[str, Any] = {"compile_seconds": time.perf_counter() - started}
    given, done = np.load(genes), []
    for name in given["sets"]:
        chosen = given[f"{name}/genes"].tolist()
        started, cpu = time.perf_counter(), time.process_time()
        codes = [given[f"gene/{gene}"] for gene in chosen]
        tracks = list(scorer.score_genes(codes, lambda *counts: done.append(counts)))
        found[f"seconds/{name}"] = time.perf_counter() - started
        found[f"cpu_seconds/{name}"] = time.process_time() - cpu
        found |= {f"gene/{gene}": track for gene, track in zip(chosen, tracks, strict=True)}
    found["padding_share"] = 1 - sum(bases for bases, _ in done) / sum(computed for _, computed in done)
    np.savez(output, version=device, peak_memory_mb=peak_memory_mb(), **found)


def first_score(cache: Path) -> None:
    """What a fresh process does before its first score."""
    from builder_assets.base_model.architectures import architecture_of
    from builder_assets.base_model.scoring import Scorer
    from builder_assets.base_model.weights import load_ensemble
    from resources.accelerator import configure_jax

    configure_jax(cache)
    Scorer(load_ensemble(architecture_of("spliceai", 10_000))).score(np.zeros(1_000, np.uint8))


def peaks() -> dict[str, float]:
    """What the machine can do now, on the device that JAX finds: all cores of it, and per CPU-second.

    Billions of operations per second in a product of 2,048 x 2,048 matrices, in float32 and in bfloat16; and billions
    of bytes per second, read and written, in a sum of two arrays.
    """
    import jax
    import jax.numpy as jnp

    size, length = 2_048, 2**26
    product = jax.jit(lambda left, right: jnp.dot(left, right, precision="highest", preferred_element_type=jnp.float32))
    matrices = {name: jnp.ones((size, size), name) for name in ("float32", "bfloat16")}
    found = {}
    for name, matrix in matrices.items():
        seconds, cpu = _least(product, matrix, matrix)
        found |= {f"{name}_gflops": 2 * size**3 / seconds / 1e9, f"{name}_gflops_per_cpu": 2 * size**3 / cpu / 1e9}
    array = jnp.ones(length, jnp.float32)
    seconds, _ = _least(jax.jit(jnp.add), array, array)
    return found | {"gigabytes_per_second": 3 * array.nbytes / seconds / 1e9}


def _least(function: Any, *given: Any) -> tuple[float, float]:
    """Fewest seconds, and fewest CPU-seconds, of some calls."""
    times = []
    for _ in range(6):
        started, cpu = time.perf_counter(), time.process_time()
        function(*given).block_until_ready()
        times.append((time.perf_counter() - started, time.process_time() - cpu))
    seconds, cpu_seconds = zip(*times[1:], strict=True)
    return min(seconds), min(cpu_seconds)


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
    parser.add_argument("--openspliceai", metavar="FOLDER", help="the five .pt files of MANE-10k")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--sets", nargs="+", choices=["short", "long"], default=["short", "long"])
    parser.add_argument("--long-genes", type=int, metavar="N", help="the first N long genes only, where time is short")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.openspliceai and not list(Path(options.openspliceai).glob("*.pt")):
        parser.error(f"no .pt files in {options.openspliceai}; a folder of one context is meant, such as 10000nt")
    if options.part:
        if options.part[0] == "first":
            first_score(Path(options.part[1]))
        else:
            _, genes, output, precision, family, n_members, *weights = options.part
            score_here(Path(genes), Path(output), precision, family, int(n_members), weights[0] if weights else None)
        return
    here = [sys.executable, "-m", "benchmarks.scoring", "--part"]
    engines = engines_of(here, options.tensorflow, options.torch, options.openspliceai)
    with tempfile.TemporaryDirectory() as folder:
        results = measured(Path(folder), engines, options.sets, options.long_genes)
        started = [_seconds([*here, "first", str(Path(folder, "cache"))]) for _ in range(2)]
    results["first_score_seconds"] = {"nothing_cached": started[0], "programs_cached": started[1]}
    print(table_of(results))
    options.output.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def engines_of(
    here: list[str], tensorflow: str | None, torch: str | None, openspliceai: str | None
) -> dict[str, Engine]:
    """All engines by name, in the order in which they run."""
    published = f"SpliceAI: TensorFlow, {BLOCK}"
    engines = {}
    for precision in ("float32", "bfloat16"):
        own = [*here, "here", "GENES", "OUTPUT", precision, "spliceai", "5"]
        engines[f"SpliceAI: this project, {precision}"] = Engine(own, published, is_own=True)
    if torch:
        script = [torch, str(FOLDER / "scoring_torch.py"), "GENES", "OUTPUT"]
        for precision in ("float32", "bfloat16"):
            engines[f"SpliceAI: PyTorch, long tiles, {precision}"] = Engine([*script, precision], published)
    if tensorflow:
        script = str(FOLDER / "scoring_tensorflow.py")
        engines[published] = Engine([tensorflow, script, "GENES", "OUTPUT"], published)
    if openspliceai:
        files = sorted(map(str, Path(openspliceai).resolve().glob("*.pt")))
        for n_members in (1, 5):
            title = f"OpenSpliceAI x{n_members}"
            peer = f"{title}: its predict, {BLOCK}"
            own = [*here, "here", "GENES", "OUTPUT", "float32", "openspliceai", str(n_members), openspliceai]
            engines[f"{title}: this project, float32"] = Engine(own, peer, n_members, is_own=True)
            if torch:
                script = [torch, str(FOLDER / "scoring_openspliceai.py"), "GENES", "OUTPUT"]
                engines[peer] = Engine([*script, *files[:n_members]], peer, n_members)
    return engines


def measured(folder: Path, engines: dict[str, Engine], sets: list[str], long_genes: int | None) -> dict[str, Any]:
    """Numbers of all engines."""
    from builder_assets.base_model.architectures import architecture_of

    genes = folder / "genes.npz"
    bases = written_genes(genes, sets, long_genes)
    load = [os.getloadavg()[0]]
    outputs = {}
    for number, (name, engine) in enumerate(engines.items()):
        output = folder / f"{number}.npz"
        _seconds([{"GENES": str(genes), "OUTPUT": str(output)}.get(word, word) for word in engine.command])
        outputs[name] = np.load(output)
        load.append(os.getloadavg()[0])
    peak = peaks()
    macs = architecture_of("spliceai", 10_000).macs_per_base()  # OpenSpliceAI's is the same drawing
    rows = {}
    for name, output in outputs.items():
        engine = engines[name]
        seconds = {kind: float(output[f"seconds/{kind}"]) for kind in sets}
        rates = {kind: bases[kind] / seconds[kind] for kind in sets}
        rates["all"] = sum(bases.values()) / sum(seconds.values())
        per_cpu = sum(bases.values()) / sum(float(output[f"cpu_seconds/{kind}"]) for kind in sets)
        operations = 2 * macs * engine.n_members
        rows[name] = {
            "version": str(output["version"]),
            "bases_per_second": rates,
            "bases_per_cpu_second": per_cpu,
            "share_of_floor": rates["all"] * operations / peak["float32_gflops"] / 1e9,
            "share_of_floor_per_cpu_second": per_cpu * operations / peak["float32_gflops_per_cpu"] / 1e9,
        }
        more = ("compile_seconds", "peak_memory_mb", "padding_share")
        rows[name] |= {key: float(output[key]) for key in more if key in output.files}
        if engine.published in outputs:
            rows[name] |= errors_against(outputs[engine.published], output)
    for name, row in rows.items():
        if peer := rows.get(engines[name].published):
            row["ratio"] = row["bases_per_second"]["all"] / peer["bases_per_second"]["all"]
            row["ratio_per_cpu_second"] = row["bases_per_cpu_second"] / peer["bases_per_cpu_second"]
    own = next(name for name, engine in engines.items() if engine.is_own)
    accelerator = "run on it" if not rows[own]["version"].startswith("cpu") else "none here: not run"
    return {
        "processor": processor(),
        "bases": bases,
        "load_after_each": load,
        "accelerator": accelerator,
        "peak": peak,
        # Every convolution reads and writes its track of 32 float32 once.
        "bandwidth_floor_bases_per_second": peak["gigabytes_per_second"] * 1e9 / (5 * 32 * 2 * 32 * 4),
        "engines": rows,
    }


def processor() -> str:
    """Name of the processor, where the system says."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown")


def table_of(results: dict[str, Any]) -> str:
    """The results for people."""
    kinds = [*results["bases"], "all"]
    heads = "".join(f"{kind:>10}" for kind in kinds)
    lines = [f"{'bases/s':42}{heads}  per CPU-s   ratio  (CPU-s)   floor  (CPU-s)    |dp| |dlnp| flips"]
    for name, row in results["engines"].items():
        rates = row["bases_per_second"]
        line = f"{name:42}" + "".join(f"{rates[kind]:10,.0f}" for kind in kinds)
        line += f"{row['bases_per_cpu_second']:11,.0f}"
        line += f"{row['ratio']:8.1f}{row['ratio_per_cpu_second']:9.1f}" if "ratio" in row else " " * 17
        line += f"{row['share_of_floor']:8.0%}{row['share_of_floor_per_cpu_second']:9.0%}"
        if "max_difference" in row:
            line += f" {row['max_difference']:.1e} {row['max_log_difference']:.1e} {row['call_flips']:5}"
        lines.append(line)
    peak = results["peak"]
    lines.append(
        f"{results['processor']}: float32 {peak['float32_gflops']:.0f} GFLOP/s, "
        f"bfloat16 {peak['bfloat16_gflops']:.0f}, memory {peak['gigabytes_per_second']:.0f} GB/s"
    )
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
