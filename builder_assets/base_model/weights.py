"""Published weights under this project's names, checked against the architecture: nothing missing, nothing left over.

    stem.kernel   skips.0.kernel   units.0.norm_1.scale   units.0.conv_1.kernel   ...   head.bias

A name is the path of the array in `network.SpliceNetwork`. Kernels are (width, in, out), as Flax and Keras store them.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from builder_assets.base_model.architectures import (
    N_BASES,
    N_CHANNELS,
    N_CLASSES,
    N_MEMBERS,
    UNITS_PER_SKIP,
    Architecture,
)
from builder_assets.tables import BASE_MODEL_WEIGHTS
from resources.model_weights import (
    KerasMember,
    PytorchMember,
    read_keras_members,
    read_pytorch_members,
    spliceai_weights_folder,
)

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


@dataclass(frozen=True)
class EnsembleWeights:
    """All members of one base model.

    Attributes:
        architecture: The network that they fill.
        members: Per member, float32 arrays by name, in the order of `array_shapes`.
        sha256: Over family, context, and the names, shapes and values of every member.
    """

    architecture: Architecture
    members: tuple[dict[str, np.ndarray], ...]
    sha256: str


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
    layers = _keras_layers(architecture) if keras else _torch_layers(architecture)
    names = {}
    for name in array_shapes(architecture):
        layer, _, part = name.rpartition(".")
        part = "shift" if part == "bias" and ".norm_" in name else part
        # Keras stores an array below its layer's name twice.
        names[name] = (
            f"{layers[layer]}/{layers[layer]}/{_KERAS_PARTS[part]}" if keras else f"{layers[layer]}.{_TORCH_PARTS[part]}"
        )
    return names


def _keras_layers(architecture: Architecture) -> dict[str, str]:
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


def _torch_layers(architecture: Architecture) -> dict[str, str]:
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


def named_arrays(member: KerasMember | PytorchMember, architecture: Architecture) -> dict[str, np.ndarray]:
    """One member's float32 arrays under this project's names, in the order of `array_shapes`.

    Raises:
        WeightsError: an array is missing, left over, of another shape, or not finite float32.
    """
    sources, shapes = source_names(architecture), array_shapes(architecture)
    # PyTorch's count of training batches is no weight.
    found = {name: array for name, array in member.arrays.items() if not name.endswith("num_batches_tracked")}
    missing = sorted(set(sources.values()) - set(found))
    left_over = sorted(set(found) - set(sources.values()))
    if missing or left_over:
        raise WeightsError(
            f"{member.name} does not fit {architecture.family} with context {architecture.context}: "
            f"{len(missing)} arrays missing ({_shown(missing)}), {len(left_over)} left over ({_shown(left_over)})."
        )
    arrays = {}
    for name, source in sources.items():
        array = found[source]
        if isinstance(member, PytorchMember) and array.ndim == 3:
            array = array.transpose(2, 1, 0)  # (out, in, width) -> (width, in, out)
        if array.shape != shapes[name]:
            raise WeightsError(f"{member.name}: {source} has shape {array.shape}, expected {shapes[name]}.")
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise WeightsError(f"{member.name}: {source} is {array.dtype} or not finite, expected finite float32.")
        arrays[name] = np.ascontiguousarray(array)
    return arrays


def check_keras_graph(member: KerasMember, architecture: Architecture) -> None:
    """Compare the layers that a Keras file describes with the architecture, one by one.

    Compared: kernel widths, dilations, activations, paddings, epsilons, the crop, and what feeds each layer.

    Raises:
        WeightsError: a layer differs; the text names layers with what was expected and found.
    """
    expected = dict(_expected_graph(architecture))
    found = {str(layer["name"]): _described(layer) for layer in member.layers}
    wrong = [name for name in dict.fromkeys([*expected, *found]) if expected.get(name) != found.get(name)]
    if wrong:
        shown = [f"{name}: expected {expected.get(name)}, found {found.get(name)}" for name in wrong]
        raise WeightsError(f"{member.name}: {len(wrong)} layers of its graph differ: {_shown(shown, 3)}.")


def _described(layer: dict[str, Any]) -> tuple[Any, ...]:
    """Kind of a Keras layer, the settings that change what it computes, and the layers that feed it."""
    config, kind = layer["config"], layer["class_name"]
    inputs = tuple(sorted(source[0] for node in layer["inbound_nodes"] for source in node))
    settings = {
        "Conv1D": ("kernel_size", "dilation_rate", "strides", "activation"),
        "BatchNormalization": ("epsilon", "axis", "scale", "center"),
        "Activation": ("activation",),
        "Cropping1D": ("cropping",),
    }.get(kind, ())
    values = tuple(config[name][0] if isinstance(config[name], list) else config[name] for name in settings)
    return kind, *values, inputs


def _expected_graph(architecture: Architecture) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Every layer of the drawing, as `_described` would put it."""
    layers, epsilon = _keras_layers(architecture), architecture.batch_norm_epsilon

    def convolution(name: str, source: str, width: int = 1, dilation: int = 1, activation: str = "linear") -> Any:
        return layers[name], ("Conv1D", width, dilation, 1, activation, (source,))

    yield "input_1", ("InputLayer", ())
    yield convolution("stem", "input_1")
    yield convolution("skips.0", "conv1d_1")
    trunk, total, n_sums = "conv1d_1", "conv1d_2", 0
    for unit, (width, dilation) in enumerate(zip(architecture.widths, architecture.dilations, strict=True)):
        source = trunk
        for half in (1, 2):
            norm, activation = layers[f"units.{unit}.norm_{half}"], f"activation_{2 * unit + half}"
            yield norm, ("BatchNormalization", epsilon, -1, True, True, (source,))
            yield activation, ("Activation", "relu", (norm,))
            yield convolution(f"units.{unit}.conv_{half}", activation, width, dilation)
            source = layers[f"units.{unit}.conv_{half}"]
        n_sums += 1
        yield f"add_{n_sums}", ("Add", tuple(sorted((source, trunk))))
        trunk = f"add_{n_sums}"
        if (unit + 1) % UNITS_PER_SKIP == 0:
            n_sums += 1
            skip = f"skips.{(unit + 1) // UNITS_PER_SKIP}"
            yield convolution(skip, trunk)
            yield f"add_{n_sums}", ("Add", tuple(sorted((layers[skip], total))))
            total = f"add_{n_sums}"
    yield "cropping1d_1", ("Cropping1D", architecture.flank, (total,))
    yield convolution("head", "cropping1d_1", activation="softmax")


