import numpy as np
import pytest

from builder_assets.dataset.features.motifs import MOTIF_COLUMNS, motif_features
from builder_assets.sequence import codes_of


def motif(letters: str, at: int) -> dict:
    return {name: values[0] for name, values in motif_features(codes_of(letters), np.array([at])).items()}


def test_motif_features__fills_exactly_its_columns() -> None:
    assert set(motif("ACGT", 1)) == {column.name for column in MOTIF_COLUMNS}


def test_motif_features__bases_by_shift() -> None:
    found = motif("C" * 18 + "AG" + "T" + "GTACGTAA", 20)
    assert [found[f"base_{name}"] for name in ("m20", "m3", "m2", "m1", "0", "p1", "p2", "p8")] == [
        1,
        1,
        0,
        2,
        3,
        2,
        3,
        0,
    ]
    assert (found["is_gt"], found["is_gc"], found["is_ag"]) == (True, False, True)
    edge = motif("CGC", 0)
    assert [edge[f"base_{name}"] for name in ("m20", "m1", "0", "p1", "p2", "p3")] == [4, 4, 1, 2, 1, 4]
    assert (edge["is_gt"], edge["is_gc"], edge["is_ag"]) == (False, True, False)


def test_motif_features__pyrimidine_share() -> None:
    tract = "CT" * 5 + "AG" * 5  # shifts -23..-4
    assert motif("A" * 9 + tract + "AAA" + "C", 32)["pyrimidine_share"] == pytest.approx(0.5)
    assert motif("NNNN" + "C" * 10, 8)["pyrimidine_share"] == 1.0  # one known base there
    assert motif("ACGT", 3)["pyrimidine_share"] is None


@pytest.mark.parametrize(
    ("letters", "at", "distance"),
    [
        ("CCAGCCAGC", 8, 5),  # its own AG at -2, -1 is passed over; the G of the other is 5 back
        ("AGCCC", 4, 3),
        ("CAGCC", 4, 500),  # G at -2: too near
        ("CCCCC", 4, 500),
        ("AG" + "C" * 600, 500, 499),
        ("AG" + "C" * 600, 520, 500),
    ],
)
def test_motif_features__distance_to_the_ag_upstream(letters, at, distance) -> None:
    assert motif(letters, at)["ag_distance"] == distance


@pytest.mark.parametrize("distance", [18, 30, 44])
def test_motif_features__branch_point_where_the_published_motif_matches(distance) -> None:
    # The highest base of each column of the published matrix: A A C T A A C, the sixth is the branch point.
    letters = ["G"] * 80
    letters[70 - distance - 5 : 70 - distance + 2] = "AACTAAC"
    found = motif("".join(letters), 70)
    assert found["branch_point_distance"] == distance
    # log2 of 0.256 0.378 0.493 0.980 0.467 1 0.550 over 0.25 each, worked out with bc
    assert found["branch_point_score"] == pytest.approx(7.6202, abs=0.001)


def test_motif_features__branch_point_out_of_reach_or_unknown() -> None:
    letters = ["G"] * 80
    letters[70 - 45 - 5 : 70 - 45 + 2] = "AACTAAC"
    assert motif("".join(letters), 70)["branch_point_distance"] != 45
    unknown = motif("GGGG", 2)
    assert (unknown["branch_point_score"], unknown["branch_point_distance"]) == (-20, 0)
