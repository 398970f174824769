"""How far the scoring of a chromosome is, and how often that is told."""

import logging
import time
from typing import NamedTuple

ADVANCE_LOGGER = "builder.advance"  # nobody listens but a terminal with a bar
SECONDS_BETWEEN_LINES = 5.0
SECONDS_BETWEEN_ADVANCES = 0.2

logger = logging.getLogger("builder.scoring")
advance_logger = logging.getLogger(ADVANCE_LOGGER)


class ScoredBases(NamedTuple):
    """How far the scoring of a chromosome is: bases scored, of how many, bases per second."""

    chrom: str
    scored: int
    total: int
    rate: float


class Teller:
    """Tells of a chromosome's progress: a line now and then, and more often to who draws a bar.

    Args:
        chrom: The chromosome.
        total: Bases to score.
        n_genes: Genes that they are of.
    """

    def __init__(self, chrom: str, total: int, n_genes: int) -> None:
        self._chrom, self._total, self._n_genes = chrom, total, n_genes
        advance_logger.propagate = False  # never into an event log
        self._started = self._last_line = self._last_advance = time.perf_counter()

    def tell(self, scored: int) -> None:
        """So many bases are scored."""
        now = time.perf_counter()
        state = ScoredBases(self._chrom, scored, self._total, scored / max(now - self._started, 1e-9))
        if now - self._last_advance >= SECONDS_BETWEEN_ADVANCES or scored == self._total:
            self._last_advance = now
            advance_logger.debug("%s", state, extra={"scored_bases": state})
        if now - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = now
            logger.info(
                "%s: %s of %s bases of %d new genes scored, %s bases/s, about %.0f s left",
                self._chrom, f"{scored:,}", f"{self._total:,}", self._n_genes, f"{state.rate:,.0f}",
                (self._total - scored) / state.rate, extra={"scored_bases": state},
            )  # fmt: skip
