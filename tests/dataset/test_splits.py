import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder_assets import tables
from builder_assets.dataset.splits import SplitError, assign_splits, check_units, unit_draws
from builder_assets.selection import select_genes
from builder_assets.settings import GeneChoice, SplitSettings
from tests.test_selection import genes_table

TRAINED_ON = ("2", "22")


def selection_table(*genes: tuple[str, str], refused: tuple[str, ...] = ()) -> pl.DataFrame:
    """A selection of genes, each (chrom, gene_id), in this order."""
    table = genes_table(*[{"chrom": c, "gene_id": g, "n_splice_sites": 2 * (g not in refused)} for c, g in genes])
    entries = tuple(f"{chrom}|{gene_id}" for chrom, gene_id in genes)
    return select_genes(table, GeneChoice(policy="custom", include=entries)).table


def units_table(genes: pl.DataFrame, **shared: str) -> pl.DataFrame:
    """A unit per gene of `genes`, but `shared` gives the unit of some gene ids."""
    alone = pl.concat_str("chrom", "gene_id", separator="|")
    unit = pl.col("gene_id").replace_strict(shared, default=None, return_dtype=pl.String).fill_null(alone)
    table = genes.select("chrom", "gene_id", unit=unit).with_columns(unit_size=pl.len().over("unit"))
    return tables.SPLIT_UNITS.conform(table)


def sides(table: pl.DataFrame) -> dict[str, str]:
    return dict(table.select("gene_id", "split").iter_rows())


HUNDREDS = selection_table(*[(str(1 + n % 3), f"G{n:03d}") for n in range(300)])


def test_unit_draws__hash_the_seed_a_word_and_the_unit():
    draws = unit_draws(pl.Series(["22|ENSG00000100320"]), SplitSettings(folds=100))
    # printf '42|split|22|ENSG00000100320' | b2sum -l 64, and the same with fold   (GNU coreutils)
    assert draws["draw"].to_list() == [0x6F8BB2BB90CDDC7B / 2**64]
    assert draws["fold"].to_list() == [0xFC90D614AA95DE4F % 100]


def test_assign_splits__by_gene_keeps_the_contract_and_about_the_shares():
    table = assign_splits(HUNDREDS, units_table(HUNDREDS), SplitSettings(), TRAINED_ON)
    tables.GENE_SELECTION.check(table)
    sizes = dict(table.group_by("split").len().iter_rows())
    # Binomial of 300 with shares 0.7, 0.1, 0.2: five standard deviations are 40, 26 and 35.
    assert 170 <= sizes["train"] <= 250
    assert 4 <= sizes["validation"] <= 56
    assert 25 <= sizes["test"] <= 95
    assert set(table["fold"]) == {0, 1, 2, 3, 4}
    assert table.filter(pl.col("base_model_seen"))["chrom"].unique().to_list() == ["2"]


def test_assign_splits__genes_picked_at_random_with_the_same_seed_are_not_all_test_genes():
    pool = genes_table(*[{"gene_id": f"G{n:04d}"} for n in range(1000)])
    picked = select_genes(pool, GeneChoice(policy="random", count=100, seed=42)).table
    table = assign_splits(picked, units_table(picked), SplitSettings(seed=42), TRAINED_ON)
    assert 0 < table.filter(pl.col("split") == "test").height < 50


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 299), min_size=150, max_size=250, unique=True))
def test_assign_splits__a_gene_keeps_its_side_and_fold_whatever_is_selected_beside_it(seed, rows):
    choice = SplitSettings(validation=0.25, test=0.25, seed=seed)
    units = units_table(HUNDREDS, **{f"G{n:03d}": "1|G000" for n in range(0, 30, 3)})
    whole = assign_splits(HUNDREDS, units, choice, TRAINED_ON)
    part = assign_splits(HUNDREDS[sorted(rows)], units, choice, TRAINED_ON)
    keep = ["chrom", "gene_id", "unit", "split", "fold", "base_model_seen"]
    assert part.select(keep).equals(whole.join(part, on=["chrom", "gene_id"], how="semi").select(keep))
    assert whole.filter(pl.col("unit") == "1|G000").select("split", "fold").n_unique() == 1


def test_assign_splits__refused_genes_stay_and_are_excluded():
    selection = selection_table(("1", "A"), ("1", "B"), ("1", "C"), refused=("B",))
    table = assign_splits(selection, units_table(selection), SplitSettings(validation=0, test=0), ())
    assert sides(table) == {"A": "train", "B": "excluded", "C": "train"}
    assert table["rank"].to_list() == [1, None, 2]


