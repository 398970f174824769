import polars as pl
import pytest

from builder_assets.genome.split_units import SplitUnitError, split_units
from builder_assets.tables import SPLIT_UNITS
from tests.genome.test_overlaps import genes

SITES = {"chrom": pl.String, "gene_id": pl.String, "window_hash": pl.UInt64}
GENES = genes(
    ("1", "A", "+", 1, 15), ("1", "B", "-", 10, 20), ("1", "C", "-", 20, 30), ("1", "D", "+", 90, 99),
    ("2", "E", "+", 1, 30), ("2", "F", "+", 50, 60), ("X", "P", "+", 1, 5), ("Y", "P_PAR_Y", "+", 1, 5),
    ("X", "Q", "+", 11, 15), ("Y", "Q", "+", 11, 15), ("X", "ENSG00000182378", "+", 21, 25),
    ("Y", "ENSGR0000182378", "+", 21, 25),
)  # fmt: skip


def sites(*rows):
    return pl.DataFrame(rows, schema=SITES, orient="row")


def units_of(*arguments):
    units = split_units(*arguments)
    SPLIT_UNITS.check(units)
    return {(chrom, gene): unit for chrom, gene, unit in units.select("chrom", "gene_id", "unit").iter_rows()}


def test_split_units__overlaps_on_either_strand_chain():
    found = units_of(GENES, sites())
    assert {found["1", gene] for gene in "ABC"} == {"1|A"}
    assert found["1", "D"] == "1|D"
    sizes = split_units(GENES, sites()).filter(pl.col("chrom") == "1")["unit_size"].to_list()
    assert sizes == [3, 3, 3, 1]


def test_split_units__x_and_y_twins():
    found = units_of(GENES, sites())
    assert found["Y", "P_PAR_Y"] == found["X", "P"] == "X|P"
    assert found["Y", "Q"] == found["X", "Q"] == "X|Q"
    assert found["Y", "ENSGR0000182378"] == "X|ENSG00000182378"


def test_split_units__same_id_elsewhere_is_no_twin():
    found = units_of(genes(("1", "Q", "+", 1, 5), ("2", "Q", "+", 1, 5)), sites())
    assert found["1", "Q"] != found["2", "Q"]


def test_split_units__shared_windows_join_and_null_joins_nothing():
    found = units_of(GENES, sites(("1", "D", 7), ("2", "E", 7), ("2", "F", None), ("1", "A", None), ("1", "D", 8)))
    assert found["2", "E"] == "1|D"
    assert found["2", "F"] == "2|F"
    assert found["1", "A"] == "1|A"


def test_split_units__paralogs():
    paralogs = pl.DataFrame({"gene_id": ["F", "unknown"], "paralog_id": ["D", "A"]})
    assert units_of(GENES, sites(), paralogs)["2", "F"] == "1|D"


def test_split_units__no_genes():
    assert split_units(GENES.clear(), sites()).height == 0


def test_split_units__do_not_depend_on_row_order():
    windows = sites(("1", "D", 7), ("2", "E", 7), ("2", "F", 3))
    assert split_units(GENES, windows).equals(split_units(GENES.reverse(), windows.reverse()))


def test_split_units__refuses():
    with pytest.raises(SplitUnitError, match=r"1 of 1 splice sites belong to genes .* first Z on 3"):
        split_units(GENES, sites(("3", "Z", 1)))
    with pytest.raises(SplitUnitError, match="2 rows repeat a gene, first A on 1"):
        split_units(pl.concat([GENES, GENES[:1]]), sites())
    with pytest.raises(SplitUnitError, match="lacks paralog_id; it has gene_id, other"):
        split_units(GENES, sites(), pl.DataFrame({"gene_id": ["A"], "other": ["B"]}))
    with pytest.raises(SplitUnitError, match="none of the 1 pairs of paralogs names two known genes"):
        split_units(GENES, sites(), pl.DataFrame({"gene_id": ["A"], "paralog_id": ["B.1"]}))
