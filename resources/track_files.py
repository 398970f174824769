"""Files for genome browsers: bigWig and BED, published whole."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl
import pyBigWig

from resources.publishing import publish


def write_bigwig(path: Path, lengths: Mapping[str, int], tracks: Iterable[tuple[str, pl.DataFrame]]) -> int:
    """Write one bigWig file; returns how many bases it holds.

    Args:
        path: The file.
        lengths: Chromosome -> bases, in the order of `tracks`.
        tracks: Chromosome and its frame of position (1-based, sorted, unique) and score; one at a time in memory.
    """
    written = 0

    def write(temporary: Path) -> None:
        nonlocal written
        with pyBigWig.open(str(temporary), "w") as file:
            file.addHeader(list(lengths.items()))
            for chrom, track in tracks:
                if track.height:
                    starts = track["position"].to_numpy() - 1
                    file.addEntries(chrom, starts, values=track["score"].to_numpy(), span=1)
                    written += track.height

    publish(path, write)
    return written


def write_bed(path: Path, rows: pl.DataFrame) -> None:
    """Write rows whose columns are BED's, in order, without a header."""
    publish(path, lambda temporary: rows.write_csv(temporary, separator="\t", include_header=False))
