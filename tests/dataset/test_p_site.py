import numpy as np
import polars as pl

from builder_assets.dataset.p_site import p_site_verdict
from builder_assets.dataset.score_bins import score_bin_table


def bins(weight: float, n_sites: int = 20) -> pl.DataFrame:
    """Scores of 0.2: sites, and 40 negatives that stand for `weight` bases each."""
    return pl.DataFrame(
        {
            "donor_score": pl.Series([0.2] * (n_sites + 40), dtype=pl.Float32),
            "acceptor_score": pl.Series([0.0] * (n_sites + 40), dtype=pl.Float32),
            "label": [1] * n_sites + [0] * 40,
            "sample_weight": [1.0] * n_sites + [weight] * 40,
        }
    )


def verdict(rows: pl.DataFrame, eligible: int) -> tuple[bool, str]:
    return p_site_verdict(score_bin_table([rows], np.array([0, 0, 0, eligible, 0])))


def test_p_site_verdict__weights_that_stand_for_all_bases():
    passed, text = verdict(bins(10.0), 400)
    assert passed
    assert text.startswith("in 1 score bins with enough rows the weighted P(site) is 1.00 to 1.00 times")


def test_p_site_verdict__negatives_that_stand_for_nothing():
    # 20 sites among 40 rows of weight 1, but 4,000 bases: P(site) 0.333 against 0.005
    passed, text = verdict(bins(1.0), 4000)
    assert not passed
    assert "in 1 of 1 score bins" in text
    assert "0.15 to 0.5: 0.333 instead of 0.00498" in text


def test_p_site_verdict__too_few_sites_to_judge():
    assert verdict(bins(1.0, n_sites=19), 4000) == (True, "too few: no score bin has 20 sites and 20 negatives.")
