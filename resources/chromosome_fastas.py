"""One FASTA per chromosome, read as if they were one file."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from resources.reference_genome import FastaError, ReferenceGenome


class ChromosomeFastas(ReferenceGenome):
    """Random access to the records of several FASTA files.

    Attributes:
        path: What errors call the whole: the files' folder.
        parts: One reference per file, in the order given.
    """

    def __init__(self, paths: Iterable[Path], index_dir: Path) -> None:
        self.parts = [ReferenceGenome(path, index_dir) for path in paths]
        super().__init__(self.parts[0].path.parent, index_dir)

    def close(self) -> None:
        """Close all files; the next read opens them again."""
        for part in self.parts:
            part.close()

    def validate(self) -> None:
        """Read every file once, and make sure that no record stands in two of them.

        Raises:
            FastaError: a file is no FASTA, or a record stands in two files.
        """
        seen: dict[str, Path] = {}
        for part in self.parts:
            part.validate()
            for name, _ in part.records():
                if name in seen:
                    raise FastaError(
                        f"record {name!r} stands in {seen[name].name} and in {part.path.name}, both in {self.path}. "
                        "Keep one of them, or give one FASTA for the whole genome."
                    )
                seen[name] = part.path

    def records(self) -> list[tuple[str, int]]:
        """Name and length in bases of every record, file by file."""
        return [record for part in self.parts for record in part.records()]

    def bases(self, record: str, start0: int, end0: int) -> bytes:
        """Letters of `record` from `start0` to before `end0` (0-based half-open); see `ReferenceGenome.bases`."""
        for part in self.parts:
            if record in (name for name, _ in part.records()):
                return part.bases(record, start0, end0)
        raise FastaError(f"none of the {len(self.parts)} files in {self.path} has a record {record!r}.")

    def file_sha256(self) -> str:
        """SHA-256 of the files' digests, one a line."""
        return hashlib.sha256("\n".join(part.file_sha256() for part in self.parts).encode("ascii")).hexdigest()
