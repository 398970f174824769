import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder_assets import tables
from builder_assets.selection import SELECTION_COLUMNS, SelectionError, match_entries, select_genes
from builder_assets.settings import GeneChoice


def genes_table(*rows: dict) -> pl.DataFrame:
    """tables.GENES of the rows, each given by what matters in its test."""
    usual = {
        "chrom": "1", "gene_version": "1", "gene_name": None, "gene_type": "protein_coding", "strand": "+", "start": 1,
        "end": 1000, "length": 1000, "n_fraction": 0.0, "n_transcripts": 1, "n_exons": 2, "n_donors": 1,
        "n_acceptors": 1, "n_splice_sites": 2, "canonical_transcript_id": "T",
    }  # fmt: skip
    return tables.GENES.conform(pl.DataFrame([usual | row for row in rows], schema=tables.GENES.polars_schema()))


GENES = genes_table(
    {"gene_id": "ENSG01", "gene_name": "BRCA1"},
    {"gene_id": "ENSG02", "gene_name": "Tp53", "chrom": "2"},
    {"gene_id": "ENSG03", "gene_name": "RP11-34P13.7", "gene_type": "lncRNA"},
    {"gene_id": "ENSG04", "gene_name": "SRY", "n_splice_sites": 0},
    {"gene_id": "ENSG05", "gene_name": "GAPPED", "n_fraction": 0.754},
    {"gene_id": "ENSG06", "gene_name": "TWIN", "chrom": "X"},
    {"gene_id": "ENSG06", "gene_name": "TWIN", "chrom": "Y"},
    {"gene_id": "ENSG07", "gene_name": "U6"},
    {"gene_id": "ENSG08", "gene_name": "U6"},
    {"gene_id": "ENSG09_PAR_Y", "gene_name": None, "chrom": "Y", "gene_type": None},
    {"gene_id": "RP11-34P13"},
)


def selected(selection) -> list[str]:
    return selection.table.filter("is_selected").sort("rank")["gene_id"].to_list()


@pytest.mark.parametrize(
    ("entry", "meant"),
    [
        ("ENSG01", "1|ENSG01"),
        ("ENSG01.15", "1|ENSG01"),
        ("ENSG01.15_5", "1|ENSG01"),
        ("ensg01", "1|ENSG01"),
        ("brca1", "1|ENSG01"),
        ("TP53", "2|ENSG02"),
        ("ENSG09_PAR_Y", "Y|ENSG09_PAR_Y"),
        ("ENSG09.4_PAR_Y", "Y|ENSG09_PAR_Y"),
        ("RP11-34P13.7", "1|ENSG03"),  # the symbol, not version 7 of the gene RP11-34P13
        ("RP11-34P13.8", "1|RP11-34P13"),
        ("X|ENSG06", "X|ENSG06"),
        ("chrY|twin", "Y|ENSG06"),
    ],
)
def test_match_entries__finds_the_gene_meant(entry, meant):
    hits = match_entries(GENES, [entry])
    assert hits.select(pl.concat_str("chrom", "gene_id", separator="|")).to_series().to_list() == [meant]


@pytest.mark.parametrize(
    ("entry", "number"), [("ENSG06", 2), ("TWIN", 2), ("u6", 2), ("NOPE", 0), ("ENSG09.4", 0), ("", 0)]
)
def test_match_entries__leaves_open_what_is_ambiguous_or_unknown(entry, number):
    assert match_entries(GENES, [entry]).height == number


def test_select_genes__all_takes_every_usable_gene_and_counts_the_refused():
    selection = select_genes(GENES, GeneChoice(policy="all"))
    assert selection.table.columns == SELECTION_COLUMNS
    assert selection.table["rank"].to_list() == list(range(1, 10))
    assert selected(selection) == [
        "ENSG01", "ENSG03", "ENSG07", "ENSG08", "RP11-34P13", "ENSG02", "ENSG06", "ENSG06", "ENSG09_PAR_Y",
    ]  # fmt: skip
    assert (selection.n_candidates, selection.n_refused_intronless, selection.n_refused_n) == (11, 1, 1)
    assert set(selection.table["reason"]) == {"policy all"}
    assert selection.notes == ()


def test_select_genes__custom_keeps_the_order_of_the_list_and_each_gene_once():
    choice = GeneChoice(policy="custom", include=("TP53", "ENSG01.3"))
    selection = select_genes(GENES, choice, include=["BRCA1", "ENSG03", "TP53"])
    assert selected(selection) == ["ENSG02", "ENSG01", "ENSG03"]
    assert selection.table["reason"].to_list() == ["listed as TP53", "listed as ENSG01.3", "listed as ENSG03"]


def test_select_genes__lists_the_listed_genes_that_it_refuses():
    choice = GeneChoice(policy="custom", include=("SRY", "ENSG01", "GAPPED"))
    table = select_genes(GENES, choice).table
    assert table["gene_id"].to_list() == ["ENSG01", "ENSG04", "ENSG05"]
    assert table["is_selected"].to_list() == [True, False, False]
    assert table["rank"].to_list() == [1, None, None]
    assert table["reason"].to_list()[1:] == [
        "refused, listed as SRY: it has no splice site",
        "refused, listed as GAPPED: 75.4 % of its bases are unknown",
    ]


def test_select_genes__keeps_intronless_genes_where_asked():
    selection = select_genes(GENES, GeneChoice(policy="custom", include=("SRY",), intronless="keep"))
    assert (selected(selection), selection.n_refused_intronless) == (["ENSG04"], 0)


def test_select_genes__listed_gene_of_another_type_comes_in_and_says_so():
    choice = GeneChoice(policy="all", types=("lncRNA",), include=("BRCA1",))
    table = select_genes(GENES, choice).table
    assert table["gene_id"].to_list() == ["ENSG01", "ENSG03"]
    assert table["reason"][0] == "listed as BRCA1, though its type protein_coding is not among the types asked for"


