"""Published weights under this project's names, checked against the architecture: none missing, none left over."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from builder_assets.base_model.architectures import N_MEMBERS, Architecture
from builder_assets.base_model.array_names import WeightsError, array_shapes, shown_names, source_names
from builder_assets.base_model.keras_graph import check_keras_graph
from builder_assets.tables import BASE_MODEL_WEIGHTS
from resources.model_weights import (
    KerasMember,
    PytorchMember,
    read_keras_members,
    read_pytorch_members,
    spliceai_weights_folder,
)


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
            f"{len(missing)} arrays missing ({shown_names(missing)}), "
            f"{len(left_over)} left over ({shown_names(left_over)})."
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
