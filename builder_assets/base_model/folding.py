"""Exact simplifications of the network, made once in float64: fewer operations, the same scores.

published      norm_1, act, conv_1, norm_2, act, conv_2      five skips 32->32, summed, cropped, head 32->3
folded         scale and shift, act, conv_1', act, conv_2    five projections 32->3 of cropped trunks, summed

norm_2 into conv_1   a norm is y -> s y + t per channel:  s (K * x + b) + t  =  (s K) * x + (s b + t)
skips and head       two 1x1 convolutions in a row are one:  (x A + a) H + h  =  x (A H) + (a H + h)
crop                 1x1 convolutions commute with it, so it comes first
dilation d           bases d apart never meet those between: a track is d shorter tracks (phases), side by side in
                     the batch, each convolved without dilation; four units share one dilation and one rearranging

     offset  0 1 2 3 4 5 6 7 8   d = 3:   phase 0   0 3 6
                                          phase 1   1 4 7
                                          phase 2   2 5 8
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from builder_assets.base_model.architectures import N_CHANNELS, UNITS_PER_SKIP, Architecture
from builder_assets.base_model.network import PRECISION


class FoldedUnit(NamedTuple):
    """A residual unit: scale, shift (32,), kernels (width, 32, 32), biases (32,)."""

    scale: np.ndarray
    shift: np.ndarray
    kernel_1: np.ndarray
    bias_1: np.ndarray
    kernel_2: np.ndarray
    bias_2: np.ndarray


class FoldedMember(NamedTuple):
    """One member, float32.

    Attributes:
        stem: (5, 32), the stem's output for each base code; N gives the bias alone.
        units: The residual units in order.
        projections: (n_skips, 32, 3), from the trunk to the three classes.
        bias: (3,), of the summed projections.
    """

    stem: np.ndarray
    units: tuple[FoldedUnit, ...]
    projections: np.ndarray
    bias: np.ndarray


def folded_member(arrays: dict[str, np.ndarray], architecture: Architecture) -> FoldedMember:
    """Fold one member's published arrays (names of `weights.array_shapes`)."""
    wide = {name: array.astype(np.float64) for name, array in arrays.items()}
    head = wide["head.kernel"][0]
    skips = range(architecture.n_skips)
    skip_bias = sum(wide[f"skips.{skip}.bias"] for skip in skips)
    folded = FoldedMember(
        stem=np.vstack([wide["stem.kernel"][0], np.zeros((1, head.shape[0]))]) + wide["stem.bias"],
        units=tuple(_folded_unit(wide, unit, architecture.batch_norm_epsilon) for unit in range(architecture.n_units)),
        projections=np.stack([wide[f"skips.{skip}.kernel"][0] @ head for skip in skips]),
        bias=skip_bias @ head + wide["head.bias"],
    )
    return jax.tree.map(lambda array: array.astype(np.float32), folded)


def _folded_unit(wide: dict[str, np.ndarray], unit: int, epsilon: float) -> FoldedUnit:
    scale_1, shift_1 = _scale_and_shift(wide, f"units.{unit}.norm_1", epsilon)
    scale_2, shift_2 = _scale_and_shift(wide, f"units.{unit}.norm_2", epsilon)
    return FoldedUnit(
        scale=scale_1,
        shift=shift_1,
        kernel_1=wide[f"units.{unit}.conv_1.kernel"] * scale_2,
        bias_1=wide[f"units.{unit}.conv_1.bias"] * scale_2 + shift_2,
        kernel_2=wide[f"units.{unit}.conv_2.kernel"],
        bias_2=wide[f"units.{unit}.conv_2.bias"],
    )