def test_select_genes__several_types_give_the_genes_of_all_of_them():
    selection = select_genes(GENES, GeneChoice(policy="all", types=("lncRNA", "protein_coding")))
    assert selection.table["gene_type"].unique().sort().to_list() == ["lncRNA", "protein_coding"]
    assert selection.n_candidates == 10  # all but the one without a type


def test_select_genes__excluded_genes_stay_out():
    choice = GeneChoice(policy="all", types=("protein_coding",), exclude=("tp53",))
    assert not {"ENSG02", "ENSG01"} & set(selected(select_genes(GENES, choice, exclude=["ENSG01"])))


MANY = genes_table(
    *[
        {"gene_id": f"ENSG{number:04d}", "chrom": str(1 + number % 3), "n_splice_sites": 2 * (number % 7 > 0)}
        for number in range(1500)
    ]
)


def test_select_genes__count_is_the_total_with_listed_genes_first():
    choice = GeneChoice(policy="random", count=5, include=("ENSG0001", "ENSG0002"))
    selection = select_genes(MANY, choice)
    assert selected(selection)[:2] == ["ENSG0001", "ENSG0002"]
    assert len(selected(selection)) == 5
    assert selection.table["reason"].to_list()[2:] == ["policy random, seed 42"] * 3


def test_select_genes__random_goes_by_the_published_hash():
    # printf '42|22|A' | b2sum -l 64   (GNU coreutils)
    digests = {"A": 0x3659D2132094C60B, "B": 0x9DE0E45D951E5E31, "C": 0x953354F4E17DB925}
    table = genes_table(*[{"gene_id": name, "chrom": "22"} for name in digests])
    assert selected(select_genes(table, GeneChoice(policy="random", count=3))) == ["A", "C", "B"]


def test_select_genes__fewer_genes_than_asked_for_are_all_taken_with_a_note():
    selection = select_genes(GENES, GeneChoice(policy="random", count=50, types=("lncRNA",)))
    assert selected(selection) == ["ENSG03"]
    assert selection.notes == ("count: 50 genes asked for, 1 are there; all of them taken.",)


def test_select_genes__takes_a_list_of_more_than_a_thousand_genes():
    names = MANY.filter(pl.col("n_splice_sites") > 0)["gene_id"].to_list()
    assert len(names) > 1000
    assert selected(select_genes(MANY, GeneChoice(policy="custom", include_file="genes.txt"), include=names)) == names


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from("123"), st.randoms(use_true_random=False))
def test_select_genes__random_order_of_a_gene_depends_on_no_other_gene(seed, chrom, random):
    small = MANY.filter(pl.col("gene_id") < "ENSG0090")
    choice = GeneChoice(policy="random", count=90, seed=seed)
    whole = select_genes(small, choice).table
    shuffled = small.sample(fraction=1, shuffle=True, seed=random.randint(0, 2**31))
    assert select_genes(shuffled, choice).table.equals(whole)
    alone = select_genes(small.filter(pl.col("chrom") == chrom), choice).table
    assert alone["gene_id"].to_list() == whole.filter(pl.col("chrom") == chrom)["gene_id"].to_list()


def test_select_genes__skips_unknown_and_ambiguous_entries_with_a_note_where_asked():
    choice = GeneChoice(policy="custom", include=("NOPE", "U6", "BRCA1"), on_unknown="skip")
    selection = select_genes(GENES, choice)
    assert selected(selection) == ["ENSG01"]
    assert selection.notes == (
        "include: 1 of 3 entries are unknown: NOPE. Skipped.",
        "include: 1 of 3 entries are ambiguous: U6 (1|ENSG07, 1|ENSG08). Skipped.",
    )


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"types": ("protein_coding,lncRNA",)}, r"one text with a comma; write a list: \[protein_coding, lncRNA\]"),
        ({"types": ("lincRNA",)}, "types: lincRNA not among the 11 genes; known are lncRNA, protein_coding"),
        ({"include": ("NOPE", "BRCA1", "NADA")}, "include: 2 of 3 entries are unknown: NOPE, NADA"),
        ({"exclude": ("NOPE",)}, "exclude: 1 of 1 entries are unknown: NOPE"),
        (
            {"include": ("ENSG06",)},
            r"1 of 1 entries are ambiguous: ENSG06 \(X\|ENSG06, Y\|ENSG06\).*write chrom\|gene_id",
        ),
        ({"include": ("u6",)}, r"ambiguous: u6 \(1\|ENSG07, 1\|ENSG08\)"),
        ({"include": ("BRCA1",), "exclude": ("ENSG01.2",)}, r"1 genes are both included and excluded: 1\|ENSG01"),
        (
            {"policy": "random", "count": 1, "include": ("ENSG01", "ENSG02")},
            "count: 1 is the total, listed genes included, but 2 genes are listed",
        ),
        (
            {"policy": "custom", "include": ("SRY",)},
            "no gene is left to select: 1 candidates of policy custom.*1 refused: no splice site",
        ),
        (
            {"types": ("lncRNA",), "exclude": ("ENSG03",)},
            "no gene is left to select: 0 candidates of policy all, types lncRNA",
        ),
    ],
)
def test_select_genes__says_what_cannot_be_taken(choice, message):
    with pytest.raises(SelectionError, match=message):
        select_genes(GENES, GeneChoice(**({"policy": "all"} | choice)))


def test_select_genes__says_that_the_annotation_has_no_types():
    with pytest.raises(SelectionError, match="none: the annotation has no gene types"):
        select_genes(genes_table({"gene_id": "G", "gene_type": None}), GeneChoice(policy="all", types=("lncRNA",)))
