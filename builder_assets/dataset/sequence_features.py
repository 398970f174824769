"""The bases around an example, and what they are made of.

window   flank bases upstream | the base | flank bases downstream, in transcription direction
         N beyond the gene, so that the window always has 2 x flank + 1 bases
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


def windows_of(codes: np.ndarray, offsets: np.ndarray, flank: int) -> np.ndarray:
    """The window of each offset, uint8 (n, 2 * flank + 1); N beyond the gene.

    Args:
        codes: Base codes of one gene, uint8 (length,), index = offset.
        offsets: Bases to look at, int64 (n,).
        flank: Bases on each side.
    """
    beyond = np.full(flank, N, dtype=np.uint8)
    padded = np.concatenate([beyond, codes, beyond])
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * flank + 1)[offsets]


def window_chunks(codes: np.ndarray, offsets: np.ndarray, flank: int, bins: int) -> Iterator[np.ndarray]:
    """`windows_of`, a bounded number of rows at a time; `bins` is the widest table made of one window."""
    rows = max(1, CHUNK // max(2 * flank + 1, bins))
    for first in range(0, len(offsets), rows):
        yield windows_of(codes, offsets[first : first + rows], flank)


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
