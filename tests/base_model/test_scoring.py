"""Scores of whole sequences: every base once, whatever the tiling; anchors on real genes; fingerprints."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder_assets.base_model.architectures import ACCEPTOR, DONOR, architecture_of
from builder_assets.base_model.engines import CoreEngine, Piece, fitting_tiles, tiles_of
from builder_assets.base_model.parity import largest_differences
from builder_assets.base_model.scoring import (
    TILE_LENGTHS,
    Scorer,
    SequenceError,
    codes_of_any,
    fingerprint,
    score_sequences,
    tile_lengths,
)
from builder_assets.base_model.spectral import room_for
from builder_assets.sequence import codes_of, letters_of, reverse_complement
from builder_assets.settings import NetworkSettings
from tests.base_model.published_models import (
    assert_parity,
    golden,
    openspliceai,
    openspliceai_scorer,
    spliceai,
    spliceai_scorer,
    toy_ensemble,
)

TEN_K = architecture_of("spliceai", 10000)
BASES = np.random.default_rng(7).choice(5, size=700, p=(0.24, 0.24, 0.24, 0.24, 0.04)).astype(np.uint8)
# GRCh37 chr10, - strand; position, channel, SpliceAI, OpenSpliceAI MANE-10k. Computed once with an independent NumPy
# forward pass that reproduces SpliceAI's own unit tests on this gene.
TUBB8_START, TUBB8_END = 92_893, 95_529
TUBB8 = [
    (95_122, DONOR, 0.8887, 0.5867),
    (94_744, DONOR, 0.9982, 0.9986),
    (94_555, DONOR, 0.9864, 0.9918),
    (94_852, ACCEPTOR, 0.9995, 0.9993),
    (94_665, ACCEPTOR, 0.9739, 0.9939),
    (94_054, ACCEPTOR, 0.9787, 0.9956),
]


@pytest.fixture(scope="module", params=["cpu", "accelerator"])
def toy(request) -> Scorer:
    return Scorer(toy_ensemble(), (64, 200), request.param)


@pytest.fixture(scope="module")
def whole() -> np.ndarray:
    """All 700 bases in one tile."""
    return Scorer(toy_ensemble(), (700,)).score(BASES)


@settings(max_examples=25, deadline=None)
@given(length=st.integers(1, 700))
def test_score__gives_one_row_per_base_summing_to_one(toy, length):
    scores = toy.score(BASES[:length])
    assert scores.shape == (length, 3)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("platform", ["cpu", "accelerator"])
@pytest.mark.parametrize("tile_lengths", [(64,), (64, 200)])
def test_score__is_the_same_for_any_tiling(whole, tile_lengths, platform):
    scores = Scorer(toy_ensemble(), tile_lengths, platform).score(BASES)
    assert float(np.ptp(whole)) > 0.05
    np.testing.assert_allclose(scores, whole, rtol=0, atol=1e-6)


def test_score__takes_n_beyond_both_ends(toy, whole):
    padded = np.pad(BASES[100:150], 40, constant_values=4)
    np.testing.assert_allclose(toy.score(BASES[100:150]), toy.score(padded)[40:-40], rtol=0, atol=1e-6)
    assert np.abs(toy.score(BASES[100:150]) - whole[100:150]).max() > 1e-3  # real neighbours would change it


def test_score_genes__are_bit_equal_alone_and_among_others(toy):
    genes = [BASES[:10], BASES[10:310], BASES[310:700]]
    together = list(toy.score_genes(genes))
    assert [len(scores) for scores in together] == [10, 300, 390]
    for gene, scores in zip(genes, together, strict=True):
        assert toy.score(gene).tobytes() == scores.tobytes()


def test_score__with_the_sd_has_the_same_scores(toy):
    platform = "cpu" if isinstance(toy._engine, CoreEngine) else "accelerator"
    scores = Scorer(toy_ensemble(), (64, 200), platform, ensemble_sd=True).score(BASES)
    assert scores.shape == (700, 6)
    assert scores[:, :3].tobytes() == toy.score(BASES).tobytes()
    alone = [
        Scorer(replace(toy_ensemble(), members=(member,)), (200,), platform).score(BASES)
        for member in toy_ensemble().members
    ]
    np.testing.assert_allclose(scores[:, 3:], np.std(alone, axis=0), rtol=0, atol=1e-6)
    assert scores[:, 3:].max() > 0.01


def test_score_genes__are_bit_equal_on_any_number_of_cores(toy, monkeypatch):
    several = [scores.tobytes() for scores in toy.score_genes([BASES[:310], BASES[310:700]])]
    monkeypatch.setattr(toy._engine, "workers", 1)
    assert [scores.tobytes() for scores in toy.score_genes([BASES[:310], BASES[310:700]])] == several


@pytest.mark.parametrize("slope", [0.0, 0.1])
@pytest.mark.parametrize("left", [np.nan, 1e30])
def test_score__is_bit_equal_whatever_its_memory_held(slope, left):
    scorer = Scorer(toy_ensemble(slope), (700,), "cpu")
    for length in (1, 64, *range(380, 520, 10), 700):
        expected = scorer.score(BASES[:length]).tobytes()
        held = scorer._engine._tracks
        assert len(held) == 1
        held[:] = jax.tree.map(lambda track: np.full_like(track, left), held)
        assert scorer.score(BASES[:length]).tobytes() == expected, length


def test_score__keeps_its_memory_from_gene_to_gene():
    scorer = Scorer(toy_ensemble(), (700,), "cpu")
    scorer.score(BASES[:300])
    (tracks,) = scorer._engine._tracks
    places = {track.unsafe_buffer_pointer() for track in tracks}
    scorer.score(BASES[:500])
    assert all(track.is_deleted() for track in tracks)
    (tracks,) = scorer._engine._tracks
    assert {track.unsafe_buffer_pointer() for track in tracks} == places


def test_score_genes__raise_what_is_wrong_with_a_gene_when_its_turn_comes(toy):
    scores = toy.score_genes([BASES[:10], BASES[:0], BASES[:20]])
    assert len(next(scores)) == 10
    with pytest.raises(SequenceError, match="at least one"):
        next(scores)


@pytest.mark.parametrize("platform", ["cpu", "accelerator"])
def test_score__tries_smaller_pieces_where_memory_does_not_suffice(platform, whole, monkeypatch, caplog):
    def too_much(*_read):
        raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes")

    scorer = Scorer(toy_ensemble(), (64, 200), platform)
    monkeypatch.setattr(scorer._engine, "_program" if platform == "cpu" else "_probabilities", too_much)
    seen: list[int] = []
    scores = scorer.score(BASES, lambda bases, _computed: seen.append(bases))
    np.testing.assert_allclose(scores, whole, rtol=0, atol=1e-6)
    assert sum(seen) == 700
    assert "smaller ones are tried" in caplog.text
    smallest = Scorer(toy_ensemble(), (64,), platform)
    monkeypatch.setattr(smallest._engine, "_program" if platform == "cpu" else "_probabilities", too_much)
    with pytest.raises(RuntimeError, match="Out of memory"):
        smallest.score(BASES)


def test_score_genes__starts_as_many_genes_as_two_of_the_longest_pieces_per_worker_hold(monkeypatch):
    scorer = Scorer(toy_ensemble(), (100,), "cpu")
    piece = Piece(1, 10, lambda: np.zeros((1, 1, 3), np.float32))
    monkeypatch.setattr(scorer, "_engine", SimpleNamespace(workers=2, pieces=lambda *_, **__: [piece]))
    genes = iter([BASES[:1]] * 100)
    next(scorer.score_genes(genes))
    assert len(list(genes)) == 100 - 42  # the first one, 400 bases' worth of others, and the one that was too many


def test_score_genes__reports_every_base_once(toy):
    seen: list[tuple[int, float]] = []
    list(toy.score_genes([BASES[:10], BASES[:650]], lambda *done: seen.append(done)))
    assert sum(bases for bases, _ in seen) == 660
    assert len(seen) > 2
    assert all(computed >= bases for bases, computed in seen)  # flanks, and what fills up steps or tiles


def test_score_genes__reports_the_work_that_tiles_are():
    """A tile of 64: units trim 2 bases a convolution four units long, then 3; widths 5 and 3, channels alike."""
    seen: list[tuple[int, float]] = []
    Scorer(toy_ensemble(), (64,), "accelerator").score(BASES[:50], lambda *done: seen.append(done))
    excess = [40 - 2 * layer for layer in range(1, 9)], [24 - 3 * layer for layer in range(1, 9)]
    work = sum(5 * (64 + 2 * beside) for beside in excess[0]) + sum(3 * (64 + 2 * beside) for beside in excess[1])
    assert seen == [(50, pytest.approx(work / (8 * 5 + 8 * 3)))]


def test_tile_lengths__end_with_the_longest_that_is_allowed():
    assert tile_lengths(None) == TILE_LENGTHS
    assert tile_lengths(10_000) == (2_048, 4_096, 8_192, 10_000)
    assert tile_lengths(1_000) == (1_000,)


def test_fitting_tiles__are_those_that_a_device_holds_two_of():
    per_row = 6 * 32 * 4
    assert fitting_tiles((200, 64), 80, None) == (64, 200)
    assert fitting_tiles((64, 200), 80, 2 * 280 * per_row) == (64, 200)
    assert fitting_tiles((64, 200), 80, 2 * 280 * per_row - 1) == (64,)
    assert fitting_tiles((64, 200), 80, 1) == (64,)


def test_scorer__uses_no_more_cores_than_memory_allows(monkeypatch):
    monkeypatch.setattr("builder_assets.base_model.engines.usable_cores", lambda: 64)
    rows = room_for(200, toy_ensemble().architecture).rows
    monkeypatch.setattr("builder_assets.base_model.engines.available_memory", lambda: 2 * 3 * rows * 3 * 32 * 4)
    assert Scorer(toy_ensemble(), (200,), "cpu")._engine.workers == 3
    monkeypatch.setattr("builder_assets.base_model.engines.available_memory", lambda: 1)
    assert Scorer(toy_ensemble(), (200,), "cpu")._engine.workers == 1


def test_score_sequences__reads_letters_codes_and_one_hot_alike():
    codes = codes_of("ACGTNACCGGTTAGGTAAGTN")
    one_hot = (codes[:, None] == np.arange(4)).astype(np.float32)
    letters, lower, as_codes, rows = score_sequences(
        ["ACGTNACCGGTTAGGTAAGTN", "acgtRaccggttaggtaagtN", codes, one_hot], toy_ensemble()
    )
    assert letters.shape == (21, 3)
    for other in (lower, as_codes, rows):
        assert other.tobytes() == letters.tobytes()


@given(letters=st.text("ACGTN", min_size=1, max_size=60))
def test_codes_of_any__turns_the_strand_of_one_hot_rows_like_that_of_letters(letters):
    """Reverse complement of one-hot rows: both axes flipped, since A, C and T, G mirror each other."""
    codes = codes_of(letters)
    one_hot = (codes[:, None] == np.arange(4)).astype(np.float32)
    turned = codes_of_any(one_hot[::-1, ::-1])
    assert letters_of(turned) == letters.translate(str.maketrans("ACGT", "TGCA"))[::-1]
    assert turned.tolist() == reverse_complement(codes).tolist()


@given(length=st.integers(1, 3_000_000))
def test_tiles_of__cover_the_sequence_without_a_tile_too_many(length):
    tiles = tiles_of(length, TILE_LENGTHS, TEN_K)
    assert set(tiles) <= set(TILE_LENGTHS)
    assert sum(tiles) >= length
    assert sum(tiles) - min(tiles) < length
    assert list(tiles) == sorted(tiles, reverse=True)


def test_tiles_of__weighs_flanks_against_empty_bases():
    assert tiles_of(1, TILE_LENGTHS, TEN_K) == (2_048,)
    assert tiles_of(33_000, TILE_LENGTHS, TEN_K) == (32_768, 2_048)  # 16,000 empty bases would cost more
    assert tiles_of(2_100, TILE_LENGTHS, TEN_K) == (4_096,)  # a second tile's flanks would cost more


@pytest.mark.parametrize("stretch", ["dgcr8_plus", "trmt2a_minus"])
def test_score__agrees_with_the_published_keras_ensemble(stretch):
    numbers = golden("spliceai_keras.npz")
    scores = spliceai_scorer().score(codes_of(numbers[f"{stretch}/sequence"].tobytes()))
    assert_parity(scores, numbers[f"{stretch}/mean"])


@pytest.mark.parametrize("stretch", ["dgcr8_plus", "trmt2a_minus"])
def test_score__agrees_with_the_sd_over_the_published_keras_models(stretch):
    numbers = golden("spliceai_keras.npz")
    scorer = Scorer(spliceai(), ensemble_sd=True)
    scores = scorer.score(codes_of(numbers[f"{stretch}/sequence"].tobytes()))
    expected = numbers[f"{stretch}/members"].std(axis=0, dtype=np.float64)
    assert expected[:, 1:].max() > 0.1
    np.testing.assert_allclose(scores[:, 3:], expected, rtol=0, atol=1e-5)
    assert_parity(scores[:, :3], numbers[f"{stretch}/mean"])


@pytest.mark.parametrize("platform", ["cpu", "accelerator"])
def test_score__in_bfloat16_is_near_the_published_ensemble_but_not_equal(platform, caplog):
    """Both engines round what convolutions read; errors over whole genes are measured by benchmarks/precision.py."""
    numbers = golden("spliceai_keras.npz")
    scorer = Scorer(spliceai(), (2_048,), platform, precision="bfloat16")
    assert ("bfloat16 is no faster on a CPU" in caplog.text) == (platform == "cpu")
    scores = scorer.score(codes_of(numbers["trmt2a_minus/sequence"].tobytes()))
    difference, log_difference = largest_differences(scores, numbers["trmt2a_minus/mean"])
    assert 1e-4 < difference < 0.02
    assert 1e-2 < log_difference < 0.3


def test_score__in_bfloat16_is_the_same_for_any_tiling_and_engine_but_for_roundings(toy):
    """A sum that float32 rounds otherwise may tip one rounding to bfloat16, which is 2**-8 of one input."""
    scores = [
        Scorer(toy_ensemble(), tiles, platform, precision="bfloat16").score(BASES)
        for tiles, platform in [((700,), "cpu"), ((64,), "cpu"), ((64, 200), "accelerator")]
    ]
    assert np.abs(scores[0] - toy.score(BASES)).max() > 2e-4
    for other in scores[1:]:
        np.testing.assert_allclose(other, scores[0], rtol=0, atol=1e-3)
        assert np.abs(other - scores[0]).mean() < 2e-5


def test_score__finds_the_sites_of_a_minus_strand_gene_on_that_strand_only():
    sequence = golden("spliceai_keras.npz")["trmt2a_minus/sequence"].tobytes().decode()
    scorer = spliceai_scorer()
    # Donors of TRMT2A at chr22 20,101,209, 20,100,955, 20,100,641: offset = 20,101,600 - position.
    offsets = [391, 645, 959]
    assert scorer.score(codes_of(sequence))[offsets, DONOR].min() > 0.9
    turned = scorer.score(reverse_complement(codes_of(sequence)))[::-1]
    assert turned[offsets, DONOR].max() < 0.1


@pytest.mark.parametrize(("family", "column"), [("spliceai", 2), ("openspliceai", 3)])
def test_score__agrees_with_the_anchors_of_tubb8(family, column, shared):
    scorer = spliceai_scorer() if family == "spliceai" else openspliceai_scorer(shared, 10000)
    scores = _tubb8_scores(scorer, shared)
    found = [scores[TUBB8_END - site[0], site[1]] for site in TUBB8]
    # The anchors have four digits.
    np.testing.assert_allclose(found, [site[column] for site in TUBB8], rtol=0, atol=5e-5)


def test_score__collapses_with_the_wrong_activation(shared):
    """The member rs14 alone, as in the independent pass, which gave 0.0000 to 0.0049."""
    published = openspliceai(shared, 10000)
    relu = replace(published.architecture, negative_slope=0.0)
    scores = _tubb8_scores(Scorer(replace(published, architecture=relu, members=published.members[4:])), shared)
    found = [scores[TUBB8_END - site[0], site[1]] for site in TUBB8]
    assert max(found) == pytest.approx(0.0049, abs=5e-5)


@pytest.mark.parametrize("context", [80, 400, 2000, 10000])
def test_score__agrees_with_the_published_pytorch_ensemble(context, shared):
    numbers = golden("openspliceai_torch.npz")
    scores = openspliceai_scorer(shared, context).score(codes_of(numbers["sequence"].tobytes()))
    assert_parity(scores, numbers[f"{context}/mean"])


def _tubb8_scores(scorer: Scorer, shared: Path) -> np.ndarray:
    header, *lines = (shared / "data" / "grch37" / "TUBB8.fa").read_text().split("\n")
    assert header == f">10:{TUBB8_START}-{TUBB8_END}"
    codes = reverse_complement(codes_of("".join(lines)))
    assert len(codes) == TUBB8_END - TUBB8_START + 1
    return scorer.score(codes)


def test_scorer__refuses_what_it_cannot_score(toy):
    with pytest.raises(SequenceError, match=r"shape \(0,\), uint8, largest none: expected uint8 \(length,\)"):
        toy.score(np.zeros(0, np.uint8))
    with pytest.raises(SequenceError, match=r"shape \(3,\), int64, largest 2: expected uint8"):
        toy.score(np.arange(3))
    with pytest.raises(SequenceError, match="largest 5: expected uint8"):
        toy.score(np.array([0, 5], np.uint8))
    with pytest.raises(SequenceError, match="sequence 2 is empty"):
        score_sequences(["ACGT", ""], toy_ensemble())
    with pytest.raises(SequenceError, match=r"sequence 1 of shape \(2, 4\) is not one-hot"):
        score_sequences([np.full((2, 4), 0.25)], toy_ensemble())
    with pytest.raises(ValueError, match=r"tile lengths \[0, 64\]: at least one is needed, all of 1 base or more"):
        Scorer(toy_ensemble(), (0, 64))


def test_fingerprint__changes_with_everything_that_scores_depend_on():
    codes, network = codes_of("ACGTN"), NetworkSettings(family="openspliceai", context=400)
    same = fingerprint(codes.copy(), "weights", NetworkSettings(family="openspliceai", context=400))
    others = [
        fingerprint(codes_of("ACGTA"), "weights", network),
        fingerprint(codes_of("ACGTNN"), "weights", network),
        fingerprint(codes, "other weights", network),
        fingerprint(codes, "weights", network.model_copy(update={"family": "spliceai"})),
        fingerprint(codes, "weights", network.model_copy(update={"context": 80})),
        fingerprint(codes, "weights", network.model_copy(update={"flanks": "genomic"})),
        fingerprint(codes, "weights", network.model_copy(update={"precision": "bfloat16"})),
    ]
    assert same == fingerprint(codes, "weights", network)
    assert len({same, *others}) == 8
