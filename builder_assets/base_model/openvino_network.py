"""The folded network as an OpenVINO graph: the fastest way found to run it on a CPU (benchmarks/NOTES.md).

Same arithmetic as `folding`, with one exact simplification more. Where a gene is masked, its flanks are all N, and
what a layer says far inside them is one constant vector: bases further from the gene than the layer's reach see no
base of it. So nothing is computed there; before every group of units the trunk is lengthened by that constant.

    reach    bases beyond the gene that a group's output sees: 40, 200, 1000, 5000
    needed   bases beyond the gene that later groups still read: 4960, 4800, 4000, 0

             c c c [ trunk over the gene and min(reach, needed) bases around it ] c c c
"""

from typing import Any

import numpy as np

from builder_assets.base_model.architectures import N_CHANNELS, UNITS_PER_SKIP, Architecture
from builder_assets.base_model.folding import FoldedMember, FoldedUnit
from builder_assets.sequence import N
from resources.openvino_runtime import op, ov

LONGEST_INPUT = 2**31 - 1  # bound of the dynamic axis; without one the compiler considers empty sequences
_LENGTH_AXIS = 2

Node = Any  # OpenVINO's nodes carry no shapes that a type checker could use


def ensemble_graph(members: list[FoldedMember], architecture: Architecture, *, masked: bool) -> ov.Model:
    """Logits of all members, for sequences of any length.

    Args:
        members: Of `folded_member`.
        architecture: Of the members.
        masked: The input is int32 base codes (length,), with N on both sides of it; else (flank + length + flank,).

    Returns:
        A graph with one output, float32 (members, 3, length).
    """
    shortest = 1 if masked else architecture.context + 1
    codes = op.parameter(ov.PartialShape([ov.Dimension(shortest, LONGEST_INPUT)]), np.int32)
    logits = [_member_logits(codes, member, architecture, masked=masked) for member in members]
    return ov.Model([op.result(op.concat(logits, 0))], [codes], "ensemble")  # pyright: ignore[reportGeneralTypeIssues]


def trunk_in_flanks(member: FoldedMember, architecture: Architecture) -> list[np.ndarray]:
    """The trunk (32,) before each group of units where every base read is N, float32."""
    trunk, before = member.stem[N].astype(np.float64), []
    for number, unit in enumerate(member.units):
        if number % UNITS_PER_SKIP == 0:
            before.append(trunk.astype(np.float32))
        slope = architecture.negative_slope
        hidden = _activated_array(trunk * unit.scale + unit.shift, slope)
        hidden = _activated_array(hidden @ unit.kernel_1.sum(axis=0, dtype=np.float64) + unit.bias_1, slope)
        trunk = trunk + hidden @ unit.kernel_2.sum(axis=0, dtype=np.float64) + unit.bias_2
    return before


def _member_logits(codes: Node, member: FoldedMember, architecture: Architecture, *, masked: bool) -> Node:
    """One member's logits (1, 3, length)."""
    stem = op.gather(op.constant(np.ascontiguousarray(member.stem.T)), codes, _whole(1))
    trunk = op.unsqueeze(stem, _whole(0))
    constants, trimmed = trunk_in_flanks(member, architecture), architecture.trimmed_by_unit()
    excess, reach = 0 if masked else architecture.flank, 0
    total = _projected(trunk, member.projections[0], excess)
    for group, constant in enumerate(constants):
        units = range(group * UNITS_PER_SKIP, (group + 1) * UNITS_PER_SKIP)
        trims = sum(trimmed[unit] for unit in units)
        reach += trims
        if masked:
            wanted = min(reach, architecture.flank - reach) + trims
            trunk, excess = _lengthened(trunk, constant, wanted - excess), wanted
        for unit in units:
            dilation, trim = architecture.dilations[unit], trimmed[unit]
            trunk = _after_unit(trunk, member.units[unit], dilation, trim, architecture.negative_slope)
        excess -= trims
        total = op.add(total, _projected(trunk, member.projections[group + 1], excess))
    return op.add(total, op.constant(member.bias.reshape(1, -1, 1)))


def _after_unit(trunk: Node, unit: FoldedUnit, dilation: int, trimmed: int, slope: float) -> Node:
    hidden = _activated(op.add(op.multiply(trunk, _channels(unit.scale)), _channels(unit.shift)), slope)
    hidden = _activated(op.add(_convolved(hidden, unit.kernel_1, dilation), _channels(unit.bias_1)), slope)
    hidden = op.add(_convolved(hidden, unit.kernel_2, dilation), _channels(unit.bias_2))
    return op.add(hidden, _cropped(trunk, trimmed))


def _lengthened(trunk: Node, constant: np.ndarray, by: int) -> Node:
    piece = op.broadcast(_channels(constant), _whole(1, N_CHANNELS, by))
    return op.concat([piece, trunk, piece], _LENGTH_AXIS)


def _projected(trunk: Node, projection: np.ndarray, excess: int) -> Node:
    return _convolved(_cropped(trunk, excess), projection[None], 1)


def _convolved(track: Node, kernel: np.ndarray, dilation: int) -> Node:
    weights = op.constant(np.ascontiguousarray(kernel.transpose(2, 1, 0)))  # (width, in, out) -> (out, in, width)
    return op.convolution(track, weights, [1], [0], [0], [dilation])


def _cropped(track: Node, by: int) -> Node:
    return op.slice(track, _whole(by), _whole(-by), _whole(1), _whole(_LENGTH_AXIS)) if by else track


def _activated(track: Node, slope: float) -> Node:
    return op.prelu(track, op.constant(np.array([slope], dtype=np.float32))) if slope else op.relu(track)


def _activated_array(values: np.ndarray, slope: float) -> np.ndarray:
    return np.maximum(values, slope * values)


def _channels(values: np.ndarray) -> Node:
    return op.constant(np.ascontiguousarray(values, dtype=np.float32).reshape(1, -1, 1))


def _whole(*values: int) -> Node:
    return op.constant(np.array(values, dtype=np.int64))
