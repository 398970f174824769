"""Put the anchor stretch of both golden files into the package's parity_anchors.json; nothing is computed here.

python tests/golden/make_parity_anchors.py
"""

import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
TARGET = HERE.parents[1] / "builder_assets" / "base_model" / "parity_anchors.json"
EVERY = 20  # every so many offsets, and all those where a site is seen


def main() -> None:
    """Write the anchors."""
    keras, torch = np.load(HERE / "spliceai_keras.npz"), np.load(HERE / "openspliceai_torch.npz")
    means = {"spliceai-10000": keras["anchor/mean"]}
    means |= {f"openspliceai-{c}": torch[f"{c}/anchor_mean"] for c in (80, 400, 2000, 10000)}
    offsets = sorted({
        *range(0, 600, EVERY), *(int(o) for mean in means.values() for o in np.flatnonzero(mean[:, 0] < 0.8))
    })  # fmt: skip
    made_with = {name: json.loads(str(file["about"])) for name, file in (("keras", keras), ("torch", torch))}
    anchors = {
        "source": "GRCh37 chr22:20,100,501-20,101,100, - strand, N beyond both ends",
        "made_by": {name: {k: v for k, v in about.items() if k != "weights"} for name, about in made_with.items()},
        "channels": ["neither", "acceptor", "donor"],
        "sequence": keras["anchor/sequence"].tobytes().decode(),
        "offsets": offsets,
        # float32 printed so that it reads back as the same number
        "probabilities": {
            name: [[float(str(p)) for p in row] for row in mean[offsets]] for name, mean in means.items()
        },
    }
    TARGET.write_text(json.dumps(anchors, indent=1).replace("\n   ", "").replace("\n  ]", "]") + "\n")


if __name__ == "__main__":
    main()
