"""A FASTA on disk: opened, indexed and read by record. Knows nothing of chromosomes or genes.

Indices and recompressed copies go to a folder of our own, never beside the user's file. An index that lies beside the
file is not read: nothing in it says of which file it is, and that of another one gives wrong bases without an error.
"""

import gzip
import hashlib
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Self

import pysam

from resources.publishing import partial_name

GZIP_MAGIC = b"\x1f\x8b"
BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")  # SAM specification, 4.1.2
BLOCK = 1 << 24
OWN_NAME = re.compile(r"\.[0-9a-f]{16}\.gz(\.fai|\.gzi)?$")  # ending of every file in `index_dir`
HEADER = re.compile(rb"\n>(\S*)")  # `^` instead of the newline takes ten times as long


class FastaError(ValueError):
    """The FASTA cannot be used; the text names the file and the remedy."""


class ReferenceGenome:
    """Random access to the records of one FASTA: plain, bgzip, or plain gzip (recompressed once).

    Attributes:
        path: The user's file; never written to, nor beside.
        index_dir: Folder for indices and for the bgzip copy of a plain gzip file.
    """

    def __init__(self, path: Path, index_dir: Path) -> None:
        self.path = Path(path)
        self.index_dir = Path(index_dir)
        self._fasta: pysam.FastaFile | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the next read opens it again."""
        if self._fasta is not None:
            self._fasta.close()
            self._fasta = None

    def validate(self) -> None:
        """Read the whole file once: is it there, whole, a FASTA, with unique names and bases in every record?

        Raises:
            FastaError: it is not.
        """
        names = self._header_names()
        twice = sorted(name for name, n in Counter(names).items() if n > 1)
        if twice:
            raise FastaError(
                f"{self.path}: {len(twice)} record names occur more than once, first {twice[0]!r}. Rename or remove "
                "the repeated records."
            )
        indexed = [name for name, _ in self.records()]
        if indexed != names:
            strange = next((name for name in names if name not in indexed), names[0])
            raise FastaError(
                f"{self.path}: its index lists {len(indexed)} records, the file has {len(names)}, among them "
                f"{strange!r}. A record that holds no bases is not listed: remove it."
            )

    def records(self) -> list[tuple[str, int]]:
        """Name (up to the first blank) and length in bases of every record, in file order."""
        fasta = self._opened()
        return list(zip(fasta.references, fasta.lengths, strict=True))

    def bases(self, record: str, start0: int, end0: int) -> bytes:
        """Letters of `record` from `start0` to before `end0` (0-based half-open), as the file has them.

        Raises:
            FastaError: no such record, or the interval leaves it.
        """
        fasta = self._opened()
        if record not in fasta:
            shown = ", ".join(fasta.references[:5])
            raise FastaError(f"{self.path} has no record {record!r}; it has {fasta.nreferences}, among them {shown}.")
        length = fasta.get_reference_length(record)
        if not 0 <= start0 <= end0 <= length:
            raise FastaError(f"{self.path}: bases {start0}..{end0} (0-based) are not all in {record!r} of {length:,}.")
        return fasta.fetch(record, start0, end0).encode("ascii")

    def own_files(self) -> tuple[Path, Path, Path]:
        """Where in `index_dir` the bgzip copy, the .fai and the .gzi of the file as it is now lie, if they are needed.

        Another file, or this one once it changed, gets other names; all match `OWN_NAME`.
        """
        status = self.path.stat()
        identity = f"{self.path.resolve()}|{status.st_size}|{status.st_mtime_ns}".encode()
        stem = self.path.name.removesuffix(".gz").removesuffix(".bgz")
        copy = self.index_dir / f"{stem}.{hashlib.blake2b(identity, digest_size=8).hexdigest()}.gz"
        return copy, copy.with_name(f"{copy.name}.fai"), copy.with_name(f"{copy.name}.gzi")

    def file_sha256(self) -> str:
        """SHA-256 of the file's bytes as they lie on disk."""
        self._require()
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _require(self) -> None:
        if not self.path.is_file():
            raise FastaError(f"no FASTA at {self.path}. Check `fasta:` in the settings.")
        if not self.path.stat().st_size:
            raise FastaError(f"{self.path} is empty. Download or copy it again.")

    def _compression(self) -> str:
        """none, bgzip or gzip, by the first bytes; a bgzip file must have its end mark."""
        with self.path.open("rb") as file:
            head = file.read(18)
            if not head.startswith(GZIP_MAGIC):
                return "none"
            if not (head[3] & 4 and head[12:14] == b"BC"):
                return "gzip"
            file.seek(-min(len(BGZF_END), self.path.stat().st_size), 2)
            if file.read() != BGZF_END:
                raise self._truncated("its last block is missing")
        return "bgzip"

    def _truncated(self, cause: object) -> FastaError:
        return FastaError(f"{self.path} is cut off or damaged ({cause}). Download or copy it again.")

    def _blocks(self) -> Iterator[bytes]:
        """The file's text, decompressed, in bounded pieces."""
        packed = self._compression() != "none"
        with gzip.open(self.path, "rb") if packed else self.path.open("rb") as file:
            while True:
                try:
                    block = file.read(BLOCK)
                except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                    raise self._truncated(error) from error
                if not block:
                    return
                yield block

    def _header_names(self) -> list[str]:
        self._require()
        names: list[bytes] = []
        rest = b"\n"
        for block in self._blocks():
            if not names and rest == b"\n" and not block.lstrip().startswith(b">"):
                raise FastaError(
                    f"{self.path} is no FASTA: it does not start with `>`. Check `fasta:` in the settings."
                )
            lines, newline, last = (rest + block).rpartition(b"\n")
            names += HEADER.findall(lines)
            rest = newline + last
        return [name.decode("ascii", "replace") for name in names + HEADER.findall(rest)]

    def _opened(self) -> pysam.FastaFile:
        if self._fasta is None:
            self._require()
            fasta, fai, gzi = self._indexed()
            self._fasta = pysam.FastaFile(
                str(fasta), filepath_index=str(fai), filepath_index_compressed=str(gzi) if gzi else None
            )
        return self._fasta

    def _indexed(self) -> tuple[Path, Path, Path | None]:
        """The file to read, its .fai and its .gzi, made where they are not there yet."""
        compression = self._compression()
        copy, fai, gzi = self.own_files()
        fasta = copy if compression == "gzip" else self.path
        blocks = None if compression == "none" else gzi
        if not all(path.is_file() for path in (fasta, fai, blocks or fai)):
            self.index_dir.mkdir(parents=True, exist_ok=True)
            if compression == "gzip":
                self._recompress(copy)
            self._index(fasta, fai, blocks)
        return fasta, fai, blocks

    def _recompress(self, target: Path) -> None:
        with _draft(target) as draft, pysam.BGZFile(str(draft), "wb") as packed:  # pyright: ignore[reportCallIssue]
            for block in self._blocks():
                packed.write(block)

    def _index(self, fasta: Path, fai: Path, gzi: Path | None) -> None:
        with _draft(fai) as fai_draft, _draft(gzi) if gzi else nullcontext() as gzi_draft:
            options = ["--fai-idx", str(fai_draft), *(["--gzi-idx", str(gzi_draft)] if gzi_draft else [])]
            try:
                pysam.faidx(*options, str(fasta))
            except pysam.SamtoolsError as error:
                cause = " ".join(str(error).split())
                raise FastaError(
                    f"{self.path} cannot be indexed ({cause}). Give all lines of a record the same length, e.g. with "
                    "`seqkit seq -w 60`."
                ) from error


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A name to write to; what was written gets the name `path` once all went well."""
    draft = partial_name(path)
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
