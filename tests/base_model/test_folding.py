"""Folding changes nothing: against the readable network, and against the published models."""

import re
from functools import partial

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder_assets.base_model.folding import (
    folded_ensemble,
    folded_member,
    member_probabilities,
    members_probabilities,
)
from builder_assets.sequence import codes_of
from tests.base_model.published_models import (
    assert_parity,
    golden,
    network_scores,
    openspliceai,
    spliceai,
    toy_architecture,
    toy_arrays,
    toy_ensemble,
)

ONE_HOT_OF_CODE = np.vstack([np.eye(4, dtype=np.float32), np.zeros((1, 4), dtype=np.float32)])
folded_scores = jax.jit(member_probabilities, static_argnames="architecture")


@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_member_probabilities__equal_those_of_the_network(slope):
    architecture = toy_architecture(slope)
    codes = np.random.default_rng(3).integers(0, 5, 200 + architecture.context).astype(np.uint8)
    arrays = toy_arrays(architecture, 11)
    expected = network_scores(arrays, ONE_HOT_OF_CODE[codes][None], architecture)[0]
    scores = folded_scores(folded_member(arrays, architecture), codes, architecture=architecture)
    assert scores.shape == (200, 3)
    assert float(np.ptp(scores)) > 0.1  # the random network does say different things about different bases
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_member_probabilities__equal_those_of_the_network_for_any_weights(seed):
    architecture = toy_architecture(0.1)
    arrays = toy_arrays(architecture, seed)
    codes = np.random.default_rng(seed).integers(0, 5, 31 + architecture.context).astype(np.uint8)
    expected = network_scores(arrays, ONE_HOT_OF_CODE[codes][None], architecture)[0]
    scores = folded_scores(folded_member(arrays, architecture), codes, architecture=architecture)
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-6)


def test_member_probabilities__equal_those_of_the_network_for_published_weights():
    ensemble = spliceai()
    codes = codes_of(golden("spliceai_keras.npz")["dgcr8_real_flanks/sequence"].tobytes())[:10_300]
    folded = folded_member(ensemble.members[0], ensemble.architecture)
    scores = folded_scores(folded, codes, architecture=ensemble.architecture)
    expected = network_scores(ensemble.members[0], ONE_HOT_OF_CODE[codes][None], ensemble.architecture)[0]
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-6)


def test_members_probabilities__are_those_of_each_member():
    ensemble = toy_ensemble()
    codes = np.random.default_rng(4).integers(0, 5, 50 + 80).astype(np.uint8)
    stacked = folded_ensemble(ensemble.members, ensemble.architecture)
    found = jax.jit(partial(members_probabilities, architecture=ensemble.architecture))(stacked, codes)
    members = [folded_member(arrays, ensemble.architecture) for arrays in ensemble.members]
    each = [folded_scores(member, codes, architecture=ensemble.architecture) for member in members]
    np.testing.assert_allclose(found, each, rtol=0, atol=1e-6)


def test_members_probabilities__ask_for_highest_precision_everywhere():
    ensemble = toy_ensemble()
    scores = jax.jit(partial(members_probabilities, architecture=ensemble.architecture))
    stacked = folded_ensemble(ensemble.members, ensemble.architecture)
    program = scores.lower(stacked, np.zeros(90, np.uint8)).as_text()
    products = [line for line in program.splitlines() if re.search(r"stablehlo\.(convolution|dot)", line)]
    assert len(products) == 3 + 16
    assert [line for line in products if line.count("HIGHEST") != 2] == []


def test_members_probabilities__in_bfloat16_read_bfloat16_and_sum_in_float32():
    ensemble = toy_ensemble()
    architecture = ensemble.architecture
    scores = jax.jit(partial(members_probabilities, architecture=architecture, precision="bfloat16"))
    program = scores.lower(folded_ensemble(ensemble.members, architecture), np.zeros(90, np.uint8)).as_text()
    convolutions = [line for line in program.splitlines() if "stablehlo.convolution" in line]
    assert len(convolutions) == 16
    assert [line for line in convolutions if line.count("xbf16>") != 2 or "xf32>" not in line] == []


@pytest.mark.parametrize("stretch", ["dgcr8_plus", "trmt2a_minus", "dgcr8_real_flanks"])
def test_member_probabilities__agree_with_each_published_keras_model(stretch):
    """Three stretches of chr22: N beyond both ends on either strand, and real bases over the whole context."""
    ensemble, numbers = spliceai(), golden("spliceai_keras.npz")
    first, last = numbers[f"{stretch}/stored"]
    codes = np.pad(codes_of(numbers[f"{stretch}/sequence"].tobytes()), 5000, constant_values=4)
    for arrays, expected in zip(ensemble.members, numbers[f"{stretch}/members"], strict=True):
        member = folded_member(arrays, ensemble.architecture)
        found = folded_scores(member, codes[first : last + 10_000], architecture=ensemble.architecture)
        assert_parity(np.asarray(found), expected)


@pytest.mark.parametrize("context", [80, 400, 2000, 10000])
def test_member_probabilities__agree_with_each_published_pytorch_model(context, shared):
    ensemble, numbers = openspliceai(shared, context), golden("openspliceai_torch.npz")
    first, last = numbers["member_window"]
    codes = np.pad(codes_of(numbers["sequence"].tobytes()), context // 2, constant_values=4)
    for arrays, expected in zip(ensemble.members, numbers[f"{context}/members"], strict=True):
        member = folded_member(arrays, ensemble.architecture)
        found = folded_scores(member, codes[first : last + context], architecture=ensemble.architecture)
        assert_parity(np.asarray(found), expected)
