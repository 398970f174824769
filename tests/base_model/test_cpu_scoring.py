"""The CPU engine: the published scores, whatever the pieces; bit-equal alone, among others, on any number of cores."""

import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder_assets.base_model.architectures import DONOR
from builder_assets.base_model.cpu_scoring import SHORTEST_PIECE, CpuScorer, pieces_of
from builder_assets.base_model.scoring import Scorer, SequenceError, is_out_of_memory
from builder_assets.sequence import N, codes_of
from tests.base_model.published_models import assert_parity, golden, openspliceai, spliceai, toy_ensemble

BASES = np.random.default_rng(7).choice(5, size=700, p=(0.24, 0.24, 0.24, 0.24, 0.04)).astype(np.uint8)
TOY_FLANK = 40


@pytest.fixture(scope="module", params=[0.0, 0.1])
def slope(request) -> float:
    return request.param


@pytest.fixture(scope="module")
def toy(slope) -> CpuScorer:
    return CpuScorer(toy_ensemble(slope), cores=2)


@pytest.fixture(scope="module")
def reference(slope) -> Scorer:
    return Scorer(toy_ensemble(slope), (700,))


@settings(max_examples=20, deadline=None)
@given(first=st.integers(0, 650), length=st.integers(1, 700))
def test_score__is_that_of_the_jax_network(toy, reference, first, length):
    codes = BASES[first : first + length]
    expected = reference.score(codes)
    scores = toy.score(codes)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("longest", [64, 333, 699])
def test_score__is_the_same_for_any_pieces(slope, toy, longest):
    np.testing.assert_allclose(
        CpuScorer(toy_ensemble(slope), cores=2, longest_piece=longest).score(BASES), toy.score(BASES), rtol=2e-5
    )


def test_score__reads_the_flanks_that_it_is_given(toy, reference):
    inside = slice(TOY_FLANK, len(BASES) - TOY_FLANK)
    scores = toy.score(BASES, flanked=True)
    np.testing.assert_allclose(scores, reference.score(BASES)[inside], rtol=2e-5)
    np.testing.assert_allclose(scores, reference.score(BASES, flanked=True), rtol=2e-5)
    assert np.abs(scores - toy.score(BASES[inside])).max() > 1e-3
    np.testing.assert_allclose(
        toy.score(np.pad(BASES, TOY_FLANK, constant_values=N), flanked=True), toy.score(BASES), rtol=2e-5
    )


@pytest.mark.parametrize("stretch", ["dgcr8_plus", "trmt2a_minus"])
def test_score__agrees_with_the_published_keras_ensemble(stretch):
    numbers = golden("spliceai_keras.npz")
    codes = codes_of(numbers[f"{stretch}/sequence"].tobytes())
    assert_parity(CpuScorer(spliceai(), cores=2).score(codes), numbers[f"{stretch}/mean"])


def test_score__with_genomic_flanks_agrees_with_the_published_keras_ensemble():
    """Each golden stretch with what the Keras models read around it: N on one side, or real bases on both."""
    numbers = golden("spliceai_keras.npz")
    scorer = CpuScorer(spliceai(), cores=2)
    for name in sorted(name.removesuffix("/stored") for name in numbers if name.endswith("/stored")):
        first, last = numbers[f"{name}/stored"]
        codes = np.pad(codes_of(numbers[f"{name}/sequence"].tobytes()), 5000, constant_values=N)
        assert_parity(scorer.score(codes[first : last + 10_000], flanked=True), numbers[f"{name}/mean"])


@pytest.mark.parametrize("context", [80, 400, 2000, 10000])
def test_score__agrees_with_the_published_pytorch_ensemble(context, shared):
    numbers = golden("openspliceai_torch.npz")
    scorer = CpuScorer(openspliceai(shared, context), cores=2)
    assert_parity(scorer.score(codes_of(numbers["sequence"].tobytes())), numbers[f"{context}/mean"])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_score_genes__is_bit_equal_alone_among_others_and_on_one_core(precision):
    """Real weights, several lengths, one longer than a piece."""
    random = np.random.default_rng(1)
    genes = [random.integers(0, 4, length).astype(np.uint8) for length in (57, 700, 1_050)]
    together = list(CpuScorer(spliceai(), precision, cores=2, longest_piece=1_000).score_genes(genes))
    alone = CpuScorer(spliceai(), precision, cores=1, longest_piece=1_000)
    for codes, among_others in reversed(list(zip(genes, together, strict=True))):
        assert alone.score(codes).tobytes() == among_others.tobytes()


