"""The graph of layers that a Keras file describes, compared with the architecture: numbers are checked, not trusted."""

from collections.abc import Iterator
from typing import Any

from builder_assets.base_model.architectures import UNITS_PER_SKIP, Architecture
from builder_assets.base_model.array_names import WeightsError, keras_layers, shown_names
from resources.model_weights import KerasMember


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
        differences = [f"{name}: expected {expected.get(name)}, found {found.get(name)}" for name in wrong]
        raise WeightsError(f"{member.name}: {len(wrong)} layers of its graph differ: {shown_names(differences, 3)}.")


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
    layers, epsilon = keras_layers(architecture), architecture.batch_norm_epsilon

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
