"""What the fast precision changes: errors, calls and top-k of bfloat16 against float32, on the same genes.

    python -m benchmarks.precision_errors PROJECT [PROJECT ...] [--json FILE]

Each PROJECT is a folder whose builder.yaml scores its genes twice, with `precision: float32` and `bfloat16`, built.
"""

import argparse
import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from builder_assets.settings import BaseModelSettings, Settings, load_settings

THRESHOLD = 0.5


def pairs_of_models(settings: Settings) -> list[tuple[str, str]]:
    """Names of base models (float32, bfloat16) that differ in nothing else."""

    def apart(model: BaseModelSettings) -> BaseModelSettings:
        return model.model_copy(update={"precision": "float32"})

    models = sorted(settings.base_models.items(), key=lambda item: item[1].precision, reverse=True)
    return [(a, b) for (a, x), (b, y) in combinations(models, 2) if x.precision != y.precision and apart(x) == apart(y)]


def compared(data: Path, exact: str, fast: str, kind: str) -> dict[str, Any]:
    """One row of the table: all bases of all genes for errors, pooled sites for top-k."""
    tables = [pl.read_parquet(data / name / "splice_scores" / "*.parquet") for name in (exact, fast)]
    a, b = (table.sort("chrom", "gene_id")[f"{kind}_scores"].explode().to_numpy() for table in tables)
    compare = a >= 1e-9
    reports = [
        pl.read_parquet(data / name / "model_report.parquet").filter(
            (pl.col("scope") == "all") & (pl.col("kind") == kind) & (pl.col("labels") == "all")
        )
        for name in (exact, fast)
    ]
    top = [r.filter(pl.col("metric").str.contains("top_k")).sort("metric", "x")["value"].to_list() for r in reports]
    return {
        "model": exact,
        "kind": kind,
        "genes": tables[0].height,
        "bases": len(a),
        "max dp": float(np.abs(a - b).max()),
        "mean dp at p>=0.01": float(np.abs(a - b)[a >= 0.01].mean()),
        "max dlnp": float(np.abs(np.log(a[compare]) - np.log(np.maximum(b[compare], 1e-30))).max()),
        "calls": int((a >= THRESHOLD).sum()),
        "calls changed": int(((a >= THRESHOLD) != (b >= THRESHOLD)).sum()),
        "top-k change": round(max((abs(y - x) for x, y in zip(*top, strict=True) if x is not None), default=0.0), 4),
    }


def main() -> None:
    """Compare, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="+", type=Path)
    parser.add_argument("--json", type=Path, help="file to write")
    options = parser.parse_args()
    rows = []
    for project in options.projects:
        settings = load_settings(project / "builder.yaml")
        for exact, fast in pairs_of_models(settings):
            rows += [compared(settings.data_path, exact, fast, kind) for kind in ("donor", "acceptor")]
    if not rows:
        raise SystemExit("no project has two base models that differ in precision only.")
    print("| " + " | ".join(rows[0]) + " |\n|" + "---|" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(f"{v:.2g}" if isinstance(v, float) else str(v) for v in row.values()) + " |")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
