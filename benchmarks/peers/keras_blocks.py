"""Peer: SpliceAI's Keras models as published tools run them: blocks of 5,000 bases, batch 1, N beyond the gene.

    python keras_blocks.py GENES.npz SCORES.npz

Needs TensorFlow, tf-keras and the package `spliceai`; nothing of this project.
"""

import os
import sys
import time

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_USE_LEGACY_KERAS="1")

import importlib.util
from pathlib import Path

import numpy as np
import tf_keras

BLOCK, CONTEXT = 5000, 10000


def gene_scores(models: list, codes: np.ndarray) -> np.ndarray:
    """(length, 3) of one gene."""
    blocks = -(-len(codes) // BLOCK)
    bases = np.vstack([np.eye(4, dtype=np.float32), np.zeros((1, 4), np.float32)])[codes]
    padded = np.pad(bases, ((CONTEXT // 2, CONTEXT // 2 + blocks * BLOCK - len(codes)), (0, 0)))
    pieces = [padded[None, i * BLOCK : i * BLOCK + BLOCK + CONTEXT] for i in range(blocks)]
    means = [np.mean([model.predict(piece, verbose=0)[0] for model in models], axis=0) for piece in pieces]
    return np.concatenate(means)[: len(codes)]


def main() -> None:
    """Score the genes; the first block is scored once before the clock starts."""
    given = np.load(sys.argv[1])
    genes = np.split(given["codes"], np.cumsum(given["lengths"])[:-1])
    folder = Path(importlib.util.find_spec("spliceai").submodule_search_locations[0]) / "models"
    models = [tf_keras.models.load_model(folder / f"spliceai{member}.h5", compile=False) for member in range(1, 6)]
    gene_scores(models, genes[0][:BLOCK])
    started = time.perf_counter(), time.process_time()
    scores = [gene_scores(models, codes) for codes in genes]
    seconds = time.perf_counter() - started[0], time.process_time() - started[1]
    np.savez(sys.argv[2], scores=np.concatenate(scores), seconds=seconds[0], cpu_seconds=seconds[1])


if __name__ == "__main__":
    main()
