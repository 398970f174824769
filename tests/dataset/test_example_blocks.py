"""Optional blocks of the training table, and the stream that makes it."""

import numpy as np
import polars as pl
import pytest

from builder_assets.dataset import example_stream, rules
from builder_assets.dataset.columns import training_examples_contract
from builder_assets.dataset.example_stream import BATCH_BYTES, rows_per_batch
from builder_assets.dataset.features.ensemble_spread import ensemble_spread
from builder_assets.dataset.features.kmers import kmer_names
from builder_assets.settings import FeatureSettings, NegativeSettings
from tests.dataset.toy import ToyChromosome, ToyGene, random_gene, random_letters

TOY = ToyChromosome(random_letters(900, 5), (random_gene("A", "+", 51, 400, 1), random_gene("B", "-", 300, 800, 2)))
KEY = ["chrom", "gene_id", "position"]


def test_examples__frequencies_are_counts_over_their_sum() -> None:
    counts = TOY.build(kmers=(2,)).examples.select(kmer_names(2)).to_numpy().astype(float)
    shares = TOY.build(kmers=(2,), kmer_values="frequencies").examples.select(kmer_names(2))
    assert set(shares.dtypes) == {pl.Float32}
    assert shares.to_numpy() == pytest.approx(counts / counts.sum(axis=1, keepdims=True), rel=1e-6)


def test_check_kmer_sums__frequencies_that_do_not_add_up() -> None:
    rows = TOY.build(kmers=(1,), kmer_values="frequencies").examples
    bad = rows.with_columns(pl.lit(0, pl.Float32).alias("1mer_A"))
    features = FeatureSettings(kmers=(1,), kmer_values="frequencies")
    with pytest.raises(ValueError, match=r"^1-mer frequencies of \d+ of \d+ examples do not add up, first 7:\d+ in A"):
        rules.check_kmer_sums(bad, features, {1: np.full(rows.height, 61)})


def test_examples__windows_with_two_flank_lengths() -> None:
    table = TOY.build(flank_upstream=3, flank_downstream=1, window_sequence=True, window_one_hot=True).examples
    letters = dict(enumerate(TOY.letters, start=1))
    for position, strand, window, hot in table.select("position", "strand", "window_sequence", "window_one_hot").rows():
        gene = TOY.genes[0] if strand == "+" else TOY.genes[1]
        places = range(position - 3, position + 2) if strand == "+" else range(position + 3, position - 2, -1)
        bases = [letters[p] if gene.start <= p <= gene.end else "N" for p in places]
        expected = "".join(b if strand == "+" else dict(zip("ACGTN", "TGCAN", strict=True))[b] for b in bases)
        assert window == expected
        assert ["ACGT".find(b) for b in window] == [
            h.index(1) if 1 in h else -1 for h in np.reshape(hot, (5, 4)).tolist()
        ]


@pytest.mark.parametrize("block", ["score_context", "motif"])
def test_examples__blocks_can_be_switched_off(block) -> None:
    whole, less = TOY.build().examples, TOY.build(**{block: False}).examples
    assert 10 < len(whole.columns) - len(less.columns) < 60
    assert whole.select(less.columns).equals(less)


def test_examples__masked_bases_are_no_negatives_but_sites_stay() -> None:
    gene = ToyGene("A", "+", 11, 40, sites=((9, "donor"), (19, "acceptor")))
    toy = ToyChromosome("C" * 60, (gene,))
    masked = pl.DataFrame({"chrom": ["7"] * 4, "position": [15, 16, 20, 99], "strand": ["+", "-", "+", "+"]})
    found = toy.build(NegativeSettings(keep_all=True), masked=masked).examples
    assert found["position"].to_list() == [p for p in range(11, 41) if p != 15]
    assert found.filter(position=20)["splice_type"].item() == "donor"


def test_examples__the_track_that_settings_name_has_to_be_given() -> None:
    with pytest.raises(ValueError, match="the settings name a conservation track, but no track was given"):
        TOY.build(conservation="given")


def test_examples__the_sd_is_that_of_the_row_and_changes_nothing_else() -> None:
    plain, table = TOY.build().examples, TOY.build(ensemble_sd=True).examples
    assert set(table.columns) - set(plain.columns) == {"donor_sd", "acceptor_sd"}
    assert table.select(plain.columns).equals(plain)
    np.testing.assert_allclose(table["donor_sd"], table["donor_score"] / 2, rtol=1e-6)
    np.testing.assert_allclose(table["acceptor_sd"], table["acceptor_score"] / 4, rtol=1e-6)
    assert table["donor_sd"].max() > 0.1


def test_ensemble_spread__that_the_base_model_does_not_store() -> None:
    with pytest.raises(ValueError, match="the settings ask for ensemble_sd, but splice_scores holds none"):
        ensemble_spread(None, np.arange(3))


@pytest.mark.parametrize("size", [7, 100])
def test_example_stream__any_size_of_batch_gives_the_same_table(monkeypatch, size) -> None:
    whole = TOY.build(kmers=(1, 3))
    monkeypatch.setattr(example_stream, "BATCH_ROWS", size)
    parts = TOY.build(kmers=(1, 3))
    assert parts.examples.equals(whole.examples)
    assert parts.gene_counts.equals(whole.gene_counts)


def test_rows_per_batch__wide_tables_come_in_small_batches() -> None:
    contract = training_examples_contract(FeatureSettings(kmers=(3, 6)))
    assert rows_per_batch(contract) * 4160 * 2 < BATCH_BYTES
