"""Files of publishers on the web: fetched whole, once, and proved to be what the publisher says they are.

pooch puts a file in place only after its checksum; the part left to this module is to go on where a broken
connection stopped. What has come so far lies beside the target as `.NAME.part`, never under the target's name.
"""

import hashlib
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import pooch
import requests
from filelock import FileLock
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from resources.bsd_sum import bsd_sum

CHUNK = 1 << 16
PIN = ".sha256"  # ending of the file that keeps a digest of first sight
BSD_SUM_LINE = re.compile(r"^(\d{1,5})\s+(\d+)\s+(\S+)$")
DIGEST_LINE = re.compile(r"^([0-9a-fA-F]{32}|[0-9a-fA-F]{64})\s+\*?(\S+)$")
ABSENT = 404  # of a list of checksums: there is none
TRANSIENT = (408, 429)  # of the client errors, those that time may mend
CONSOLE = Console(stderr=True)
Answer = TypeVar("Answer")
log = logging.getLogger("builder.downloads")


class DownloadError(ValueError):
    """A file could not be fetched or is not what it should be; the text names the address and the remedy."""


@dataclass(frozen=True)
class Patience:
    """How long to bear with a server.

    Attributes:
        attempts: Times to ask, going on where the last answer broke off.
        pause: Seconds before the second attempt; grows with each.
        timeout: Seconds without a connection, or without a byte, that count as a break.
    """

    attempts: int = 6
    pause: float = 2.0
    timeout: float = 30.0


USUAL = Patience()


def fetch(url: str, target: Path, checksums: str | None = None, patience: Patience = USUAL) -> Path:
    """The file of `url` at `target`, downloaded unless it is there.

    Proved at first sight against the publisher's list where there is one (MD5, SHA-256 or BSD `sum`), even if it was
    there before. Its SHA-256 is then kept beside it, and compared ever after.

    Args:
        url: Address of the file.
        target: Where it shall lie.
        checksums: Address of the publisher's list of checksums.
        patience: How often and how long to try.

    Raises:
        DownloadError: no such file; the server did not deliver it; it is not what the publisher lists, or not what it
            was at first sight.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_name(f".{target.name}.lock")):
        pin = target.with_name(target.name + PIN)
        if not (target.is_file() and pin.is_file()):
            stated = _stated(url, checksums, patience)
            if stated is None:
                log.info("%s: the publisher states no checksum; its SHA-256 is kept beside it.", target.name)
            if not target.is_file():
                _retrieve(url, target, stated, patience)
            elif stated is not None and _found(target, stated) != stated:
                raise DownloadError(
                    f"{target} was there without {pin.name}, and is not what the publisher lists ({stated} in "
                    f"{checksums}). Delete it to have it downloaded from {url}."
                )
        digest = _digest(target, "sha256")
        if not pin.is_file():
            pin.write_text(digest + "\n", encoding="ascii")
        elif pin.read_text(encoding="ascii").strip() != digest:
            raise DownloadError(
                f"{target} is not what it was when first downloaded from {url}: its SHA-256 is {digest}, {pin.name} "
                "says otherwise. Either the publisher replaced it or it is damaged: delete both files to take the "
                "one that is there now."
            )
    return target


def is_there(url: str, patience: Patience = USUAL) -> str | None:
    """Why `url` cannot be fetched now, a server's status first; None if it can. Asks for the head only."""
    try:
        answer = requests.head(url, timeout=patience.timeout, allow_redirects=True)
    except requests.RequestException as error:
        return f"no answer ({type(error).__name__})"
    return None if answer.ok else f"{answer.status_code} {answer.reason}"


def checksum_in(listing: str, name: str) -> str | None:
    """What a publisher's list says of a file: `md5:..`, `sha256:..`, `sum:<checksum> <blocks>`, None if nothing."""
    for line in map(str.strip, listing.splitlines()):
        if (found := DIGEST_LINE.match(line)) and Path(found[2]).name == name:
            return f"{'md5' if len(found[1]) == 32 else 'sha256'}:{found[1].lower()}"
        if (found := BSD_SUM_LINE.match(line)) and Path(found[3]).name == name:
            return f"sum:{int(found[1])} {int(found[2])}"
    return None


def _stated(url: str, checksums: str | None, patience: Patience) -> str | None:
    if checksums is None:
        return None

    def ask() -> str | None:
        answer = requests.get(checksums, timeout=patience.timeout)
        if answer.status_code == ABSENT:
            return None
        answer.raise_for_status()
        return checksum_in(answer.text, url.rsplit("/", 1)[-1])

    try:
        return _insist(ask, checksums, patience)
    except OSError as error:
        raise DownloadError(
            f"{checksums}: the publisher's list of checksums cannot be read ({_cause(error)}). Try again later, or "
            "check the connection."
        ) from error


def _insist(ask: Callable[[], Answer], url: str, patience: Patience) -> Answer:
    """What `ask` gives, asked again where time may mend what went wrong; else its last error."""
    for attempt in range(1, patience.attempts):
        try:
            return ask()
        except OSError as error:  # those of requests are, too
            if not _may_mend(error):
                raise
            log.info("%s: %s, going on (attempt %d).", url.rsplit("/", 1)[-1], type(error).__name__, attempt + 1)
            time.sleep(patience.pause * attempt)
    return ask()


