"""Peer of benchmarks/scoring.py: the models of the package `spliceai` under TensorFlow, 5,000-base blocks, batch 1.

    python scoring_tensorflow.py GENES_NPZ OUTPUT_NPZ      in an environment with tensorflow, tf_keras and spliceai

The way of SpliceAI's own scripts and of builders that copied them: each block with 5,000 bases on both sides, one call
per block and model. Nothing of this project is imported.
"""

import importlib.util
import os
import sys
import time
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # Keras 3 cannot read files of Keras 2.0.5
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import numpy as np
import tensorflow as tf
import tf_keras

BLOCK, FLANK = 5_000, 5_000
ROWS = np.vstack([np.eye(4, dtype=np.float32), np.zeros((1, 4), np.float32)])


def main(genes: Path, output: Path) -> None:
    """Score every gene of each set; keep scores and seconds."""
    folder = Path(importlib.util.find_spec("spliceai").submodule_search_locations[0]) / "models"
    models = [tf_keras.models.load_model(folder / f"spliceai{member}.h5", compile=False) for member in range(1, 6)]
    calls = [tf.function(model, reduce_retracing=True) for model in models]
    warm = tf.zeros((1, BLOCK + 2 * FLANK, 4))
    for call in calls:
        call(warm, training=False)
    given, found = np.load(genes), {}
    for name in given["sets"]:
        started, cpu = time.perf_counter(), time.process_time()
        for gene in given[f"{name}/genes"]:
            codes = given[f"gene/{gene}"]
            blocks = -(-len(codes) // BLOCK)
            read = np.pad(codes, (FLANK, FLANK + blocks * BLOCK - len(codes)), constant_values=4)
            tracks = []
            for block in range(blocks):
                bases = tf.constant(ROWS[read[block * BLOCK : (block + 1) * BLOCK + 2 * FLANK]][None])
                tracks.append(np.mean([call(bases, training=False)[0].numpy() for call in calls], axis=0))
            found[f"gene/{gene}"] = np.concatenate(tracks)[: len(codes)]
        found[f"seconds/{name}"] = time.perf_counter() - started
        found[f"cpu_seconds/{name}"] = time.process_time() - cpu
    np.savez(output, version=tf.__version__, **found)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
