"""Which engine scores on which device: OpenVINO on a CPU, JAX on anything else."""

import jax

from builder_assets.base_model.cpu_scoring import BYTES_PER_PIECE, CpuScorer
from builder_assets.base_model.scoring import Scorer
from builder_assets.base_model.weights import EnsembleWeights
from resources.accelerator import available_memory, usable_cores
from resources.openvino_runtime import ov


def scorer_of(ensemble: EnsembleWeights, precision: str = "float32") -> CpuScorer | Scorer:
    """The ensemble, ready to score genes on this machine's device."""
    if jax.default_backend() == "cpu":
        return CpuScorer(ensemble, precision, pieces_at_once(usable_cores(), available_memory()))
    return Scorer(ensemble, precision=precision)


def pieces_at_once(cores: int, memory: int) -> int:
    """Cores to use: all, unless pieces of the longest kind on each would take over half of `memory` bytes.

    How many are used changes no score.
    """
    return max(1, min(cores, memory // 2 // BYTES_PER_PIECE))


def engine_name(device: str) -> str:
    """`device`, as `configure_jax` gives it, with the engine that computes there."""
    if jax.default_backend() != "cpu":
        return device
    return f"{device.partition(',')[0]}, openvino {ov.__version__.partition('-')[0]}"
