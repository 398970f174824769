import numpy as np
import polars as pl
import pytest

from builder_assets.dataset.gene_tracks import selected_gene_tracks
from builder_assets.sequence import ChromosomeSequence, letters_of
from tests.dataset.toy import ToyChromosome, ToyGene

TOY = ToyChromosome("AACCGTTTTT", (ToyGene("A", "-", 3, 6, donor={0: 0.5}), ToyGene("B", "+", 2, 7)))


def tracks(**changes: object) -> list:
    inputs = {"selected": TOY.selected, "scores": TOY.scores, "genes": TOY.gene_table, "sequence": TOY.sequence}
    return list(selected_gene_tracks(**inputs | changes))


def test_selected_gene_tracks__run_in_transcription_direction() -> None:
    minus, plus = tracks()
    assert letters_of(minus.codes) == "ACGG"
    assert letters_of(plus.codes) == "ACCGTT"
    assert minus.donor.tolist() == [0.5, 0, 0, 0]
    assert minus.length == 4
    # two bases beyond the chromosome's first one are unknown
    assert plus.scorable.tolist() == [False, True, True, True, True, True]


def test_selected_gene_tracks__another_chromosome() -> None:
    with pytest.raises(ValueError, match=r"of chromosome 7 were given with the sequence of 8"):
        tracks(sequence=ChromosomeSequence("8", 1, TOY.sequence.codes, ((1, 10),)))


def test_selected_gene_tracks__names_genes_without_scores() -> None:
    with pytest.raises(ValueError, match=r"1 of 2 selected genes are not in splice_scores: B\. Rebuild splice_scores"):
        tracks(scores=TOY.scores.filter(gene_id="A"))


def test_selected_gene_tracks__names_the_first_genes_of_many() -> None:
    many = ToyChromosome("ACGT" * 9, tuple(ToyGene(f"G{i:02}", "+", 1 + i, 9 + i) for i in range(12)))
    with pytest.raises(ValueError, match=r"12 of 12 .* G08, G09 and 2 more\."):
        list(selected_gene_tracks(many.selected, many.scores.clear(), many.gene_table, many.sequence))


def test_selected_gene_tracks__genes_that_left_the_annotation() -> None:
    with pytest.raises(ValueError, match=r"1 of 2 selected genes are not in genes: A\. Rebuild gene_selection"):
        tracks(genes=TOY.gene_table.filter(gene_id="B"))


def test_selected_gene_tracks__spans_that_moved() -> None:
    for change in ({"start": 4}, {"strand": "+"}):
        moved = TOY.scores.with_columns(
            **{name: pl.when(gene_id="A").then(pl.lit(v)).otherwise(name) for name, v in change.items()}
        )
        with pytest.raises(ValueError, match="1 of 2 selected genes have another span or strand in splice_scores: A"):
            tracks(scores=moved)


def test_selected_gene_tracks__one_score_too_many() -> None:
    longer = TOY.scores.with_columns(donor_scores=pl.col("donor_scores").list.concat([0.0]).cast(pl.List(pl.Float32)))
    with pytest.raises(ValueError, match="gene A has 4 bases and 5 donor scores"):
        tracks(scores=longer)


def test_selected_gene_tracks__carry_the_sd_where_it_is_stored() -> None:
    assert all(gene.ensemble_sd is None for gene in tracks())
    stored = TOY.scores_with_sd
    for gene in tracks(scores=stored):
        assert gene.ensemble_sd is not None
        np.testing.assert_allclose(gene.ensemble_sd[0], gene.donor / 2, rtol=1e-6)
        np.testing.assert_allclose(gene.ensemble_sd[1], gene.acceptor / 4, rtol=1e-6)
    longer = stored.with_columns(acceptor_sd=pl.col("acceptor_sd").list.concat([0.0]).cast(pl.List(pl.Float32)))
    with pytest.raises(ValueError, match="gene A has 4 bases and 5 acceptor_sd scores"):
        tracks(scores=longer)


@pytest.mark.parametrize("value", [1.5, -0.1, float("nan")])
def test_selected_gene_tracks__scores_that_are_no_probabilities(value: float) -> None:
    wrong = ToyChromosome(TOY.letters, (ToyGene("A", "+", 3, 6, acceptor={2: value}),))
    with pytest.raises(ValueError, match=r"gene A: acceptor scores run from .* a probability lies in 0\.\.1"):
        list(selected_gene_tracks(wrong.selected, wrong.scores, wrong.gene_table, wrong.sequence))
