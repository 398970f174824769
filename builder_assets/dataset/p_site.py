"""Is P(site) at a given score in the dataset, weighted, what it is over all bases of its genes?"""

import polars as pl

FACTOR = 1.25  # weighted against whole genes; weights make it equal but where a tier was left undrawn
FEWEST = 20  # sites of a bin and its negatives, below which a share is too rough to judge


def p_site_verdict(table: pl.DataFrame) -> tuple[bool, str]:
    """Whether P(site) agrees in every bin that has enough rows, and the numbers in words.

    Args:
        table: `score_bins.score_bin_table` with eligible bases counted.
    """
    judged = table.filter(pl.col("sites") >= FEWEST, pl.col("negatives") >= FEWEST)
    ratios = judged.with_columns(ratio=pl.col("p_site_weighted") / pl.col("p_site_genes"))
    off = ratios.filter(~pl.col("ratio").is_between(1 / FACTOR, FACTOR))
    if judged.is_empty():
        return True, f"too few: no score bin has {FEWEST} sites and {FEWEST} negatives."
    if off.is_empty():
        return True, (
            f"in {judged.height} score bins with enough rows the weighted P(site) is {ratios['ratio'].min():.2f} to "
            f"{ratios['ratio'].max():.2f} times that of the whole genes."
        )
    named = "; ".join(
        f"{low:g} to {high:g}: {weighted:.3g} instead of {whole:.3g}"
        for low, high, weighted, whole in off.select("low", "high", "p_site_weighted", "p_site_genes").iter_rows()
    )
    return False, (
        f"in {off.height} of {judged.height} score bins the weighted P(site) is not that of the whole genes: {named}. "
        "A model trained on these rows learns wrong odds there; look at `negatives.ratios`, a ratio of 0 leaves a "
        "tier out."
    )
