"""A file that takes down what loggers say while something is done."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

LINE = "%(asctime)s %(levelname)s %(message)s"


def log_of_run(storage: str | Path, run: str) -> Path:
    """Where the log file of a run lies, below the folder that Dagster keeps its own files in."""
    return Path(storage).absolute() / "logs" / f"{run}.log"


@contextmanager
def written_to(path: Path, loggers: Iterable[str]) -> Iterator[Path]:
    """Append every line of `loggers` to a file, DEBUG ones too where a logger has no other place to go.

    Args:
        path: The file; its folder is made.
        loggers: Names. What they already write elsewhere, they still do.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter(LINE))
    taken = [logging.getLogger(name) for name in loggers]
    for logger in taken:
        logger.addHandler(handler)
    try:
        yield path
    finally:
        for logger in taken:
            logger.removeHandler(handler)
        handler.close()
