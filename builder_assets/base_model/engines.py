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
from functools import cached_property, lru_cache, partial
from itertools import pairwise
from threading import Lock
from typing import NamedTuple, Self

import jax
import numpy as np

from builder_assets.base_model.architectures import N_CHANNELS, Architecture
from builder_assets.base_model.folding import folded_ensemble, members_probabilities
from builder_assets.base_model.spectral import (
    Tracks,
    computed_bases,
    computed_ranges,
    member_scores,
    room_for,
    spectral_member,
    tracks_for,
)
from builder_assets.base_model.weights import EnsembleWeights
from builder_assets.sequence import N
from resources.accelerator import available_memory, device_memory, usable_cores

BYTES_PER_TRACK_ROW = N_CHANNELS * np.dtype(np.float32).itemsize
# Memory per base of a piece, flanks included. On a core: trunk and hidden track, codes, logits and what a step needs
# (290 to 350 bytes measured). On a device: trunk, hidden track, and copies of both on their way.
CORE_BYTES_PER_ROW = 3 * BYTES_PER_TRACK_ROW
DEVICE_BYTES_PER_ROW = 6 * BYTES_PER_TRACK_ROW


class Piece(NamedTuple):
    """Bases that are scored together.

    Attributes:
        length: How many.
        computed: Bases' worth of convolutions for them: flanks and what fills up steps or tiles are work as well.
        compute: Gives each member's probabilities, float32 (n_members, length, 3): neither, acceptor, donor.
    """

    length: int
    computed: float
    compute: Callable[[], np.ndarray]


class CoreEngine:
    """One piece per core of a CPU, in the arithmetic of `spectral`; a core keeps its memory from piece to piece.

    Args:
        ensemble: The weights.
        tile_lengths: The longest is the most that a piece holds.
        precision: See `network`.
    """

    def __init__(self, ensemble: EnsembleWeights, tile_lengths: Sequence[int], precision: str) -> None:
        self._ensemble, self._tile_lengths, self._precision = ensemble, tuple(tile_lengths), precision
        architecture = ensemble.architecture
        self._room = room_for(max(tile_lengths), architecture)
        spectral = [spectral_member(arrays, architecture, precision) for arrays in ensemble.members]
        self._members = [jax.device_put(member) for member in spectral]
        self._program = _member_program(architecture, self._room.capacity, precision)
        self._tracks: list[Tracks] = []  # memory that nothing uses just now
        # Not the pieces: how a gene is cut must not follow from what else the machine does.
        fitting = available_memory() // 2 // (self._room.rows * CORE_BYTES_PER_ROW)
        self.workers = max(1, min(usable_cores(), fitting))

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
        pieces = []
        for start, end in pairwise(cuts):
            ranges = computed_ranges(self._ensemble.architecture, (start, end), known)
            computed = computed_bases(self._ensemble.architecture, ranges)
            pieces.append(Piece(end - start, computed, partial(self._scores, whole, start, end, ranges)))
        return pieces

    def _scores(self, whole: np.ndarray, start: int, end: int, ranges: np.ndarray) -> np.ndarray:
        flank, origin = self._ensemble.architecture.flank, self._room.origin
        codes = np.full(self._room.rows, N, np.uint8)
        codes[origin - flank : origin + end - start + flank] = whole[start : end + 2 * flank]
        read = (codes, ranges + np.int32(origin - start), np.int32(end - start))
        try:
            tracks = self._tracks.pop()
        except IndexError:
            tracks = tracks_for(self._room)
        scores = []
        for member in self._members:
            probabilities, tracks = self._program(tracks, member, *read)
            scores.append(np.asarray(probabilities)[: end - start])
        self._tracks.append(tracks)
        return np.stack(scores)

    @cached_property
    def smaller(self) -> Self | None:
        """The engine for shorter pieces, where memory does not suffice for these; None if these are the shortest."""
        self._tracks.clear()
        shorter = [tile for tile in self._tile_lengths if tile < max(self._tile_lengths)]
        return type(self)(self._ensemble, shorter, self._precision) if shorter else None


class _Program:
    """`spectral.member_scores`, compiled when first called, once whatever threads call it."""

    def __init__(self, architecture: Architecture, capacity: int, precision: str) -> None:
        # Pieces share the cores; products shared by cores as well would only wait for each other.
        options = {"xla_cpu_multi_thread_eigen": False}
        scores = partial(member_scores, architecture=architecture, capacity=capacity, precision=precision)
        self._jitted = jax.jit(scores, compiler_options=options, donate_argnames="tracks")
        self._compiled: Callable[..., tuple[jax.Array, Tracks]] | None = None
        self._compiling = Lock()

    def __call__(self, *read: object) -> tuple[jax.Array, Tracks]:
        with self._compiling:
            if self._compiled is None:
                self._compiled = self._jitted.lower(*read).compile()
        return self._compiled(*read)


@lru_cache(maxsize=16)
def _member_program(architecture: Architecture, capacity: int, precision: str) -> _Program:
    return _Program(architecture, capacity, precision)


class TileEngine:
    """Tiles of few lengths, for accelerators.

    Args:
        ensemble: The weights.
        tile_lengths: Bases per tile; one program is compiled for each that is needed. Those that the device has not
            enough memory for are left out, but for the shortest.
        precision: See `network`.
    """

    workers = 2  # one tile is computed while another is fetched

    def __init__(self, ensemble: EnsembleWeights, tile_lengths: Sequence[int], precision: str) -> None:
        self._ensemble, self._precision = ensemble, precision
        architecture = ensemble.architecture
        self._tile_lengths = fitting_tiles(tile_lengths, architecture.context, device_memory())
        self._weights = jax.device_put(folded_ensemble(ensemble.members, architecture))
        self._probabilities = jax.jit(partial(members_probabilities, architecture=architecture, precision=precision))

    def pieces(self, whole: np.ndarray, *, flanked: bool) -> list[Piece]:  # noqa: ARG002, the same work either way
        """The pieces of a gene, in order; see `CoreEngine.pieces`."""
        architecture = self._ensemble.architecture
        flank = architecture.flank
        length = len(whole) - 2 * flank
        tiles = tiles_of(length, self._tile_lengths, architecture)
        read = np.pad(whole, (0, sum(tiles) - length), constant_values=N)
        starts = np.cumsum((0, *tiles[:-1])).tolist()
        pieces = []
        for start, tile in zip(starts, tiles, strict=True):
            codes, scored = read[start : start + tile + 2 * flank], min(tile, length - start)
            computed = architecture.macs_per_tile(tile) / architecture.unit_macs_per_base()
            pieces.append(Piece(scored, computed, partial(self._scores, codes, scored)))
        return pieces

    def _scores(self, codes: np.ndarray, scored: int) -> np.ndarray:
        return np.asarray(self._probabilities(self._weights, codes))[:, :scored]

    @cached_property
    def smaller(self) -> Self | None:
        """The engine for shorter tiles; see `CoreEngine.smaller`."""
        shorter = [tile for tile in self._tile_lengths if tile < max(self._tile_lengths)]
        return type(self)(self._ensemble, shorter, self._precision) if shorter else None


def fitting_tiles(tile_lengths: Sequence[int], context: int, memory: int | None) -> tuple[int, ...]:
    """Those of `tile_lengths`, sorted, that `memory` bytes of a device hold two of; the shortest in any case."""
    tiles = sorted(tile_lengths)
    fit = [tile for tile in tiles if memory is None or 2 * (tile + context) * DEVICE_BYTES_PER_ROW <= memory]
    return tuple(fit or tiles[:1])


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
