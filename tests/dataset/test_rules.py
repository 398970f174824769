import numpy as np
import polars as pl
import pytest

from builder_assets.dataset import rules
from builder_assets.dataset.columns import training_examples_contract
from builder_assets.dataset.score_bins import score_bin_table
from builder_assets.settings import FeatureSettings, NegativeSettings
from resources.table_contract import ContractError
from tests.dataset.toy import ToyChromosome, random_gene, random_letters

TOY = ToyChromosome(random_letters(600, 3), (random_gene("A", "+", 51, 250, 4), random_gene("B", "-", 200, 500, 5)))
BUILT = TOY.build(NegativeSettings(), kmers=(1, 2))
ROWS = BUILT.examples
FIRST_SITE = pl.col("position") == ROWS.filter(pl.col("label") > 0)["position"][0]
FIRST_NEGATIVE = pl.col("position") == ROWS.filter(label=0)["position"][0]


def changed(where: pl.Expr, **values: object) -> pl.DataFrame:
    return ROWS.with_columns(
        pl.when(where).then(pl.lit(value)).otherwise(pl.col(name)).cast(ROWS.schema[name]).alias(name)
        for name, value in values.items()
    )


@pytest.mark.parametrize(
    ("where", "values"),
    [
        (FIRST_SITE, {"splice_type": "neither", "label": 0}),
        (FIRST_SITE, {"label": 0}),
        (FIRST_NEGATIVE, {"splice_type": "donor", "label": 1}),
    ],
)
def test_check_labels__a_label_against_the_annotation(where: pl.Expr, values: dict) -> None:
    rules.check_labels(ROWS, TOY.sites, "all")
    with pytest.raises(ValueError, match=rf"^1 of {ROWS.height} examples carry another label .* first 7:\d+ in"):
        rules.check_labels(changed(where, **values), TOY.sites, "all")


def test_check_labels__a_negative_on_another_genes_site() -> None:
    foreign = TOY.sites.head(1).with_columns(
        gene_id=pl.lit("Z"),
        position=pl.lit(ROWS.filter(FIRST_NEGATIVE)["position"][0], pl.Int64),
        strand=pl.lit(ROWS.filter(FIRST_NEGATIVE)["strand"][0]),
    )
    with pytest.raises(ValueError, match=r"^1 of .* examples carry another label"):
        rules.check_labels(ROWS, pl.concat([TOY.sites, foreign]), "all")


def test_check_labels__a_site_that_is_missing() -> None:
    with pytest.raises(ValueError, match=r"^1 annotated sites of the genes are no examples, first 7:"):
        rules.check_labels(ROWS.filter(~FIRST_SITE), TOY.sites, "all")


@pytest.mark.parametrize("values", [{"donor_score": 0.9, "acceptor_score": 0.2}, {"donor_score": -0.1}])
def test_check_scores__no_probabilities(values: dict) -> None:
    with pytest.raises(ValueError, match=f"^1 of {ROWS.height} examples have scores that are no probabilities"):
        rules.check_scores(changed(FIRST_NEGATIVE, **values))


@pytest.mark.parametrize("value", [float("nan"), None])
def test_check_scores__nan_and_null_are_no_probabilities(value: float | None) -> None:
    with pytest.raises(ValueError, match="no probabilities"):
        rules.check_scores(changed(FIRST_NEGATIVE, acceptor_score=value))


def test_check_scores__a_rounding_above_one_is_allowed() -> None:
    rules.check_scores(changed(FIRST_NEGATIVE, donor_score=0.5000005, acceptor_score=0.5))


def test_check_kmer_sums__a_forced_zero() -> None:
    # 61 bases of a window that lies inside its gene
    inside = ROWS.filter(pl.col("n_fraction") == 0)
    rules.check_kmer_sums(
        inside, FeatureSettings(kmers=(1, 2)), {1: np.full(inside.height, 61), 2: np.full(inside.height, 60)}
    )
    forced = inside.with_columns(pl.lit(0, pl.UInt16).alias("2mer_AA"))
    with pytest.raises(
        ValueError, match=r"^2-mer counts of \d+ of \d+ examples do not add up, .* 60 places of its window"
    ):
        rules.check_kmer_sums(forced, FeatureSettings(kmers=(2,)), {2: np.full(inside.height, 60)})


def test_check_weights__a_weight_too_many() -> None:
    rules.check_weights(ROWS, BUILT.gene_counts)
    with pytest.raises(ValueError, match=r"^weights of 1 of 2 genes do not add up .* first 7 A:"):
        rules.check_weights(changed(FIRST_SITE, sample_weight=2.0), BUILT.gene_counts)


