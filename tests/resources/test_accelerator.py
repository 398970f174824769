"""JAX on this machine: what it is called, and that compiled programs are kept."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from resources.accelerator import configure_jax, peak_memory_mb, usable_cores


@pytest.fixture(autouse=True)
def _unchanged_configuration():
    before = (jax.config.jax_compilation_cache_dir, jax.config.jax_persistent_cache_min_compile_time_secs)
    yield
    jax.config.update("jax_compilation_cache_dir", before[0])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", before[1])


def test_configure_jax__names_device_and_version(tmp_path):
    text = configure_jax(tmp_path / "programs")
    assert text.endswith(f", jax {jax.__version__}")
    assert text.startswith(jax.devices()[0].device_kind)
    assert (tmp_path / "programs").is_dir()
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "programs")


def test_configure_jax__works_without_a_cache():
    configure_jax(None)
    assert jax.config.jax_compilation_cache_dir is None


def test_usable_cores__follow_the_affinity_of_the_process():
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


def test_import__of_weights_and_resources_loads_no_jax():
    program = (
        "import sys, resources.accelerator, resources.model_weights, builder_assets.base_model.weights;"
        "print([name for name in ('jax', 'flax', 'h5py', 'torch', 'tensorflow') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_peak_memory_mb__is_of_this_process_and_not_of_its_parent():
    held = bytearray(400_000_000)  # what a child of this process must not count
    code = "from resources.accelerator import peak_memory_mb; print(peak_memory_mb())"
    root = Path(__file__).parents[2]
    found = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert len(held) / 1e6 <= peak_memory_mb()
    assert 5 < int(found.stdout) < 300
