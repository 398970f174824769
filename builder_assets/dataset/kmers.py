"""K-mer counts of windows: every column always there, in lexicographic order, whatever the sequence holds.

A A A A      3-mers overlap: AAA, AAA -> 3mer_AAA = 2
A C N G T    a 3-mer with a base other than ACGT is skipped
"""

from itertools import product

import numpy as np

from builder_assets.sequence import N
from resources.table_contract import Column


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


def kmer_codes(windows: np.ndarray, k: int) -> np.ndarray:
    """The k-mer that starts at each base, int32 (n, width - k + 1): its lexicographic rank, 4^k where a base is N."""
    starts = max(windows.shape[1] - k + 1, 0)
    codes = np.zeros((len(windows), starts), dtype=np.int32)
    for shift in range(k):
        codes *= 4
        codes += windows[:, shift : shift + starts]
    codes[windows_with_n(windows, k)] = 4**k
    return codes


def windows_with_n(windows: np.ndarray, k: int) -> np.ndarray:
    """Which starts have a base other than ACGT among their `k` bases, bool (n, width - k + 1)."""
    starts = max(windows.shape[1] - k + 1, 0)
    unknown = windows == N
    touched = np.zeros((len(windows), starts), dtype=bool)
    for shift in range(k):
        touched |= unknown[:, shift : shift + starts]
    return touched


def kmer_counts(windows: np.ndarray, k: int) -> np.ndarray:
    """Overlapping k-mer counts, uint16 (n, 4^k), columns in lexicographic order.

    Args:
        windows: Base codes, uint8 (n, width), in transcription direction; width at most 65,535.
        k: Length of the k-mers.
    """
    bins = 4**k + 1  # the last one takes what holds an N
    codes = kmer_codes(windows, k) + (np.arange(len(windows), dtype=np.int32) * bins)[:, None]
    counts = np.bincount(codes.ravel(), minlength=len(windows) * bins).reshape(len(windows), bins)
    return counts[:, :-1].astype(np.uint16)
