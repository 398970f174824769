"""A member on a CPU core: convolutions as products of spectra, over the bases that can differ, in one program.

overlap-save    A window of `size` rows gives size - width + 1 outputs. Its spectrum (a product with a fixed matrix)
                times the kernel's (32 x 32 complex numbers a frequency) is the outputs' spectrum: about a fifth of the
                multiplications of a kernel of width 41, and the same digits.

    rows d bases apart never meet the bases between them, so a row is `d` bases, and a window is one slice of the track

                row 0          row 1          row 2
    track   |b b b ... b|  |b b b ... b|  |b b b ... b| ...          32 channels each

halves          Rows are counted from the window's middle, where they stand at +-1/2, +-3/2, ..., and frequencies are
                odd multiples of pi/size: what wraps round changes its sign, and is dropped. Then sums of opposite rows
                times cosines are the real parts; their differences, the outermost first, times the same cosines are
                the imaginary parts, every other one with its sign turned. One matrix of half the size does both.
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

# Measured, benchmarks/NOTES.md: longer windows spend more on transforms, shorter ones more on overlaps.
LONGEST_HOP = 40
COLUMNS = 24  # bases side by side in a product: fewer make it slow, and 32 fall on the same lines of the cache
Array = jax.Array | np.ndarray
State = TypeVar("State")

STRETCH = 512  # bases at a time where nothing is convolved


class Windows(NamedTuple):
    """How the convolutions of one group of units are cut.

    Attributes:
        width: Of the kernel, odd.
        dilation: Bases per row.
        hop: Rows of output of a window, an even number of at least width - 1.
        abreast: Windows side by side.
    """

    width: int
    dilation: int
    hop: int
    abreast: int

    @property
    def half(self) -> int:
        """Half the rows of a window, and the number of frequencies."""
        return (self.hop + self.width - 1) // 2

    @property
    def columns(self) -> int:
        """Bases side by side."""
        return self.abreast * self.dilation

    @property
    def step(self) -> int:
        """Bases of output of all windows side by side."""
        return self.hop * self.columns

    @property
    def reach(self) -> int:
        """Bases that an output reads on each side."""
        return (self.width - 1) // 2 * self.dilation

    @property
    def middle(self) -> int:
        """Bases from the start of a window to its middle."""
        return self.half * self.dilation

    @property
    def read(self) -> int:
        """Bases read for one step, from `reach` before the first output."""
        return self.middle + self.step


def windows_of(architecture: Architecture) -> tuple[Windows, ...]:
    """One `Windows` per group of four units."""
    found = []
    for unit in range(0, architecture.n_units, UNITS_PER_SKIP):
        width, dilation = architecture.widths[unit], architecture.dilations[unit]
        found.append(Windows(width, dilation, min(LONGEST_HOP, 2 * (width - 1)), max(1, COLUMNS // dilation)))
    return tuple(found)


class Spectrum(NamedTuple):
    """A kernel's, (half, 32, 32) each: real parts, and imaginary ones of which every other one has its sign turned."""

    real: Array
    imaginary: Array


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


def kernel_spectrum(kernel: np.ndarray, windows: Windows) -> Spectrum:
    """Of a kernel (width, 32, 32), tap t reading the base at t - (width - 1) / 2 rows; float64."""
    turns = np.outer(_frequencies(windows), np.arange(windows.width) - windows.width // 2)
    spectrum = np.tensordot(np.exp(1j * turns), kernel, axes=1)
    return Spectrum(np.real(spectrum), np.imag(spectrum) * _signs(windows)[:, None, None])


def transforms(windows: Windows) -> tuple[np.ndarray, np.ndarray]:
    """Matrices to and from spectra.

    Returns:
        float32 (half, half), from sums or differences of opposite rows to frequencies; float32 (2, hop/2, half), from
        real and imaginary parts to half the sums and differences of opposite outputs, the innermost first.
    """
    frequencies = _frequencies(windows)
    forward = np.cos(np.outer(frequencies, np.arange(windows.half) + 0.5))
    turns = np.outer(np.arange(windows.hop // 2) + 0.5, frequencies)
    back = np.stack([np.cos(turns), np.sin(turns) * _signs(windows)]) / windows.half
    return forward.astype(np.float32), back.astype(np.float32)


def _frequencies(windows: Windows) -> np.ndarray:
    return np.pi * (np.arange(windows.half) + 0.5) / windows.half


def _signs(windows: Windows) -> np.ndarray:
    return (-1.0) ** np.arange(windows.half)


def workspace(windows: Windows) -> jax.Array:
    """Memory for `convolved`, float32 (half, 2, columns, 32)."""
    return jnp.zeros((windows.half, 2, windows.columns, N_CHANNELS), jnp.float32)


def convolved(
    first: jax.Array, second: jax.Array, spectrum: Spectrum, space: jax.Array, windows: Windows
) -> tuple[jax.Array, jax.Array]:
    """One step of a dilated convolution.

    Args:
        first: The track from the start of the windows, float32 (windows.step, 32).
        second: The track from their middle, likewise.
        spectrum: The kernel's.
        space: Memory to write into: halves that were concatenated instead would be compiled to scalar code.
        windows: Static.

    Returns:
        float32 (windows.step, 32), and `space` for the next step.
    """
    half, columns = windows.half, windows.columns
    forward, back = transforms(windows)
    first, second = _rows(first, windows), _rows(second, windows)
    space = lax.dynamic_update_slice(space, (second + first[::-1])[:, None], (0, 0, 0, 0))
    space = lax.dynamic_update_slice(space, (first - second[::-1])[:, None], (0, 1, 0, 0))
    read = jnp.dot(forward, space.reshape(half, -1), precision=PRECISION).reshape(half, 2 * columns, N_CHANNELS)
    by_real = lax.batch_matmul(read, jnp.asarray(spectrum.real), precision=PRECISION).reshape(space.shape)
    by_imaginary = lax.batch_matmul(read, jnp.asarray(spectrum.imaginary), precision=PRECISION).reshape(space.shape)
    real = by_real[:, 0] - by_imaginary[:, 1]
    imaginary = by_real[:, 1] + by_imaginary[:, 0]
    sums = jnp.dot(back[0], real.reshape(half, -1), precision=PRECISION)
    differences = jnp.dot(back[1], imaginary.reshape(half, -1), precision=PRECISION)
    outputs = jnp.concatenate([(sums + differences)[::-1], sums - differences])
    outputs = outputs.reshape(windows.hop, windows.abreast, -1).transpose(1, 0, 2).reshape(windows.step, N_CHANNELS)
    return outputs, by_real


def _rows(track: jax.Array, windows: Windows) -> jax.Array:
    """The first or second half of all windows, (half, columns, 32)."""
    rows = track.reshape(windows.abreast, windows.hop, windows.dilation, N_CHANNELS)[:, : windows.half]
    return rows.transpose(1, 0, 2, 3).reshape(windows.half, windows.columns, N_CHANNELS)


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
