"""The readable network: shapes, wiring drawn by hand, precision, and the published Keras scores."""

import re

import jax
import numpy as np
import pytest
from flax import nnx

from builder_assets.base_model.architectures import ACCEPTOR, DONOR, NEITHER, architecture_of
from builder_assets.base_model.array_names import array_shapes
from builder_assets.base_model.network import SpliceNetwork, network_with
from tests.base_model.published_models import (
    assert_parity,
    golden,
    network_scores,
    spliceai,
    toy_architecture,
    toy_arrays,
)


def one_hot(letters: str, flank: int) -> np.ndarray:
    rows = np.array([[letter == base for base in "ACGT"] for letter in letters], dtype=np.float32)
    return np.pad(rows, ((flank, flank), (0, 0)))[None]


def silent_arrays(architecture):
    """All zero, norms the identity: every score is one third."""
    arrays = {name: np.zeros(shape, np.float32) for name, shape in array_shapes(architecture).items()}
    for name in arrays:
        if name.endswith((".scale", ".var")):
            arrays[name] += 1
    return arrays


@pytest.mark.parametrize("context", [80, 400, 2000, 10000])
def test_network__gives_three_channels_for_every_scored_base(context):
    architecture = architecture_of("openspliceai", context)
    bases = jax.ShapeDtypeStruct((2, 17 + context, 4), np.float32)
    scores = jax.eval_shape(lambda bases: SpliceNetwork(architecture, nnx.Rngs(0))(bases), bases)
    assert (scores.shape, scores.dtype) == ((2, 17, 3), np.float32)


@pytest.mark.parametrize(("family", "context"), [("spliceai", 10000), ("openspliceai", 400)])
def test_network__holds_the_arrays_of_the_weights(family, context):
    architecture = architecture_of(family, context)
    network = nnx.eval_shape(lambda: SpliceNetwork(architecture, nnx.Rngs(0)))
    held = {".".join(map(str, path)): v.get_value().shape for path, v in nnx.to_flat_state(nnx.state(network))}
    assert held == array_shapes(architecture)
    assert sum(int(np.prod(shape)) for shape in held.values()) == architecture.parameters()


@pytest.mark.parametrize("channel", [NEITHER, ACCEPTOR, DONOR])
def test_network__stem_skip_and_head_stay_on_their_base(channel):
    """Stem: G lights channel 7; skip 0 passes it on; head: channel 7 raises one class."""
    architecture = toy_architecture()
    arrays = silent_arrays(architecture)
    arrays["stem.kernel"][0, 2, 7] = 1
    arrays["skips.0.kernel"][0, 7, 7] = 1
    arrays["head.kernel"][0, 7, channel] = 10
    scores = np.asarray(network_scores(arrays, one_hot("ACGTNGCA", architecture.flank), architecture)[0])
    assert np.flatnonzero(scores[:, channel] > 0.9).tolist() == [2, 5]
    np.testing.assert_allclose(scores[[0, 1, 3, 4, 6, 7]], 1 / 3, atol=1e-6)


@pytest.mark.parametrize(("unit", "distance"), [(0, 2), (7, 3)])
def test_network__last_tap_reads_downstream_by_half_width_times_dilation(unit, distance):
    """conv_1 of one unit passes channel 7 through its last tap: units 0..3 reach 2 bases on, 4..7 reach 1 x 3."""
    architecture = toy_architecture()
    arrays = silent_arrays(architecture)
    arrays["stem.kernel"][0, 2, 7] = 1
    arrays[f"units.{unit}.conv_1.kernel"][-1, 7, 7] = 1
    arrays[f"units.{unit}.conv_2.kernel"][architecture.widths[unit] // 2, 7, 8] = 1
    arrays["skips.2.kernel"][0, 8, 8] = 1
    arrays["head.kernel"][0, 8, DONOR] = 10
    scores = np.asarray(network_scores(arrays, one_hot("AAAAAAGAAA", architecture.flank), architecture)[0])
    assert np.flatnonzero(scores[:, DONOR] > 0.9).tolist() == [6 - distance]


def test_network__asks_for_highest_precision_everywhere():
    architecture = toy_architecture()
    network = network_with(toy_arrays(architecture, 0), architecture)
    program = jax.jit(lambda bases: network(bases)).lower(one_hot("ACGT", architecture.flank)).as_text()
    products = [line for line in program.splitlines() if re.search(r"stablehlo\.(convolution|dot)", line)]
    assert len(products) == 1 + 3 + 16 + 1
    assert [line for line in products if line.count("HIGHEST") != 2] == []


def test_network__agrees_with_the_published_keras_model():
    ensemble, numbers = spliceai(), golden("spliceai_keras.npz")
    # The 500 bases in the middle, with the real bases and the N that the Keras model read around them.
    bases = one_hot(numbers["trmt2a_minus/sequence"].tobytes().decode(), 5000)[:, 500 : 500 + 10_500]
    scores = network_scores(ensemble.members[2], bases, ensemble.architecture)[0]
    assert_parity(np.asarray(scores), numbers["trmt2a_minus/members"][2, 500:1000])


def test_network_with__refuses_arrays_that_do_not_fit():
    architecture = toy_architecture()
    arrays = toy_arrays(architecture, 0) | {"head.bias": np.zeros(4, np.float32), "tail.bias": np.zeros(3, np.float32)}
    with pytest.raises(ValueError, match=r"2 arrays do not fit the network, among them head\.bias, tail\.bias"):
        network_with(arrays, architecture)
