"""Score real sequence with the published Keras models of the package `spliceai`; writes spliceai_keras.npz.

Outside implementation: TensorFlow runs the five models as they were published. Nothing of this project is imported.

    python -m venv keras && keras/bin/pip install tensorflow==2.21.0 tf_keras==2.21.0 spliceai==1.3.1 h5py numpy
    keras/bin/python tests/golden/make_keras_golden.py 22_20-21M.fa.gz
"""

import hashlib
import importlib.util
import json
import os
import sys
from pathlib import Path

import numpy as np

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # Keras 3 cannot read files of Keras 2.0.5
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # plain float32 kernels

import tensorflow as tf
import tf_keras
from stretches import STRETCHES, one_hot, stretch_sequences

FLANK = 5_000


def main(fasta: Path) -> None:
    """Score every stretch with each model and store what the stretch table asks for."""
    package = importlib.util.find_spec("spliceai")
    folder = Path(package.submodule_search_locations[0]) / "models"
    files = [folder / f"spliceai{member}.h5" for member in range(1, 6)]
    models = [tf_keras.models.load_model(file, compile=False) for file in files]
    arrays = {}
    for name, sequence in stretch_sequences(fasta).items():
        first, last = STRETCHES[name][3]
        scores = np.stack([model(one_hot(sequence, FLANK), training=False).numpy()[0] for model in models])
        assert scores.shape == (5, len(sequence), 3)
        arrays[f"{name}/sequence"] = np.frombuffer(sequence.encode(), dtype=np.uint8)
        arrays[f"{name}/stored"] = np.array([first, last])
        if name != "anchor":
            arrays[f"{name}/members"] = scores[:, first:last]
        arrays[f"{name}/mean"] = np.mean(scores[:, first:last], axis=0)
        print(name, len(sequence), "bases, mean acceptor and donor above 0.5 at offsets",
              [(c, int(o), round(float(arrays[f"{name}/mean"][o, c]), 4)) for c in (1, 2)
               for o in np.flatnonzero(arrays[f"{name}/mean"][:, c] > 0.5)])  # fmt: skip
    about = {
        "tensorflow": tf.__version__,
        "tf_keras": tf_keras.__version__,
        "numpy": np.__version__,
        "python": sys.version.split()[0],
        "weights": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files},
        "channels": ["neither", "acceptor", "donor"],
        "flanks": f"{FLANK} N on each side",
    }
    print(json.dumps(about, indent=1))
    arrays["about"] = np.array(json.dumps(about))
    np.savez_compressed(Path(__file__).with_name("spliceai_keras.npz"), **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
