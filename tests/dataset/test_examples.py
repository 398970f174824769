from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder_assets.dataset.columns import columns_of_role, training_examples_contract
from builder_assets.dataset.examples import prediction_types, training_examples
from builder_assets.settings import EvaluationSettings, ExampleSettings, FeatureSettings, NegativeSettings
from tests.dataset.toy import ToyChromosome, ToyGene, random_gene, random_letters

ALL = NegativeSettings(keep_all=True)
FEATURES = columns_of_role(training_examples_contract(FeatureSettings(kmers=(1, 2), flank=30)), "feature")


def gene_a(**changes: object) -> ToyGene:
    return replace(ToyGene("A", "+", 11, 40, sites=((9, "donor"), (19, "acceptor"))), **changes)


def chromosome(*genes: ToyGene, letters: str = "C" * 60) -> ToyChromosome:
    return ToyChromosome(letters, genes)


def rows(toy: ToyChromosome, negatives: NegativeSettings = ALL, **options: object) -> pl.DataFrame:
    return toy.build(negatives, **options).examples


def random_chromosome(seed: int = 1) -> ToyChromosome:
    genes = (
        random_gene("A", "+", 101, 400, seed),
        random_gene("B", "-", 350, 700, seed + 1),
        random_gene("C", "-", 650, 900, seed + 2),
    )
    return ToyChromosome(random_letters(1000, seed), genes)


def test_examples__every_base_once_and_no_phantom() -> None:
    table = rows(chromosome(gene_a()))
    assert table["position"].to_list() == list(range(11, 41))
    assert table["offset"].to_list() == list(range(30))
    assert dict(zip(table["position"], table["splice_type"], strict=True)) == dict.fromkeys(
        range(11, 41), "neither"
    ) | {
        20: "donor",
        30: "acceptor",
    }
    assert table.filter(pl.col("label") > 0)["label"].to_list() == [1, 2]


def test_examples__minus_strand_positions_count_down() -> None:
    table = rows(chromosome(gene_a(strand="-")))
    assert dict(table.filter(pl.col("label") > 0).select("position", "splice_type").iter_rows()) == {
        31: "donor",
        21: "acceptor",
    }
    assert table["offset"].to_list() == list(range(29, -1, -1))
    first = table.filter(offset=0).row(0, named=True)
    assert (first["distance_to_5p"], first["distance_to_3p"], first["relative_position"]) == (0, 29, 0)
    last = table.filter(offset=29).row(0, named=True)
    assert (last["distance_to_5p"], last["distance_to_3p"], last["relative_position"]) == (29, 0, 1)


def test_examples__a_site_keeps_its_own_score_beside_a_higher_neighbour() -> None:
    toy = chromosome(gene_a(donor={8: 0.9, 9: 0.2, 10: 0.1}, acceptor={8: 0.05}))
    site = rows(toy).filter(splice_type="donor").row(0, named=True)
    assert site["donor_score"] == pytest.approx(0.2)
    assert (site["donor_m1"], site["donor_p1"]) == pytest.approx((0.9, 0.1))
    assert site["pred_type"] == "FN"
    neighbour = rows(toy).filter(offset=8).row(0, named=True)
    assert (neighbour["splice_type"], neighbour["pred_type"], neighbour["near_site"]) == ("neither", "FP", True)


def test_examples__context_does_not_follow_the_label() -> None:
    scores = {"donor": {18: 0.1, 20: 0.3}, "acceptor": {18: 0.2, 20: 0.4}}
    as_acceptor = rows(chromosome(gene_a(**scores))).filter(offset=19)
    as_donor = rows(chromosome(gene_a(sites=((19, "donor"),), **scores))).filter(offset=19)
    as_neither = rows(chromosome(gene_a(sites=(), **scores))).filter(offset=19)
    assert [t["splice_type"].item() for t in (as_acceptor, as_donor, as_neither)] == ["acceptor", "donor", "neither"]
    columns = columns_of_role(training_examples_contract(FeatureSettings(kmers=(1,), flank=30)), "feature")
    assert as_acceptor.select(columns).equals(as_donor.select(columns))
    assert as_acceptor.select(columns).equals(as_neither.select(columns))
    assert as_donor.select("donor_m1", "acceptor_p1").row(0) == pytest.approx((0.1, 0.4))


def test_examples__scores_never_move_a_label() -> None:
    toy = random_chromosome()
    genes = [replace(gene, donor={i: 0.45 for i in range(0, 200, 3)}, acceptor={}) for gene in toy.genes]
    labels = rows(toy).select("chrom", "gene_id", "position", "splice_type", "label")
    assert labels.equals(rows(replace(toy, genes=tuple(genes))).select(labels.columns))


def test_examples__other_genes_sites_are_no_negatives() -> None:
    other = ToyGene("B", "+", 21, 50, sites=((4, "donor"),))  # position 25, inside A
    found = rows(chromosome(gene_a(), other)).filter(gene_id="A")["position"].to_list()
    assert found == [p for p in range(11, 41) if p != 25]
    opposite = replace(other, strand="-")
    assert rows(chromosome(gene_a(), opposite)).filter(gene_id="A").height == 30


