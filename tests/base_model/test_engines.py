"""Which engine on which device, and how many cores fit into memory."""

import jax
import pytest

from builder_assets.base_model.cpu_scoring import CpuScorer
from builder_assets.base_model.engines import engine_name, pieces_at_once, scorer_of
from builder_assets.base_model.scoring import Scorer
from resources.accelerator import available_memory, peak_memory_mb
from tests.base_model.published_models import toy_ensemble


@pytest.mark.parametrize(("backend", "engine"), [("cpu", CpuScorer), ("gpu", Scorer)])
def test_scorer_of__follows_the_device(monkeypatch, backend, engine):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    assert type(scorer_of(toy_ensemble(), "bfloat16")) is engine


def test_engine_name__says_what_computes(monkeypatch):
    assert engine_name("cpu x2, jax 0.10.2").startswith("cpu x2, openvino 20")
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert engine_name("NVIDIA H100 x1, jax 0.10.2") == "NVIDIA H100 x1, jax 0.10.2"


@pytest.mark.parametrize(("cores", "gigabytes", "expected"), [(2, 16, 2), (64, 7, 10), (64, 100, 64), (8, 0.1, 1)])
def test_pieces_at_once__are_bounded_by_memory(cores, gigabytes, expected):
    assert pieces_at_once(cores, int(gigabytes * 1e9)) == expected


def test_memory__is_measured_in_plausible_units():
    assert 10e6 < available_memory() < 1e14
    assert 50 < peak_memory_mb() < 1e6
