"""Weight files: read without their frameworks, and never trusted."""

import hashlib
import importlib.util
import json
import pickle
import pickletools
import zipfile
from collections import OrderedDict

import h5py
import numpy as np
import pytest

import resources.model_weights as model_weights
from resources.model_weights import (
    KERAS_FILES,
    WeightFileError,
    read_keras_members,
    read_pytorch_members,
    spliceai_weights_folder,
    weight_files,
)


def state_dict_pickle(shape=(2, 3), strides=(3, 1), first=0, storage="torch FloatStorage", key="0") -> bytes:
    """A one-tensor state dict, written opcode by opcode as PyTorch writes it."""

    def numbers(values):
        return b"(" + b"".join(b"K" + bytes([value]) for value in values) + b"t"

    def text(value):
        return b"X" + len(value).to_bytes(4, "little") + value.encode()

    module, name = storage.split(" ")
    return (
        b"\x80\x02ccollections\nOrderedDict\n)R" + text("weight") + b"ctorch._utils\n_rebuild_tensor_v2\n(("
        + text("storage") + b"c" + module.encode() + b"\n" + name.encode() + b"\n" + text(key) + text("cuda:0")
        + b"K\x06tQK" + bytes([first]) + numbers(shape) + numbers(strides) + b"\x89ccollections\nOrderedDict\n)RtRs."
    )  # fmt: skip


def write_pt(path, content=None, values=(0, 1, 2, 3, 4, 5), **extra):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", state_dict_pickle() if content is None else content)
        archive.writestr("archive/data/0", np.array(values, dtype="<f4").tobytes())
        for name, data in extra.items():
            archive.writestr(f"archive/{name}", data)
    return path.parent


def write_keras(folder):
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(KERAS_FILES):
        with h5py.File(folder / name, "w") as file:
            file["model_weights/conv/conv/bias:0"] = np.full(3, number, np.float32)
            file.attrs["model_config"] = json.dumps({"config": {"layers": [{"name": "conv"}]}})
    return folder


def test_read_keras_members__gives_arrays_graph_and_digest(tmp_path):
    members = read_keras_members(write_keras(tmp_path / "models"))
    assert [member.name for member in members] == [f"spliceai{number}.h5" for number in range(1, 6)]
    assert list(members[3].arrays) == ["conv/conv/bias:0"]
    assert members[3].arrays["conv/conv/bias:0"].tolist() == [3, 3, 3]
    assert members[3].layers == [{"name": "conv"}]
    assert members[3].sha256 == hashlib.sha256((tmp_path / "models" / "spliceai4.h5").read_bytes()).hexdigest()


def test_read_keras_members__refuses_other_files(tmp_path):
    folder = write_keras(tmp_path / "models")
    (folder / "spliceai2.h5").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(WeightFileError, match=r"spliceai2\.h5 is not readable as a Keras HDF5 model"):
        read_keras_members(folder)


