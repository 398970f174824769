"""Scores of one chromosome's genes, reusing those whose fingerprint is known."""

import logging
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import polars as pl
import pyarrow as pa

from builder_assets.base_model.architectures import ACCEPTOR, DONOR, N_CLASSES
from builder_assets.base_model.scored_bases import Teller
from builder_assets.base_model.scoring import fingerprint
from builder_assets.sequence import ChromosomeSequence
from builder_assets.settings import NetworkSettings
from builder_assets.tables import splice_scores_contract

logger = logging.getLogger("builder.scoring")
# A line per gene is for the run's log file only: no terminal and no event log should hold a hundred thousand.
GENE_LOGGER = "builder.genes"
gene_logger = logging.getLogger(GENE_LOGGER)
gene_logger.setLevel(logging.DEBUG)
gene_logger.propagate = False

# Column of the table -> column of what `scoring.Scorer` gives.
TRACKS = {"donor_scores": DONOR, "acceptor_scores": ACCEPTOR}
SD_TRACKS = {"donor_sd": N_CLASSES + DONOR, "acceptor_sd": N_CLASSES + ACCEPTOR}
BATCH_BASES = 2_000_000  # kept at a time: what a killed run loses, 45 s of two cores or 1 s of a large GPU
MOST_FAILURES = 10  # then the device or its libraries are broken, not the genes


class Memo(Protocol):
    """Where scores are kept by fingerprint; see `resources.score_memo`."""

    def read(self, wanted: Collection[str]) -> pl.DataFrame:
        """fingerprint, scored_by and every track of those known."""
        ...

    def write(self, scores: pl.DataFrame) -> None:
        """Keep such rows."""
        ...

    def published_marks(self) -> set[str]:
        """Fingerprints of the table that is about to be replaced."""
        ...


@dataclass(frozen=True)
class ScoredGene:
    """Tracks of one gene by column name, float32 (length,) in transcription order, and what computed them."""

    tracks: dict[str, np.ndarray]
    scored_by: str


@dataclass(frozen=True)
class ChromosomeScoring:
    """Scores of one chromosome (tables.splice_scores_contract), and how they came about.

    Attributes:
        table: The scores.
        n_scored: Genes scored now.
        n_reused: Genes whose scores were known.
        n_dropped: Genes of the table before that are not in this one.
        bases_scored: Bases scored now.
        padding_share: Share of the convolutions made for them that was flanks and filling; null if none were.
        seconds: Time for all of it.
    """

    table: pl.DataFrame
    n_scored: int
    n_reused: int
    n_dropped: int
    bases_scored: int
    padding_share: float | None
    seconds: float

    @property
    def bases_per_second(self) -> float:
        """0 if nothing had to be scored."""
        return self.bases_scored / self.seconds if self.bases_scored else 0.0

    @property
    def numbers(self) -> dict[str, Any]:
        """How the scores came about, by the names that are recorded with them."""
        return {
            "genes_scored": self.n_scored,
            "genes_reused": self.n_reused,
            "genes_dropped": self.n_dropped,
            "bases_scored": self.bases_scored,
            "bases_per_second": round(self.bases_per_second, 1),
            "padding_share": None if self.padding_share is None else round(self.padding_share, 4),
        }

    @property
    def text(self) -> str:
        """The same for people."""
        genes = f"{self.n_scored} genes scored, {self.n_reused} reused, {self.n_dropped} dropped"
        padding = "" if self.padding_share is None else f", {self.padding_share:.0%} padding"
        return f"{genes}, {self.bases_scored:,} bases, {self.bases_per_second:,.0f} bases/s{padding}"


def tracks_of(*, ensemble_sd: bool) -> dict[str, int]:
    """Columns of the table that a base model's settings ask for, and where the scorer's output has them."""
    return TRACKS | (SD_TRACKS if ensemble_sd else {})


class SpanError(ValueError):
    """Genes reach beyond the known sequence."""


class GeneFailureError(RuntimeError):
    """Genes could not be scored; the text names them, and why."""


