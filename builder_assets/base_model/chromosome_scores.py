"""Scores of one chromosome's genes, reusing those whose fingerprint is known."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from builder_assets.base_model.scoring import Scorer, fingerprint
from builder_assets.sequence import ChromosomeSequence
from builder_assets.settings import NetworkSettings
from builder_assets.tables import SPLICE_SCORES

logger = logging.getLogger("builder.scoring")

ACCEPTOR, DONOR = 1, 2  # channels of the published models; 0 is neither
SECONDS_BETWEEN_LINES = 5.0


@dataclass(frozen=True)
class ScoredGene:
    """Scores of one gene, float32 (length,) in transcription order, and what computed them."""

    donor: np.ndarray
    acceptor: np.ndarray
    scored_by: str


@dataclass(frozen=True)
class ChromosomeScoring:
    """tables.SPLICE_SCORES of one chromosome, and how they came about."""

    table: pl.DataFrame
    n_scored: int
    n_reused: int
    bases_scored: int
    seconds: float


class SpanError(ValueError):
    """Genes reach beyond the known sequence."""


def score_chromosome(
    genes: pl.DataFrame,
    sequence: ChromosomeSequence,
    scorer: Scorer,
    ensemble_sha256: str,
    network: NetworkSettings,
    known: Mapping[str, ScoredGene],
    device: str,
) -> ChromosomeScoring:
    """Score every gene whose fingerprint is not in `known`.

    Args:
        genes: tables.GENES_TO_SCORE of the chromosome.
        sequence: Its bases.
        scorer: The ensemble.
        ensemble_sha256: Digest of its weights.
        network: What else scores depend on.
        known: Fingerprint -> scores computed before.
        device: What computes now, e.g. "cpu x2, jax 0.10.2".

    Raises:
        SpanError: names the genes that are not wholly inside the known sequence.
    """
    _check_spans(genes, sequence)
    rows, started = [], time.perf_counter()
    progress = _Progress(sequence.chrom, genes)
    for gene in genes.sort("gene_id").iter_rows(named=True):
        codes = sequence.transcribed(gene["start"], gene["end"], gene["strand"])
        mark = fingerprint(codes, ensemble_sha256, network)
        found = known.get(mark)
        if found is None:
            scores = scorer.score(codes, progress.bases)
            found = ScoredGene(scores[:, DONOR], scores[:, ACCEPTOR], device)
            progress.genes_scored += 1
        else:
            progress.reuse(len(codes))
        rows.append((mark, found))
    return ChromosomeScoring(
        table=_table(genes.sort("gene_id"), rows),
        n_scored=progress.genes_scored,
        n_reused=genes.height - progress.genes_scored,
        bases_scored=progress.scored,
        seconds=time.perf_counter() - started,
    )


def known_scores(table: pl.DataFrame) -> dict[str, ScoredGene]:
    """Fingerprint -> scores of an earlier tables.SPLICE_SCORES."""
    donors, acceptors = table["donor_scores"], table["acceptor_scores"]
    return {
        mark: ScoredGene(donors[row].to_numpy(), acceptors[row].to_numpy(), scored_by)
        for row, (mark, scored_by) in enumerate(table.select("fingerprint", "scored_by").iter_rows())
    }


def _check_spans(genes: pl.DataFrame, sequence: ChromosomeSequence) -> None:
    beyond = [
        f"{gene_id} ({start:,}-{end:,})"
        for gene_id, start, end in genes.select("gene_id", "start", "end").iter_rows()
        if not sequence.holds(start, end)
    ]
    if beyond:
        raise SpanError(
            f"{len(beyond)} of {genes.height} genes on {sequence.chrom} are not wholly inside the known sequence, "
            f"among them {', '.join(beyond[:5])}. Rebuild the genome's tables: the FASTA or its regions changed."
        )


def _table(genes: pl.DataFrame, rows: list[tuple[str, ScoredGene]]) -> pl.DataFrame:
    """`rows` beside their genes; score lists are laid end to end once, not copied row by row."""
    return SPLICE_SCORES.conform(
        genes.with_columns(
            fingerprint=pl.Series([mark for mark, _ in rows], dtype=pl.String),
            scored_by=pl.Series([gene.scored_by for _, gene in rows], dtype=pl.String),
            donor_scores=_lists([gene.donor for _, gene in rows]),
            acceptor_scores=_lists([gene.acceptor for _, gene in rows]),
        )
    )


def _lists(arrays: list[np.ndarray]) -> pl.Series:
    offsets = np.concatenate([[0], np.cumsum([len(array) for array in arrays])]).astype(np.int64)
    values = np.concatenate(arrays) if arrays else np.empty(0, dtype=np.float32)
    return pl.Series(pl.from_arrow(pa.LargeListArray.from_arrays(offsets, pa.array(values, type=pa.float32()))))


class _Progress:
    """Counts bases and writes a line now and then: rate and time left."""

    def __init__(self, chrom: str, genes: pl.DataFrame) -> None:
        self.chrom, self.n_genes, self.total = chrom, genes.height, int(genes["length"].sum())
        self.scored = self.reused = self.genes_scored = 0
        self._started = self._last_line = time.perf_counter()

    def reuse(self, bases: int) -> None:
        self.reused += bases

    def bases(self, bases: int) -> None:
        self.scored += bases
        now = time.perf_counter()
        if now - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = now
            rate = self.scored / (now - self._started)
            left = (self.total - self.reused - self.scored) / rate
            logger.info(
                "%s: %s of %s bases scored, %s reused, %s bases/s, about %.0f s left",
                self.chrom, f"{self.scored:,}", f"{self.total:,}", f"{self.reused:,}", f"{rate:,.0f}", left,
            )  # fmt: skip
