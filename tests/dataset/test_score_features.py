from math import log

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from builder_assets.dataset.features.scores import (
    BASE_COLUMNS,
    DERIVED_COLUMNS,
    base_features,
    derived_features,
    neighbourhood,
)
from resources.table_contract import TableContract

PREDECESSOR_NAMES = [
    "relative_donor_probability",
    "splice_probability",
    "donor_acceptor_diff",
    "splice_neither_diff",
    "donor_acceptor_logodds",
    "splice_neither_logodds",
    "probability_entropy",
    "context_neighbor_mean",
    "context_asymmetry",
    "context_max",
    "donor_diff_m1",
    "donor_diff_m2",
    "donor_diff_p1",
    "donor_diff_p2",
    "donor_surge_ratio",
    "donor_is_local_peak",
    "donor_weighted_context",
    "donor_peak_height_ratio",
    "donor_second_derivative",
    "donor_signal_strength",
    "donor_context_diff_ratio",
    "acceptor_diff_m1",
    "acceptor_diff_m2",
    "acceptor_diff_p1",
    "acceptor_diff_p2",
    "acceptor_surge_ratio",
    "acceptor_is_local_peak",
    "acceptor_weighted_context",
    "acceptor_peak_height_ratio",
    "acceptor_second_derivative",
    "acceptor_signal_strength",
    "acceptor_context_diff_ratio",
    "donor_acceptor_peak_ratio",
    "type_signal_difference",
    "score_difference_ratio",
    "signal_strength_ratio",
]


def scores(*rows: list[float]) -> np.ndarray:
    return np.array(rows, dtype=np.float32)


def test_neighbourhood__beyond_the_gene_is_zero_and_marked() -> None:
    values, inside = neighbourhood(scores([0.1, 0.2, 0.3])[0], np.array([0, 1]))
    assert values == pytest.approx(scores([0, 0, 0.1, 0.2, 0.3], [0, 0.1, 0.2, 0.3, 0]))
    assert inside.tolist() == [[False, False, True, True, True], [False, True, True, True, False]]


def test_base_features__each_track_keeps_its_own_neighbours() -> None:
    donor, acceptor = scores([0.1, 0.2, 0.3, 0.4, 0.5]), scores([0.01, 0.02, 0.03, 0.04, 0.05])
    row = pl.DataFrame(base_features(donor, acceptor, np.ones((1, 5), dtype=bool))).row(0, named=True)
    assert row == pytest.approx(
        {"donor_score": 0.3, "acceptor_score": 0.03, "neither_score": 0.67, "at_gene_edge": False}
        | {"donor_m2": 0.1, "donor_m1": 0.2, "donor_p1": 0.4, "donor_p2": 0.5}
        | {"acceptor_m2": 0.01, "acceptor_m1": 0.02, "acceptor_p1": 0.04, "acceptor_p2": 0.05}
    )


def test_base_features__null_beyond_the_gene_only() -> None:
    inside = np.array([[False, True, True, True, True], [True] * 5])
    frame = pl.DataFrame(base_features(scores([0] * 5, [0] * 5), scores([0] * 5, [0] * 5), inside))
    assert frame["donor_m2"].to_list() == [None, 0.0]
    assert frame["acceptor_m2"].to_list() == [None, 0.0]
    assert frame["at_gene_edge"].to_list() == [True, False]
    assert sum(frame.null_count().row(0)) == 2