def test_assign_splits__chromosomes_of_the_stacking_preset():
    selection = selection_table(("1", "A"), ("3", "B"), ("7", "C"), ("9", "D"), ("22", "E"))
    choice = SplitSettings(by="chromosome", preset="stacking")
    table = assign_splits(selection, units_table(selection), choice, TRAINED_ON)
    assert sides(table) == {"A": "train", "B": "train", "C": "validation", "D": "test", "E": "excluded"}
    assert table.filter(pl.col("gene_id") == "E")["reason"].to_list() == [
        "listed as 22|E; excluded: chromosome 22 stands on no side of preset stacking"
    ]
    assert table["base_model_seen"].to_list() == [False, True, False, False, False]  # 1, 22, 3, 7, 9


def test_assign_splits__the_spliceai_preset_trains_on_all_other_chromosomes():
    selection = selection_table(("1", "A"), ("2", "B"), ("X", "C"), ("9", "D"))
    table = assign_splits(selection, units_table(selection), SplitSettings(by="chromosome", preset="spliceai"), ())
    assert sides(table) == {"A": "test", "B": "train", "C": "train", "D": "test"}


def test_assign_splits__genes_with_a_partner_on_an_earlier_side_are_excluded():
    selection = selection_table(
        ("1", "A"), ("7", "B"), ("9", "C"), ("7", "D"), ("9", "E"), ("9", "F"), ("7", "G"), ("22", "H"), ("9", "I")
    )
    shared = {"A": "1|A", "B": "1|A", "C": "1|A", "D": "7|D", "E": "7|D", "H": "22|H", "I": "22|H"}
    choice = SplitSettings(by="chromosome", preset="stacking")
    table = assign_splits(selection, units_table(selection, **shared), choice, ())
    assert sides(table) == {
        "A": "train", "B": "excluded", "C": "excluded",
        "D": "validation", "E": "excluded",
        "F": "test", "G": "validation",
        "H": "excluded", "I": "test",  # H is on no side, so I has no partner to leak to
    }  # fmt: skip
    why = dict(table.select("gene_id", "reason").iter_rows())
    assert why["C"] == "listed as 9|C; excluded: a test gene, but its unit 1|A has a train gene"
    assert table.filter(pl.col("is_selected")).height == 9


def test_assign_splits__a_partner_that_is_not_selected_excludes_nobody():
    selection = selection_table(("1", "A"), ("7", "B"), ("9", "C"), ("3", "Z"), refused=("Z",))
    units = units_table(selection, C="3|Z", Z="3|Z")
    table = assign_splits(selection, units, SplitSettings(by="chromosome", preset="stacking"), ())
    assert sides(table) == {"A": "train", "B": "validation", "C": "test", "Z": "excluded"}


def test_assign_splits__a_table_of_chromosomes():
    selection = selection_table(("20", "A"), ("21", "B"), ("22", "C"))
    choice = SplitSettings(by="chromosome", chromosomes={"train": (20,), "test": (22,)})
    assert sides(assign_splits(selection, units_table(selection), choice, ())) == {
        "A": "train", "B": "excluded", "C": "test",
    }  # fmt: skip


def test_assign_splits__says_which_genes_have_no_unit():
    selection = selection_table(("1", "A"), ("2", "B"))
    with pytest.raises(SplitError, match=r"1 of 2 genes of the selection are in no split unit, first 2\|B"):
        assign_splits(selection, units_table(selection).head(1), SplitSettings(), ())


def test_assign_splits__says_which_side_is_empty():
    selection = selection_table(("1", "A"), ("1", "B"))
    choice = SplitSettings(validation=0.3, test=0.3)
    message = r"no gene is left for .*\(share 0\.[34]\).*: 2 selected genes in 1 units\. Take more genes, another"
    with pytest.raises(SplitError, match=message):
        assign_splits(selection, units_table(selection, A="1|A", B="1|A"), choice, ())


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (
            {"preset": "stacking"},
            r"for validation \(chromosomes 7\) and for test \(chromosomes 9\): 2 selected .* on 1, 3",
        ),
        ({"preset": "spliceai"}, r"no gene is left for train \(chromosomes none named\)"),
        ({"chromosomes": {"train": ("5",), "test": ("1",)}}, r"no gene is left for train \(chromosomes 5\)"),
    ],
)
def test_assign_splits__says_which_chromosomes_have_no_genes(choice, message):
    selection = selection_table(("1", "A"), ("3", "B"))
    with pytest.raises(SplitError, match=message):
        assign_splits(selection, units_table(selection), SplitSettings(by="chromosome", **choice), ())


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("split", "test", r"1 split units are parted, first 1\|A: sides test, train, folds 0"),
        ("fold", 1, r"1 split units are parted, first 1\|A: sides train, folds 0, 1"),
    ],
)
def test_check_units__refuses_a_parted_unit(column, value, message):
    rows = [{"unit": "1|A", "split": "train", "fold": 0}, {"unit": "2|B", "split": "test", "fold": 1}]
    whole = pl.DataFrame([*rows, {"unit": "1|A", "split": "excluded", "fold": 0}, rows[0]])
    check_units(whole)
    with pytest.raises(SplitError, match=message):
        check_units(pl.concat([whole, pl.DataFrame([rows[0] | {column: value}])]))