def ensemble_of(members: Sequence[KerasMember | PytorchMember], architecture: Architecture) -> EnsembleWeights:
    """The members of a base model, renamed and checked.

    Raises:
        WeightsError: no five members, or one that does not fit.
    """
    if len(members) != N_MEMBERS:
        found = ", ".join(member.name for member in members)
        raise WeightsError(f"an ensemble has {N_MEMBERS} members, found {len(members)}: {found}.")
    for member in members:
        if isinstance(member, KerasMember):
            check_keras_graph(member, architecture)
    named = tuple(named_arrays(member, architecture) for member in members)
    digest = hashlib.sha256(f"{architecture.family}|{architecture.context}".encode())
    for arrays in named:
        for name, array in arrays.items():
            digest.update(f"|{name}|{array.shape}|".encode())
            digest.update(array.astype("<f4").tobytes())
    return EnsembleWeights(architecture, named, digest.hexdigest())


def load_ensemble(architecture: Architecture, weights: str | None = None) -> EnsembleWeights:
    """The published members from the folder `weights`; for SpliceAI None means the installed package.

    Raises:
        WeightFileError: a file is missing or unreadable.
        WeightsError: the files do not fit the architecture.
    """
    if architecture.family == "spliceai":
        return ensemble_of(read_keras_members(spliceai_weights_folder(weights)), architecture)
    if weights is None:
        raise WeightsError("OpenSpliceAI needs `weights:`, the folder of its five .pt files of one context.")
    return ensemble_of(read_pytorch_members(Path(weights)), architecture)


def weights_table(ensemble: EnsembleWeights) -> pl.DataFrame:
    """Every array of every member with shape and digest (BASE_MODEL_WEIGHTS)."""
    sources = source_names(ensemble.architecture)
    rows = [
        {
            "member": number,
            "array": name,
            "source": sources[name],
            "shape": "x".join(map(str, array.shape)),
            "n_values": array.size,
            "sha256": hashlib.sha256(array.astype("<f4").tobytes()).hexdigest(),
        }
        for number, arrays in enumerate(ensemble.members, start=1)
        for name, array in arrays.items()
    ]
    return BASE_MODEL_WEIGHTS.conform(pl.DataFrame(rows))


def _shown(items: list[str], limit: int = 5) -> str:
    more = f" and {len(items) - limit} more" if len(items) > limit else ""
    return ("; ".join(items[:limit]) or "none") + more