def test_derived_features__by_hand() -> None:
    # d = 0.6, a = 0.2, n = 0.2; donor neighbours 0.1 0.2 | 0.3 0.0, acceptor neighbours 0.0 0.1 | 0.4 0.1
    row = derived_features(scores([0.1, 0.2, 0.6, 0.3, 0.0]), scores([0.0, 0.1, 0.2, 0.4, 0.1]))
    expected = {
        "relative_donor_probability": 0.75,
        "splice_probability": 0.8,
        "donor_acceptor_diff": 2 / 3,
        "splice_neither_diff": 2 / 3,
        "donor_acceptor_logodds": log(3),
        "splice_neither_logodds": log(4),
        "probability_entropy": -0.6 * log(0.6) - 0.4 * log(0.2),
        "context_neighbor_mean": (0.1 + 0.3 + 0.7 + 0.1) / 4,
        "context_asymmetry": (0.1 + 0.3) - (0.7 + 0.1),
        "context_max": 0.7,
        "donor_diff_m1": 0.4,
        "donor_diff_m2": 0.5,
        "donor_diff_p1": 0.3,
        "donor_diff_p2": 0.6,
        "donor_surge_ratio": 1.2,
        "donor_is_local_peak": 1,
        "donor_weighted_context": 0.01 + 0.04 + 0.24 + 0.06,
        "donor_peak_height_ratio": 4.0,
        "donor_second_derivative": 0.7,
        "donor_signal_strength": 0.45,
        "donor_context_diff_ratio": 2.0,
        "acceptor_diff_m1": 0.1,
        "acceptor_diff_m2": 0.2,
        "acceptor_diff_p1": -0.2,
        "acceptor_diff_p2": 0.1,
        "acceptor_surge_ratio": 0.4,
        "acceptor_is_local_peak": 0,
        "acceptor_weighted_context": 0.02 + 0.08 + 0.08 + 0.01,
        "acceptor_peak_height_ratio": 0.2 / 0.15,
        "acceptor_second_derivative": -0.1,
        "acceptor_signal_strength": 0.05,
        "acceptor_context_diff_ratio": 0.5,
        "donor_acceptor_peak_ratio": 3.0,
        "type_signal_difference": 0.4,
        "score_difference_ratio": 0.5,
        "signal_strength_ratio": 0.8,
    }
    assert list(expected) == PREDECESSOR_NAMES
    assert {name: value.item() for name, value in row.items()} == pytest.approx(expected, abs=5e-5)


def test_derived_columns__are_the_36_known_names() -> None:
    assert [column.name for column in DERIVED_COLUMNS] == PREDECESSOR_NAMES
    assert sorted(derived_features(scores([0] * 5), scores([0] * 5))) == sorted(PREDECESSOR_NAMES)


def test_derived_features__ratios_are_clipped() -> None:
    lonely = derived_features(scores([0, 0, 1, 0, 0]), scores([0, 0, 0, 0, 0]))
    for name in ("donor_surge_ratio", "donor_peak_height_ratio", "donor_context_diff_ratio"):
        assert lonely[name].item() == 1000
    assert lonely["donor_acceptor_peak_ratio"].item() == 1000
    assert lonely["donor_acceptor_logodds"].item() == pytest.approx(log(1e6), abs=1e-4)
    assert lonely["probability_entropy"].item() == 0


@st.composite
def score_pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    one = st.floats(0, 1, width=32)
    donor = draw(arrays(np.float32, (4, 5), elements=one))
    return donor, (draw(arrays(np.float32, (4, 5), elements=one)) * (1 - donor)).astype(np.float32)


@given(pair=score_pairs())
def test_score_features__stay_finite_and_inside_their_declared_ranges(pair: tuple[np.ndarray, np.ndarray]) -> None:
    columns = base_features(*pair, np.ones((4, 5), dtype=bool)) | derived_features(*pair)
    contract = TableContract(name="scores", description="", columns=(*BASE_COLUMNS, *DERIVED_COLUMNS))
    contract.check(pl.DataFrame(columns).select(contract.names))


@given(pair=score_pairs())
def test_derived_features__swapping_the_tracks_swaps_the_kinds(pair: tuple[np.ndarray, np.ndarray]) -> None:
    here, there = derived_features(*pair), derived_features(*pair[::-1])
    for name in ("diff_m2", "surge_ratio", "is_local_peak", "signal_strength", "context_diff_ratio"):
        assert (here[f"donor_{name}"] == there[f"acceptor_{name}"]).all()
    assert (here["context_max"] == there["context_max"]).all()
    assert here["type_signal_difference"] == pytest.approx(-there["type_signal_difference"])
