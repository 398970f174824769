"""Progress of a build: a bar in a terminal, plain lines in a log."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from builder_assets.base_model.scored_bases import ADVANCE_LOGGER, ScoredBases

LINES = "builder"


@contextmanager
def shown_progress() -> Iterator[None]:
    """What the assets say, while they are made: Dagster's own log lines stay in the history."""
    if not sys.stdout.isatty():
        lines = logging.StreamHandler(sys.stdout)
        lines.setFormatter(logging.Formatter("    %(message)s"))
        with _heard(LINES, lines, logging.INFO):
            yield
        return
    # Dagster takes stdout away while a step is at work, for its own log; a bar needs the terminal itself.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as file:
        terminal = Console(file=file, force_terminal=True, markup=False)
        columns = (
            TextColumn("    {task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TextColumn("bases"),
            TextColumn("{task.fields[rate]:,.0f} bases/s"), TimeRemainingColumn(), TextColumn("left"),
        )  # fmt: skip
        with (
            Progress(*columns, console=terminal, transient=True, auto_refresh=False) as bars,
            _heard(LINES, _Lines(terminal), logging.INFO),
            _heard(ADVANCE_LOGGER, _Bars(bars), logging.DEBUG),
        ):
            yield


@contextmanager
def _heard(name: str, handler: logging.Handler, level: int) -> Iterator[None]:
    logger = logging.getLogger(name)
    before = logger.level, logger.propagate
    logger.setLevel(level)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]


class _Lines(logging.Handler):
    """All lines but those that a bar shows."""

    def __init__(self, terminal: Console) -> None:
        super().__init__()
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        if not hasattr(record, "scored_bases"):
            self._terminal.print(f"    {record.getMessage()}", highlight=False, soft_wrap=True)


class _Bars(logging.Handler):
    """A bar for each chromosome that is being scored."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def emit(self, record: logging.LogRecord) -> None:
        state: ScoredBases = record.__dict__["scored_bases"]
        if state.chrom not in self._tasks:
            self._tasks[state.chrom] = self._progress.add_task(state.chrom, total=state.total, rate=0.0)
        task, is_at_work = self._tasks[state.chrom], state.scored < state.total
        self._progress.update(task, completed=state.scored, rate=state.rate, visible=is_at_work, refresh=True)
