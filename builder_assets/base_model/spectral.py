"""A member on a CPU core: convolutions by `overlap_save`, over the bases that can differ, in one program.

constant ends   Beyond the gene all bases are N: after convolutions of reach r the track is constant farther than r from
                it, and farther than flank - r from the scored bases nothing is needed. Only what is left is computed.

One compiled program serves every length: its loops run over as many windows as are needed.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from builder_assets.base_model.architectures import N_CHANNELS, UNITS_PER_SKIP, Architecture
from builder_assets.base_model.folding import folded_member
from builder_assets.base_model.network import PRECISION
from builder_assets.base_model.overlap_save import Array, Spectrum, Windows, convolved, kernel_spectrum, workspace

# Measured, benchmarks/NOTES.md: longer windows spend more on transforms, shorter ones more on overlaps.
LONGEST_HOP = 40
COLUMNS = 24  # bases side by side in a product: fewer make it slow, and 32 fall on the same lines of the cache
State = TypeVar("State")

STRETCH = 512  # bases at a time where nothing is convolved


def windows_of(architecture: Architecture) -> tuple[Windows, ...]:
    """One `Windows` per group of four units."""
    found = []
    for unit in range(0, architecture.n_units, UNITS_PER_SKIP):
        width, dilation = architecture.widths[unit], architecture.dilations[unit]
        hop = max(width - 1, min(LONGEST_HOP, 2 * (width - 1)))
        found.append(Windows(width, dilation, hop, max(1, COLUMNS // dilation)))
    return tuple(found)


class SpectralGroup(NamedTuple):
    """Four units: scale, shift (4, 32); spectra (4, half, 32, 32); biases (4, 32); what all-N bases give (4, 32)."""

    scale: np.ndarray
    shift: np.ndarray
    spectrum_1: Spectrum
    bias_1: np.ndarray
    far_hidden: np.ndarray
    spectrum_2: Spectrum
    bias_2: np.ndarray
    far_trunk: np.ndarray


class SpectralMember(NamedTuple):
    """One member: stem (5, 32), a group per dilation, projections (n_skips, 32, 3), bias (3,)."""

    stem: np.ndarray
    groups: tuple[SpectralGroup, ...]
    projections: np.ndarray
    bias: np.ndarray


def spectral_member(
    arrays: dict[str, np.ndarray], architecture: Architecture, precision: str = "float32"
) -> SpectralMember:
    """One member (names of `weights.array_shapes`): spectra and its response to N alone, worked out in float64."""
    member, groups = folded_member(arrays, architecture), []
    trunk = member.stem[-1].astype(np.float64)
    for number, windows in enumerate(windows_of(architecture)):
        units = []
        for unit in member.units[number * UNITS_PER_SKIP : (number + 1) * UNITS_PER_SKIP]:
            wide = [np.asarray(array, np.float64) for array in unit]
            scale, shift, kernel_1, bias_1, kernel_2, bias_2 = wide
            kernel_1, kernel_2 = (_rounded(kernel, precision) for kernel in (kernel_1, kernel_2))
            slope = architecture.negative_slope
            read = _rounded(_rectified(trunk * scale + shift, slope), precision)
            hidden = _rounded(_rectified(read @ kernel_1.sum(axis=0) + bias_1, slope), precision)
            trunk = trunk + hidden @ kernel_2.sum(axis=0) + bias_2
            units.append(
                SpectralGroup(
                    scale, shift, kernel_spectrum(kernel_1, windows), bias_1, hidden,
                    kernel_spectrum(kernel_2, windows), bias_2, trunk,
                )
            )  # fmt: skip
        groups.append(jax.tree.map(lambda *arrays: np.stack(arrays).astype(np.float32), *units))
    return SpectralMember(member.stem, tuple(groups), member.projections, member.bias)


def _rectified(track: np.ndarray, slope: float) -> np.ndarray:
    return np.maximum(track, slope * track)


def _rounded(values: np.ndarray, precision: str) -> np.ndarray:
    return values.astype(precision).astype(np.float64) if precision != "float32" else values


class Room(NamedTuple):
    """A track's memory: `rows` bases for pieces of up to `capacity` scored ones, the first of which is at `origin`."""

    capacity: int
    rows: int
    origin: int


def room_for(capacity: int, architecture: Architecture) -> Room:
    """Memory for all that is read or overwritten beyond the scored bases as well."""
    cuts = windows_of(architecture)
    before = architecture.flank + 2 * max(windows.reach for windows in cuts)
    after = max(STRETCH, *(windows.step + windows.read for windows in cuts))
    return Room(capacity, before + capacity + before + after, before)


