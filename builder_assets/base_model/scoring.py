"""Scores of every base of a gene: the ensemble's mean, gene after gene, on whatever `engines` runs here."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from hashlib import blake2b

import jax
import numpy as np

from builder_assets.base_model.engines import CoreEngine, Piece, TileEngine
from builder_assets.base_model.weights import EnsembleWeights
from builder_assets.sequence import N, codes_of
from builder_assets.settings import NetworkSettings

# Bases scored at a time. Measured (benchmarks/NOTES.md): longer than the last gains little; on accelerators, tiles
# shorter than the first cost as much, as flanks dominate.
TILE_LENGTHS = (2_048, 4_096, 8_192, 12_288, 16_384, 24_576, 32_768, 49_152, 65_536)


def tile_lengths(longest: int | None) -> tuple[int, ...]:
    """The lengths up to `longest`, and that itself; all of them if None."""
    return TILE_LENGTHS if longest is None else (*(tile for tile in TILE_LENGTHS if tile < longest), longest)


Progress = Callable[[int, float], None]  # bases scored since, and how many bases' worth of work they were

logger = logging.getLogger("builder.scoring")


class SequenceError(ValueError):
    """A sequence cannot be scored as given."""


class Scorer:
    """An ensemble on the device, ready to score genes.

    Args:
        ensemble: Its weights.
        tile_lengths: Bases scored at a time: at most the largest on a CPU, one of them on an accelerator.
        platform: What computes, "cpu" or another; JAX's default if None.
        precision: "float32" or "bfloat16", see `network`.
        ensemble_sd: Scores have three more columns, the SD over the members of each; the first three are the same.
    """

    def __init__(
        self, ensemble: EnsembleWeights, tile_lengths: Sequence[int] = TILE_LENGTHS, platform: str | None = None,
        *, precision: str = "float32", ensemble_sd: bool = False,
    ) -> None:  # fmt: skip
        if not tile_lengths or min(tile_lengths) < 1:
            raise ValueError(f"tile lengths {list(tile_lengths)}: at least one is needed, all of 1 base or more.")
        self.architecture = ensemble.architecture
        engine = CoreEngine if (platform or jax.default_backend()) == "cpu" else TileEngine
        if engine is CoreEngine and precision != "float32":
            logger.warning("precision %s is no faster on a CPU, only farther off; docs/scoring.md", precision)
        self._engine: CoreEngine | TileEngine = engine(ensemble, tile_lengths, precision)
        self._longest = max(tile_lengths)
        self._ensemble_sd = ensemble_sd

    def score(self, codes: np.ndarray, progress: Progress | None = None, *, flanked: bool = False) -> np.ndarray:
        """Scores of one sequence with N on both sides of it.

        Args:
            codes: Base codes, uint8 (length,), 0 to 4, in transcription direction.
            progress: Called now and then; see `Progress`.
            flanked: `codes` holds what stands on both sides as well: uint8 (flank + length + flank,).

        Returns:
            float32 (length, 3): neither, acceptor, donor. With `ensemble_sd` (length, 6): the SD of each as well.

        Raises:
            SequenceError: `codes` is empty, has another shape or dtype, or codes above 4.
        """
        return next(self.score_genes([codes], progress, flanked=flanked))

    def score_genes(
        self, genes: Iterable[np.ndarray], progress: Progress | None = None, *, flanked: bool = False
    ) -> Iterator[np.ndarray]:
        """`score` of each gene in turn. The next ones are computed meanwhile, as many as keep the device busy.

        That is two of the longest pieces per worker: while one of those is waited for, the others have work.
        """
        started: deque[_StartedGene] = deque()
        waiting = 0.0  # work of all started genes but the first
        enough = 2 * self._engine.workers * self._longest
        with ThreadPoolExecutor(self._engine.workers) as pool:
            try:
                for codes in genes:
                    flank = self.architecture.flank
                    gene = _StartedGene(self._engine, flank, codes, pool, flanked=flanked, sd=self._ensemble_sd)
                    waiting += gene.computed if started else 0
                    started.append(gene)
                    while waiting > enough:
                        yield started.popleft().scores(progress)
                        waiting -= started[0].computed
                while started:
                    yield started.popleft().scores(progress)
            finally:
                pool.shutdown(cancel_futures=True)


class _StartedGene:
    """A gene whose pieces are being computed; what is wrong with it is raised when its turn comes."""

    def __init__(
        self, engine: CoreEngine | TileEngine, flank: int, codes: np.ndarray, pool: Executor, *, flanked: bool, sd: bool
    ) -> None:
        self.parts: list[tuple[Piece, Future[np.ndarray]]] = []
        self._engine, self._error, self._sd = engine, None, sd
        try:
            checked_codes(codes)
            self._whole = codes if flanked else np.pad(codes, flank, constant_values=N)
            if len(self._whole) <= 2 * flank:
                raise SequenceError(f"{len(codes)} base codes with flanks of {flank} each hold no base to score.")
        except SequenceError as error:
            self._error = error
        else:
            pieces = engine.pieces(self._whole, flanked=flanked)
            self.parts = [(piece, pool.submit(_ensemble_scores, piece, sd=sd)) for piece in pieces]
        self.computed = sum(piece.computed for piece, _ in self.parts)  # bases' worth of work

    def scores(self, progress: Progress | None) -> np.ndarray:
        """Its scores, float32 (length, 3 or 6); in smaller pieces where the device's memory does not suffice."""
        if self._error is not None:
            raise self._error
        found: list[np.ndarray] = []
        report = progress or (lambda _bases, _computed: None)
        try:
            for piece, part in self.parts:
                found.append(part.result())
                report(piece.length, piece.computed)
        except (MemoryError, RuntimeError) as error:
            smaller = self._engine.smaller
            if smaller is None or not is_out_of_memory(error):
                raise
            logger.warning("memory does not suffice for the pieces of a gene; smaller ones are tried")
            with ThreadPoolExecutor(1) as pool:
                again = _StartedGene(smaller, 0, self._whole, pool, flanked=True, sd=self._sd)
                scores = again.scores(None)
            report(len(scores) - sum(map(len, found)), sum(piece.computed for piece, _ in again.parts))
            return scores
        return np.concatenate(found)