def _may_mend(error: OSError) -> bool:
    """Whether to ask again: not where the server answered that it will not."""
    answer = _answer(error)
    return answer is None or answer.status_code >= 500 or answer.status_code in TRANSIENT


def _cause(error: OSError) -> str:
    """The server's answer, or the kind of break."""
    answer = _answer(error)
    return type(error).__name__ if answer is None else f"{answer.status_code} {answer.reason}"


def _answer(error: OSError) -> requests.Response | None:
    return error.response if isinstance(error, requests.HTTPError) else None


def _retrieve(url: str, target: Path, stated: str | None, patience: Patience) -> None:
    """Download through pooch: it moves the file in place once its checksum is right."""
    known_hash = stated if stated and not stated.startswith("sum:") else None
    pooch.get_logger().setLevel(logging.WARNING)  # it would print the digest; the pin keeps it
    for is_last in (False, True):
        downloader: Any = _Resuming(target, None if known_hash else stated, patience)
        try:
            pooch.retrieve(url, known_hash, fname=target.name, path=target.parent, downloader=downloader)
        except _ChecksumError as error:
            problem: Exception = error
        except ValueError as error:
            if isinstance(error, DownloadError):
                raise
            problem = error
        else:
            return
        if is_last:
            raise DownloadError(
                f"{url}: what the server sent twice is not what its publisher lists ({stated}). Try again later, or "
                "download it by hand and give its path."
            ) from problem
        log.info("%s came damaged; once more.", target.name)


class _ChecksumError(ValueError):
    """What came is not what the publisher lists."""


class _Resuming:
    """A downloader for pooch that keeps what has come, and goes on from there."""

    def __init__(self, target: Path, bsd: str | None, patience: Patience) -> None:
        self.part = target.with_name(f".{target.name}.part")
        self.tag = target.with_name(f".{target.name}.part.tag")  # the version on the server that the part belongs to
        self.bsd = bsd
        self.patience = patience

    def __call__(self, url: str, output_file: str | Path | IO[Any], pooch: Any, check_only: bool = False) -> None:  # noqa: ARG002  what pooch calls
        try:
            _insist(lambda: self._go_on(url), url, self.patience)
        except OSError as error:
            if not _may_mend(error):
                raise DownloadError(
                    f"{url}: the server answers {_cause(error)}. Is the release right? `builder doctor --online` tries "
                    "all addresses."
                ) from error
            held = self.part.stat().st_size if self.part.is_file() else 0
            raise DownloadError(
                f"{url}: {self.patience.attempts} attempts failed, the last with {type(error).__name__}; {held:,} "
                "bytes are kept and the next attempt goes on from there. Check the connection."
            ) from error
        self._check_bsd()
        self.part.replace(str(output_file))
        self.tag.unlink(missing_ok=True)

    def _go_on(self, url: str) -> None:
        """One answer of the server, appended to the part; raises where it breaks off."""
        held = self.part.stat().st_size if self.part.is_file() and self.tag.is_file() else 0
        headers = {"Accept-Encoding": "identity"}
        if held:
            headers |= {"Range": f"bytes={held}-", "If-Range": self.tag.read_text(encoding="utf-8")}
        with requests.get(url, headers=headers, stream=True, timeout=self.patience.timeout) as answer:
            if answer.status_code == 416:  # the part is no beginning of this file
                self.part.unlink()
                raise requests.ConnectionError("the part is longer than the file")
            answer.raise_for_status()
            held = held if answer.status_code == 206 else 0
            tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
            if tag:
                self.tag.write_text(tag, encoding="utf-8")
            else:
                self.tag.unlink(missing_ok=True)
            self._append(answer, held)

    def _append(self, answer: requests.Response, held: int) -> None:
        """Write the body behind the first `held` bytes; requests raises where it ends too early."""
        length = answer.headers.get("Content-Length")
        columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        with (
            self.part.open("r+b" if held else "wb") as file,
            Progress(*columns, console=CONSOLE, disable=not CONSOLE.is_terminal, transient=True) as progress,
        ):
            file.seek(held)
            file.truncate()
            task = progress.add_task("", total=held + int(length) if length else None, completed=held)
            for block in answer.iter_content(CHUNK):
                file.write(block)
                progress.advance(task, len(block))

    def _check_bsd(self) -> None:
        if self.bsd is None:
            return
        found = _found(self.part, self.bsd)
        if found != self.bsd:
            self.part.unlink()
            self.tag.unlink(missing_ok=True)
            raise _ChecksumError(f"found {found}")


def _found(path: Path, stated: str) -> str:
    """What the publisher's kind of checksum, `stated`, is of the file at `path`."""
    algorithm = stated.partition(":")[0]
    return "sum:{} {}".format(*bsd_sum(path)) if algorithm == "sum" else f"{algorithm}:{_digest(path, algorithm)}"


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
