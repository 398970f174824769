"""The published network variants as data: what differs between the families, and between their contexts.

Sources: Jaganathan et al. 2019 (SpliceAI), Chao et al. 2025 (OpenSpliceAI) and the files that they published.
Both families share one drawing; see `network`.
"""

from dataclasses import dataclass

N_BASES = 4  # one-hot columns A, C, G, T
N_CHANNELS = 32  # of the trunk, throughout
N_CLASSES = 3
NEITHER, ACCEPTOR, DONOR = range(N_CLASSES)  # channel order of both families' outputs
UNITS_PER_SKIP = 4
N_MEMBERS = 5

KERAS_BATCH_NORM_EPSILON = 1e-3  # Flax's default is 1e-5; SpliceAI's weights need Keras's.
TORCH_BATCH_NORM_EPSILON = 1e-5  # OpenSpliceAI's need PyTorch's.
RELU_SLOPE = 0.0
LEAKY_SLOPE = 0.1  # OpenSpliceAI's true sites score below 0.005 if this is taken for 0.

# Kernel width and dilation of four units each, in order; a shorter context stops earlier.
_GROUPS = ((11, 1), (11, 4), (21, 10), (41, 25))
_GROUPS_OF_CONTEXT = {80: 1, 400: 2, 2000: 3, 10000: 4}
_FAMILIES = {
    "spliceai": (RELU_SLOPE, KERAS_BATCH_NORM_EPSILON, (10000,)),
    "openspliceai": (LEAKY_SLOPE, TORCH_BATCH_NORM_EPSILON, (80, 400, 2000, 10000)),
}


class ArchitectureError(ValueError):
    """No network of that family and context was published."""


@dataclass(frozen=True)
class Architecture:
    """All that is not a weight.

    Attributes:
        family: "spliceai" or "openspliceai".
        context: Bases read beyond the scored ones, both sides together.
        widths: Kernel width of each residual unit, in bases.
        dilations: Dilation of each residual unit, in bases.
        negative_slope: Slope of the activation below 0; 0 is ReLU.
        batch_norm_epsilon: Added to the variance.
    """

    family: str
    context: int
    widths: tuple[int, ...]
    dilations: tuple[int, ...]
    negative_slope: float
    batch_norm_epsilon: float

    @property
    def flank(self) -> int:
        """Bases read on each side of a scored one."""
        return self.context // 2

    @property
    def n_units(self) -> int:
        """Residual units."""
        return len(self.widths)

    @property
    def n_skips(self) -> int:
        """1x1 convolutions whose sum is read at the end: one of the stem, one after every fourth unit."""
        return 1 + self.n_units // UNITS_PER_SKIP

    def parameters(self) -> int:
        """Values in the weight file of one member, running means and variances included."""
        stem = N_BASES * N_CHANNELS + N_CHANNELS
        skips = self.n_skips * (N_CHANNELS * N_CHANNELS + N_CHANNELS)
        units = sum(2 * (width * N_CHANNELS**2 + N_CHANNELS + 4 * N_CHANNELS) for width in self.widths)
        return stem + skips + units + N_CHANNELS * N_CLASSES + N_CLASSES

    def macs_per_base(self) -> int:
        """Multiplications of all convolutions, per scored base and member, without flanks."""
        taps = self.n_skips + sum(2 * width for width in self.widths)
        return N_BASES * N_CHANNELS + taps * N_CHANNELS**2 + N_CHANNELS * N_CLASSES

    def unit_macs_per_base(self) -> int:
        """Multiplications of the units alone, likewise."""
        return sum(2 * width * N_CHANNELS**2 for width in self.widths)

    def macs_per_tile(self, length: int) -> int:
        """Multiplications of the units for `length` bases scored in one piece: flanks are work as well."""
        excess, macs = self.flank, 0
        for width, dilation in zip(self.widths, self.dilations, strict=True):
            for _half in range(2):
                excess -= (width - 1) * dilation // 2
                macs += width * N_CHANNELS**2 * (length + 2 * excess)
        return macs

    def trimmed_by_unit(self) -> tuple[int, ...]:
        """Bases that each unit's two VALID convolutions take off each side; they sum to `flank`."""
        return tuple((width - 1) * dilation for width, dilation in zip(self.widths, self.dilations, strict=True))


def architecture_of(family: str, context: int) -> Architecture:
    """The published network of `family` that reads `context` bases.

    Raises:
        ArchitectureError: there is none; the text lists those that exist.
    """
    if family not in _FAMILIES:
        raise ArchitectureError(f"family {family!r} is not known; the known ones are {', '.join(_FAMILIES)}.")
    slope, epsilon, contexts = _FAMILIES[family]
    if context not in contexts:
        raise ArchitectureError(
            f"{family} was not published with a context of {context}, only {', '.join(map(str, contexts))}."
        )
    groups = _GROUPS[: _GROUPS_OF_CONTEXT[context]]
    return Architecture(
        family=family,
        context=context,
        widths=tuple(width for width, _ in groups for _ in range(UNITS_PER_SKIP)),
        dilations=tuple(dilation for _, dilation in groups for _ in range(UNITS_PER_SKIP)),
        negative_slope=slope,
        batch_norm_epsilon=epsilon,
    )