def _ensemble_scores(piece: Piece, *, sd: bool) -> np.ndarray:
    """The members' mean, float32 (length, 3); with their SD behind it, (length, 6)."""
    members = piece.compute()
    mean = members.sum(axis=0) / np.float32(len(members))
    return np.concatenate([mean, members.std(axis=0, dtype=np.float64).astype(np.float32)], axis=1) if sd else mean


def checked_codes(codes: np.ndarray) -> None:
    """Raise unless `codes` are base codes that can be scored.

    Raises:
        SequenceError: `codes` is empty, has another shape or dtype, or codes above 4.
    """
    if codes.ndim != 1 or codes.dtype != np.uint8 or not codes.size or codes.max() > N:
        top = codes.max() if codes.size else "none"
        raise SequenceError(
            f"base codes of shape {codes.shape}, {codes.dtype}, largest {top}: expected uint8 (length,) from 0 to "
            f"{N}, at least one."
        )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an engine's error says that memory did not suffice."""
    words = ("bad_alloc", "out of memory", "resource_exhausted", "failed to allocate")
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in words)


def score_sequences(sequences: Sequence[str | np.ndarray], ensemble: EnsembleWeights) -> list[np.ndarray]:
    """Scores of sequences, N on both sides of each: float32 (length, 3), neither, acceptor, donor.

    Args:
        sequences: Letters, base codes uint8 (length,), or one-hot (length, 4) in columns A, C, G, T with all-zero
            rows for N; in transcription direction.
        ensemble: Weights of the base model.

    Raises:
        SequenceError: a sequence is empty or none of the three; the text gives its number, from 1.
    """
    codes = [codes_of_any(sequence, number) for number, sequence in enumerate(sequences, start=1)]
    return list(Scorer(ensemble).score_genes(codes))


def codes_of_any(sequence: str | np.ndarray, number: int = 1) -> np.ndarray:
    """Base codes of letters, base codes or one-hot rows; `number` names the sequence in errors."""
    if isinstance(sequence, str):
        codes = codes_of(sequence)
    elif sequence.ndim == 2:
        row_sums = sequence.sum(axis=1)
        if sequence.shape[1] != 4 or not np.isin(sequence, (0, 1)).all() or not np.isin(row_sums, (0, 1)).all():
            raise SequenceError(f"sequence {number} of shape {sequence.shape} is not one-hot: rows of one 1 or none.")
        codes = np.where(row_sums == 1, sequence.argmax(axis=1), N).astype(np.uint8)
    else:
        codes = sequence
    if not len(codes):
        raise SequenceError(f"sequence {number} is empty; there is nothing to score.")
    return codes


def fingerprint(codes: np.ndarray, ensemble_sha256: str, network: NetworkSettings) -> str:
    """Hash of all that a gene's scores depend on: bases, weights, architecture, flank policy, precision.

    Args:
        codes: The base codes that `Scorer.score` gets, uint8; what lies beyond them follows from the flank policy.
        ensemble_sha256: Of `EnsembleWeights`.
        network: Family, context, flanks and precision.
    """
    digest = blake2b(digest_size=16)
    settings = "|".join(f"{name}={value}" for name, value in sorted(network.model_dump().items()))
    digest.update(f"{ensemble_sha256}|{settings}|{len(codes)}|".encode())
    digest.update(np.ascontiguousarray(codes, dtype=np.uint8).tobytes())
    return digest.hexdigest()
