"""Files of publishers on the web: fetched whole, once, and proved to be what the publisher says they are.

pooch puts a file in place only after its checksum; the part left to this module is to go on where a broken
connection stopped. What has come so far lies beside the target as `.NAME.part`, never under the target's name.
"""

import hashlib
import logging
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

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
TRANSIENT = (408, 429)  # of the client errors, those that time may mend
CONSOLE = Console(stderr=True)
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

    Proved against the publisher's list where there is one (MD5, SHA-256 or BSD `sum`). Its SHA-256 at first sight is
    kept beside it, and compared ever after.

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
        if not target.is_file():
            stated = _stated(url, checksums, patience)
            if stated is None:
                log.info("%s: the publisher states no checksum; its SHA-256 is kept beside it.", target.name)
            _retrieve(url, target, stated, patience)
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
    """Why `url` cannot be fetched now; None if it can. Asks for the head only."""
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
    try:
        answer = requests.get(checksums, timeout=patience.timeout)
        answer.raise_for_status()
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else "an error"
        if status == 404:
            return None
        raise DownloadError(f"{checksums}: the server answers {status}. Try again later.") from error
    except requests.RequestException as error:
        raise DownloadError(f"{checksums} cannot be read ({type(error).__name__}). Check the connection.") from error
    return checksum_in(answer.text, url.rsplit("/", 1)[-1])


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
        for attempt in range(1, self.patience.attempts + 1):
            try:
                self._go_on(url)
                break
            except requests.HTTPError as error:
                answer = error.response
                if answer is not None and answer.status_code < 500 and answer.status_code not in TRANSIENT:
                    raise DownloadError(
                        f"{url}: the server answers {answer.status_code} {answer.reason}. Is the release right? "
                        "`builder doctor --online` tries all addresses."
                    ) from error
                self._give_up_or_wait(url, attempt, error)
            except (requests.RequestException, OSError) as error:
                self._give_up_or_wait(url, attempt, error)
        self._check_bsd()
        self.part.replace(str(output_file))
        self.tag.unlink(missing_ok=True)

    def _give_up_or_wait(self, url: str, attempt: int, error: Exception) -> None:
        if attempt == self.patience.attempts:
            held = self.part.stat().st_size if self.part.is_file() else 0
            raise DownloadError(
                f"{url}: {attempt} attempts failed, the last with {type(error).__name__}; {held:,} bytes are kept and "
                "the next attempt goes on from there. Check the connection."
            ) from error
        log.info("%s: %s, going on (attempt %d).", url.rsplit("/", 1)[-1], type(error).__name__, attempt + 1)
        time.sleep(self.patience.pause * attempt)

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
        found = "sum:{} {}".format(*bsd_sum(self.part))
        if found != self.bsd:
            self.part.unlink()
            self.tag.unlink(missing_ok=True)
            raise _ChecksumError(f"found {found}")


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
