"""Convolutions as products of spectra: against sums of products, and against the readable network."""

import re
from functools import partial

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder_assets.base_model.architectures import architecture_of
from builder_assets.base_model.overlap_save import convolved, kernel_spectrum, workspace
from builder_assets.base_model.scoring import Scorer
from builder_assets.base_model.spectral import (
    STRETCH,
    computed_ranges,
    member_scores,
    room_for,
    spectral_member,
    tracks_for,
    windows_of,
)
from tests.base_model.published_models import network_scores, toy_architecture, toy_ensemble

TEN_K = architecture_of("spliceai", 10000)
ONE_HOT_OF_CODE = np.vstack([np.eye(4, dtype=np.float32), np.zeros((1, 4), dtype=np.float32)])


@pytest.mark.parametrize("windows", windows_of(TEN_K), ids=lambda windows: f"{windows.width} by {windows.dilation}")
def test_convolved__is_the_sum_of_products(windows):
    random = np.random.default_rng(5)
    kernel = random.normal(size=(windows.width, 32, 32)) / np.sqrt(32 * windows.width)
    track = random.normal(size=(windows.read, 32)).astype(np.float32)
    expected = np.zeros((windows.step, 32))
    for tap in range(windows.width):
        expected += track[tap * windows.dilation :][: windows.step].astype(np.float64) @ kernel[tap]
    spectrum = kernel_spectrum(kernel, windows)
    first, second = track[: windows.step], track[windows.middle :]
    found, _ = jax.jit(partial(convolved, windows=windows))(first, second, spectrum, workspace(windows))
    np.testing.assert_allclose(found, expected, rtol=0, atol=5e-6)


def test_computed_ranges__grow_from_the_gene_and_shrink_to_the_scored_bases():
    ranges = computed_ranges(TEN_K, (0, 100), (0, 100))
    assert len(ranges) == 1 + 32
    # Receptive half-widths after the stem, each of the first four units, and each later group.
    assert ranges[[0, 1, 2, 8, 16, 24]].tolist() == [
        [0, 100], [-5, 105], [-10, 110], [-40, 140], [-200, 300], [-1000, 1100],
    ]  # fmt: skip
    assert ranges[[27, 28, 31, 32]].tolist() == [[-2500, 2600], [-2000, 2100], [-500, 600], [0, 100]]
    inside = computed_ranges(TEN_K, (50_000, 60_000), (0, 100_000))
    assert inside[[0, 24, 32]].tolist() == [[45_000, 65_000], [46_000, 64_000], [50_000, 60_000]]


@given(length=st.integers(1, 300), start=st.integers(0, 299), known_only=st.booleans())
def test_computed_ranges__leave_out_only_what_is_constant_or_not_needed(length, start, known_only):
    architecture = toy_architecture()
    known = (0, length) if known_only else (-40, length + 40)
    start = min(start, length - 1)
    reach = 0
    for layer, (first, end) in enumerate(computed_ranges(architecture, (start, length), known).tolist()):
        reach += 0 if not layer else 2 if layer <= 8 else 3
        assert first in (known[0] - reach, start - (40 - reach))
        assert end in (known[1] + reach, length + 40 - reach)
        assert first >= max(known[0] - reach, start - (40 - reach))
    assert (first, end) == (start, length)


ARCHITECTURES = [architecture_of("openspliceai", context) for context in (80, 400, 2000, 10000)] + [toy_architecture()]


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda architecture: str(architecture.context))
@pytest.mark.parametrize("capacity", [1, 37, 700, 65536])
def test_room_for__holds_all_that_is_read_or_written(architecture, capacity):
    """A slice that starts before the memory or ends beyond it would be moved by XLA, silently."""
    room, cuts = room_for(capacity, architecture), windows_of(architecture)
    assert room.rows - capacity >= room.origin
    for length in {1, capacity}:
        cleared = room.rows - capacity + length
        for known in ((0, length), (-architecture.flank, length + architecture.flank), (-3, length + 7)):
            ranges = computed_ranges(architecture, (0, length), known) + room.origin
            assert ranges[0, 0] - 2 * cuts[0].reach >= 0
            assert ranges[0, 1] - 1 + STRETCH <= room.rows
            for layer, (first, end) in enumerate(ranges[1:].tolist()):
                windows = cuts[layer // 8]
                filled = 2 * windows.reach
                if layer % 8 == 7 and layer + 1 < len(ranges) - 1:
                    filled = max(filled, 2 * cuts[layer // 8 + 1].reach)
                assert first - filled >= 0
                assert first - windows.reach >= 0
                last = first + max(0, -(-(end - first) // windows.step) - 1) * windows.step
                assert max(last - windows.reach + windows.read, last + windows.step, end + filled) <= cleared


@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_bfloat16__rounds_what_is_constant_like_what_is_computed(slope):
    """N beside a gene, computed as bases, gives what the response to N alone gives."""
    architecture, ensemble = toy_architecture(slope), toy_ensemble(slope)
    bases = np.random.default_rng(3).integers(0, 4, 200).astype(np.uint8)
    scorer = Scorer(ensemble, (300,), "cpu", precision="bfloat16")
    flanked = np.pad(bases, architecture.flank, constant_values=4)
    found, expected = scorer.score(bases), scorer.score(flanked, flanked=True)
    # Sums in another order round a few inputs to the other neighbour; a constant that is not rounded is off everywhere.
    assert np.median(np.abs(found - expected)[:40]) < 1e-6


@pytest.mark.parametrize(("slope", "flanked"), [(0.0, False), (0.1, True)])
def test_scores__equal_those_of_the_network(slope, flanked):
    architecture, ensemble = toy_architecture(slope), toy_ensemble(slope)
    codes = np.random.default_rng(3).integers(0, 5, 200 + architecture.context).astype(np.uint8)
    read = codes if flanked else np.pad(codes[40:-40], 40, constant_values=4)
    expected = np.mean(
        [network_scores(arrays, ONE_HOT_OF_CODE[read][None], architecture)[0] for arrays in ensemble.members], axis=0
    )
    scores = Scorer(ensemble, (90,), "cpu").score(codes if flanked else codes[40:-40], flanked=flanked)
    assert float(np.ptp(scores)) > 0.05
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-6)


def test_member_scores__ask_for_full_precision_everywhere():
    """Both operands of every product; XLA's default is lower on some devices."""
    architecture, ensemble = toy_architecture(), toy_ensemble()
    room = room_for(90, architecture)
    scores = jax.jit(partial(member_scores, architecture=architecture, capacity=90))
    program = scores.lower(
        tracks_for(room), spectral_member(ensemble.members[0], architecture), np.zeros(room.rows, np.uint8),
        np.zeros((17, 2), np.int32), np.int32(90),
    ).as_text()  # fmt: skip
    products = [line for line in program.splitlines() if re.search(r"stablehlo\.(convolution|dot)", line)]
    assert (
        len(products) == 3 + 2 * 2 * 5
    )  # a projection per skip; to, by real, by imaginary, and two fro, for both of a unit
    assert [line for line in products if line.count("HIGHEST") != 2] == []
