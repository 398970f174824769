"""Peer of benchmarks/scoring.py: the same folded weights in PyTorch, tiles as long as the gene, up to 65,536 bases.

    python scoring_torch.py GENES_NPZ OUTPUT_NPZ float32|bfloat16      in an environment with torch

VALID dilated convolutions that shrink, channels last (twice as fast as conv1d), no padding to fixed lengths, norms and
projections folded: the fastest way found in plain PyTorch. Nothing of this project is imported.
"""

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait by spinning stand still on a shared machine

import numpy as np
import torch
from torch.nn.functional import conv2d

TILE, FLANK = 65_536, 5_000


PARTS = ("scale", "shift", "kernel_1", "bias_1", "kernel_2", "bias_2")


def probabilities(member: dict[str, torch.Tensor], codes: torch.Tensor, dilations: list[int]) -> torch.Tensor:
    """One member's probabilities (length, 3) of base codes (flank + length + flank,)."""
    trunk, excess = member["stem"][codes].T[None, :, None], FLANK  # (1, 32, 1, n), channels last in memory
    length = len(codes) - 2 * FLANK

    def projected(skip: int) -> torch.Tensor:
        return trunk[0, :, 0, excess : excess + length].T @ member["projections"][skip]

    total = projected(0) + member["bias"]
    for unit, dilation in enumerate(dilations):
        scale, shift, kernel_1, bias_1, kernel_2, bias_2 = (member[f"{unit}/{part}"] for part in PARTS)
        hidden = torch.relu_(torch.addcmul(shift, trunk, scale))
        hidden = torch.relu_(conv2d(hidden, kernel_1, bias_1, dilation=(1, dilation)))
        trim = (kernel_1.shape[3] - 1) * dilation
        trunk = conv2d(hidden, kernel_2, bias_2, dilation=(1, dilation)) + trunk[..., trim:-trim]
        excess -= trim
        if unit % 4 == 3:
            total = total + projected(1 + unit // 4)
    return torch.softmax(total.float(), dim=1)


def prepared(name: str, array: np.ndarray) -> torch.Tensor:
    """Kernels as (out, in, 1, width), channels last; scale and shift as (32, 1, 1)."""
    if "kernel" in name:
        kernel = torch.from_numpy(array.transpose(2, 1, 0).copy())
        return kernel[:, :, None].contiguous(memory_format=torch.channels_last)
    tensor = torch.from_numpy(array)
    return tensor[:, None, None] if name.endswith(("scale", "shift")) else tensor


def main(genes: Path, output: Path, precision: str) -> None:
    """Score every gene of each set; keep scores and seconds."""
    given, found = np.load(genes), {}
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    dilations = given["dilations"].tolist()
    members = []
    for number in range(int(given["n_members"])):
        start = f"member/{number}/"
        arrays = {name.removeprefix(start): given[name] for name in given.files if name.startswith(start)}
        members.append({name: prepared(name, array) for name, array in arrays.items()})
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        for name in given["sets"]:
            started, cpu = time.perf_counter(), time.process_time()
            for gene in given[f"{name}/genes"]:
                codes = given[f"gene/{gene}"]
                read = torch.from_numpy(np.pad(codes, FLANK, constant_values=4).astype(np.int64))
                tracks = []
                for start in range(0, len(codes), TILE):
                    tile = read[start : start + TILE + 2 * FLANK]
                    tracks.append(sum(probabilities(member, tile, dilations) for member in members) / len(members))
                found[f"gene/{gene}"] = torch.cat(tracks).numpy()
            found[f"seconds/{name}"] = time.perf_counter() - started
            found[f"cpu_seconds/{name}"] = time.process_time() - cpu
    np.savez(output, version=torch.__version__, **found)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
