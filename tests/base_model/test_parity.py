"""The parity check: passes with the published weights, and fails when it should."""

import json
from dataclasses import replace

import numpy as np
import pytest

from builder_assets.base_model.parity import (
    PUBLISHED,
    ParityError,
    check_parity,
    compared,
    largest_differences,
    parity_anchors,
)
from resources.model_weights import read_keras_members, spliceai_weights_folder
from tests.base_model.published_models import golden, openspliceai, spliceai, toy_ensemble


def test_parity_anchors__hold_strong_sites_of_both_kinds():
    anchors = parity_anchors()
    assert len(anchors["sequence"]) == 600
    for model in PUBLISHED.values():
        expected = np.array(anchors["probabilities"][model])
        assert expected.shape == (len(anchors["offsets"]), 3)
        assert expected[:, 2].max() > 0.9
    assert np.array(anchors["probabilities"]["spliceai-10000"])[:, 1].max() > 0.8


def test_check_parity__passes_with_the_published_keras_models():
    report = check_parity(spliceai())
    assert report.model == "spliceai-10000"
    assert report.n_bases == len(parity_anchors()["offsets"])
    assert report.max_log_difference is not None
    assert 0 < report.max_log_difference <= 1e-4
    assert report.text.startswith("spliceai-10000 in float32: ")


def test_check_parity__in_bfloat16_has_bounds_of_its_own():
    report = check_parity(spliceai(), "bfloat16")
    assert report.max_log_difference is not None
    assert 1e-4 < report.max_log_difference <= 0.3
    assert report.text.startswith("spliceai-10000 in bfloat16: ")
    expected = np.array([[0.5, 0.25, 0.25]])
    with pytest.raises(ParityError, match=r"by up to 1\.0e-01 \(allowed 5e-02\)"):
        compared("toy", expected + 0.1, expected, "bfloat16")


@pytest.mark.parametrize("context", [80, 400, 2000, 10000])
def test_published__knows_the_pytorch_weights_of_every_context(context, shared):
    assert PUBLISHED[openspliceai(shared, context).sha256] == f"openspliceai-{context}"


def test_check_parity__passes_with_the_published_pytorch_models(shared):
    assert check_parity(openspliceai(shared, 400)).model == "openspliceai-400"


def test_check_parity__fails_when_the_network_computes_something_else():
    published = spliceai()
    wrong = replace(published, architecture=replace(published.architecture, batch_norm_epsilon=1e-5))
    with pytest.raises(ParityError, match=r"spliceai-10000: scores of \d+ anchor bases differ from the published"):
        check_parity(wrong)


def test_check_parity__says_so_when_the_weights_are_others():
    report = check_parity(toy_ensemble())
    assert (report.model, report.n_bases) == (None, 0)
    assert report.text.startswith("not the published weights, parity not checked")


def test_published__digests_are_of_the_files_that_the_golden_numbers_came_from():
    assert PUBLISHED[spliceai().sha256] == "spliceai-10000"
    read = {member.name: member.sha256 for member in read_keras_members(spliceai_weights_folder())}
    assert read == json.loads(str(golden("spliceai_keras.npz")["about"]))["weights"]


@pytest.mark.parametrize(("factor", "fails"), [(1 + 5e-5, False), (1 + 2e-4, True), (np.nan, True), (0.0, True)])
def test_compared__judges_small_scores_by_their_logarithm(factor, fails):
    expected = np.array([[0.999, 1e-3, 1e-7], [1.0, 1e-6, 1e-12]])
    scores = expected.copy()
    scores[:, 2] *= factor  # 1e-12 is below what is compared
    if fails:
        with pytest.raises(ParityError, match=r"logarithms by up to (2\.0e-04|nan|inf) \(allowed 1e-04\)"):
            compared("toy", scores, expected)
    else:
        assert compared("toy", scores, expected).max_log_difference == pytest.approx(5e-5, rel=1e-3)


def test_largest_differences__of_a_drawn_case():
    found = largest_differences(np.array([[0.5, 0.25]]), np.array([[0.5, 0.5]]))
    assert found == pytest.approx((0.25, np.log(2)))
