"""Weight files of the base models, read as named arrays: Keras HDF5 without Keras, PyTorch zips without PyTorch.

What the names mean is not known here; nothing is renamed, reshaped or checked against a network.
"""

import hashlib
import importlib.util
import io
import json
import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

KERAS_FILES = tuple(f"spliceai{member}.h5" for member in range(1, 6))
MAX_FILE_BYTES = 200_000_000  # the largest published file has 2.9 MB
MAX_ENTRIES = 10_000


class WeightFileError(ValueError):
    """A weight file is missing, or is not what it should be; the text names the file."""


@dataclass(frozen=True)
class KerasMember:
    """One Keras file: every dataset by its path below /model_weights, and the graph of layers.

    Attributes:
        name: File name.
        sha256: Of the file's bytes.
        arrays: Values as stored, by path, e.g. "conv1d_1/conv1d_1/kernel:0".
        layers: The layer descriptions of the root attribute `model_config`, in stored order.
    """

    name: str
    sha256: str
    arrays: dict[str, np.ndarray]
    layers: list[dict[str, Any]]


@dataclass(frozen=True)
class PytorchMember:
    """One PyTorch state dict: file name, SHA-256 of the file's bytes, values by name."""

    name: str
    sha256: str
    arrays: dict[str, np.ndarray]


def spliceai_weights_folder(path: str | None = None) -> Path:
    """The folder of SpliceAI's five .h5 files: `path`, else inside the installed package `spliceai`.

    The package is located, never imported (it needs TensorFlow); its weights are licensed CC BY-NC 4.0.

    Raises:
        WeightFileError: no such folder, or a file of the five is missing.
    """
    if path is not None:
        folder = Path(path)
    else:
        package = importlib.util.find_spec("spliceai")
        if package is None or not package.submodule_search_locations:
            raise WeightFileError(
                "SpliceAI's weights are not installed. `pip install --no-deps spliceai==1.3.1` brings them "
                "(weights licensed CC BY-NC 4.0, not for commercial use), or set `weights:` to their folder."
            )
        folder = Path(next(iter(package.submodule_search_locations))) / "models"
    missing = [name for name in KERAS_FILES if not (folder / name).is_file()]
    if missing:
        raise WeightFileError(
            f"{folder} lacks {len(missing)} of SpliceAI's {len(KERAS_FILES)} weight files: {', '.join(missing)}."
        )
    return folder


def weight_files(family: str, weights: str | None = None) -> list[Path]:
    """The weight files of a base model, sorted by name: five .h5 for "spliceai", all .pt of `weights` otherwise.

    Raises:
        WeightFileError: there are none, or some are missing.
    """
    if family == "spliceai":
        folder = spliceai_weights_folder(weights)
        return [folder / name for name in KERAS_FILES]
    files = sorted(Path(weights).glob("*.pt")) if weights is not None else []
    if not files:
        raise WeightFileError(f"{weights} holds no .pt file.")
    return files


def read_keras_members(folder: Path) -> list[KerasMember]:
    """SpliceAI's five members, in the order of their numbers.

    Raises:
        WeightFileError: a file is no HDF5 file of a Keras model.
    """
    return [_read_keras(folder / name) for name in KERAS_FILES]


def _read_keras(path: Path) -> KerasMember:
    import h5py  # here, so that reading the settings and drawing the asset graph stay quick

    content = _bounded_bytes(path)
    arrays: dict[str, np.ndarray] = {}

    def keep(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset):
            arrays[name] = np.asarray(node[()])

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            file["model_weights"].visititems(keep)  # pyright: ignore[reportAttributeAccessIssue]
            layers = json.loads(file.attrs["model_config"])["config"]["layers"]  # pyright: ignore
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise WeightFileError(f"{path} is not readable as a Keras HDF5 model: {error}") from error
    return KerasMember(path.name, hashlib.sha256(content).hexdigest(), arrays, layers)


def read_pytorch_members(folder: Path) -> list[PytorchMember]:
    """The state dicts of all .pt files of a folder, by file name.

    No PyTorch, and nothing of a file is ever executed: its pickle may name only the four or so things that a
    state dict of tensors needs.

    Raises:
        WeightFileError: no .pt file, a file that is no state dict, or one whose pickle asks for anything else.
    """
    return [_read_pytorch(path) for path in weight_files("pytorch", str(folder))]


