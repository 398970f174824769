import polars as pl
import pytest

from builder_assets.project.gene_search import GeneSearchError, found_genes, gene_lines, stored_genes, verdict
from builder_assets.project.stored import NotBuiltError
from builder_assets.settings import Settings

COLUMNS = dict.fromkeys(("chrom", "gene_id", "gene_name", "gene_type", "strand"), pl.String) | dict.fromkeys(
    ("start", "end", "n_transcripts", "n_splice_sites"), pl.Int64
) | {"n_fraction": pl.Float64, "gene_aliases": pl.List(pl.String)}  # fmt: skip
GENES = pl.DataFrame(
    [
        ("17", "ENSG00000141510", "TP53", "protein_coding", "-", 1, 90, 3, 20, 0.0, ["P53", "LFS1"]),
        ("3", "ENSG00000073282", "TP63", "protein_coding", "+", 1, 90, 3, 20, 0.0, ["KET", "TP53"]),
        ("X", "ENSG00000182378", "PLCXD1", "protein_coding", "+", 1, 90, 3, 20, 0.0, None),
        ("Y", "ENSG00000182378_PAR_Y", "PLCXD1", "protein_coding", "+", 1, 90, 3, 0, 1.0, None),
        ("1", "ENSG00000186092", "OR4F5", None, "+", 1, 90, 1, 0, 0.0, None),
    ],
    schema=COLUMNS,
    orient="row",
)


@pytest.mark.parametrize(
    ("find", "ids", "text"),
    [
        ("tp53", ["ENSG00000141510"], "'tp53' means ENSG00000141510 on 17, by its symbol."),
        ("ENSG00000141510", ["ENSG00000141510"], "by its stable id."),
        (" ENSG00000141510.18 ", ["ENSG00000141510"], "by its stable id, its version left out."),
        ("PLCXD1", ["ENSG00000182378", "ENSG00000182378_PAR_Y"], "ambiguous: 2 genes. Write one of X|PLCXD1, Y|PLCXD1"),
        ("Y|PLCXD1", ["ENSG00000182378_PAR_Y"], "means ENSG00000182378_PAR_Y on Y"),
        ("TP", ["ENSG00000141510", "ENSG00000073282"], "is no gene here; 2 have it in their name: TP53, TP63."),
        ("lfs1", ["ENSG00000141510"], "'lfs1' means ENSG00000141510 on 17, by its alias."),
        ("KE", ["ENSG00000073282"], "is no gene here; 1 have it in their name"),
        ("BRCA", [], "'BRCA' is no gene here. Ids are"),
    ],
)
def test_found_genes__what_an_entry_means_and_why(find, ids, text):
    found = found_genes(GENES, find)
    assert found["gene_id"].to_list() == ids
    assert text in verdict(found, find)


def test_verdict__names_five_that_are_alike_and_counts_no_more_than_it_knows():
    several = GENES.head(1).select(pl.exclude("gene_id", "gene_name", "gene_aliases")).join(
        pl.DataFrame({"gene_id": [f"ENSG{n}" for n in range(30)], "gene_name": [f"OR{n:02}" for n in range(30)]}),
        how="cross",
    ).with_columns(gene_aliases=pl.lit(None, pl.List(pl.String)))  # fmt: skip
    assert verdict(found_genes(several.head(6), "OR"), "OR") == (
        "'OR' is no gene here; 6 have it in their name: OR00, OR01, OR02, OR03, OR04, ...."
    )
    assert "20 or more have it in their name" in verdict(found_genes(several, "OR"), "OR")


def test_verdict__ambiguous_on_one_chromosome_names_ids():
    twins = pl.concat([GENES.head(1), GENES.head(1).with_columns(gene_id=pl.lit("ENSG2"))])
    assert "Write one of 17|ENSG00000141510, 17|ENSG2, or the" in verdict(found_genes(twins, "TP53"), "TP53")


def test_found_genes__says_why_one_would_be_refused():
    notes = dict(found_genes(GENES, "PLCXD1").select("gene_id", "note").iter_rows())
    assert notes == {"ENSG00000182378": "", "ENSG00000182378_PAR_Y": "refused: 100.0 % of its bases are unknown"}
    (line,) = gene_lines(found_genes(GENES, "OR4F5"))
    assert line == (
        "ENSG00000186092  OR4F5  (type unknown)  1:1-90(+)  1 transcripts, 0 sites  "
        "no splice site: refused unless `intronless: keep`"
    )


def test_found_genes__nothing_to_look_for():
    with pytest.raises(GeneSearchError, match="nothing to look for"):
        found_genes(GENES, "  ")


def test_stored_genes__unknown_or_not_built(tmp_path):
    genome = {"assembly": "GRCh37", "fasta": "a", "annotation": "b", "chromosomes": ["1"]}
    settings = Settings.model_validate({"root": tmp_path, "genomes": {"g": genome}})
    with pytest.raises(GeneSearchError, match="genome 'h' is not in the settings; known: g"):
        stored_genes(settings, "h")
    with pytest.raises(
        NotBuiltError, match=r"g/genes: 1 of 1 chromosomes have no table \(1\)\. `builder build --genome g` makes"
    ):
        stored_genes(settings)
