"""How scores are computed on each kind of device: a gene is cut into pieces, which may be computed in any order.

    gene                  |------------------ length ------------------|
    CPU: equal pieces     |-------------------|------------------------|     any length, one compiled program
    accelerators: tiles   |------ 16k ------|------ 16k ------|-- 8k --:....|     a program for each tile length;
                                                    what lies beyond the end is N, and dropped

A base's score depends on the `context` bases around it only, so any cut gives the same scores. How a gene is cut
follows from its length alone, and nothing else shares its arithmetic: scored alone or among others, on one core or on
many, its scores are equal to the last bit.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from threading import Lock
from typing import NamedTuple, Self

import jax
import numpy as np

from builder_assets.base_model.architectures import N_CLASSES, Architecture
from builder_assets.base_model.folding import ensemble_probabilities, folded_ensemble
from builder_assets.base_model.spectral import computed_ranges, member_scores, room_for, spectral_member
from builder_assets.base_model.weights import EnsembleWeights
from builder_assets.sequence import N
from resources.accelerator import usable_cores


class Piece(NamedTuple):
    """`length` scored bases, and what computes them: float32 (length or more, 3); neither, acceptor, donor."""

    length: int
    compute: Callable[[], np.ndarray]


class CoreEngine:
    """One piece per core of a CPU, in the arithmetic of `spectral`.

    Args:
        ensemble: The weights.
        tile_lengths: The longest is the most that a piece holds.
    """

    def __init__(self, ensemble: EnsembleWeights, tile_lengths: Sequence[int]) -> None:
        self._ensemble, self._tile_lengths = ensemble, tuple(tile_lengths)
        self._room = room_for(max(tile_lengths), ensemble.architecture)
        self._members = [jax.device_put(spectral_member(arrays, ensemble.architecture)) for arrays in ensemble.members]
        self._program = _member_program(ensemble.architecture, self._room.capacity)
        self.workers = usable_cores()

    def pieces(self, whole: np.ndarray, *, flanked: bool) -> list[Piece]:
        """The pieces of a gene, in order.

        Args:
            whole: Its base codes with what stands beside it, uint8 (flank + length + flank,).
            flanked: Bases beside it are more than N.
        """
        flank = self._ensemble.architecture.flank
        length = len(whole) - 2 * flank
        known = (-flank, length + flank) if flanked else (0, length)
        n_pieces = -(-length // self._room.capacity)
        cuts = [length * cut // n_pieces for cut in range(n_pieces + 1)]
        return [Piece(end - start, partial(self._scores, whole, start, end, known)) for start, end in pairwise(cuts)]

    def _scores(self, whole: np.ndarray, start: int, end: int, known: tuple[int, int]) -> np.ndarray:
        flank, origin = self._ensemble.architecture.flank, self._room.origin
        codes = np.full(self._room.rows, N, np.uint8)
        codes[origin - flank : origin + end - start + flank] = whole[start : end + 2 * flank]
        ranges = computed_ranges(self._ensemble.architecture, (start, end), known) + (origin - start)
        read = (codes, ranges.astype(np.int32), np.int32(end - start))
        total = np.zeros((end - start, N_CLASSES), np.float32)
        for member in self._members:
            total += np.asarray(self._program(member, *read))[: end - start]
        return total / np.float32(len(self._members))

    def smaller(self) -> Self | None:
        """The engine for shorter pieces, where memory does not suffice for these; None if these are the shortest."""
        shorter = [tile for tile in self._tile_lengths if tile < max(self._tile_lengths)]
        return type(self)(self._ensemble, shorter) if shorter else None


class _Program:
    """`spectral.member_scores`, compiled when first called, once whatever threads call it."""

    def __init__(self, architecture: Architecture, capacity: int) -> None:
        # Pieces share the cores; products shared by cores as well would only wait for each other.
        options = {"xla_cpu_multi_thread_eigen": False}
        scores = partial(member_scores, architecture=architecture, capacity=capacity)
        self._jitted = jax.jit(scores, compiler_options=options)
        self._compiled: Callable[..., jax.Array] | None = None
        self._compiling = Lock()

    def __call__(self, *read: object) -> jax.Array:
        with self._compiling:
            if self._compiled is None:
                self._compiled = self._jitted.lower(*read).compile()
        return self._compiled(*read)


@lru_cache(maxsize=16)
def _member_program(architecture: Architecture, capacity: int) -> _Program:
    return _Program(architecture, capacity)


class TileEngine:
    """Tiles of few lengths, for accelerators.

    Args:
        ensemble: The weights.
        tile_lengths: Bases per tile; one program is compiled for each that is needed.
    """

    workers = 2  # one tile is computed while another is fetched

    def __init__(self, ensemble: EnsembleWeights, tile_lengths: Sequence[int]) -> None:
        self._ensemble, self._tile_lengths = ensemble, tuple(sorted(tile_lengths))
        self._weights = jax.device_put(folded_ensemble(ensemble.members, ensemble.architecture))
        self._probabilities = jax.jit(partial(ensemble_probabilities, architecture=ensemble.architecture))

    def pieces(self, whole: np.ndarray, *, flanked: bool) -> list[Piece]:  # noqa: ARG002, the same work either way
        """The pieces of a gene, in order; see `CoreEngine.pieces`."""
        flank = self._ensemble.architecture.flank
        length = len(whole) - 2 * flank
        tiles = tiles_of(length, self._tile_lengths, self._ensemble.architecture)
        read = np.pad(whole, (0, sum(tiles) - length), constant_values=N)
        starts = np.cumsum((0, *tiles[:-1])).tolist()
        return [
            Piece(min(tile, length - start), partial(self._scores, read[start : start + tile + 2 * flank]))
            for start, tile in zip(starts, tiles, strict=True)
        ]

    def _scores(self, codes: np.ndarray) -> np.ndarray:
        return np.asarray(self._probabilities(self._weights, codes))

    def smaller(self) -> Self | None:
        """The engine for shorter tiles; see `CoreEngine.smaller`."""
        shorter = [tile for tile in self._tile_lengths if tile < max(self._tile_lengths)]
        return type(self)(self._ensemble, shorter) if shorter else None


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
