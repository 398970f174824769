"""Scores of single genes, kept by fingerprint: what a killed run had done, and genes that left the plan.

    <data_dir>/.scratch/<base model>/<chromosome>/<digest>.memo     Parquet, published whole, never changed

Deleting the folder changes no result, it only costs the time to score again. `.memo` keeps these files apart from
the tables, of which every file is a partition.
"""

import hashlib
import logging
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from resources.publishing import LOCKS, publish
from resources.table_files import DamagedFileError, verify_file

SCRATCH = ".scratch"
LABELS = {"fingerprint": pl.String, "scored_by": pl.String}
TRACKS = ("donor_scores", "acceptor_scores")

logger = logging.getLogger("builder.scoring")


class ScoreMemo:
    """What is known of one partition of splice_scores before it is built.

    Args:
        published: The partition's file of an earlier build, there or not.
        base_dir: Folder of all tables.
        tracks: Columns of numbers per base that are wanted: a row that lacks one of them is not known.
    """

    def __init__(self, published: Path, base_dir: Path, tracks: Sequence[str] = TRACKS) -> None:
        self.published, self.base_dir = published, base_dir
        self.schema = {**LABELS, **dict.fromkeys(tracks, pl.List(pl.Float32))}
        self.folder = base_dir / SCRATCH / published.parent.relative_to(base_dir) / published.stem

    @cached_property
    def _is_whole(self) -> bool:
        """Whether the partition's file is there and holds the values that its footer promises."""
        if not self.published.is_file():
            return False
        try:
            verify_file(self.published)
        except DamagedFileError as error:
            logger.warning("%s cannot be read, so its genes are scored again: %s", self.published, error)
            return False
        return True

    def read(self, wanted: Collection[str]) -> pl.DataFrame:
        """Known scores (columns of `schema`), one row for each fingerprint of `wanted` that is known."""
        marks = pl.Series(sorted(wanted), dtype=pl.String).implode()
        frames = [pl.scan_parquet(str(self.published))] if self._is_whole and self._has_tracks(self.published) else []
        frames += [batch.lazy() for path in self.batches() if (batch := self._batch(path)) is not None]
        found = [frame.select(*self.schema).filter(pl.col("fingerprint").is_in(marks)).collect() for frame in frames]
        known = pl.concat([pl.DataFrame(schema=self.schema), *found])
        return known.unique("fingerprint", keep="first", maintain_order=True)

    def write(self, scores: pl.DataFrame) -> None:
        """Publish scores (columns of `schema`) as a batch; named by content, so twice the same is one file."""
        frame = scores.select(pl.col(name).cast(dtype) for name, dtype in self.schema.items())
        publish(self.folder / f"{_digest(frame)}.memo", frame.write_parquet, self.base_dir / LOCKS)

    def batches(self) -> list[Path]:
        """Files of the memo, by name."""
        return sorted(self.folder.glob("*.memo"))

    def published_marks(self) -> set[str]:
        """Fingerprints in the partition's file, if it holds the wanted tracks."""
        return _marks(self.published) if self._is_whole and self._has_tracks(self.published) else set()

    def tidy(self) -> int:
        """Delete batches that the partition's file holds wholly; returns how many."""
        published = self.published_marks()
        held = [path for path in self.batches() if _marks(path) <= published]
        for path in held:
            path.unlink(missing_ok=True)
        return len(held)

    def _has_tracks(self, path: Path) -> bool:
        return self.schema.keys() <= pl.scan_parquet(str(path)).collect_schema().keys()

    def _batch(self, path: Path) -> pl.DataFrame | None:
        """One batch; None, and the file is named, where it is not what its name says: it is scored again."""
        try:
            frame = pl.read_parquet(str(path))
            whole = _digest(frame) == path.stem
        except (pl.exceptions.PolarsError, OSError) as error:
            logger.warning("%s cannot be read, so its genes are scored again: %s", path, error)
            return None
        if not whole:
            logger.warning("%s holds other scores than were kept there, so its genes are scored again", path)
            return None
        return frame if self.schema.keys() <= frame.schema.keys() else None


def _digest(frame: pl.DataFrame) -> str:
    """Hash of fingerprints and scores: the name of a batch."""
    digest = hashlib.blake2b("|".join(frame["fingerprint"]).encode(), digest_size=16)
    for name in frame.columns[len(LABELS) :]:
        digest.update(np.ascontiguousarray(frame[name].list.len().to_numpy()).data)
        digest.update(np.ascontiguousarray(frame[name].explode().to_numpy()).data)
    return digest.hexdigest()


def _marks(path: Path) -> set[str]:
    try:
        return set(pl.scan_parquet(str(path)).select("fingerprint").collect()["fingerprint"])
    except (pl.exceptions.PolarsError, OSError):
        return set()
