"""A file appears under its name whole, or not at all."""

import errno
import os
import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from filelock import FileLock

from resources.places import is_remote, put
from resources.processes import id_of, is_on_this_machine, is_running, this_process

LOCKS = ".locks"
PARTIAL = re.compile(r"\.(\d+@[^@]*)\.partial")
ABANDONED_SECONDS = 86_400  # no writer of another machine leaves its file alone for a day


class PublishError(OSError):
    """A file could not be published; nothing was left behind, and an earlier file stays as it was."""

    def __str__(self) -> str:
        return self.strerror or super().__str__()  # without the number before it


def publish(path: Path, write: Callable[[Path], None], locks: Path | None = None) -> None:
    """Let `write` fill a temporary file beside `path`, make it durable, and put it in place in one step.

    Args:
        path: Where the file shall be.
        write: Called with the temporary path.
        locks: Folder for lock files, inside the folder that all paths share: two writers of one path take turns. None
            where one command writes for one person.

    Raises:
        PublishError: no space, no permission or another fault of the disk; names the path and the remedy.

    In an object store the file is written here and put there whole; two writers of one path need no lock.
    """
    if is_remote(path):
        _publish_object(path, write)
        return
    temporary = partial_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _turn(path, locks):
            try:
                write(temporary)
                with temporary.open("rb") as written:
                    os.fsync(written.fileno())
                temporary.replace(path)
                _sync_folder(path.parent)
            finally:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise PublishError(error.errno, f"{path} could not be written: {_remedy(error)}") from error


def _turn(path: Path, locks: Path | None) -> AbstractContextManager[Any]:
    if locks is None:
        return nullcontext()
    locks.mkdir(parents=True, exist_ok=True)
    return FileLock(locks / ("__".join(path.relative_to(locks.parent).parts) + ".lock"))


def _publish_object(path: Path, write: Callable[[Path], None]) -> None:
    with TemporaryDirectory() as folder:
        written = Path(folder) / path.name
        write(written)
        try:
            put(written, path)
        except Exception as error:  # each store has errors of its own
            raise PublishError(f"{path} could not be written: {error}") from error


def partial_name(path: Path) -> Path:
    """Where this process writes what shall be `path`; should it be killed, `dead_partial_files` finds that."""
    return path.with_name(f".{path.name}.{this_process()}.partial")


def dead_partial_files(folder: Path) -> list[Path]:
    """What killed writers left in `folder` and below; in an object store they leave nothing."""
    if is_remote(folder):
        return []
    return [path for path in sorted(folder.rglob(".*.partial")) if _is_dead(path)]


def _is_dead(path: Path) -> bool:
    found = PARTIAL.search(path.name)
    if found and not is_on_this_machine(found[1]):
        return path.stat().st_mtime < time.time() - ABANDONED_SECONDS
    return not (found and is_running(id_of(found[1])))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remedy(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "no space left on the disk. Free some, then build again; nothing was left half-written."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        place = "choose another place, for tables another data_dir"
        return f"no permission ({error.strerror}). Make the folder writable or {place}."
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EEXIST):
        return f"its folder is not there and cannot be made ({error.strerror}). Choose another place."
    return f"{error.strerror or error}. Choose another place, or mend this one; nothing was left half-written."
