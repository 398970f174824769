from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from builder_assets.dataset.features.kmers import (
    kmer_columns,
    kmer_counts,
    kmer_counts_of_windows,
    kmer_frequencies,
    kmer_names,
    windows_with_n,
)
from builder_assets.sequence import codes_of

WINDOWS = st.integers(0, 40).flatmap(
    lambda n: st.lists(st.text("ACGTN", min_size=n, max_size=n), min_size=1, max_size=5)
)


@given(texts=WINDOWS, k=st.integers(1, 4))
def test_kmer_counts__equal_a_count_of_substrings(texts: list[str], k: int) -> None:
    windows = np.array([codes_of(text) for text in texts], dtype=np.uint8).reshape(len(texts), -1)
    counts = kmer_counts(windows, k)
    for text, row in zip(texts, counts, strict=True):
        seen = Counter(text[i : i + k] for i in range(len(text) - k + 1))
        expected = {f"{k}mer_{kmer}": n for kmer, n in seen.items() if "N" not in kmer}
        assert {name: n for name, n in zip(kmer_names(k), row.tolist(), strict=True) if n} == expected


def test_kmer_counts__homopolymers_are_counted() -> None:
    windows = np.stack([codes_of(base * 501) for base in "ACGT"])
    counts = dict(zip(kmer_names(3), kmer_counts(windows, 3).T.tolist(), strict=True))
    assert counts["3mer_AAA"] == [499, 0, 0, 0]
    assert counts["3mer_CCC"] == [0, 499, 0, 0]
    assert counts["3mer_GGG"] == [0, 0, 499, 0]
    assert counts["3mer_TTT"] == [0, 0, 0, 499]


def test_kmer_counts__lower_case_and_ambiguity_codes_make_no_columns() -> None:
    counts = kmer_counts(codes_of("acRgtYAC")[None], 2)
    assert counts.shape == (1, 16)
    assert counts.dtype == np.uint16
    assert {n: c for n, c in zip(kmer_names(2), counts[0].tolist(), strict=True) if c} == {"2mer_AC": 2, "2mer_GT": 1}


def test_kmer_counts__holds_the_largest_window() -> None:
    assert kmer_counts(np.zeros((1, 64001), dtype=np.uint8), 1).tolist() == [[64001, 0, 0, 0]]


def test_kmer_names__are_lexicographic() -> None:
    assert kmer_names(1) == ["1mer_A", "1mer_C", "1mer_G", "1mer_T"]
    assert kmer_names(3)[:5] == ["3mer_AAA", "3mer_AAC", "3mer_AAG", "3mer_AAT", "3mer_ACA"]
    assert len(set(kmer_names(3))) == 64
    assert kmer_names(3) == sorted(kmer_names(3))


def test_kmer_columns__several_lengths_at_once() -> None:
    assert [c.name for c in kmer_columns((2, 1))] == kmer_names(1) + kmer_names(2)
    assert kmer_columns(()) == ()


def test_windows_with_n__marks_every_start_that_reaches_an_n() -> None:
    assert windows_with_n(codes_of("ACNGTA")[None], 3).tolist() == [[True, True, True, False]]


@settings(max_examples=50, deadline=None)
@given(st.text("ACGTN", min_size=1, max_size=60), st.integers(0, 20), st.integers(0, 20), st.integers(1, 3), st.data())
def test_kmer_counts_of_windows__are_those_of_each_window_alone(letters, upstream, downstream, k, data) -> None:
    offsets = np.array(data.draw(st.lists(st.integers(0, len(letters) - 1), max_size=6)), dtype=np.int64)
    counts, known = kmer_counts_of_windows(codes_of(letters), offsets, upstream, downstream, k)
    padded = "N" * upstream + letters + "N" * downstream
    for row, offset in enumerate(offsets.tolist()):
        window = padded[offset : offset + upstream + 1 + downstream]
        there = Counter(window[i : i + k] for i in range(len(window) - k + 1))
        kmers = {kmer: n for kmer, n in there.items() if "N" not in kmer}
        names = [name.partition("_")[2] for name in kmer_names(k)]
        assert counts[row].tolist() == [kmers.get(name, 0) for name in names]
        assert known[row] == sum(kmers.values())


def test_kmer_frequencies__by_hand() -> None:
    found = kmer_frequencies(np.array([[1, 3, 0, 0], [0, 0, 0, 0]], dtype=np.uint16))
    assert found.dtype == np.float32
    assert found.tolist() == [[0.25, 0.75, 0, 0], [0, 0, 0, 0]]