def test_check_weights__a_gene_whose_rows_are_gone() -> None:
    with pytest.raises(ValueError, match=r"^weights of 1 of 2 genes .* 7 B: 0 instead of"):
        rules.check_weights(ROWS.filter(gene_id="A"), BUILT.gene_counts)


def test_check_genes__rows_of_a_gene_that_was_not_selected() -> None:
    refused = TOY.selected.with_columns(is_selected=pl.col("gene_id") != "A")
    with pytest.raises(ValueError, match=r"examples belong to genes that were not selected, first 7:\d+ in A"):
        rules.check_genes(ROWS, refused)


def test_check_manifest__genes_missing_extra_and_twice() -> None:
    genes = TOY.selected
    rules.check_manifest(genes, genes)
    with pytest.raises(ValueError, match=r"of 1 genes lacks 1 of 2 selected genes, holds 0 .* and 0 twice"):
        rules.check_manifest(genes.head(1), genes)
    with pytest.raises(ValueError, match="lacks 0 of 1 selected genes, holds 1 that were not selected and 1 twice"):
        rules.check_manifest(pl.concat([genes, genes.head(1)]), genes.head(1))


def test_check_units__a_unit_on_two_sides() -> None:
    genes = pl.DataFrame({"unit": ["u", "u", "v", "v"], "split": ["test", "train", "train", "excluded"]})
    rules.check_units(genes[1:])
    with pytest.raises(ValueError, match=r"^1 of 2 split units stand on more than one side, first u on test and train"):
        rules.check_units(genes)


def thin_rows(n_sites: int) -> pl.DataFrame:
    rows = {"donor_score": [0.2] * (n_sites + 15), "label": [1] * n_sites + [0] * 15}
    return pl.DataFrame(rows, schema_overrides={"donor_score": pl.Float32}).with_columns(
        acceptor_score=pl.lit(0, pl.Float32), sample_weight=pl.lit(1.0)
    )


def test_check_score_bins__sites_alone_in_a_bin() -> None:
    rows = thin_rows(200)
    assert rules.check_score_bins(score_bin_table([rows], np.array([0, 0, 0, 15, 0]))) == ""  # all there are
    assert rules.check_score_bins(score_bin_table([rows[200:]], np.array([99, 99, 99, 99, 99]))) == ""  # no sites
    with pytest.raises(ValueError, match=r"^1 score bins .* first 0.15 to 0.5: 200 sites, 15 of 16 eligible negatives"):
        rules.check_score_bins(score_bin_table([rows], np.array([0, 0, 0, 16, 0])))


def test_check_score_bins__a_small_dataset_is_only_told() -> None:
    told = rules.check_score_bins(score_bin_table([thin_rows(199)], np.array([0, 0, 0, 16, 0])))
    assert told.startswith("1 score bins hold sites and hardly a negative, first 0.15 to 0.5: 199 sites, 15 of 16")


def test_check_schemas__chromosomes_that_differ() -> None:
    part = ROWS.lazy()
    rules.check_schemas({"7": part, "8": part.filter(chrom="8")})
    with pytest.raises(ValueError, match=r"of chromosome 8 has another schema than that of 7: 1 columns differ, label"):
        rules.check_schemas({"7": part, "8": part.with_columns(pl.col("label").cast(pl.Int16))})
    with pytest.raises(ValueError, match=r"0 columns differ, in their order"):
        rules.check_schemas({"7": part, "8": part.select(reversed(ROWS.columns))})


def test_check_files__a_part_that_an_earlier_build_left() -> None:
    rules.check_files(["7.parquet"], ["7", "8"])
    with pytest.raises(ValueError, match=r"^1 files .* belong to no chromosome of the settings, Y\.parquet; whoever"):
        rules.check_files(["7.parquet", "Y.parquet"], ["7", "8"])


@pytest.mark.parametrize("values", [{"gc_content": float("nan")}, {"donor_surge_ratio": float("inf")}])
def test_contract__nan_and_infinity_are_refused(values: dict) -> None:
    contract = training_examples_contract(FeatureSettings(kmers=(1, 2), flank=30))
    contract.check(ROWS)
    with pytest.raises(ContractError, match=r"1 of \d+ values are NaN or infinite"):
        contract.check(changed(FIRST_NEGATIVE, **values))


def test_contract__rows_doubled_by_a_join_on_the_gene_alone() -> None:
    contract = training_examples_contract(FeatureSettings(kmers=(1, 2), flank=30))
    versions = pl.DataFrame({"gene_id": ["A", "A", "B"], "version": [1, 2, 1]})
    doubled = contract.conform(ROWS.join(versions, on="gene_id"))
    with pytest.raises(ContractError, match=r"rows repeat a key \(chrom, gene_id, position\), first \('7', 'A',"):
        contract.check(doubled)
