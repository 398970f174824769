import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from builder_assets.dataset.meta_model.evaluation import Judgement, JudgementError

# One gene of six bases:     donor  -     -     acceptor  -    donor
LABELS = np.array([1, 0, 0, 2, 0, 1])
BASE_DONOR = [0.9, 0.6, 0.0, 0.0, 0.0, 0.4]  # one false call, one site missed
META_DONOR = [0.4, 0.2, 0.0, 0.0, 0.7, 0.8]  # the false call gone and the site found; a site lost, a new false call
BASE_ACCEPTOR = [0.0, 0.0, 0.0, 0.8, 0.0, 0.0]
META_ACCEPTOR = [0.0, 0.0, 0.6, 0.8, 0.0, 0.0]  # a new false call


def probabilities(donor, acceptor):
    neither = 1 - np.array(donor) - np.array(acceptor)
    return np.stack([neither, donor, acceptor], axis=1).astype(np.float32)


FOUND = {"base": probabilities(BASE_DONOR, BASE_ACCEPTOR), "meta": probabilities(META_DONOR, META_ACCEPTOR)}


def site_scores():
    labels = {"donor": 1, "acceptor": 2}
    return {(m, kind): FOUND[m][label == LABELS, label] for m in FOUND for kind, label in labels.items()}


def judged():
    judgement = Judgement(0.5, site_scores())
    judgement.see({"chrom": "7", "gene_id": "A"}, LABELS[:4], {m: p[:4] for m, p in FOUND.items()})
    judgement.see({"chrom": "7", "gene_id": "B"}, LABELS[4:], {m: p[4:] for m, p in FOUND.items()})
    judgement.check_sites()
    return judgement


def row(judgement, kind, model):
    return next(r for r in judgement.pooled() if (r["kind"], r["model"]) == (kind, model))


def test_judgement__calls_and_rates_by_hand():
    base, meta = row(judged(), "donor", "base"), row(judged(), "donor", "meta")
    assert [base[k] for k in ("n_sites", "calls", "tp", "fp", "fn")] == [2, 2, 1, 1, 1]
    assert (base["precision"], base["recall"], base["top_k_accuracy"]) == (0.5, 0.5, 0.5)
    assert [meta[k] for k in ("calls", "tp", "fp", "fn")] == [2, 1, 1, 1]
    assert row(judged(), "acceptor", "meta")["fp"] == 1
    assert row(judged(), "both", "base") | {"n_sites": 3, "calls": 3, "fp": 1} == row(judged(), "both", "base")


def test_judgement__average_precision_is_scikit_learns():
    for model, donor in (("base", BASE_DONOR), ("meta", META_DONOR)):
        expected = average_precision_score(LABELS == 1, donor)
        assert row(judged(), "donor", model)["average_precision"] == pytest.approx(expected)


def test_judgement__errors_per_gene_most_gained_first():
    a, b = judged().genes()
    assert (a["gene_id"], a["corrected"], a["introduced"]) == ("B", 1, 1)  # donor found; a call beside it
    assert (b["gene_id"], b["corrected"], b["introduced"]) == ("A", 1, 2)
    assert [b[word] for word in ("n_sites", "fp_base", "fn_base", "fp_meta", "fn_meta")] == [2, 1, 0, 1, 1]
    assert judged().n_bases == 6


def test_judgement__calibration_by_hand():
    bins = {(r["kind"], r["model"], r["low"]): r for r in judged().calibration()}
    assert bins["donor", "base", 0.9]["share_of_sites"] == 1
    assert bins["donor", "base", 0.5] | {"bases": 1, "share_of_sites": 0} == bins["donor", "base", 0.5]
    assert bins["donor", "base", 0.3]["mean_score"] == pytest.approx(0.4)
    assert sum(r["bases"] for r in judged().calibration() if (r["kind"], r["model"]) == ("donor", "meta")) == 6


def test_judgement__curves_end_at_the_precision_of_all_sites():
    curve = judged().curves()["donor, base model"]
    assert (curve[0], curve[-1]) == ((0.0, 1.0), (1.0, pytest.approx(2 / 3)))


def test_judgement__no_site_of_a_kind():
    nothing = {key: np.empty(0, dtype=np.float32) for key in site_scores()}
    judgement = Judgement(0.5, nothing)
    judgement.see({"chrom": "7", "gene_id": "A"}, np.zeros(6, dtype=int), FOUND)
    assert row(judgement, "both", "base")["average_precision"] is None
    assert judgement.curves()["donor, base model"] == []


@pytest.mark.parametrize("changed", [np.array([0.9]), np.array([0.9, 0.41])])
def test_check_sites__sites_or_scores_of_another_build(changed):
    judgement = Judgement(0.5, site_scores() | {("base", "donor"): changed.astype(np.float32)})
    judgement.see({"chrom": "7", "gene_id": "A"}, LABELS, FOUND)
    match = rf"base model, donor: 2 sites on the judged bases, {len(changed)} in the dataset"
    with pytest.raises(JudgementError, match=match):
        judgement.check_sites()
