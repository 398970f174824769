"""K-mer counts of windows: every column always there, in lexicographic order, whatever the sequence holds.

A A A A      3-mers overlap: AAA, AAA -> 3mer_AAA = 2
A C N G T    a 3-mer with a base other than ACGT is skipped
"""

from itertools import product

import numpy as np

from builder_assets.sequence import N
from resources.table_contract import Column

CHUNK = 100_000  # values held at a time, whatever the number of rows


def kmer_names(k: int) -> list[str]:
    """The 4^k column names of length `k`, `3mer_AAA`, `3mer_AAC`, .. `3mer_TTT`."""
    return [f"{k}mer_{''.join(bases)}" for bases in product("ACGT", repeat=k)]


def kmer_columns(kmers: tuple[int, ...], values: str = "counts") -> tuple[Column, ...]:
    """The columns of several lengths, shortest first, as "counts" or "frequencies"."""
    text = "Overlapping occurrences of {} in the window; non-ACGT skipped."
    dtype, unit, maximum = "uint16", "count", None
    if values == "frequencies":
        text = "Share of {} among the overlapping stretches of its length in the window that are ACGT; 0 without any."
        dtype, unit, maximum = "float32", "", 1
    return tuple(
        Column(
            name=name,
            dtype=dtype,
            description=text.format(name.partition("_")[2]),
            unit=unit,
            role="feature",
            minimum=0,
            maximum=maximum,
        )
        for k in sorted(kmers)
        for name in kmer_names(k)
    )


def kmer_frequencies(counts: np.ndarray) -> np.ndarray:
    """Counts of one length, (n, 4^k), as shares of their sum, float32; zeros stay where nothing was counted."""
    sums = counts.sum(axis=1, dtype=np.int64)
    return (counts / np.maximum(sums, 1)[:, None]).astype(np.float32)


def kmer_codes(codes: np.ndarray, k: int) -> np.ndarray:
    """The k-mer that starts at each base, int16 (.., width - k + 1): its lexicographic rank, 4^k where a base is N.

    Args:
        codes: Base codes, uint8 (.., width), in transcription direction.
        k: Length of the k-mers, at most 6.
    """
    starts = max(codes.shape[-1] - k + 1, 0)
    ranks = np.zeros((*codes.shape[:-1], starts), dtype=np.int16)
    for shift in range(k):
        ranks *= 4
        ranks += codes[..., shift : shift + starts]
    np.putmask(ranks, windows_with_n(codes, k), 4**k)
    return ranks


def windows_with_n(codes: np.ndarray, k: int) -> np.ndarray:
    """Which starts have a base other than ACGT among their `k` bases, bool (.., width - k + 1)."""
    starts = max(codes.shape[-1] - k + 1, 0)
    unknown = codes == N
    touched = np.zeros((*codes.shape[:-1], starts), dtype=bool)
    for shift in range(k):
        touched |= unknown[..., shift : shift + starts]
    return touched


def kmer_counts(windows: np.ndarray, k: int) -> np.ndarray:
    """Overlapping k-mer counts, uint16 (n, 4^k), columns in lexicographic order.

    Args:
        windows: Base codes, uint8 (n, width), in transcription direction; width at most 65,535.
        k: Length of the k-mers.
    """
    return _counted(kmer_codes(windows, k), k).astype(np.uint16)


def _counted(ranks: np.ndarray, k: int) -> np.ndarray:
    """How often each of `ranks`, int16 (n, starts), stands in its row, int64 (n, 4^k)."""
    bins = 4**k + 1  # the last one takes what holds an N
    places = ranks + (np.arange(len(ranks), dtype=np.int64) * bins)[:, None]
    counts = np.bincount(places.ravel(), minlength=len(ranks) * bins).reshape(len(ranks), bins)
    return counts[:, :-1]


def kmer_counts_of_windows(
    codes: np.ndarray, offsets: np.ndarray, upstream: int, downstream: int, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """`kmer_counts` of the window of each offset, and the k-mers without N in it, int64 (n,).

    Ranks are worked out once per base of the gene, not once per window; a bounded number of windows at a time.

    Args:
        codes: Base codes of one gene, uint8 (length,), index = offset; N beyond.
        offsets: Bases to look at, int64 (n,).
        upstream: Bases of the window before each of them.
        downstream: Bases after each of them.
        k: Length of the k-mers.
    """
    counts = np.empty((len(offsets), 4**k), dtype=np.uint16, order="F")  # a frame takes columns
    width = upstream + 1 + downstream
    if width < k or not len(offsets):
        counts[:] = 0
        return counts, np.zeros(len(offsets), dtype=np.int64)
    padded = np.pad(codes, (upstream, downstream), constant_values=N)
    places = np.lib.stride_tricks.sliding_window_view(kmer_codes(padded, k), width - k + 1)
    rows = max(1, CHUNK // max(width, 4**k))
    for first in range(0, len(offsets), rows):
        counts[first : first + rows] = _counted(places[offsets[first : first + rows]], k)
    unknown = np.flatnonzero(windows_with_n(padded, k))
    last = offsets + width - k
    n_unknown = np.searchsorted(unknown, last, side="right") - np.searchsorted(unknown, offsets)
    return counts, width - k + 1 - n_unknown
