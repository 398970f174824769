import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder_assets.dataset.features.score_context import CONTEXT_COLUMNS, PARTNERS, ranks, score_context

REACHES = (50, 200, 1000)


def context(length: int, at: int, donor: dict[int, float] | None = None, acceptor: dict[int, float] | None = None):
    tracks = []
    for values in (donor or {}, acceptor or {}):
        track = np.zeros(length, dtype=np.float32)
        track[list(values)] = list(values.values())
        tracks.append(track)
    return {name: value[0].item() for name, value in score_context(*tracks, np.array([at])).items()}


def test_score_context__fills_exactly_its_columns() -> None:
    assert set(context(10, 5)) == {column.name for column in CONTEXT_COLUMNS}


@pytest.mark.parametrize(
    ("distance", "seen"),
    [(2, ()), (3, REACHES), (50, REACHES), (51, (200, 1000)), (200, (200, 1000)),
     (201, (1000,)), (1000, (1000,)), (1001, ())],
)  # fmt: skip
@pytest.mark.parametrize(("side", "sign"), [("upstream", -1), ("downstream", 1)])
def test_score_context__windows_begin_at_3_and_end_at_their_reach(side, sign, distance, seen) -> None:
    found = context(3000, 1500, donor={1500 + sign * distance: 0.05})
    for reach in REACHES:
        assert (found[f"donor_max_{side}_{reach}"] > 0) == (reach in seen)
        assert found[f"acceptor_max_{side}_{reach}"] == 0


@pytest.mark.parametrize(
    ("name", "kind", "inside", "outside"),
    [
        # the base is offset 20,000; an exon counts both its ends, an intron neither exon base
        ("donor_exon_partner", "acceptor", (-24, -499), (-23, -500)),  # exons of 25 and 500 bases
        ("donor_intron_partner", "acceptor", (51, 10_001), (50, 10_002)),  # introns of 50 and 10,000
        ("acceptor_exon_partner", "donor", (24, 499), (23, 500)),
        ("acceptor_intron_partner", "donor", (-51, -10_001), (-50, -10_002)),
    ],
)
def test_score_context__partners(name, kind, inside, outside) -> None:
    assert name in PARTNERS
    for shift in inside:
        assert context(40_000, 20_000, **{kind: {20_000 + shift: 0.7}})[name] == pytest.approx(0.7)
    for shift in outside:
        assert context(40_000, 20_000, **{kind: {20_000 + shift: 0.7}})[name] == 0


def test_score_context__nearest_candidate_on_each_side() -> None:
    found = context(2000, 1000, donor={998: 0.9, 990: 0.0999, 900: 0.3, 800: 0.8, 1003: 0.1})
    assert (found["donor_distance_upstream"], found["donor_none_upstream"]) == (100, False)
    assert found["donor_nearest_upstream"] == pytest.approx(0.3)
    assert (found["donor_distance_downstream"], found["donor_nearest_downstream"]) == (3, pytest.approx(0.1))
    assert found["donor_candidates_200"] == 4  # 998, 900, 800 and 1003
    nothing = (found["acceptor_distance_upstream"], found["acceptor_nearest_upstream"], found["acceptor_none_upstream"])
    assert nothing == (10_000, 0, True)


@pytest.mark.parametrize(("distance", "none"), [(10_000, False), (10_001, True)])
def test_score_context__candidates_beyond_what_the_model_sees_are_none(distance, none) -> None:
    found = context(25_000, 12_000, acceptor={12_000 + distance: 0.5})
    assert (found["acceptor_distance_downstream"], found["acceptor_none_downstream"]) == (10_000, none)
    assert found["acceptor_nearest_downstream"] == (0 if none else 0.5)


def test_score_context__the_base_itself_is_no_candidate_around_it() -> None:
    assert context(100, 50, donor={50: 0.9})["donor_candidates_200"] == 0


def test_score_context__rank_counts_higher_bases_of_the_gene() -> None:
    donor = np.array([0.1, 0.5, 0.5, 0.9, 0.2], dtype=np.float32)
    found = score_context(donor, np.zeros(5, dtype=np.float32), np.arange(5))
    assert found["donor_rank"].tolist() == [5, 2, 2, 1, 4]
    assert found["acceptor_rank"].tolist() == [1] * 5


@pytest.mark.parametrize("length", [1, 7, 5_000])
def test_ranks__equal_those_counted_base_by_base(length: int) -> None:
    generator = np.random.Generator(np.random.PCG64(length))
    track = (10 ** generator.uniform(-9, 0, size=length)).astype(np.float32)
    track[::5] = track[0] * np.float32(1 + 2**-20)  # ties, and scores that differ in the last bits only
    track[1::7], track[2::11] = 0, 1
    offsets = generator.integers(0, length, size=min(length, 300))
    assert ranks(track, offsets).tolist() == [1 + int((track > track[offset]).sum()) for offset in offsets]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 1500))
def test_score_context__mirrored_tracks_swap_the_sides(seed, length) -> None:
    generator = np.random.Generator(np.random.PCG64(seed))
    donor, acceptor = (10 ** generator.uniform(-5, 0, size=(2, length))).astype(np.float32)
    offsets = generator.integers(0, length, size=7)
    here = score_context(donor, acceptor, offsets)
    there = score_context(donor[::-1].copy(), acceptor[::-1].copy(), length - 1 - offsets)
    swap = {"upstream": "downstream", "downstream": "upstream"}
    for name, values in here.items():
        if "stream" in name:
            side = "upstream" if "upstream" in name else "downstream"
            assert (there[name.replace(side, swap[side])] == values).all()
