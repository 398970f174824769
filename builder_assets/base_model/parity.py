"""Proof, on this machine and with these weights, that scores are those of the published models.

A stretch of 600 real bases and what the published Keras and PyTorch models say about it ship with the package
(`parity_anchors.json`, written by tests/golden/make_parity_anchors.py).
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from builder_assets.base_model.scoring import Scorer
from builder_assets.base_model.weights import EnsembleWeights
from builder_assets.sequence import codes_of

MAX_DIFFERENCE = 1e-5
MAX_LOG_DIFFERENCE = 1e-4


class Bounds(NamedTuple):
    """Largest differences that are allowed: of a probability, and of its natural logarithm."""

    difference: float
    log_difference: float


# Of bfloat16 five to ten times what benchmarks/precision.py found on millions of bases: other devices round elsewhere.
ALLOWED = {"float32": Bounds(MAX_DIFFERENCE, MAX_LOG_DIFFERENCE), "bfloat16": Bounds(0.05, 1.0)}
# 90 % of bases score below 1e-5, where an absolute bound tests nothing; below this one float32 says little.
SMALLEST_COMPARED = 1e-9

# SHA-256, as in EnsembleWeights, of the published weights: SpliceAI 1.3.1 and OpenSpliceAI's human (MANE) models.
PUBLISHED = {
    "efc08ea98eb61a35a8c59c42471264fbf464bdbe417f6adb1c36513ca903197a": "spliceai-10000",
    "190685612ae1c6fdac5f307d6231d88cea48dfb5ecca9f977c5da3b0e0d0744a": "openspliceai-80",
    "fa783884c5bb24240201466b29b552ccdeebd0fcab762070062806c5dfcfd619": "openspliceai-400",
    "bc32bc09cdf3472c06dc17bbe147e373ba7eddaa6244b1c98697d0f3ee5feeb9": "openspliceai-2000",
    "8ba8d7d2e72eb2e61375b3e052d1574ff8693483e13581d4502652d43506938e": "openspliceai-10000",
}


class ParityError(ValueError):
    """Scores differ from those of the published models."""


@dataclass(frozen=True)
class ParityReport:
    """What was compared.

    Attributes:
        model: The published model, e.g. "spliceai-10000"; None for other weights.
        n_bases: Bases compared; 0 for other weights.
        max_difference: Largest |difference| of a probability; None if nothing was compared.
        max_log_difference: Largest |difference| of its natural logarithm where it is 1e-9 or more; likewise.
        text: The same for people.
    """

    model: str | None
    n_bases: int
    max_difference: float | None
    max_log_difference: float | None
    text: str


@cache
def parity_anchors() -> dict[str, Any]:
    """The anchors as shipped: sequence, offsets, and probabilities (neither, acceptor, donor) by model."""
    return json.loads(files("builder_assets.base_model").joinpath("parity_anchors.json").read_text("utf-8"))


def largest_differences(scores: np.ndarray, expected: np.ndarray) -> tuple[float, float]:
    """Largest absolute difference, and largest difference in ln where `expected` is 1e-9 or more."""
    compared = expected >= SMALLEST_COMPARED
    with np.errstate(divide="ignore"):  # a score of 0 where 1e-9 or more is expected differs infinitely
        logs = np.abs(np.log(scores[compared].astype(np.float64)) - np.log(expected[compared]))
    return float(np.abs(scores - expected).max()), float(logs.max(initial=0))


def check_parity(ensemble: EnsembleWeights, precision: str = "float32") -> ParityReport:
    """Score the anchor stretch and compare it with the published model of these weights.

    Raises:
        ParityError: a probability or its logarithm differs by more than ALLOWED of `precision`; or is no number.
    """
    model = PUBLISHED.get(ensemble.sha256)
    if model is None:
        text = f"not the published weights, parity not checked (SHA-256 {ensemble.sha256[:12]})"
        return ParityReport(None, 0, None, None, text)
    anchors = parity_anchors()
    expected = np.array(anchors["probabilities"][model])
    scores = Scorer(ensemble, precision=precision).score(codes_of(anchors["sequence"]))[anchors["offsets"]]
    return compared(model, scores, expected, precision)


def compared(model: str, scores: np.ndarray, expected: np.ndarray, precision: str = "float32") -> ParityReport:
    """The report on scores (n, 3) of `model` against those expected.

    Raises:
        ParityError: they differ by more than is allowed.
    """
    difference, log_difference = largest_differences(scores, expected)
    allowed = ALLOWED[precision]
    text = (
        f"{model} in {precision}: {len(expected)} bases within {difference:.1e} of the published model, logarithms "
        f"within {log_difference:.1e}"
    )
    # Written so that NaN fails.
    if not (difference <= allowed.difference and log_difference <= allowed.log_difference):
        raise ParityError(
            f"{model}: scores of {len(expected)} anchor bases differ from the published model by up to "
            f"{difference:.1e} (allowed {allowed.difference:.0e}), their logarithms by up to {log_difference:.1e} "
            f"(allowed {allowed.log_difference:.0e}). The device or its libraries compute in lower "
            "precision; try a CPU."
        )
    return ParityReport(model, len(expected), difference, log_difference, text)
