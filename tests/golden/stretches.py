"""The stretches of GRCh37 chr22 that the golden scripts score; read by nothing but those scripts.

Positions are 1-based closed; the sequence is the public chr22:20,000,001-21,000,000 record of hisat2's examples.
Each stretch is scored as it stands, N beyond both ends, in transcription direction; `stored` says which of its
offsets are kept, 0-based half-open.
"""

import gzip
from pathlib import Path

import numpy as np

FIRST_POSITION = 20_000_001

# name: start, end, strand, stored offsets
STRETCHES = {
    "dgcr8_plus": (20_076_901, 20_078_100, "+", (0, 1_200)),  # acceptors 77192, 77499; donors 77334, 77781
    "trmt2a_minus": (20_100_401, 20_101_600, "-", (0, 1_200)),  # four exons of 76 to 123 bases
    "dgcr8_real_flanks": (20_077_100, 20_087_499, "+", (5_000, 5_400)),  # real bases over the whole 10k context
    "anchor": (20_100_501, 20_101_100, "-", (0, 600)),  # ships with the package; only the mean is kept
}
COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def stretch_sequences(fasta: Path) -> dict[str, str]:
    """Each stretch as upper-case letters in transcription direction."""
    with gzip.open(fasta, "rt") as file:
        lines = file.read().split("\n")
    if lines[0] != ">22:20000001-21000000":
        raise ValueError(f"{fasta} starts with {lines[0]!r}, expected the record 22:20000001-21000000")
    bases = "".join(lines[1:]).upper()
    found = {}
    for name, (start, end, strand, _) in STRETCHES.items():
        piece = bases[start - FIRST_POSITION : end - FIRST_POSITION + 1]
        found[name] = piece if strand == "+" else piece.translate(COMPLEMENT)[::-1]
    return found


def one_hot(sequence: str, flank: int) -> np.ndarray:
    """float32 (1, flank + length + flank, 4), all-zero rows in the flanks and for every letter but A, C, G, T."""
    rows = np.array([[letter == base for base in "ACGT"] for letter in sequence], dtype=np.float32)
    return np.pad(rows, ((flank, flank), (0, 0)))[None]
