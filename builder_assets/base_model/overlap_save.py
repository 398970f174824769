"""One convolution of a network's 32 channels as products of spectra.

overlap-save    A window of 2 half rows gives 2 half - width + 1 outputs. Its spectrum (a product with a fixed matrix)
                times the kernel's (32 x 32 complex numbers a frequency) is the outputs' spectrum: about a fifth of the
                multiplications of a kernel of width 41, with errors like those of the direct sum.

    rows d bases apart never meet the bases between them, so a row is `d` bases, and a window is one slice of the track

                row 0          row 1          row 2
    track   |b b b ... b|  |b b b ... b|  |b b b ... b| ...          32 channels each

halves          Rows are counted from the window's middle, where they stand at +-1/2, +-3/2, ..., and frequencies are
                odd multiples of pi / (2 half): what wraps round changes its sign, and is dropped. Then sums of opposite
                rows times cosines are the real parts; their differences, the outermost first, times the same cosines
                are the imaginary parts, every other one with its sign turned. One matrix of half the size does both.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from builder_assets.base_model.architectures import N_CHANNELS
from builder_assets.base_model.network import PRECISION

Array = jax.Array | np.ndarray


class Windows(NamedTuple):
    """How the convolutions of one group of units are cut.

    Attributes:
        width: Of the kernel, odd.
        dilation: Bases per row.
        hop: Rows of output of a window: an even number, at least width - 1.
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


class Spectrum(NamedTuple):
    """A kernel's, (half, 32, 32) each: real parts, and imaginary ones of which every other one has its sign turned."""

    real: Array
    imaginary: Array


def kernel_spectrum(kernel: np.ndarray, windows: Windows) -> Spectrum:
    """Of a kernel (width, 32, 32), tap t reading the base at t - (width - 1) / 2 rows; float64."""
    turns = np.outer(_frequencies(windows), np.arange(windows.width) - windows.width // 2)
    imaginary = np.sin(turns) * _signs(windows)[:, None]
    return Spectrum(np.tensordot(np.cos(turns), kernel, axes=1), np.tensordot(imaginary, kernel, axes=1))


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
