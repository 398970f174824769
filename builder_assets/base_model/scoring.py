"""Scores of every base of a gene: the ensemble's mean, in tiles of few lengths, each compiled once.

    gene     |------------------ length ------------------|
    tiles    |------ 16k ------|------ 16k ------|-- 8k --:....|    whatever lies beyond the end is N, and dropped
    read  ~~~|------ 16k ------|~~~                                 each tile reads `flank` bases on both sides

A base's score depends on the `context` bases around it only, so any tiling gives the same scores. The tiles of a gene
are chosen from its length alone: scored alone or among others, its scores are equal to the last bit.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from hashlib import blake2b

import jax
import numpy as np

from builder_assets.base_model.architectures import N_CLASSES, Architecture
from builder_assets.base_model.folding import ensemble_probabilities, folded_ensemble
from builder_assets.base_model.weights import EnsembleWeights
from builder_assets.sequence import N, codes_of
from builder_assets.settings import NetworkSettings

# Bases scored per compiled program. Measured on CPUs (benchmarks/NOTES.md): longer tiles than the last gain little,
# and shorter ones than the first cost as much, as flanks dominate.
TILE_LENGTHS = (2_048, 4_096, 8_192, 12_288, 16_384, 24_576, 32_768, 49_152, 65_536)

Progress = Callable[[int], None]

logger = logging.getLogger("builder.scoring")


class SequenceError(ValueError):
    """A sequence cannot be scored as given."""


@lru_cache(maxsize=4096)
def tiles_of(length: int, tile_lengths: tuple[int, ...], architecture: Architecture) -> tuple[int, ...]:
    """Tile lengths, longest first, that cover `length` bases with the least arithmetic; they depend on nothing else."""
    longest = max(tile_lengths)
    n_longest = max(0, length // longest - 1)
    if n_longest:
        return (longest,) * n_longest + tiles_of(length - n_longest * longest, tile_lengths, architecture)
    plans = []
    for tile in tile_lengths:
        rest = tiles_of(length - tile, tile_lengths, architecture) if tile < length else ()
        plan = tuple(sorted((tile, *rest), reverse=True))
        plans.append((sum(map(architecture.macs_per_tile, plan)), len(plan), plan))
    return min(plans)[-1]


class Scorer:
    """An ensemble on the device, ready to score genes.

    Args:
        ensemble: Its weights.
        tile_lengths: Bases per tile; one program is compiled for each that is needed.
    """

    def __init__(self, ensemble: EnsembleWeights, tile_lengths: Sequence[int] = TILE_LENGTHS) -> None:
        self.architecture = ensemble.architecture
        self.tile_lengths = tuple(sorted(tile_lengths))
        if not self.tile_lengths or self.tile_lengths[0] < 1:
            raise ValueError(f"tile lengths {list(tile_lengths)}: at least one is needed, all of 1 base or more.")
        self._weights = jax.device_put(folded_ensemble(ensemble.members, ensemble.architecture))
        self._probabilities = jax.jit(partial(ensemble_probabilities, architecture=ensemble.architecture))

    def score(self, codes: np.ndarray, progress: Progress | None = None, *, flanked: bool = False) -> np.ndarray:
        """Scores of one sequence with N on both sides of it.

        Args:
            codes: Base codes, uint8 (length,), 0 to 4, in transcription direction.
            progress: Called after each tile with the number of bases that it scored.
            flanked: `codes` holds what stands on both sides as well: uint8 (flank + length + flank,).

        Returns:
            float32 (length, 3): neither, acceptor, donor.

        Raises:
            SequenceError: `codes` is empty, has another shape or dtype, or codes above 4.
        """
        checked_codes(codes)
        flank = self.architecture.flank
        whole = codes if flanked else np.pad(codes, flank, constant_values=N)
        if len(whole) <= 2 * flank:
            raise SequenceError(f"{len(codes)} base codes with flanks of {flank} each hold no base to score.")
        return self._scored(whole, self.tile_lengths, progress)

    def _scored(self, whole: np.ndarray, tile_lengths: tuple[int, ...], progress: Progress | None) -> np.ndarray:
        """Scores of all but the flanks of `whole`; with shorter tiles where the device's memory does not suffice."""
        flank = self.architecture.flank
        length = len(whole) - 2 * flank
        tiles = tiles_of(length, tile_lengths, self.architecture)
        read = np.pad(whole, (0, sum(tiles) - length), constant_values=N)
        starts = np.cumsum((0, *tiles[:-1]))
        scores = np.empty((sum(tiles), N_CLASSES), dtype=np.float32)
        # One tile is computed while the one before it is fetched: an accelerator never waits, and memory is bounded.
        waiting: tuple[int, jax.Array] | None = None
        try:
            for start, tile in zip(starts.tolist(), tiles, strict=True):
                piece = self._probabilities(self._weights, read[start : start + tile + 2 * flank])
                if waiting is not None:
                    _fetch(waiting, scores, length, progress)
                waiting = start, piece
            if waiting is not None:
                _fetch(waiting, scores, length, progress)
        except (MemoryError, RuntimeError) as error:
            shorter = tuple(tile for tile in tile_lengths if tile < max(tiles))
            if not shorter or not is_out_of_memory(error):
                raise
            logger.warning(
                "memory does not suffice for tiles of %s bases; %s are tried", f"{max(tiles):,}", f"{max(shorter):,}"
            )
            return self._scored(whole, shorter, None)
        return scores[:length]

    def score_genes(
        self, genes: Iterable[np.ndarray], progress: Progress | None = None, *, flanked: bool = False
    ) -> Iterator[np.ndarray]:
        """`score` of each gene in turn; one gene's scores are held at a time."""
        for codes in genes:
            yield self.score(codes, progress, flanked=flanked)


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


def _fetch(waiting: tuple[int, jax.Array], scores: np.ndarray, length: int, progress: Progress | None) -> None:
    start, piece = waiting
    scores[start : start + len(piece)] = piece
    if progress is not None:
        progress(min(len(piece), length - start))


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
