"""Renaming of published arrays: complete, shape-checked, and true to the graph in the file."""

import copy
import hashlib
from dataclasses import replace

import numpy as np
import pytest

from builder_assets.base_model.architectures import architecture_of
from builder_assets.base_model.array_names import WeightsError, array_shapes, source_names
from builder_assets.base_model.keras_graph import check_keras_graph
from builder_assets.base_model.weights import ensemble_of, load_ensemble, named_arrays, weights_table
from builder_assets.tables import BASE_MODEL_WEIGHTS
from resources.model_weights import PytorchMember, read_keras_members, spliceai_weights_folder
from tests.base_model.published_models import openspliceai, spliceai, toy_ensemble

EIGHTY = architecture_of("openspliceai", 80)
TEN_K = architecture_of("spliceai", 10000)


def pytorch_member(name: str = "toy.pt") -> PytorchMember:
    """A state dict of the right names and shapes, each value telling where it stands."""
    arrays = {}
    for ours, shape in array_shapes(EIGHTY).items():
        stored = shape[::-1] if len(shape) == 3 else shape
        arrays[source_names(EIGHTY)[ours]] = np.arange(np.prod(stored), dtype=np.float32).reshape(stored)
    counters = {f"residual_units.{u}.batchnorm1.num_batches_tracked": np.array(9) for u in range(4)}
    return PytorchMember(name, "0" * 64, arrays | counters)


@pytest.mark.parametrize(
    ("name", "keras", "pytorch"),
    [
        ("stem.kernel", "conv1d_1/conv1d_1/kernel:0", "initial_conv.weight"),
        ("skips.0.bias", "conv1d_2/conv1d_2/bias:0", "initial_skip.conv.bias"),
        ("units.0.conv_1.kernel", "conv1d_3/conv1d_3/kernel:0", "residual_units.0.conv1.weight"),
        ("skips.1.kernel", "conv1d_11/conv1d_11/kernel:0", "residual_units.4.conv.weight"),
        ("units.4.conv_1.bias", "conv1d_12/conv1d_12/bias:0", "residual_units.5.conv1.bias"),
        ("units.15.conv_2.bias", "conv1d_37/conv1d_37/bias:0", "residual_units.18.conv2.bias"),
        ("skips.4.kernel", "conv1d_38/conv1d_38/kernel:0", "residual_units.19.conv.weight"),
        ("head.kernel", "conv1d_39/conv1d_39/kernel:0", "final_conv.weight"),
        (
            "units.15.norm_2.var",
            "batch_normalization_32/batch_normalization_32/moving_variance:0",
            "residual_units.18.batchnorm2.running_var",
        ),
        (
            "units.1.norm_1.bias",
            "batch_normalization_3/batch_normalization_3/beta:0",
            "residual_units.1.batchnorm1.bias",
        ),
    ],
)
def test_source_names__are_those_of_the_published_files(name, keras, pytorch):
    assert source_names(TEN_K)[name] == keras
    assert source_names(architecture_of("openspliceai", 10000))[name] == pytorch


def test_named_arrays__turn_pytorch_kernels_to_width_in_out():
    arrays = named_arrays(pytorch_member(), EIGHTY)
    assert list(arrays) == list(array_shapes(EIGHTY))
    assert arrays["stem.kernel"].shape == (1, 4, 32)
    # Stored (out, in, width) = (32, 4, 1), counted row by row: out 5, in 3 is value 5 x 4 + 3.
    assert arrays["stem.kernel"][0, 3, 5] == 23


def test_named_arrays__refuse_missing_and_left_over_arrays():
    member = pytorch_member()
    arrays = dict(member.arrays)
    arrays["tail.weight"] = arrays.pop("final_conv.bias")
    with pytest.raises(
        WeightsError,
        match=r"toy\.pt does not fit openspliceai with context 80: 1 arrays missing \(final_conv\.bias\), "
        r"1 left over \(tail\.weight\)",
    ):
        named_arrays(replace(member, arrays=arrays), EIGHTY)


