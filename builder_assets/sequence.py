"""Bases as small integers: one code per base, the same everywhere.

    A 0   C 1   G 2   T 3   anything else 4 (N)

Lower case counts as upper case; IUPAC ambiguity codes count as N.
"""

from dataclasses import dataclass

import numpy as np

A, C, G, T, N = range(5)

_CODE_OF_BYTE = np.full(256, N, dtype=np.uint8)
for _code, _letters in enumerate(("Aa", "Cc", "Gg", "Tt")):
    for _letter in _letters:
        _CODE_OF_BYTE[ord(_letter)] = _code
_CODE_TABLE = _CODE_OF_BYTE.tobytes()
_LETTER_TABLE = b"ACGTN".ljust(256, b"N")
_COMPLEMENT = np.array([T, G, C, A, N], dtype=np.uint8)


def codes_of(sequence: str | bytes) -> np.ndarray:
    """Base codes (uint8, shape (length,)) of a sequence."""
    raw = sequence.encode("ascii", "replace") if isinstance(sequence, str) else sequence
    # Not by indexing: NumPy would make eight bytes of index per base. A bytearray keeps the codes writable.
    return np.frombuffer(bytearray(raw).translate(_CODE_TABLE), dtype=np.uint8)


def letters_of(codes: np.ndarray) -> str:
    """The sequence, as upper-case ACGTN, of base codes."""
    return letter_bytes(codes).decode("ascii")


def letter_bytes(codes: np.ndarray) -> bytes:
    """`letters_of` as ASCII: what is hashed of a whole chromosome is not copied twice more."""
    return codes.tobytes().translate(_LETTER_TABLE)


def reverse_complement(codes: np.ndarray) -> np.ndarray:
    """Base codes of the other strand, read in its own direction (last axis)."""
    return _COMPLEMENT[codes[..., ::-1]]


@dataclass(frozen=True)
class ChromosomeSequence:
    """The bases that are known of one chromosome.

    Attributes:
        chrom: Canonical name.
        first_position: 1-based position of `codes[0]`.
        codes: Base codes, uint8; N (4) between the real segments.
        segments: The 1-based closed intervals that are really there, sorted, disjoint.
    """

    chrom: str
    first_position: int
    codes: np.ndarray
    segments: tuple[tuple[int, int], ...]

    @property
    def last_position(self) -> int:
        """1-based position of the last base held."""
        return self.first_position + len(self.codes) - 1

    def forward(self, start: int, end: int) -> np.ndarray:
        """Base codes of `start`..`end` (1-based closed) on the + strand; N where nothing is known."""
        window = np.full(end - start + 1, N, dtype=np.uint8)
        low, high = max(start, self.first_position), min(end, self.last_position)
        if low <= high:
            window[low - start : high - start + 1] = self.codes[
                low - self.first_position : high - self.first_position + 1
            ]
        return window

    def transcribed(self, start: int, end: int, strand: str) -> np.ndarray:
        """Base codes of `start`..`end` in transcription direction: index i is offset i."""
        window = self.forward(start, end)
        return window if strand == "+" else reverse_complement(window)

    def at(self, positions: np.ndarray) -> np.ndarray:
        """Base codes on the + strand at 1-based `positions` (any shape); N where nothing is known."""
        index = np.asarray(positions, dtype=np.int64) - self.first_position
        known = (index >= 0) & (index < len(self.codes))
        if not len(self.codes):
            return np.full(index.shape, N, dtype=np.uint8)
        return np.where(known, self.codes[np.clip(index, 0, len(self.codes) - 1)], np.uint8(N))

    def holds(self, start: int, end: int) -> bool:
        """Whether `start`..`end` lies wholly inside one real segment."""
        return any(low <= start and end <= high for low, high in self.segments)
