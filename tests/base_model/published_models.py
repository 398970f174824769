"""What several tests of the base model share: toy networks, the published weights, and the golden numbers."""

from functools import cache, partial
from pathlib import Path

import jax
import numpy as np
import pytest

from builder_assets.base_model.architectures import Architecture, architecture_of
from builder_assets.base_model.array_names import array_shapes
from builder_assets.base_model.network import network_with
from builder_assets.base_model.scoring import Scorer
from builder_assets.base_model.weights import EnsembleWeights, load_ensemble
from resources.model_weights import WeightFileError, spliceai_weights_folder

GOLDEN = Path(__file__).parents[1] / "golden"


def toy_architecture(slope: float = 0.0) -> Architecture:
    """Two groups of four units, the second with dilation 3: reads 40 bases on each side."""
    return Architecture("openspliceai", 80, (5,) * 4 + (3,) * 4, (1,) * 4 + (3,) * 4, slope, 1e-3)


def toy_arrays(architecture: Architecture, seed: int) -> dict[str, np.ndarray]:
    """Random arrays of plausible size for every name, variances positive."""
    random = np.random.default_rng(seed)
    arrays = {}
    for name, shape in array_shapes(architecture).items():
        size = 0.6 / np.sqrt(np.prod(shape[:-1])) if len(shape) == 3 else 0.3
        values = random.normal(scale=size, size=shape)
        if name.endswith((".var", ".scale")):
            values = random.uniform(0.5, 1.5, size=shape)
        arrays[name] = values.astype(np.float32)
    return arrays


@cache
def toy_ensemble(slope: float = 0.0) -> EnsembleWeights:
    """Five random members of the toy network."""
    architecture = toy_architecture(slope)
    return EnsembleWeights(architecture, tuple(toy_arrays(architecture, seed) for seed in range(5)), "toy")


@partial(jax.jit, static_argnames="architecture")
def network_scores(arrays: dict[str, jax.Array], bases: jax.Array, architecture: Architecture) -> jax.Array:
    """Scores (batch, length, 3) of the readable network; compiled, since step by step it takes seconds."""
    return network_with(arrays, architecture)(bases)


@cache
def spliceai() -> EnsembleWeights:
    """SpliceAI's published weights; skips the test where the package that holds them is not installed."""
    try:
        spliceai_weights_folder()
    except WeightFileError as error:
        pytest.skip(str(error))
    return load_ensemble(architecture_of("spliceai", 10000))


@cache
def openspliceai(shared: Path, context: int) -> EnsembleWeights:
    """OpenSpliceAI's published human weights."""
    folder = shared / "data" / "openspliceai-mane" / f"{context}nt"
    return load_ensemble(architecture_of("openspliceai", context), str(folder))


@cache
def spliceai_scorer() -> Scorer:
    """SpliceAI ready to score; compiled once for all tests."""
    return Scorer(spliceai())


@cache
def openspliceai_scorer(shared: Path, context: int) -> Scorer:
    """OpenSpliceAI likewise."""
    return Scorer(openspliceai(shared, context))


@cache
def golden(name: str) -> dict[str, np.ndarray]:
    """The arrays of a golden file, made by the script beside it with the published models."""
    with np.load(GOLDEN / name) as file:
        return dict(file)


def assert_parity(scores: np.ndarray, expected: np.ndarray) -> None:
    """Every probability within 1e-5, and its logarithm within 1e-4 where it is 1e-9 or more."""
    assert scores.shape == expected.shape
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-5)
    compared = expected >= 1e-9
    np.testing.assert_allclose(np.log(scores[compared]), np.log(expected[compared]), rtol=0, atol=1e-4)