def score_chromosome(
    genes: pl.DataFrame,
    sequence: ChromosomeSequence,
    scorer: Any,
    ensemble_sha256: str,
    network: NetworkSettings,
    memo: Memo,
    device: str,
    *,
    ensemble_sd: bool = False,
) -> ChromosomeScoring:
    """Score every gene whose fingerprint the memo does not hold; keep what is scored in the memo, batch by batch.

    Args:
        genes: tables.GENES_TO_SCORE of the chromosome.
        sequence: Its bases.
        scorer: The ensemble, ready to score: `scoring.Scorer`.
        ensemble_sha256: Digest of its weights.
        network: What else scores depend on.
        memo: Scores known before; those of genes that leave the table are kept there.
        device: What computes now, e.g. "cpu x2, jax 0.10.2".
        ensemble_sd: The SD over the members is stored as well; scorer and memo hold it.

    Raises:
        SpanError: names the genes that are not wholly inside the known sequence; the others are scored and kept.
        GeneFailureError: names the genes that could not be scored; likewise.
    """
    started = time.perf_counter()
    genes = genes.sort("gene_id")
    beyond = [not sequence.holds(start, end) for start, end in genes.select("start", "end").iter_rows()]
    inside = genes.filter(~pl.Series(beyond, dtype=pl.Boolean))
    spans = list(inside.select("start", "end", "strand").iter_rows())
    marks = [fingerprint(bases_read(sequence, span, scorer, network), ensemble_sha256, network) for span in spans]
    tracks = tracks_of(ensemble_sd=ensemble_sd)
    known = known_scores(memo.read(set(marks)), tracks)
    missing = {mark: span for mark, span in zip(marks, spans, strict=True) if mark not in known}
    names = dict(zip(marks, inside["gene_id"], strict=True))
    for mark in known:
        gene_logger.debug("%s %s reused", sequence.chrom, names[mark])
    progress = _Progress(sequence.chrom, missing, names)
    fresh = _scored(missing, sequence, scorer, network, memo, device, progress, tracks)
    _refuse_beyond(genes.filter(pl.Series(beyond, dtype=pl.Boolean)), genes.height, sequence.chrom)
    leaving = memo.published_marks() - set(marks)
    if leaving:
        memo.write(memo.read(leaving))
    return ChromosomeScoring(
        table=_table(inside, [(mark, fresh[mark] if mark in fresh else known[mark]) for mark in marks], tracks),
        n_scored=sum(mark in fresh for mark in marks),
        n_reused=sum(mark not in fresh for mark in marks),
        n_dropped=len(leaving),
        bases_scored=progress.scored,
        padding_share=1 - progress.scored / progress.computed if progress.computed else None,
        seconds=time.perf_counter() - started,
    )


def bases_read(
    sequence: ChromosomeSequence, span: tuple[int, int, str], scorer: Any, network: NetworkSettings
) -> np.ndarray:
    """Base codes that the model reads for a gene: the span alone, or with what really stands beside it.

    masked    N N N N [ gene ] N N N N      the N follow from the policy and are not returned
    genomic   a c g t [ gene ] t t g a      all returned; N beyond the known sequence
    """
    start, end, strand = span
    beside = scorer.architecture.flank if network.flanks == "genomic" else 0
    return sequence.transcribed(start - beside, end + beside, strand)


def _scored(
    missing: dict[str, tuple[int, int, str]], sequence: ChromosomeSequence, scorer: Any, network: NetworkSettings,
    memo: Memo, device: str, progress: "_Progress", tracks: Mapping[str, int],
) -> dict[str, ScoredGene]:  # fmt: skip
    """Scores of the missing genes by fingerprint, published in batches as they come; all but failing ones."""
    found: dict[str, ScoredGene] = {}
    batch: dict[str, ScoredGene] = {}
    failures: list[str] = []
    left = list(missing.items())
    while left:
        codes = (bases_read(sequence, span, scorer, network) for _, span in left)
        scores = scorer.score_genes(codes, progress.bases, flanked=network.flanks == "genomic")
        done = 0
        try:
            for columns in scores:
                gene = _checked_gene(columns, tracks, device)
                found[left[done][0]] = batch[left[done][0]] = gene
                progress.gene(left[done][0])
                done += 1
                if sum(len(gene.tracks["donor_scores"]) for gene in batch.values()) >= BATCH_BASES:
                    memo.write(_rows(batch.items(), tracks))
                    batch = {}
        except (RuntimeError, ValueError, MemoryError) as error:
            start, end, strand = left[done][1]
            failures.append(f"{sequence.chrom}:{start:,}-{end:,} ({strand}): {error}")
            done += 1
        left = left[done:] if len(failures) < MOST_FAILURES else []
    if batch:
        memo.write(_rows(batch.items(), tracks))
    if failures:
        raise GeneFailureError(
            f"{len(failures)} genes on {sequence.chrom} could not be scored; the scores of {len(found)} others are "
            f"kept: {'; '.join(failures)}"
        )
    return found