def _scale_and_shift(wide: dict[str, np.ndarray], norm: str, epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    scale = wide[f"{norm}.scale"] / np.sqrt(wide[f"{norm}.var"] + epsilon)
    return scale, wide[f"{norm}.bias"] - wide[f"{norm}.mean"] * scale


def folded_ensemble(members: tuple[dict[str, np.ndarray], ...], architecture: Architecture) -> FoldedMember:
    """All members folded and stacked: every array has one axis more, the member, in front."""
    return jax.tree.map(lambda *arrays: np.stack(arrays), *(folded_member(m, architecture) for m in members))


def members_probabilities(
    stacked: FoldedMember, codes: jax.Array, architecture: Architecture, precision: str = "float32"
) -> jax.Array:
    """Each member's probabilities, float32 (n_members, length, 3): neither, acceptor, donor.

    Args:
        stacked: Of `folded_ensemble`.
        codes: Base codes, uint8 (flank + length + flank,).
        architecture: Static.
        precision: Static; what the units' convolutions read, see `network`.
    """
    # One member after another: stacked in one convolution they are slower on a CPU, and need five times the memory.
    return lax.map(lambda member: member_probabilities(member, codes, architecture, precision), stacked)


def member_probabilities(
    member: FoldedMember, codes: jax.Array, architecture: Architecture, precision: str = "float32"
) -> jax.Array:
    """One member's probabilities, float32 (length, 3), of base codes (flank + length + flank,)."""
    length = codes.shape[0] - architecture.context
    trunk, excess = jnp.asarray(member.stem)[codes], architecture.flank
    total = _projected(trunk, member.projections[0], excess, length) + member.bias
    for skip in range(1, architecture.n_skips):
        group = range((skip - 1) * UNITS_PER_SKIP, skip * UNITS_PER_SKIP)
        trunk = _after_units(trunk, [member.units[unit] for unit in group], group, architecture, precision)
        excess -= sum(architecture.trimmed_by_unit()[unit] for unit in group)
        total += _projected(trunk, member.projections[skip], excess, length)
    return jax.nn.softmax(total, axis=-1)


def _projected(trunk: jax.Array, projection: jax.Array | np.ndarray, excess: int, length: int) -> jax.Array:
    return jnp.dot(trunk[excess : excess + length], projection, precision=PRECISION)


def _after_units(
    trunk: jax.Array, units: list[FoldedUnit], group: range, architecture: Architecture, precision: str
) -> jax.Array:
    """The trunk (n, 32) after units of one dilation, shorter by what they trim."""
    dilation, length = architecture.dilations[group[0]], trunk.shape[0]
    phases = _phases_of(trunk, dilation)
    for number, unit in zip(group, units, strict=True):
        hidden = _activated(phases * unit.scale + unit.shift, architecture.negative_slope)
        hidden = _activated(_convolved(hidden, unit.kernel_1, precision) + unit.bias_1, architecture.negative_slope)
        trimmed = architecture.widths[number] - 1
        change = _convolved(hidden, unit.kernel_2, precision) + unit.bias_2
        phases = phases[:, trimmed : phases.shape[1] - trimmed] + change
    remaining = length - 2 * sum(architecture.trimmed_by_unit()[number] for number in group)
    return phases.transpose(1, 0, 2).reshape(-1, N_CHANNELS)[:remaining]


def _phases_of(trunk: jax.Array, dilation: int) -> jax.Array:
    """(n, 32) -> (dilation, ceil(n / dilation), 32); the last phases end in zeros that are cut off afterwards."""
    rows = -(-trunk.shape[0] // dilation)
    padded = jnp.pad(trunk, ((0, rows * dilation - trunk.shape[0]), (0, 0)))
    return padded.reshape(rows, dilation, N_CHANNELS).transpose(1, 0, 2)


def _convolved(phases: jax.Array, kernel: jax.Array | np.ndarray, precision: str) -> jax.Array:
    return lax.conv_general_dilated(
        phases.astype(precision), jnp.asarray(kernel, precision), window_strides=(1,), padding="VALID",
        dimension_numbers=("NWC", "WIO", "NWC"), precision=PRECISION, preferred_element_type=jnp.float32,
    )  # fmt: skip


def _activated(track: jax.Array, negative_slope: float) -> jax.Array:
    return jnp.maximum(track, negative_slope * track)  # right for slopes from 0 to 1
