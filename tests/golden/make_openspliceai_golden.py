"""Score real sequence with the published OpenSpliceAI weights under PyTorch; writes openspliceai_torch.npz.

Outside implementation: torch loads the state dicts and runs the network as its paper (Chao 2025) describes it.
Nothing of this project is imported.

    python -m venv torch && torch/bin/pip install torch==2.13.0 numpy
    torch/bin/python tests/golden/make_openspliceai_golden.py 22_20-21M.fa.gz FOLDER_OF_openspliceai-mane
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import torch
from stretches import one_hot, stretch_sequences
from torch import nn

STRETCH = "trmt2a_minus"
MEMBER_WINDOW = (900, 1_030)  # offsets around the donor at 959, where the scores of every member are kept
GROUPS = [(11, 1), (11, 4), (21, 10), (41, 25)]  # width and dilation of four units each
N_GROUPS = {80: 1, 400: 2, 2000: 3, 10000: 4}


class Unit(nn.Module):
    """(BatchNorm, LeakyReLU, dilated convolution) twice, plus identity."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        same = {"dilation": dilation, "padding": (width - 1) * dilation // 2}
        self.batchnorm1, self.conv1 = nn.BatchNorm1d(32), nn.Conv1d(32, 32, width, **same)
        self.batchnorm2, self.conv2 = nn.BatchNorm1d(32), nn.Conv1d(32, 32, width, **same)

    def forward(self, trunk: torch.Tensor) -> torch.Tensor:
        hidden = self.conv1(nn.functional.leaky_relu(self.batchnorm1(trunk), 0.1))
        return trunk + self.conv2(nn.functional.leaky_relu(self.batchnorm2(hidden), 0.1))


class Skip(nn.Module):
    """1x1 convolution onto the sum that is read at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(32, 32, 1)


class Network(nn.Module):
    """The published layout; names are those of the state dicts."""

    def __init__(self, context: int) -> None:
        super().__init__()
        self.crop = context // 2
        self.initial_conv, self.initial_skip = nn.Conv1d(4, 32, 1), Skip()
        self.residual_units = nn.ModuleList()
        for width, dilation in GROUPS[: N_GROUPS[context]]:
            self.residual_units.extend([*(Unit(width, dilation) for _ in range(4)), Skip()])
        self.final_conv = nn.Conv1d(32, 3, 1)

    def forward(self, bases: torch.Tensor) -> torch.Tensor:
        trunk = self.initial_conv(bases)
        total = self.initial_skip.conv(trunk)
        for block in self.residual_units:
            if isinstance(block, Skip):
                total = total + block.conv(trunk)
            else:
                trunk = block(trunk)
        return torch.softmax(self.final_conv(total[:, :, self.crop : -self.crop]), dim=1)


def loaded(file: Path, context: int) -> Network:
    """One published member, in evaluation mode."""
    network = Network(context)
    network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    return network.eval()


def main(fasta: Path, folder: Path) -> None:
    """Score two stretches with five seeds of each context."""
    sequences = stretch_sequences(fasta)
    arrays = {
        "sequence": np.frombuffer(sequences[STRETCH].encode(), dtype=np.uint8),
        "member_window": np.array(MEMBER_WINDOW),
    }
    digests = {}
    for context in N_GROUPS:
        files = sorted((folder / f"{context}nt").glob("*.pt"))
        assert len(files) == 5
        digests |= {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
        networks = [loaded(file, context) for file in files]
        for name in (STRETCH, "anchor"):
            bases = torch.from_numpy(one_hot(sequences[name], context // 2)).transpose(1, 2)
            with torch.no_grad():
                scores = np.stack([network(bases)[0].T.numpy() for network in networks])
            assert scores.shape == (5, len(sequences[name]), 3)
            mean = np.mean(scores, axis=0)
            if name == "anchor":
                arrays[f"{context}/anchor_mean"] = mean
            else:
                arrays[f"{context}/mean"] = mean
                arrays[f"{context}/members"] = scores[:, slice(*MEMBER_WINDOW)]
            print(context, name, [(c, int(o), round(float(mean[o, c]), 4)) for c in (1, 2)
                                  for o in np.flatnonzero(mean[:, c] > 0.5)])  # fmt: skip
    about = {
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": sys.version.split()[0],
        "weights": digests,
        "channels": ["neither", "acceptor", "donor"],
        "flanks": "context / 2 N on each side",
    }
    print(json.dumps(about, indent=1))
    arrays["about"] = np.array(json.dumps(about))
    np.savez_compressed(Path(__file__).with_name("openspliceai_torch.npz"), **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