def _checked_gene(columns: np.ndarray, tracks: Mapping[str, int], device: str) -> ScoredGene:
    """The tracks of one gene; what is no number must never be kept."""
    bad = int((~np.isfinite(columns)).any(axis=1).sum())
    if bad:
        raise ValueError(f"{bad} of {len(columns)} bases have scores that are no numbers on {device}")
    # Copies: a view would keep the other columns in memory.
    return ScoredGene({name: columns[:, column].copy() for name, column in tracks.items()}, device)


def _rows(genes: Iterable[tuple[str, ScoredGene]], tracks: Iterable[str]) -> pl.DataFrame:
    """fingerprint, scored_by and tracks; score lists are laid end to end once, not copied row by row."""
    marks, scored = zip(*genes, strict=True) if genes else ((), ())
    return pl.DataFrame(
        {
            "fingerprint": pl.Series(marks, dtype=pl.String),
            "scored_by": pl.Series([gene.scored_by for gene in scored], dtype=pl.String),
            **{name: _lists([gene.tracks[name] for gene in scored]) for name in tracks},
        }
    )


def known_scores(table: pl.DataFrame, tracks: Iterable[str] = TRACKS) -> dict[str, ScoredGene]:
    """Fingerprint -> scores of an earlier table of scores."""
    lists = {name: table[name] for name in tracks}
    return {
        mark: ScoredGene({name: values[row].to_numpy() for name, values in lists.items()}, scored_by)
        for row, (mark, scored_by) in enumerate(table.select("fingerprint", "scored_by").iter_rows())
    }


def _refuse_beyond(beyond: pl.DataFrame, n_genes: int, chrom: str) -> None:
    if beyond.height:
        rows = beyond.select("gene_id", "start", "end").head(5).iter_rows()
        shown = ", ".join(f"{gene_id} ({start:,}-{end:,})" for gene_id, start, end in rows)
        raise SpanError(
            f"{beyond.height} of {n_genes} genes on {chrom} are not wholly inside the known sequence, "
            f"among them {shown}. The scores of the others are kept. Rebuild the genome's tables: the FASTA or its "
            "regions changed."
        )


def _table(genes: pl.DataFrame, rows: list[tuple[str, ScoredGene]], tracks: Iterable[str]) -> pl.DataFrame:
    """`rows` beside their genes."""
    contract = splice_scores_contract(ensemble_sd="donor_sd" in tracks)
    return contract.conform(pl.concat([genes, _rows(rows, tracks)], how="horizontal"))


def _lists(arrays: list[np.ndarray]) -> pl.Series:
    offsets = np.concatenate([[0], np.cumsum([len(array) for array in arrays])]).astype(np.int64)
    values = np.concatenate(arrays) if arrays else np.empty(0, dtype=np.float32)
    return pl.Series(pl.from_arrow(pa.LargeListArray.from_arrays(offsets, pa.array(values, type=pa.float32()))))


class _Progress:
    """Counts bases and tells of them; a line per gene into the log file."""

    def __init__(self, chrom: str, missing: Mapping[str, tuple[int, int, str]], names: Mapping[str, str]) -> None:
        self.chrom, self.missing, self.names = chrom, missing, names
        self.total = sum(end - start + 1 for start, end, _ in missing.values())
        self.scored, self.computed = 0, 0.0
        self._teller = Teller(chrom, self.total, len(missing))

    def bases(self, bases: int, computed: float) -> None:
        self.scored += bases
        self.computed += computed
        self._teller.tell(self.scored)

    def gene(self, mark: str) -> None:
        start, end, strand = self.missing[mark]
        gene_logger.debug(
            "%s %s scored: %s bases at %s-%s (%s)",
            self.chrom, self.names[mark], f"{end - start + 1:,}", f"{start:,}", f"{end:,}", strand,
        )  # fmt: skip
