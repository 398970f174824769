import numpy as np
import pytest
from scipy.stats import entropy

from builder_assets.dataset.features.sequence import (
    base_counts,
    one_hot_windows,
    sequence_features,
    window_chunks,
    window_sequences,
    windows_of,
)
from builder_assets.sequence import codes_of, letters_of


def features_of(*texts: str) -> dict:
    return {name: v.to_list() for name, v in sequence_features(base_counts(np.stack([*map(codes_of, texts)]))).items()}


def test_windows_of__n_beyond_the_gene() -> None:
    windows = windows_of(codes_of("ACGTA"), np.array([0, 2, 4]), 2, 2)
    assert [letters_of(window) for window in windows] == ["NNACG", "ACGTA", "GTANN"]


def test_windows_of__two_flank_lengths() -> None:
    assert [letters_of(w) for w in windows_of(codes_of("ACGTA"), np.array([0, 2]), 1, 3)] == ["NACGT", "CGTAN"]


def test_windows_of__flank_longer_than_the_gene() -> None:
    assert letters_of(windows_of(codes_of("AC"), np.array([1]), 4, 4)[0]) == "NNNACNNNN"


def test_window_chunks__together_are_all_windows() -> None:
    codes, offsets = codes_of("ACGT" * 30), np.arange(119, -1, -7)
    chunks = list(window_chunks(codes, offsets, 5, 5, bins=200_000))
    assert [len(chunk) for chunk in chunks] == [5, 5, 5, 3]
    assert (np.concatenate(chunks) == windows_of(codes, offsets, 5, 5)).all()


def test_sequence_features__by_hand() -> None:
    found = features_of("A" * 30 + "G" * 30, "ACGT" * 15, "C" * 60, "A" * 45 + "C" * 15)
    assert found["gc_content"] == pytest.approx([0.5, 0.5, 1.0, 0.25])
    assert found["sequence_complexity"] == pytest.approx([1.0, 2.0, 0.0, entropy([3, 1], base=2)])
    assert found["n_fraction"] == [0.0] * 4


def test_sequence_features__null_below_50_known_bases() -> None:
    found = features_of("A" * 49 + "N" * 51, "A" * 50 + "N" * 50, "N" * 100)
    assert found["gc_content"] == [None, 0.0, None]
    assert found["sequence_complexity"] == [None, 0.0, None]
    assert found["n_fraction"] == pytest.approx([0.51, 0.5, 1.0])


def test_sequence_features__unknown_bases_do_not_count() -> None:
    assert features_of("GC" * 20 + "AT" * 20 + "N" * 40)["gc_content"] == [0.5]
    assert features_of("gc" * 20 + "at" * 20 + "R" * 40)["gc_content"] == [0.5]


def test_window_sequences_and_one_hot__by_hand() -> None:
    windows = np.stack([codes_of("ACN"), codes_of("GTT")])
    assert window_sequences(windows).to_list() == ["ACN", "GTT"]
    assert one_hot_windows(windows).to_list() == [
        [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0],
        [0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1],
    ]
