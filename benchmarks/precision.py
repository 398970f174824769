"""What a faster precision costs: every base of real genes scored in float32 and in another, compared.

    python -m benchmarks.precision [--shared FOLDER] [--precision bfloat16]

Genes: all of the demo's two stretches (GENCODE, chr22 and chrY of GRCh37) and, where FOLDER holds the development data,
SpliceAI's own canonical genes of chr20 (GRCh37), and OpenSpliceAI MANE-10k on those of chr2 and chr9 (GRCh38).
Table and benchmarks/results/precision.json: largest differences, calls at 0.5 that differ, pooled top-k of both.
"""

import argparse
import importlib.util
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from builder_assets import demo, tables
from builder_assets.base_model.architectures import architecture_of
from builder_assets.base_model.chromosome_scores import score_chromosome
from builder_assets.base_model.evaluation import evaluate
from builder_assets.base_model.model_report import model_report
from builder_assets.base_model.pooled_evaluation import ChromosomeScores
from builder_assets.base_model.scoring import Scorer
from builder_assets.base_model.weights import load_ensemble
from builder_assets.genome.annotation_records import records_from_annotation
from builder_assets.genome.chromosome_tables import chromosome_tables
from builder_assets.genome.contigs import chromosome_sequence, contig_of
from builder_assets.settings import EvaluationSettings, IntronSettings, NetworkSettings
from resources.accelerator import configure_jax
from resources.annotation_file import read_annotation
from resources.reference_genome import ReferenceGenome
from resources.score_memo import ScoreMemo

RESULTS = Path(__file__).parent / "results" / "precision.json"
COMPARED_FROM = 1e-9
MOST_N = 0.5


class Source(NamedTuple):
    """Genes of one model's genome: which chromosomes of which files."""

    title: str
    family: str
    weights: Path | None
    fasta: Path
    annotation: Path
    assembly: str
    regions: dict[str, tuple[str, ...]]


def sources(shared: Path | None) -> list[Source]:
    """What there is to score."""
    found = [Source("demo", "spliceai", None, demo.FASTA, demo.ANNOTATION, "GRCh37", {"22": (), "Y": ()})]
    if shared is None:
        return found
    package = importlib.util.find_spec("spliceai")
    folder = Path(next(iter(package.submodule_search_locations or []))) if package else shared
    chr20 = {"20": ("20:1-7391880", "20:9995001-11095000")}
    own37, own38 = (folder / "annotations" / f"{name}.txt" for name in ("grch37", "grch38"))
    found.append(Source("chr20", "spliceai", None, shared / "grch37/dev.fa.gz", own37, "GRCh37", chr20))
    pieces = {"2": ("2:1-2333275",), "9": ("9:1-1000000",)}
    weights = shared / "openspliceai-mane/10000nt"
    found.append(Source("GRCh38", "openspliceai", weights, shared / "grch38/dev.fa.gz", own38, "GRCh38", pieces))
    return found


def compared(source: Source, precision: str, folder: Path) -> dict[str, Any]:
    """Numbers of one source."""
    architecture = architecture_of(source.family, 10_000)
    ensemble = load_ensemble(architecture, source.weights and str(source.weights))
    device = configure_jax(None)
    records = records_from_annotation(read_annotation(source.annotation), source.assembly)
    reference = ReferenceGenome(source.fasta, folder)
    reports, tracks, seconds, n_genes = {}, {}, {}, 0
    for name in ("float32", precision):
        scorer = Scorer(ensemble, precision=name)
        scorer.score(np.zeros(100, np.uint8))  # compiled
        network = NetworkSettings(family=source.family, precision=name)  # pyright: ignore[reportArgumentType]
        chromosomes, started = [], time.process_time()
        for chrom, regions in source.regions.items():
            contig = contig_of(reference, chrom, source.assembly, regions)
            sequence = chromosome_sequence(reference, contig, source.assembly)
            own = records.filter(pl.col("chrom") == chrom)
            built = chromosome_tables(own, sequence, IntronSettings(partial_sequence=True))
            genes = tables.GENES_TO_SCORE.conform(built.genes.filter(pl.col("n_fraction") <= MOST_N))
            memo = ScoreMemo(folder / source.title / name / f"{chrom}.parquet", folder)
            scored = score_chromosome(genes, sequence, scorer, ensemble.sha256, network, memo, device)
            chromosomes.append(ChromosomeScores(chrom, scored.table, built.splice_sites, built.genes, sequence))
        seconds[name] = time.process_time() - started
        n_genes = sum(chromosome.scores.height for chromosome in chromosomes)
        tracks[name] = np.concatenate(list(_values(chromosomes)))
        reports[name] = _report(chromosomes)
    numbers = differences(tracks["float32"], tracks[precision])
    numbers |= {f"top_k_{name}": top_k for name, top_k in reports.items()}
    numbers |= {f"cpu_seconds_{name}": round(spent, 1) for name, spent in seconds.items()}
    return {"device": device, "family": source.family, "genes": n_genes, **numbers}


def _values(chromosomes: list[ChromosomeScores]) -> Iterator[np.ndarray]:
    for chromosome in chromosomes:
        for kind in ("donor", "acceptor"):
            yield chromosome.scores[f"{kind}_scores"].explode().to_numpy()


def differences(exact: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Largest differences of probabilities, and of their logarithms from 1e-9 up; calls at 0.5 that differ."""
    reached = exact >= COMPARED_FROM
    logs = np.abs(np.log(other[reached].astype(np.float64)) - np.log(exact[reached].astype(np.float64)))
    flips = (exact >= 0.5) != (other >= 0.5)
    return {
        "bases": len(exact) // 2,
        "max_difference": float(np.abs(exact - other).max()),
        "max_log_difference": float(logs.max()),
        "mean_log_difference": float(logs.mean()),
        "calls": int((exact >= 0.5).sum()),
        "call_flips": int(flips.sum()),
    }


def _report(chromosomes: list[ChromosomeScores]) -> float:
    """Pooled top-k accuracy of both kinds, all labels."""
    rule = EvaluationSettings()
    found = [evaluate(c.scores, c.sites, c.genes, c.sequence, rule, ()) for c in chromosomes]
    performance, calls = (pl.concat([getattr(one, name) for one in found]) for name in ("performance", "calls"))
    report = model_report(lambda: chromosomes, performance, calls, rule, ())
    wanted = {"scope": "all", "labels": "all", "kind": "both", "metric": "top_k_accuracy"}
    return float(report.filter(**wanted)["value"].item())


def main() -> None:
    """Compare all sources, print the table, write the results."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shared", type=Path, help="folder of the development data")
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    results: dict[str, Any] = {"precision": options.precision, "load_before": os.getloadavg()[0]}
    heads = ("   |dp|   |dlnp|  mean   calls flips", f"  top-k float32, {options.precision}")
    print(f"{'genes of':10}{'genes':>6}{'bases':>11}{''.join(heads)}")
    for source in sources(options.shared):
        with tempfile.TemporaryDirectory() as folder:
            row = compared(source, options.precision, Path(folder))
        results[source.title] = row
        print(
            f"{source.title:10}{row['genes']:6}{row['bases']:11,} {row['max_difference']:.1e} "
            f"{row['max_log_difference']:.1e} {row['mean_log_difference']:.1e} {row['calls']:6} {row['call_flips']:5}  "
            f"{row['top_k_float32']:.4f} {row[f'top_k_{options.precision}']:.4f}",
            flush=True,
        )
        options.output.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