def _read_pytorch(path: Path) -> PytorchMember:
    content = _bounded_bytes(path)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            folder = _checked_folder(archive)
            tensors = _StateDictUnpickler(io.BytesIO(archive.read(f"{folder}data.pkl"))).load()
            if not isinstance(tensors, OrderedDict) or not all(isinstance(t, _Tensor) for t in tensors.values()):
                raise WeightFileError("its pickle is not a state dict, a dictionary of named tensors.")
            arrays = {
                str(name): _tensor_values(tensor, archive.read(f"{folder}data/{tensor.storage.key}"))
                for name, tensor in tensors.items()
            }
    except WeightFileError as error:
        raise WeightFileError(f"{path}: {error}") from error
    except (*_UNREADABLE, zipfile.BadZipFile) as error:
        raise WeightFileError(f"{path} is not readable as a PyTorch state dict: {error!r}") from error
    return PytorchMember(path.name, hashlib.sha256(content).hexdigest(), arrays)


def _checked_folder(archive: zipfile.ZipFile) -> str:
    """The folder inside the zip that holds data.pkl; sizes are bounded before anything is unpacked."""
    entries = {entry.filename: entry for entry in archive.infolist()}
    pickles = [name for name in entries if name.endswith("/data.pkl")]
    unpacked = sum(entry.file_size for entry in entries.values())
    if len(pickles) != 1 or len(entries) > MAX_ENTRIES or unpacked > MAX_FILE_BYTES:
        raise WeightFileError(
            f"{len(pickles)} data.pkl in {len(entries)} entries of {unpacked:,} bytes; a state dict has one, in at "
            f"most {MAX_ENTRIES:,} entries of {MAX_FILE_BYTES:,} bytes."
        )
    folder = pickles[0].removesuffix("data.pkl")
    byte_order = f"{folder}byteorder"
    if byte_order in entries and archive.read(byte_order) != b"little":
        raise WeightFileError("its numbers are not little-endian.")
    return folder


class _StorageType(NamedTuple):
    dtype: str


class _Storage(NamedTuple):
    dtype: str
    key: str
    size: int


class _Tensor(NamedTuple):
    storage: _Storage
    first: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _TensorMaker:
    """Stands in for torch._utils._rebuild_tensor_v2; holds no attribute that a pickle could set."""

    __slots__ = ()

    def __call__(self, storage: _Storage, first: int, shape: Any, strides: Any, *_unused: object) -> _Tensor:
        if not isinstance(storage, _Storage):
            raise WeightFileError(f"a tensor lies in {type(storage).__name__}, not in a storage.")
        return _Tensor(storage, int(first), tuple(map(int, shape)), tuple(map(int, strides)))


# Whatever a broken or hostile pickle provokes in an unpickler that can call nothing but the stand-ins.
_UNREADABLE = (
    pickle.UnpicklingError, AttributeError, EOFError, IndexError, KeyError, MemoryError, OverflowError, TypeError,
    ValueError,
)  # fmt: skip
_ALLOWED: dict[tuple[str, str], Callable[..., Any] | _StorageType] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _TensorMaker(),
    ("torch", "FloatStorage"): _StorageType("<f4"),
    ("torch", "DoubleStorage"): _StorageType("<f8"),
    ("torch", "HalfStorage"): _StorageType("<f2"),
    ("torch", "LongStorage"): _StorageType("<i8"),
    ("torch", "IntStorage"): _StorageType("<i4"),
}


class _StateDictUnpickler(pickle.Unpickler):
    """Reads what a state dict is made of and refuses every other global."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        if (module_name, global_name) not in _ALLOWED:
            raise WeightFileError(
                f"the pickle asks for {module_name}.{global_name}, which no state dict of tensors needs; refused, "
                "since unpickling it could run any code. Save the model's state_dict() instead."
            )
        return _ALLOWED[module_name, global_name]

    def persistent_load(self, pid: Any) -> _Storage:
        kind, storage_type, key, _device, size = pid
        if kind != "storage" or not isinstance(storage_type, _StorageType) or not str(key).isdecimal():
            raise WeightFileError(f"the pickle refers to {pid!r}, which is no tensor storage.")
        return _Storage(storage_type.dtype, str(key), int(size))


def _tensor_values(tensor: _Tensor, raw: bytes) -> np.ndarray:
    """The values of a contiguous tensor; anything else is no published weight."""
    n_values = math.prod(tensor.shape)
    contiguous = tuple(math.prod(tensor.shape[axis + 1 :]) for axis in range(len(tensor.shape)))
    values = np.frombuffer(raw, dtype=tensor.storage.dtype)
    inside = 0 <= tensor.first <= len(values) - n_values and min(tensor.shape, default=0) >= 0
    if tensor.strides != contiguous or not inside:
        raise WeightFileError(
            f"a tensor of shape {tensor.shape} with strides {tensor.strides} from value {tensor.first} on does not "
            f"lie contiguous in its storage of {len(values)} values."
        )
    return values[tensor.first : tensor.first + n_values].reshape(tensor.shape).copy()


def _bounded_bytes(path: Path) -> bytes:
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise WeightFileError(f"{path} has {size:,} bytes; a weight file has at most {MAX_FILE_BYTES:,}.")
    return path.read_bytes()