def computed_ranges(architecture: Architecture, scored: tuple[int, int], known: tuple[int, int]) -> np.ndarray:
    """First base and base after the last that each layer has to compute, int32 (1 + 2 n_units, 2).

    Args:
        architecture: The network.
        scored: First base and base after the last of the piece to score.
        known: The same of all bases that are not N for being outside the gene.
    """
    reach, ranges = 0, []
    trimmed = [0, *(half for whole in architecture.trimmed_by_unit() for half in (whole // 2, whole // 2))]
    for trim in trimmed:
        reach += trim
        needed = architecture.flank - reach
        ranges.append((max(scored[0] - needed, known[0] - reach), min(scored[1] + needed, known[1] + reach)))
    return np.asarray(ranges, np.int32)


def computed_bases(architecture: Architecture, ranges: np.ndarray) -> float:
    """How many bases' worth of convolutions `ranges` of `computed_ranges` make, whole steps counted."""
    macs, layers = 0, iter((ranges[1:, 1] - ranges[1:, 0]).tolist())
    for windows in windows_of(architecture):
        for _convolution in range(2 * UNITS_PER_SKIP):
            macs += -(-next(layers) // windows.step) * windows.step * windows.width * N_CHANNELS**2
    return macs / architecture.unit_macs_per_base()


class Tracks(NamedTuple):
    """A member's memory, float32 (room.rows, 32) each."""

    trunk: jax.Array
    hidden: jax.Array


def tracks_for(room: Room) -> Tracks:
    """Memory to score in, again and again."""
    return Tracks(*(jnp.zeros((room.rows, N_CHANNELS), jnp.float32) for _ in Tracks._fields))


def member_scores(
    tracks: Tracks, member: SpectralMember, codes: jax.Array, ranges: jax.Array, scored: jax.Array, *,
    architecture: Architecture, capacity: int, precision: str = "float32",
) -> tuple[jax.Array, Tracks]:  # fmt: skip
    """One member's probabilities, float32 (capacity, 3): neither, acceptor, donor; right for `scored` bases.

    Args:
        tracks: Memory; what it holds is never used.
        member: Of `spectral_member`.
        codes: Base codes, uint8 (rows of `room_for`,); the first scored base stands at its origin.
        ranges: Of `computed_ranges`, counted from the start of `codes`.
        scored: Number of bases to score.
        architecture: Static.
        capacity: Static.
        precision: Static; that of `member`.

    Returns:
        The probabilities, and `tracks` for the next call.
    """
    room, cuts = room_for(capacity, architecture), windows_of(architecture)
    # Outputs do not depend on the other rows of their windows, but their last bits do.
    trunk, hidden = (_cleared(track, room.rows - capacity + scored) for track in tracks)
    trunk = _stem(member.stem, codes, ranges[0], trunk)
    tracks = Tracks(_ends_filled(trunk, ranges[0], member.stem[-1], 2 * cuts[0].reach), hidden)
    logits = _stem_logits(member, codes, capacity, room)
    for number, (windows, group) in enumerate(zip(cuts, member.groups, strict=True)):
        first = 1 + 2 * UNITS_PER_SKIP * number
        own = ranges[first : first + 2 * UNITS_PER_SKIP].reshape(UNITS_PER_SKIP, 2, 2)
        unit = partial(_unit, windows=windows, slope=architecture.negative_slope, precision=precision)
        projected = partial(_projected, projection=member.projections[number + 1], room=room)
        tracks, logits = _group(tracks, logits, group, own, scored, unit, projected)
        if number + 1 < len(cuts):  # the next group reads farther
            trunk = _ends_filled(tracks.trunk, own[-1, 1], group.far_trunk[-1], 2 * cuts[number + 1].reach)
            tracks = tracks._replace(trunk=trunk)
    return jax.nn.softmax(logits[:capacity], axis=-1), tracks


def _cleared(track: jax.Array, rows: jax.Array) -> jax.Array:
    nothing = jnp.zeros((STRETCH, N_CHANNELS), jnp.float32)
    whole = jnp.stack([jnp.zeros_like(rows), rows])
    return _each_step(whole, STRETCH, lambda start, track: _written(track, nothing, start), track)


def _stem(stem: Array, codes: jax.Array, bounds: jax.Array, trunk: jax.Array) -> jax.Array:
    def written(start: jax.Array, trunk: jax.Array) -> jax.Array:
        return _written(trunk, jnp.asarray(stem)[lax.dynamic_slice(codes, (start,), (STRETCH,))], start)

    return _each_step(bounds, STRETCH, written, trunk)


def _stem_logits(member: SpectralMember, codes: jax.Array, capacity: int, room: Room) -> jax.Array:
    by_code = jnp.dot(member.stem, member.projections[0], precision=PRECISION) + member.bias
    return by_code[lax.dynamic_slice(codes, (room.origin,), (capacity + STRETCH,))]


def _projected(logits: jax.Array, trunk: jax.Array, n_bases: jax.Array, projection: Array, room: Room) -> jax.Array:
    def added(start: jax.Array, logits: jax.Array) -> jax.Array:
        part = jnp.dot(_read(trunk, start + room.origin, STRETCH), projection, precision=PRECISION)
        return _written(logits, _read(logits, start, STRETCH) + part, start)

    return _each_step(jnp.stack([jnp.zeros_like(n_bases), n_bases]), STRETCH, added, logits)


def _group(
    tracks: Tracks, logits: jax.Array, group: SpectralGroup, ranges: jax.Array, scored: jax.Array,
    unit: Callable[..., Tracks], projected: Callable[..., jax.Array],
) -> tuple[Tracks, jax.Array]:  # fmt: skip
    """Four units. The last trunk is projected in the loop that makes it: one that is read later XLA would copy."""

    def next_unit(
        state: tuple[Tracks, jax.Array], each: tuple[SpectralGroup, jax.Array, jax.Array]
    ) -> tuple[tuple[Tracks, jax.Array], None]:
        (tracks, logits), (weights, ranges, n_bases) = state, each
        tracks = unit(tracks, weights, ranges)
        return (tracks, projected(logits, tracks.trunk, n_bases)), None

    n_bases = jnp.zeros(UNITS_PER_SKIP, jnp.int32).at[-1].set(scored)
    return lax.scan(next_unit, (tracks, logits), (group, ranges, n_bases))[0]


def _unit(
    tracks: Tracks, unit: SpectralGroup, ranges: jax.Array, windows: Windows, slope: float, precision: str
) -> Tracks:
    """A residual unit; `ranges` (2, 2) of its two convolutions."""

    def activated(track: jax.Array) -> jax.Array:
        """Activated, and rounded to what convolutions read; products stay float32 (NOTES: the faster ones here)."""
        return _activated(track, slope).astype(precision).astype(jnp.float32)

    def halves(track: jax.Array, start: jax.Array) -> tuple[jax.Array, jax.Array]:
        start -= windows.reach
        return _read(track, start, windows.step), _read(track, start + windows.middle, windows.step)

    def first(start: jax.Array, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        hidden, space = state
        lower, upper = (activated(half * unit.scale + unit.shift) for half in halves(tracks.trunk, start))
        outputs, space = convolved(lower, upper, unit.spectrum_1, space, windows)
        return _written(hidden, activated(outputs + unit.bias_1), start), space

    hidden, space = _each_step(ranges[0], windows.step, first, (tracks.hidden, workspace(windows)))
    hidden = _ends_filled(hidden, ranges[0], unit.far_hidden, 2 * windows.reach)

    def second(start: jax.Array, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        trunk, space = state
        outputs, space = convolved(*halves(hidden, start), unit.spectrum_2, space, windows)
        change = outputs + unit.bias_2
        return _written(trunk, _read(trunk, start, windows.step) + change, start), space

    trunk, _ = _each_step(ranges[1], windows.step, second, (tracks.trunk, space))
    return Tracks(_ends_filled(trunk, ranges[1], unit.far_trunk, 2 * windows.reach), hidden)


def _each_step(bounds: jax.Array, step: int, body: Callable[[jax.Array, State], State], state: State) -> State:
    """`state` after `body(start, state)` for every start from bounds[0] to bounds[1] - 1 by `step`."""
    count = (bounds[1] - bounds[0] + step - 1) // step
    return lax.fori_loop(0, count, lambda number, state: body(bounds[0] + number * step, state), state)


def _read(track: jax.Array, start: jax.Array, length: int) -> jax.Array:
    return lax.dynamic_slice(track, (start, 0), (length, track.shape[1]))


def _written(track: jax.Array, part: jax.Array, start: jax.Array) -> jax.Array:
    return lax.dynamic_update_slice(track, part, (start, 0))


def _ends_filled(track: jax.Array, bounds: jax.Array, far: Array, n_bases: int) -> jax.Array:
    """`track` with `far`, the response to N alone, in `n_bases` bases on both sides of what was computed."""
    fill = jnp.broadcast_to(far, (n_bases, N_CHANNELS))
    return _written(_written(track, fill, bounds[0] - n_bases), fill, bounds[1])


def _activated(track: jax.Array, slope: float) -> jax.Array:
    return jnp.where(track > 0, track, slope * track if slope else 0.0)  # compiled to faster code than a maximum