def test_examples__sites_of_genes_that_are_not_selected_are_no_negatives() -> None:
    toy = chromosome(gene_a(), ToyGene("B", "+", 21, 50, sites=((4, "donor"),)))
    features = FeatureSettings(kmers=(), flank=30)
    table = training_examples(
        toy.selected.filter(gene_id="A"), toy.scores, toy.sites, toy.gene_table, toy.sequence,
        ExampleSettings(features=features, negatives=ALL), EvaluationSettings(),
    )  # fmt: skip
    assert table["gene_id"].unique().to_list() == ["A"]
    assert 25 not in table["position"].to_list()


def test_examples__a_base_of_both_kinds_is_left_out() -> None:
    twice = gene_a(sites=((9, "donor"), (9, "acceptor"), (19, "acceptor")))
    built = chromosome(twice).build(ALL)
    assert 20 not in built.examples["position"].to_list()
    assert built.gene_counts["n_sites"].item() == 1
    shared = ToyGene("B", "+", 15, 50, sites=((5, "acceptor"),))  # A's donor at position 20
    assert 20 not in rows(chromosome(gene_a(), shared))["position"].to_list()


def test_examples__sites_outside_the_chosen_labels_are_neither_example_nor_negative() -> None:
    table = rows(chromosome(gene_a(canonical=frozenset({9}))), labels="canonical")
    assert 30 not in table["position"].to_list()
    assert table["splice_type"].value_counts().sort("count").row(0) == ("donor", 1)


def test_examples__bases_near_an_n_are_left_out() -> None:
    letters = "C" * 24 + "N" + "C" * 35  # position 25 unknown
    table = rows(chromosome(gene_a(), letters=letters))
    assert table["position"].to_list() == [p for p in range(11, 41) if not 23 <= p <= 27]
    unscorable = rows(chromosome(gene_a(), letters="C" * 21 + "N" + "C" * 38))  # 2 beside the donor at 20
    assert unscorable["splice_type"].to_list().count("donor") == 0


def test_examples__near_is_a_matter_of_the_own_gene() -> None:
    overlapping = ToyGene("B", "+", 11, 40)
    table = rows(chromosome(gene_a(), overlapping), NegativeSettings(keep_all=True, window=3))
    tiers = table.filter(pl.col("negative_tier") == "near")
    assert tiers.filter(gene_id="A")["offset"].to_list() == [6, 7, 8, 10, 11, 12, 16, 17, 18, 20, 21, 22]
    assert tiers.filter(gene_id="B").is_empty()


def test_examples__near_site_means_another_site() -> None:
    pair = gene_a(sites=((9, "donor"), (11, "acceptor"), (19, "acceptor")))
    table = rows(chromosome(pair)).filter("near_site")
    assert table["offset"].to_list() == [7, 8, 9, 10, 11, 12, 13, 17, 18, 20, 21]


def test_examples__sites_know_their_transcripts_and_negatives_have_none() -> None:
    table = rows(chromosome(gene_a(canonical=frozenset({9}))))
    sites = table.filter(pl.col("label") > 0)
    assert sites["site_transcript_ids"].to_list() == [["T-A"], ["T-A"]]
    assert sites["any_canonical"].to_list() == [True, False]
    assert sites["negative_tier"].null_count() == 2
    others = table.filter(label=0).select("site_n_transcripts", "site_transcript_ids", "any_canonical", "any_basic")
    assert others.null_count().row(0) == (28, 28, 28, 28)


def test_examples__no_column_but_leakage_and_label_tells_a_site_by_its_nulls() -> None:
    table = rows(random_chromosome(), kmers=(2,))
    contract = training_examples_contract(FeatureSettings(kmers=(2,), flank=30))
    is_site = table["label"] > 0
    telling = [name for name in contract.names if (table[name].is_null() == ~is_site).all()]
    assert set(telling) <= set(columns_of_role(contract, "leakage"))


def test_examples__null_neighbours_only_at_the_ends() -> None:
    table = rows(chromosome(gene_a())).sort("offset")
    assert table.filter("at_gene_edge")["offset"].to_list() == [0, 1, 28, 29]
    for kind in ("donor", "acceptor"):
        for name, missing in (("m2", [0, 1]), ("m1", [0]), ("p1", [29]), ("p2", [28, 29])):
            assert table.filter(pl.col(f"{kind}_{name}").is_null())["offset"].to_list() == missing


def test_examples__windows_are_masked_outside_the_gene() -> None:
    letters = "G" * 10 + "C" * 30 + "G" * 20
    table = rows(chromosome(gene_a(), letters=letters), flank=30, kmers=(1, 3)).sort("offset")
    assert table["1mer_G"].sum() == 0
    assert table["1mer_C"].to_list() == [30] * 30
    assert table["3mer_CCC"].to_list() == [28] * 30
    assert table["n_fraction"].to_list() == pytest.approx([31 / 61] * 30)


def test_examples__lower_case_changes_nothing() -> None:
    toy = random_chromosome()
    table = rows(toy, kmers=(2,))
    assert table.equals(rows(replace(toy, letters=toy.letters.lower()), kmers=(2,)))