def test_named_arrays__refuse_other_shapes_and_numbers():
    member = pytorch_member()
    short = member.arrays | {"final_conv.bias": np.zeros(2, np.float32)}
    with pytest.raises(WeightsError, match=r"toy\.pt: final_conv\.bias has shape \(2,\), expected \(3,\)"):
        named_arrays(replace(member, arrays=short), EIGHTY)
    for bad in (np.full(3, np.nan, np.float32), np.zeros(3, np.float64)):
        with pytest.raises(WeightsError, match=r"final_conv\.bias is float(32|64) or not finite, expected finite"):
            named_arrays(replace(member, arrays=member.arrays | {"final_conv.bias": bad}), EIGHTY)


def test_ensemble_of__wants_five_members_and_hashes_all_of_them():
    members = [pytorch_member(f"{number}.pt") for number in range(5)]
    first = ensemble_of(members, EIGHTY)
    assert len(first.members) == 5
    assert ensemble_of(members, EIGHTY).sha256 == first.sha256
    changed = members[4].arrays | {"final_conv.bias": np.ones(3, np.float32)}
    assert ensemble_of([*members[:4], replace(members[4], arrays=changed)], EIGHTY).sha256 != first.sha256
    with pytest.raises(WeightsError, match=r"an ensemble has 5 members, found 2: 0\.pt, 1\.pt"):
        ensemble_of(members[:2], EIGHTY)


def test_load_ensemble__wants_a_folder_for_openspliceai():
    with pytest.raises(WeightsError, match="OpenSpliceAI needs `weights:`, the folder of its five"):
        load_ensemble(EIGHTY)


@pytest.mark.parametrize("context", [80, 400, 2000, 10000])
def test_load_ensemble__uses_every_value_of_the_pytorch_files(context, shared):
    ensemble = openspliceai(shared, context)
    sizes = [sum(array.size for array in arrays.values()) for arrays in ensemble.members]
    assert sizes == [ensemble.architecture.parameters()] * 5


@pytest.mark.parametrize(
    ("layer", "setting", "value"),
    [
        ("conv1d_30", "dilation_rate", [20]),
        ("conv1d_30", "kernel_size", [21]),
        ("batch_normalization_7", "epsilon", 1e-5),
        ("activation_4", "activation", "elu"),
        ("conv1d_39", "activation", "linear"),
        ("cropping1d_1", "cropping", [2500, 2500]),
    ],
)
def test_check_keras_graph__sees_every_layer_that_computes_something_else(layer, setting, value):
    spliceai()  # skips without the package
    member = read_keras_members(spliceai_weights_folder())[0]
    check_keras_graph(member, TEN_K)
    layers = copy.deepcopy(member.layers)
    next(found for found in layers if found["name"] == layer)["config"][setting] = value
    with pytest.raises(WeightsError, match=rf"spliceai1\.h5: 1 layers of its graph differ: {layer}: expected .*found"):
        check_keras_graph(replace(member, layers=layers), TEN_K)


def test_check_keras_graph__sees_other_wiring():
    spliceai()
    member = read_keras_members(spliceai_weights_folder())[0]
    layers = copy.deepcopy(member.layers)
    skip = next(found for found in layers if found["name"] == "conv1d_38")
    skip["inbound_nodes"][0][0][0] = "add_18"
    with pytest.raises(WeightsError, match="1 layers of its graph differ: conv1d_38"):
        check_keras_graph(replace(member, layers=layers), TEN_K)


def test_weights_table__lists_every_array_once():
    table = weights_table(toy_ensemble())
    BASE_MODEL_WEIGHTS.check(table)
    assert table.height == 5 * len(array_shapes(toy_ensemble().architecture))
    row = table.filter(member=2, array="units.5.conv_1.kernel").row(0, named=True)
    values = toy_ensemble().members[1]["units.5.conv_1.kernel"]
    assert (row["shape"], row["n_values"]) == ("3x32x32", 3072)
    assert row["source"] == "residual_units.6.conv1.weight"
    assert row["sha256"] == hashlib.sha256(values.tobytes()).hexdigest()
