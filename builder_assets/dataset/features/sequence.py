"""The bases around an example, and what they are made of.

window   bases upstream | the base | bases downstream, in transcription direction
         N beyond the gene, so that the window always has upstream + 1 + downstream bases
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from builder_assets.sequence import N
from resources.table_contract import Column

KNOWN_MINIMUM = 50  # fewer known bases than this say nothing about composition
CHUNK = 1_000_000  # values held at a time, whatever the number of rows

SEQUENCE_COLUMNS = (
    Column(
        name="gc_content",
        dtype="float32",
        description=f"(G + C) / (A + C + G + T) in the window; null below {KNOWN_MINIMUM} known bases.",
        role="feature",
        nullable=True,
        minimum=0,
        maximum=1,
    ),
    Column(
        name="sequence_complexity",
        dtype="float32",
        description=f"Shannon entropy of A, C, G, T in the window; null below {KNOWN_MINIMUM} known bases.",
        unit="bits",
        role="feature",
        nullable=True,
        minimum=0,
        maximum=2,
    ),
    Column(
        name="n_fraction",
        dtype="float32",
        description="Share of the window that is not ACGT, bases beyond the gene included.",
        role="feature",
        minimum=0,
        maximum=1,
    ),
)


def windows_of(codes: np.ndarray, offsets: np.ndarray, upstream: int, downstream: int) -> np.ndarray:
    """The window of each offset, uint8 (n, upstream + 1 + downstream); N beyond the gene.

    Args:
        codes: Base codes of one gene, uint8 (length,), index = offset.
        offsets: Bases to look at, int64 (n,).
        upstream: Bases before each of them, in transcription direction.
        downstream: Bases after each of them.
    """
    before, after = np.full(upstream, N, dtype=np.uint8), np.full(downstream, N, dtype=np.uint8)
    padded = np.concatenate([before, codes, after])
    return np.lib.stride_tricks.sliding_window_view(padded, upstream + 1 + downstream)[offsets]


def window_chunks(
    codes: np.ndarray, offsets: np.ndarray, upstream: int, downstream: int, bins: int
) -> Iterator[np.ndarray]:
    """`windows_of`, a bounded number of rows at a time; `bins` is the widest table made of one window."""
    rows = max(1, CHUNK // max(upstream + 1 + downstream, bins))
    for first in range(0, len(offsets), rows):
        yield windows_of(codes, offsets[first : first + rows], upstream, downstream)


def base_counts(windows: np.ndarray) -> np.ndarray:
    """How many A, C, G, T and N each window holds, int32 (n, 5)."""
    return np.stack([np.count_nonzero(windows == base, axis=1) for base in range(N + 1)], axis=1).astype(np.int32)


def sequence_features(counts: np.ndarray) -> dict[str, pl.Series]:
    """The columns of SEQUENCE_COLUMNS from `base_counts`, int32 (n, 5)."""
    known = counts[:, :N].sum(axis=1)
    shares = counts[:, :N] / np.maximum(known, 1)[:, None]
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    entropy = np.clip(-(shares * logs).sum(axis=1), 0, 2)  # the last bit may pass 2, and -0 is no entropy
    enough = pl.Series(known >= KNOWN_MINIMUM)
    nothing = pl.Series([None], dtype=pl.Float32)
    gc = pl.Series((shares[:, 1] + shares[:, 2]).astype(np.float32))
    complexity = pl.Series(entropy.astype(np.float32))
    return {
        "gc_content": gc.zip_with(enough, nothing),
        "sequence_complexity": complexity.zip_with(enough, nothing),
        "n_fraction": pl.Series((counts[:, N] / counts.sum(axis=1)).astype(np.float32)),
    }


def window_columns(*, sequence: bool, one_hot: bool) -> tuple[Column, ...]:
    """The columns of the raw window that are asked for."""
    text = Column(
        name="window_sequence",
        dtype="string",
        description="The window in transcription direction, upper-case ACGTN; N beyond the gene.",
        role="feature",
    )
    numbers = Column(
        name="window_one_hot",
        dtype="list<uint8>",
        description="The window, four values per base in the order A, C, G, T, one of them 1; N is four zeros.",
        role="feature",
    )
    return (text,) * sequence + (numbers,) * one_hot


def window_sequences(windows: np.ndarray) -> pl.Series:
    """Windows (base codes, uint8 (n, width)) as text."""
    letters = np.frombuffer(b"ACGTN", dtype=np.uint8)[windows]
    return pl.Series(np.ascontiguousarray(letters).view(f"S{windows.shape[1]}").ravel().astype(str), dtype=pl.String)


def one_hot_windows(windows: np.ndarray) -> pl.Series:
    """Windows (base codes, uint8 (n, width)) as lists of 4 x width zeros and ones, position by position."""
    hot = np.concatenate([np.eye(N, dtype=np.uint8), np.zeros((1, N), dtype=np.uint8)])
    return pl.Series(hot[windows].reshape(len(windows), -1)).cast(pl.List(pl.UInt8))
