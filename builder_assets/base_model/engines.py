"""Which engine scores on which device: OpenVINO on a CPU, JAX on anything else."""

from typing import Any

import jax
import openvino as ov

from builder_assets.base_model.cpu_scoring import CpuScorer
from builder_assets.base_model.scoring import Scorer
from builder_assets.base_model.weights import EnsembleWeights
from resources.accelerator import usable_cores


def scorer_of(ensemble: EnsembleWeights, precision: str = "float32") -> CpuScorer | Scorer:
    """The ensemble, ready to score genes on this machine's device."""
    if jax.default_backend() == "cpu":
        return CpuScorer(ensemble, precision, usable_cores())
    return Scorer(ensemble, precision=precision)


def engine_name(device: str) -> str:
    """`device`, as `configure_jax` gives it, with the engine that computes there."""
    if jax.default_backend() != "cpu":
        return device
    return f"{device.partition(',')[0]}, openvino {ov.__version__.partition('-')[0]}"


Engine = Any  # CpuScorer or Scorer: `score` and `score_genes` take and give the same
