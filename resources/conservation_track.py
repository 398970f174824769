"""A user's bigWig with a number per base, such as phyloP or phastCons, through pyBigWig."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyBigWig

CHUNK = 5_000_000  # bases read at a time


class ConservationTrackError(ValueError):
    """A bigWig that cannot be used; the text names the file and what to do."""


@dataclass(frozen=True)
class ConservationTrack:
    """One chromosome of a bigWig.

    Attributes:
        path: The file.
        contig: The chromosome's name in the file.
        length: Its length there.
    """

    path: Path
    contig: str
    length: int

    def values(self, start: int, end: int) -> np.ndarray:
        """The values of `start`..`end` (1-based closed) on the + strand, float32; NaN where there is none."""
        values = np.full(end - start + 1, np.nan, dtype=np.float32)
        last = min(end, self.length)
        if start <= last:
            with _opened(self.path) as file:
                values[: last - start + 1] = file.values(self.contig, start - 1, last, numpy=True)
        return values

    def digest(self) -> tuple[int, str]:
        """How many bases have a value, and the SHA-256 of all values."""
        known, digest = 0, hashlib.sha256()
        for start in range(1, self.length + 1, CHUNK):
            values = self.values(start, min(start + CHUNK - 1, self.length))
            known += int(np.count_nonzero(~np.isnan(values)))
            digest.update(np.ascontiguousarray(values.astype("<f4")).data)
        return known, digest.hexdigest()


def conservation_track(path: Path, chrom: str) -> ConservationTrack:
    """The chromosome `chrom` (canonical name, or with `chr`) of a bigWig.

    Raises:
        ConservationTrackError: no such file, no bigWig, or the chromosome is not in it.
    """
    with _opened(path) as file:
        lengths: dict[str, int] = file.chroms()
    names = [name for name in (chrom, f"chr{chrom}", *(("M", "chrM") if chrom == "MT" else ())) if name in lengths]
    if not names:
        shown = ", ".join(sorted(lengths)[:5])
        raise ConservationTrackError(
            f"{path} has no chromosome {chrom}, only {len(lengths)} others such as {shown}. Give a track of the same "
            "assembly that covers every chromosome of the settings."
        )
    return ConservationTrack(path, names[0], int(lengths[names[0]]))


def _opened(path: Path) -> Any:
    if not path.is_file():
        raise ConservationTrackError(f"no conservation track at {path}.")
    try:
        file = pyBigWig.open(str(path))
    except RuntimeError as error:
        raise ConservationTrackError(f"{path} is no bigWig file ({error}).") from error
    if file is None or not file.isBigWig():
        raise ConservationTrackError(f"{path} is no bigWig file.")
    return file
