"""Names of the network's arrays: here, in SpliceAI's Keras files, and in OpenSpliceAI's state dicts.

    here                    Keras                                    PyTorch
    stem.kernel             conv1d_1/conv1d_1/kernel:0               initial_conv.weight
    units.0.norm_1.scale    batch_normalization_1/.../gamma:0        residual_units.0.batchnorm1.weight
    skips.1.bias            conv1d_11/conv1d_11/bias:0               residual_units.4.conv.bias

A name here is the path of the array in `network.SpliceNetwork`; kernels are (width, in, out).
"""

from builder_assets.base_model.architectures import N_BASES, N_CHANNELS, N_CLASSES, UNITS_PER_SKIP, Architecture

_KERAS_PARTS = {
    "kernel": "kernel:0", "bias": "bias:0",
    "scale": "gamma:0", "shift": "beta:0", "mean": "moving_mean:0", "var": "moving_variance:0",
}  # fmt: skip
_TORCH_PARTS = {
    "kernel": "weight", "bias": "bias",
    "scale": "weight", "shift": "bias", "mean": "running_mean", "var": "running_var",
}  # fmt: skip
_NORM_PARTS = ("scale", "bias", "mean", "var")


class WeightsError(ValueError):
    """Weights do not fit the architecture; the text names the file and the arrays."""


def array_shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """Name and shape of every array that the network needs."""
    shapes: dict[str, tuple[int, ...]] = {}

    def convolution(name: str, width: int, n_in: int, n_out: int) -> None:
        shapes.update({f"{name}.kernel": (width, n_in, n_out), f"{name}.bias": (n_out,)})

    convolution("stem", 1, N_BASES, N_CHANNELS)
    for skip in range(architecture.n_skips):
        convolution(f"skips.{skip}", 1, N_CHANNELS, N_CHANNELS)
    for unit, width in enumerate(architecture.widths):
        for half in (1, 2):
            shapes.update({f"units.{unit}.norm_{half}.{part}": (N_CHANNELS,) for part in _NORM_PARTS})
            convolution(f"units.{unit}.conv_{half}", width, N_CHANNELS, N_CHANNELS)
    convolution("head", 1, N_CHANNELS, N_CLASSES)
    return shapes


def source_names(architecture: Architecture) -> dict[str, str]:
    """The name in the published file of every array, by its name here."""
    keras = architecture.family == "spliceai"
    layers = keras_layers(architecture) if keras else torch_layers(architecture)
    names = {}
    for name in array_shapes(architecture):
        layer, _, part = name.rpartition(".")
        part = "shift" if part == "bias" and ".norm_" in name else part
        # Keras stores an array below its layer's name twice.
        names[name] = (
            f"{layers[layer]}/{layers[layer]}/{_KERAS_PARTS[part]}"
            if keras
            else f"{layers[layer]}.{_TORCH_PARTS[part]}"
        )
    return names


def keras_layers(architecture: Architecture) -> dict[str, str]:
    """Layers of the Keras file by their names here: convolutions are numbered in the order in which they were made."""
    layers = {"stem": "conv1d_1", "skips.0": "conv1d_2"}
    number = 2
    for unit in range(architecture.n_units):
        for half in (1, 2):
            number += 1
            layers[f"units.{unit}.conv_{half}"] = f"conv1d_{number}"
            layers[f"units.{unit}.norm_{half}"] = f"batch_normalization_{2 * unit + half}"
        if (unit + 1) % UNITS_PER_SKIP == 0:
            number += 1
            layers[f"skips.{(unit + 1) // UNITS_PER_SKIP}"] = f"conv1d_{number}"
    return layers | {"head": f"conv1d_{number + 1}"}


def torch_layers(architecture: Architecture) -> dict[str, str]:
    """Modules of the state dict by their names here: units and skips stand in one list, a skip after four units."""
    layers = {"stem": "initial_conv", "skips.0": "initial_skip.conv", "head": "final_conv"}
    for unit in range(architecture.n_units):
        place = unit + unit // UNITS_PER_SKIP
        for half in (1, 2):
            layers[f"units.{unit}.conv_{half}"] = f"residual_units.{place}.conv{half}"
            layers[f"units.{unit}.norm_{half}"] = f"residual_units.{place}.batchnorm{half}"
    for skip in range(1, architecture.n_skips):
        layers[f"skips.{skip}"] = f"residual_units.{skip * (UNITS_PER_SKIP + 1) - 1}.conv"
    return layers


def shown_names(items: list[str], limit: int = 5) -> str:
    """The first few of `items`, for an error, and how many more there are."""
    more = f" and {len(items) - limit} more" if len(items) > limit else ""
    return ("; ".join(items[:limit]) or "none") + more
