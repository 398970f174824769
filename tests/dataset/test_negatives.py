import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder_assets.dataset.negatives import (
    draw_negatives,
    drawn_counts,
    near_bases,
    tiers_of,
)
from builder_assets.seeds import generator_of
from builder_assets.sequence import codes_of
from builder_assets.settings import NegativeSettings, TierRatios
from builder_assets.tables.dataset import TIERS


def tier_names(letters: str, scores: dict[int, float], sites: list[int], **settings: float) -> list[str]:
    track = np.zeros(len(letters), dtype=np.float32)
    track[list(scores)] = list(scores.values())
    eligible = np.ones(len(letters), dtype=bool)
    eligible[sites] = False
    tiers = tiers_of(
        track, np.zeros_like(track), codes_of(letters), eligible, np.array(sites, dtype=np.int64),
        NegativeSettings(**settings),
    )  # fmt: skip
    return ["-" if tier < 0 else TIERS[tier] for tier in tiers]


def test_tiers_of__bounds_belong_to_the_higher_tier() -> None:
    scores = {0: 0.15, 1: 0.1499, 2: 0.01, 3: 0.0099, 4: 0.001, 5: 0.0009}
    assert tier_names("CCCCCC", scores, []) == ["hard", "mid", "mid", "low", "low", "easy"]


def test_tiers_of__acceptor_scores_count_as_much() -> None:
    zero, high = np.zeros(3, dtype=np.float32), np.array([0, 0.9, 0], dtype=np.float32)
    eligible = np.ones(3, dtype=bool)
    tiers = tiers_of(zero, high, codes_of("CCC"), eligible, np.array([], dtype=np.int64), NegativeSettings())
    assert [TIERS[t] for t in tiers] == ["easy", "hard", "easy"]


def test_tiers_of__decoys_stand_where_a_site_would() -> None:
    #         0123456789
    letters = "CCGTCCAGCC"  # GT after base 1, AG before base 8
    assert tier_names(letters, {}, []) == ["easy", "decoy", *["easy"] * 6, "decoy", "easy"]


def test_tiers_of__motifs_beyond_the_ends_do_not_count() -> None:
    assert tier_names("GTCCAG", {}, []) == ["easy"] * 6


def test_tiers_of__near_window_of_a_site() -> None:
    assert tier_names("C" * 9, {}, [4], window=2) == [
        "easy",
        "easy",
        "near",
        "near",
        "-",
        "near",
        "near",
        "easy",
        "easy",
    ]


def test_tiers_of__first_tier_that_fits() -> None:
    #  base 2 is a decoy beside a site; with a score it is low, mid or hard instead
    for score, tier in ((0.0, "decoy"), (0.002, "low"), (0.02, "mid"), (0.2, "hard")):
        assert tier_names("CCCGTCC", {2: score}, [5], window=3)[2] == tier


@pytest.mark.parametrize(("site", "expected"), [(0, [0, 1, 2]), (4, [2, 3, 4])])
def test_near_bases__ends_at_the_gene(site: int, expected: list[int]) -> None:
    assert np.flatnonzero(near_bases(5, np.array([site]), 2)).tolist() == expected


def test_drawn_counts__by_hand() -> None:
    pools = np.array([50, 40, 30, 20, 10, 1000])
    # 5 sites: low ceil(5), decoy ceil(5), near ceil(2.5), easy ceil(2.5)
    assert drawn_counts(pools, 5, NegativeSettings()).tolist() == [50, 40, 5, 5, 3, 3]
    # no site: the minimum, but not for near
    assert drawn_counts(pools, 0, NegativeSettings()).tolist() == [50, 40, 2, 2, 0, 2]
    assert drawn_counts(pools, 100, NegativeSettings()).tolist() == [50, 40, 30, 20, 10, 50]
    assert drawn_counts(pools, 5, NegativeSettings(keep_all=True)).tolist() == pools.tolist()


def test_drawn_counts__a_last_bit_above_a_whole_number_adds_nothing() -> None:
    settings = NegativeSettings(ratios=TierRatios(easy=0.07))
    assert 0.07 * 100 > 7  # what the rounding guards against
    assert drawn_counts(np.array([0, 0, 0, 0, 0, 99]), 100, settings)[5] == 7


@given(
    tiers=st.lists(st.integers(-1, 5), min_size=1, max_size=200),
    n_sites=st.integers(0, 20),
    seed=st.integers(0, 5),
    keep_all=st.booleans(),
)
def test_draw_negatives__weights_stand_for_the_pools(
    tiers: list[int], n_sites: int, seed: int, *, keep_all: bool
) -> None:
    settings = NegativeSettings(keep_all=keep_all)
    by_base = np.array(tiers, dtype=np.int8)
    drawn = draw_negatives(by_base, n_sites, settings, generator_of(seed, "1", "G"))
    assert (by_base[drawn.offsets] == drawn.tiers).all()
    assert (np.diff(drawn.offsets) > 0).all()
    for tier in range(6):
        pool, weights = tiers.count(tier), drawn.weights[drawn.tiers == tier]
        assert len(weights) == drawn.drawn[tier]
        assert weights.sum() == pytest.approx(pool if len(weights) else 0)
    assert not ((drawn.drawn == 0) & (drawn.pools > 0))[[0, 1, 2, 3, 5]].any()


def test_draw_negatives__is_seeded_and_nested() -> None:
    tiers = np.full(1000, 5, dtype=np.int8)

    def offsets(seed: int, gene_id: str, ratio: float) -> list[int]:
        settings = NegativeSettings(ratios=TierRatios(easy=ratio))
        return draw_negatives(tiers, 20, settings, generator_of(seed, "1", gene_id)).offsets.tolist()

    assert offsets(1, "G", 1.0) == offsets(1, "G", 1.0)
    assert offsets(1, "G", 1.0) != offsets(2, "G", 1.0)
    assert offsets(1, "G", 1.0) != offsets(1, "H", 1.0)
    assert set(offsets(1, "G", 1.0)) < set(offsets(1, "G", 2.0))


def test_draw_negatives__every_base_is_as_likely() -> None:
    tiers = np.full(10, 5, dtype=np.int8)
    settings = NegativeSettings(ratios=TierRatios(easy=0.3))
    times = np.zeros(10)
    for seed in range(2000):
        times[draw_negatives(tiers, 10, settings, generator_of(seed, "1", "G")).offsets] += 1
    # 3 of 10 each time: 600 expected per base, standard deviation 20.5
    assert abs(times - 600).max() < 5 * 20.5