def test_score__in_bfloat16_finds_the_sites_of_the_published_model():
    numbers = golden("spliceai_keras.npz")
    expected = numbers["trmt2a_minus/mean"]
    scores = CpuScorer(spliceai(), "bfloat16", cores=2).score(codes_of(numbers["trmt2a_minus/sequence"].tobytes()))
    np.testing.assert_allclose(scores, expected, rtol=0, atol=0.03)
    # Donors of TRMT2A, see test_scoring.
    assert scores[[391, 645, 959], DONOR].min() > 0.9


def test_score__falls_back_to_halves_where_memory_does_not_suffice(monkeypatch, caplog):
    scorer = CpuScorer(toy_ensemble())
    codes = np.random.default_rng(2).integers(0, 4, 2 * SHORTEST_PIECE).astype(np.uint8)
    expected, logits = scorer.score(codes), CpuScorer._logits

    def limited(self, read, *, masked):
        if len(read) > SHORTEST_PIECE + 2 * TOY_FLANK:
            raise RuntimeError("could not create a memory object: std::bad_alloc")
        return logits(self, read, masked=masked)

    monkeypatch.setattr(CpuScorer, "_logits", limited)
    with caplog.at_level(logging.WARNING, "builder.scoring"):
        np.testing.assert_allclose(scorer.score(codes), expected, rtol=2e-5)
    assert "memory does not suffice for a piece of 8,192 bases" in caplog.text
    with pytest.raises(RuntimeError, match="bad_alloc"):
        scorer.score(codes[: SHORTEST_PIECE + 100])


def test_jax_score__falls_back_to_shorter_tiles(monkeypatch, caplog):
    scorer = Scorer(toy_ensemble(), (64, 700))
    expected, compute = scorer.score(BASES), scorer._probabilities

    def limited(weights, read):
        if len(read) > 64 + 2 * TOY_FLANK:
            raise RuntimeError("RESOURCE_EXHAUSTED: out of memory while trying to allocate 1 byte")
        return compute(weights, read)

    monkeypatch.setattr(scorer, "_probabilities", limited)
    with caplog.at_level(logging.WARNING, "builder.scoring"):
        np.testing.assert_allclose(scorer.score(BASES), expected, rtol=2e-5)
    assert "memory does not suffice for tiles of 700 bases; 64 are tried" in caplog.text
    monkeypatch.setattr(scorer, "tile_lengths", (700,))
    with pytest.raises(RuntimeError, match="RESOURCE_EXHAUSTED"):
        scorer.score(BASES)


def test_is_out_of_memory__knows_other_errors_from_it():
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shapes differ"))


@pytest.mark.parametrize("engine", [CpuScorer, Scorer])
def test_score__refuses_what_it_cannot_score(engine):
    with pytest.raises(SequenceError, match=r"shape \(0,\), uint8, largest none: expected uint8 \(length,\)"):
        engine(toy_ensemble()).score(np.zeros(0, np.uint8))
    with pytest.raises(SequenceError, match="80 base codes with flanks of 40 each hold no base to score"):
        engine(toy_ensemble()).score(np.zeros(2 * TOY_FLANK, np.uint8), flanked=True)


def test_score_genes__a_failing_gene_fails_in_its_turn(toy):
    scores = toy.score_genes([BASES, BASES[:0], BASES])
    assert next(scores).shape == (700, 3)
    with pytest.raises(SequenceError, match="largest none"):
        next(scores)


@given(length=st.integers(1, 3_000_000), longest=st.integers(1_000, 200_000))
def test_pieces_of__cover_every_base_once_in_the_fewest_equal_pieces(length, longest):
    pieces = pieces_of(length, longest)
    assert [start for start, _ in pieces] == list(np.cumsum([0, *(bases for _, bases in pieces)])[:-1])
    assert sum(bases for _, bases in pieces) == length
    assert len(pieces) - 1 < length / longest <= len(pieces)
    sizes = [bases for _, bases in pieces]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.scale
def test_score__longest_human_gene_fits_in_four_gigabytes():
    """2,304,640 bases, the span of CNTNAP2, drawn at random, in a process of its own."""
    program = (
        "import resource, numpy as np; from tests.base_model.published_models import spliceai; "
        "from builder_assets.base_model.engines import scorer_of; "
        "codes = np.random.default_rng(0).integers(0, 4, 2_304_640).astype(np.uint8); "
        "scores = scorer_of(spliceai()).score(codes); "
        "assert scores.shape == (2_304_640, 3); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, check=True, capture_output=True, text=True)
    assert int(done.stdout) * 1024 < 4e9