def test_spliceai_weights_folder__names_the_remedy_when_the_package_is_absent(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(WeightFileError, match=r"pip install --no-deps spliceai==1\.3\.1.*CC BY-NC 4\.0"):
        spliceai_weights_folder()


def test_spliceai_weights_folder__lists_missing_files(tmp_path):
    folder = write_keras(tmp_path / "models")
    assert spliceai_weights_folder(str(folder)) == folder
    assert weight_files("spliceai", str(folder)) == [folder / name for name in KERAS_FILES]
    (folder / "spliceai3.h5").unlink()
    with pytest.raises(WeightFileError, match=r"lacks 1 of SpliceAI's 5 weight files: spliceai3\.h5"):
        spliceai_weights_folder(str(folder))


def test_read_pytorch_members__gives_arrays_and_digest(tmp_path):
    write_pt(tmp_path / "b.pt", byteorder=b"little")
    write_pt(tmp_path / "a.pt", state_dict_pickle(shape=(2,), strides=(1,), first=3))
    first, second = read_pytorch_members(tmp_path)
    assert (first.name, second.name) == ("a.pt", "b.pt")
    assert second.arrays["weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert second.arrays["weight"].dtype == np.float32
    assert first.arrays["weight"].tolist() == [3, 4]
    assert second.sha256 == hashlib.sha256((tmp_path / "b.pt").read_bytes()).hexdigest()


def test_read_pytorch_members__reads_the_published_files(shared):
    members = read_pytorch_members(shared / "data" / "openspliceai-mane" / "80nt")
    assert [member.name for member in members] == [f"model_80nt_rs{seed}.pt" for seed in range(10, 15)]
    assert members[0].arrays["residual_units.0.conv1.weight"].shape == (32, 32, 11)


def test_read_pytorch_members__runs_nothing_that_a_pickle_names(tmp_path):
    class Harmful:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'run')!r}, 'w')",))

    harmful = pickle.dumps(OrderedDict(weight=Harmful()), protocol=2)
    assert any(code.name == "GLOBAL" and "exec" in str(value) for code, value, _ in pickletools.genops(harmful))
    write_pt(tmp_path / "harmful.pt", harmful)
    with pytest.raises(WeightFileError, match=r"harmful\.pt: the pickle asks for (__builtin__|builtins)\.exec"):
        read_pytorch_members(tmp_path)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("target", [b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch\nFloatStorage\n"])
def test_read_pytorch_members__lets_no_pickle_change_its_stand_ins(tmp_path, target):
    write_pt(tmp_path / "a.pt", b"\x80\x02" + target + b"N}X\x05\x00\x00\x00dtypeX\x03\x00\x00\x00<f8s\x86b.")
    with pytest.raises(WeightFileError, match=r"a\.pt is not readable as a PyTorch state dict: AttributeError"):
        read_pytorch_members(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (state_dict_pickle(storage="torch QInt8Storage"), r"asks for torch\.QInt8Storage"),
        (state_dict_pickle(strides=(1, 2)), r"shape \(2, 3\) with strides \(1, 2\) from value 0 on does not lie"),
        (state_dict_pickle(first=1), r"from value 1 on does not lie contiguous in its storage of 6 values"),
        (state_dict_pickle(key="../1"), r"refers to .*, which is no tensor storage"),
        (state_dict_pickle(key="7"), "not readable as a PyTorch state dict: KeyError"),
        (pickle.dumps([1]), "its pickle is not a state dict"),
        (pickle.dumps(OrderedDict(epoch=3)), "its pickle is not a state dict"),
        (b"ctorch._utils\n_rebuild_tensor_v2\n(K\x01K\x00))tR.", "a tensor lies in int, not in a storage"),
        (b"\x80\x02", "not readable as a PyTorch state dict: EOFError"),
    ],
)
def test_read_pytorch_members__refuses_other_pickles(tmp_path, content, message):
    write_pt(tmp_path / "a.pt", content)
    with pytest.raises(WeightFileError, match=rf"a\.pt.*{message}"):
        read_pytorch_members(tmp_path)


def test_read_pytorch_members__refuses_other_zips(tmp_path, monkeypatch):
    with pytest.raises(WeightFileError, match=r"holds no \.pt file"):
        read_pytorch_members(tmp_path)
    with pytest.raises(WeightFileError, match=r"None holds no \.pt file"):
        weight_files("openspliceai")
    (tmp_path / "a.pt").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(WeightFileError, match=r"a\.pt is not readable as a PyTorch state dict: BadZipFile"):
        read_pytorch_members(tmp_path)
    write_pt(tmp_path / "a.pt", byteorder=b"big")
    with pytest.raises(WeightFileError, match=r"a\.pt: its numbers are not little-endian"):
        read_pytorch_members(tmp_path)
    write_pt(tmp_path / "a.pt", **{"more/data.pkl": b""})
    with pytest.raises(WeightFileError, match=r"a\.pt: 2 data\.pkl in 3 entries of \d+ bytes; a state dict has one"):
        read_pytorch_members(tmp_path)
    monkeypatch.setattr(model_weights, "MAX_FILE_BYTES", 100)
    with pytest.raises(WeightFileError, match=r"a\.pt has \d+ bytes; a weight file has at most 100"):
        read_pytorch_members(tmp_path)
