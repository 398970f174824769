"""Peer of benchmarks/scoring.py: the package `openspliceai`, its `predict` path: 5,000-base windows, batches of 12.

    python scoring_openspliceai.py GENES_NPZ OUTPUT_NPZ WEIGHT_FILE...    in an environment with openspliceai

Windows, models and loading are the package's own functions; what is left out is only its writing to files between the
steps, which would make it slower. Nothing of this project is imported.
"""

import os
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait by spinning stand still on a shared machine

import numpy as np
import torch
from openspliceai.predict.predict import create_datapoints, load_pytorch_models

WINDOW, CONTEXT, BATCH = 5_000, 10_000, 12
LETTERS = np.frombuffer(b"ACGTN", dtype=np.uint8)


def main(genes: Path, output: Path, weights: list[Path]) -> None:
    """Score every gene of each set; keep scores and seconds."""
    given, found = np.load(genes), {}
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with tempfile.TemporaryDirectory() as folder:
        for path in weights:
            Path(folder, path.name).symlink_to(path.resolve())
        models, _ = load_pytorch_models(folder, device, WINDOW, CONTEXT)
    with torch.no_grad():
        for name in given["sets"]:
            names = given[f"{name}/genes"].tolist()
            started, cpu = time.perf_counter(), time.process_time()
            windows = [
                create_datapoints(LETTERS[given[f"gene/{gene}"]].tobytes().decode(), WINDOW, CONTEXT) for gene in names
            ]
            counts = [len(part) for part in windows]
            bases = torch.tensor(np.concatenate(windows).transpose(0, 2, 1), dtype=torch.float32)
            scores = []
            for first in range(0, len(bases), BATCH):
                batch = bases[first : first + BATCH].to(device)
                scores.append(torch.mean(torch.stack([model(batch).cpu() for model in models]), dim=0))
            parts = torch.cat(scores).permute(0, 2, 1).split(counts)
            for gene, part in zip(names, parts, strict=True):
                found[f"gene/{gene}"] = part.reshape(-1, 3)[: len(given[f"gene/{gene}"])].numpy()
            found[f"seconds/{name}"] = time.perf_counter() - started
            found[f"cpu_seconds/{name}"] = time.process_time() - cpu
    about = f"openspliceai {version('openspliceai')}, torch {torch.__version__}, {device.type}"
    np.savez(output, version=about, **found)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), [Path(name) for name in sys.argv[3:]])
