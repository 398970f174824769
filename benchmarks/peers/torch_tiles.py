"""Peer: the fastest PyTorch form found: folded, VALID, channels last, whole genes in tiles of up to 100,000 bases.

    python torch_tiles.py GENES.npz SCORES.npz float32|bfloat16

GENES.npz also holds the folded weights, by member: this is the same arithmetic in another library.
"""

import sys
import time

import numpy as np
import torch

TILE = 100_000


class Member(torch.nn.Module):
    """One folded member; the trunk is (1, 32, 1, n), channels last."""

    def __init__(self, arrays: dict, widths: list[int], dilations: list[int], slope: float) -> None:
        super().__init__()
        self.dilations, self.widths, self.slope = dilations, widths, slope
        self.stem = torch.tensor(arrays["stem"])
        self.projections = [torch.tensor(p) for p in arrays["projections"]]
        self.bias = torch.tensor(arrays["bias"])
        self.units = [self._unit(arrays, number) for number in range(len(widths))]

    def _unit(self, arrays: dict, number: int) -> tuple:
        norm = [torch.tensor(arrays[f"{number}/{name}"]).view(1, -1, 1, 1) for name in ("scale", "shift")]
        convolutions = []
        for half in (1, 2):
            convolution = torch.nn.Conv2d(32, 32, (1, self.widths[number]), dilation=(1, self.dilations[number]))
            convolution.weight.data = torch.tensor(arrays[f"{number}/kernel_{half}"].transpose(2, 1, 0)[:, :, None])
            convolution.bias.data = torch.tensor(arrays[f"{number}/bias_{half}"])
            convolutions.append(convolution.to(memory_format=torch.channels_last))
        return (*norm, *convolutions)

    def _act(self, track: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.leaky_relu(track, self.slope) if self.slope else torch.relu(track)

    def forward(self, codes: torch.Tensor, length: int) -> torch.Tensor:
        """Probabilities (length, 3)."""
        rows = self.stem[codes]
        trunk = rows.t()[None, :, None].contiguous(memory_format=torch.channels_last)
        excess = (len(codes) - length) // 2
        total = rows[excess : excess + length] @ self.projections[0] + self.bias
        for number, (scale, shift, first, second) in enumerate(self.units):
            trimmed = (self.widths[number] - 1) * self.dilations[number]
            hidden = second(self._act(first(self._act(trunk * scale + shift))))
            trunk = trunk[..., trimmed : trunk.shape[3] - trimmed] + hidden
            excess -= trimmed
            if number % 4 == 3:
                rows = trunk[0, :, 0, excess : excess + length].t()
                total = total + rows.float() @ self.projections[number // 4 + 1]
        return torch.softmax(total.float(), dim=1)


def gene_scores(members: list, codes: np.ndarray, flank: int) -> np.ndarray:
    """(length, 3) of one gene."""
    read = torch.tensor(np.pad(codes, flank, constant_values=4).astype(np.int64))
    tiles = []
    for start in range(0, len(codes), TILE):
        length = min(TILE, len(codes) - start)
        piece = read[start : start + length + 2 * flank]
        tiles.append(torch.stack([member(piece, length) for member in members]).mean(0))
    return torch.cat(tiles).numpy()


def main() -> None:
    """Score the genes; a short piece is scored once before the clock starts."""
    given = np.load(sys.argv[1])
    genes = np.split(given["codes"], np.cumsum(given["lengths"])[:-1])
    widths, dilations = given["widths"].tolist(), given["dilations"].tolist()
    flank, slope, precision = int(given["flank"]), float(given["slope"]), sys.argv[3]
    by_member = [
        {name.split("/", 1)[1]: given[name] for name in given.files if name.startswith(f"{number}/")}
        for number in range(int(given["members"]))
    ]
    members = [Member(arrays, widths, dilations, slope) for arrays in by_member]
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        gene_scores(members, genes[0][:5000], flank)
        started = time.perf_counter(), time.process_time()
        scores = [gene_scores(members, codes, flank) for codes in genes]
        seconds = time.perf_counter() - started[0], time.process_time() - started[1]
    np.savez(sys.argv[2], scores=np.concatenate(scores), seconds=seconds[0], cpu_seconds=seconds[1])


if __name__ == "__main__":
    main()
