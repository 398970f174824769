"""The base models' network as their papers draw it, in Flax NNX: the readable definition.

    bases --stem--+--unit--unit--unit--unit--+--4 units--+-- ... --+      trunk, 32 channels
                  |                          |           |         |
                skip 0                     skip 1      skip 2    skip n   1x1 convolutions
                  +-----------(+)------------+----(+)----+---(+)---+--> head (1x1, 32 -> 3) --> softmax

    unit:  x --norm--act--conv--norm--act--conv--(+)--> ,  plus x itself

SpliceAI and OpenSpliceAI share it; slope, epsilon, widths and dilations come from `Architecture`. Published, every
convolution keeps the length and the sum is cropped at the end; here convolutions are VALID and what is added to them
is cropped, which gives the same scores, since the receptive field is exactly context + 1.

Precision. "float32": every product and sum. "bfloat16": the two convolutions of a unit read their kernels and their
input rounded to bfloat16 (8 significant bits) and sum in float32; norms, trunk, stem, skips and head stay float32.

Scores are computed by `scoring`, with `folding`'s simplifications; both are tested against this definition.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from builder_assets.base_model.architectures import N_BASES, N_CHANNELS, N_CLASSES, UNITS_PER_SKIP, Architecture

# XLA's float32 default on recent GPUs is TF32, which shifts scores by up to 1e-3.
PRECISION = lax.Precision.HIGHEST


def _convolution(n_in: int, n_out: int, width: int, dilation: int, rngs: nnx.Rngs) -> nnx.Conv:
    return nnx.Conv(
        n_in, n_out, width, kernel_dilation=dilation, padding="VALID", precision=PRECISION, rngs=rngs
    )  # fmt: skip


def cropped(track: jax.Array, trimmed: int) -> jax.Array:
    """`track` (batch, length, channels) without `trimmed` bases on each side."""
    return track[:, trimmed : track.shape[1] - trimmed]


class ResidualUnit(nnx.Module):
    """(Batch norm, activation, dilated convolution) twice, plus identity; trims `trimmed` bases on each side."""

    def __init__(self, architecture: Architecture, unit: int, rngs: nnx.Rngs) -> None:
        width, dilation = architecture.widths[unit], architecture.dilations[unit]
        norm = {"use_running_average": True, "epsilon": architecture.batch_norm_epsilon, "rngs": rngs}
        self.norm_1 = nnx.BatchNorm(N_CHANNELS, **norm)
        self.conv_1 = _convolution(N_CHANNELS, N_CHANNELS, width, dilation, rngs)
        self.norm_2 = nnx.BatchNorm(N_CHANNELS, **norm)
        self.conv_2 = _convolution(N_CHANNELS, N_CHANNELS, width, dilation, rngs)
        self.negative_slope = architecture.negative_slope
        self.trimmed = architecture.trimmed_by_unit()[unit]

    def __call__(self, trunk: jax.Array) -> jax.Array:
        """(batch, n, 32) -> (batch, n - 2 trimmed, 32)."""
        hidden = self.conv_1(self._activated(self.norm_1(trunk)))
        return cropped(trunk, self.trimmed) + self.conv_2(self._activated(self.norm_2(hidden)))

    def _activated(self, track: jax.Array) -> jax.Array:
        return jnp.where(track >= 0, track, self.negative_slope * track)


class SpliceNetwork(nnx.Module):
    """One member of a base model."""

    def __init__(self, architecture: Architecture, rngs: nnx.Rngs) -> None:
        self.stem = _convolution(N_BASES, N_CHANNELS, 1, 1, rngs)
        self.skips = nnx.List(_convolution(N_CHANNELS, N_CHANNELS, 1, 1, rngs) for _ in range(architecture.n_skips))
        self.units = nnx.List(ResidualUnit(architecture, unit, rngs) for unit in range(architecture.n_units))
        self.head = _convolution(N_CHANNELS, N_CLASSES, 1, 1, rngs)
        self.flank = architecture.flank

    def __call__(self, bases: jax.Array) -> jax.Array:
        """Probabilities of each scored base.

        Args:
            bases: One-hot float32 (batch, flank + length + flank, 4), columns A, C, G, T; all-zero rows for N.

        Returns:
            float32 (batch, length, 3): neither, acceptor, donor.
        """
        trunk, excess = self.stem(bases), self.flank
        total = self.skips[0](cropped(trunk, excess))
        for number, unit in enumerate(self.units, start=1):
            trunk = unit(trunk)
            excess -= unit.trimmed
            if number % UNITS_PER_SKIP == 0:
                total += self.skips[number // UNITS_PER_SKIP](cropped(trunk, excess))
        return jax.nn.softmax(self.head(total), axis=-1)


def network_with(arrays: dict[str, jax.Array], architecture: Architecture) -> SpliceNetwork:
    """The network holding one member's arrays (names of `weights.array_shapes`).

    Raises:
        ValueError: the arrays' names or shapes are not those of the network.
    """
    abstract = nnx.eval_shape(lambda: SpliceNetwork(architecture, nnx.Rngs(0)))
    graph, state = nnx.split(abstract)
    places = dict(nnx.to_flat_state(state))
    expected = {".".join(map(str, path)): variable.get_value().shape for path, variable in places.items()}
    given = {name: tuple(array.shape) for name, array in arrays.items()}
    if given != expected:
        wrong = sorted(name for name in {*given, *expected} if given.get(name) != expected.get(name))
        raise ValueError(f"{len(wrong)} arrays do not fit the network, among them {', '.join(wrong[:5])}.")
    filled = {path: v.replace(jnp.asarray(arrays[".".join(map(str, path))])) for path, v in places.items()}
    return nnx.merge(graph, nnx.from_flat_state(filled))