def test_examples__adding_genes_leaves_other_rows_as_they_are() -> None:
    toy = random_chromosome()
    apart = random_gene("D", "+", 920, 990, 9)
    alone = rows(replace(toy, genes=toy.genes[:2]), NegativeSettings(), kmers=(1, 2))
    more = rows(replace(toy, genes=(apart, *toy.genes[:2])), NegativeSettings(), kmers=(1, 2))
    assert more.filter(pl.col("gene_id") != "D").equals(alone)
    assert more.height > alone.height


@given(seed=st.integers(0, 1000))
@settings(max_examples=5, deadline=None)
def test_examples__mirrored_chromosome_gives_the_same_rows_by_offset(seed: int) -> None:
    toy = random_chromosome(seed)
    here = rows(toy, NegativeSettings(), kmers=(1, 2)).sort("gene_id", "offset")
    there = rows(toy.mirrored(), NegativeSettings(), kmers=(1, 2)).sort("gene_id", "offset")
    same = [name for name in here.columns if name not in ("position", "strand")]
    assert there.select(same).equals(here.select(same))
    assert (there["position"] == 1001 - here["position"]).all()


@given(seed=st.integers(0, 1000), labels=st.sampled_from(["all", "canonical"]))
@settings(max_examples=5, deadline=None)
def test_examples__weights_stand_for_every_base(seed: int, labels: str) -> None:
    toy = random_chromosome(seed)
    built = toy.build(NegativeSettings(), labels=labels)
    annotated = {(g.strand, g.position(offset)) for g in toy.genes for offset, _ in g.sites}
    weights = dict(built.examples.group_by("gene_id").agg(pl.col("sample_weight").sum()).iter_rows())
    for gene in toy.genes:
        bases = {(gene.strand, position) for position in range(gene.start, gene.end + 1)}
        n_sites = built.examples.filter(gene_id=gene.gene_id).filter(pl.col("label") > 0).height
        # 1,000 known bases: all are scorable
        assert weights[gene.gene_id] == pytest.approx(n_sites + len(bases - annotated))
    assert built.eligible_bins.sum() == built.gene_counts["n_eligible"].sum()


def test_examples__same_seed_same_rows_other_seed_other_rows() -> None:
    toy = random_chromosome()
    first, again = rows(toy, NegativeSettings(), kmers=(1,)), rows(toy, NegativeSettings(), kmers=(1,))
    assert first.equals(again)
    other = rows(toy, NegativeSettings(seed=7), kmers=(1,))
    assert not first.select("position").equals(other.select("position"))
    assert first.filter(pl.col("label") > 0).equals(other.filter(pl.col("label") > 0))


def test_examples__feature_values_do_not_depend_on_what_was_drawn() -> None:
    toy = random_chromosome()
    drawn, every = rows(toy, NegativeSettings(), kmers=(1, 2)), rows(toy, ALL, kmers=(1, 2))
    key = ["chrom", "gene_id", "position"]
    assert every.join(drawn.select(key), on=key).sort(key).select(key + FEATURES).equals(drawn.select(key + FEATURES))


def test_examples__no_selected_gene_gives_an_empty_table_with_all_columns() -> None:
    toy = ToyChromosome("C" * 60, (gene_a(),))
    settings_ = ExampleSettings(features=FeatureSettings(), negatives=NegativeSettings())
    inputs = (toy.selected.clear(), toy.scores, toy.sites, toy.gene_table, toy.sequence)
    table = training_examples(*inputs, settings_, EvaluationSettings())
    assert table.is_empty()
    assert table.schema == training_examples_contract(FeatureSettings()).polars_schema()


def test_examples__a_gene_without_sites_draws_the_minimum() -> None:
    built = chromosome(gene_a(sites=())).build(NegativeSettings())
    assert built.examples["negative_tier"].to_list() == ["easy", "easy"]
    assert built.examples["sample_weight"].to_list() == [15.0, 15.0]


def test_examples__annotation_features_need_their_tables() -> None:
    toy = chromosome(gene_a())
    settings_ = ExampleSettings(features=FeatureSettings(annotation_features=True), negatives=ALL)
    inputs = (toy.selected, toy.scores, toy.sites, toy.gene_table, toy.sequence)
    with pytest.raises(ValueError, match="annotation_features are on, but no transcripts"):
        training_examples(*inputs, settings_, EvaluationSettings())


def test_examples__kmers_can_be_left_out() -> None:
    table = rows(chromosome(gene_a()), kmers=())
    assert not [name for name in table.columns if "mer_" in name]
    assert table["n_fraction"].null_count() == 0


def test_prediction_types__by_hand() -> None:
    labels = np.array([1, 1, 2, 2, 0, 0, 0])
    donor = np.array([0.5, 0.4, 0.9, 0.0, 0.5, 0.0, 0.1], dtype=np.float32)
    acceptor = np.array([0.0, 0.6, 0.1, 0.5, 0.0, 0.5, 0.1], dtype=np.float32)
    found = prediction_types(labels, donor, acceptor, 0.5).to_list()
    assert found == ["TP", "FN", "FN", "TP", "FP", "FP", "TN"]
