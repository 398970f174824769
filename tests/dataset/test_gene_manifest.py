import polars as pl
import pytest

from builder_assets import tables
from builder_assets.dataset.gene_manifest import gene_manifest
from builder_assets.settings import NegativeSettings
from tests.dataset.toy import ToyChromosome, ToyGene

SITES = ((9, "donor"), (19, "acceptor"), (25, "acceptor"))
TOY = ToyChromosome(
    "C" * 90,
    (
        ToyGene("B", "+", 11, 50, sites=SITES, donor={9: 0.9, 12: 0.2}),
        ToyGene("A", "-", 61, 80),
        ToyGene("C", "-", 83, 85),
    ),
)
N_TAIL = ToyChromosome("C" * 81 + "N" * 9, TOY.genes)  # nothing of C is known
EXAMPLES = N_TAIL.build(NegativeSettings()).examples


def performance(*gene_ids: str) -> pl.DataFrame:
    rows = [
        {"chrom": "7", "gene_id": gene_id, "kind": kind, "strand": "+", "length": 1, "base_model_seen": False}
        | {"n_sites": 0, "tp": tp, "fp": 2, "fn": 3, "xp": 4, "tn": 0, "n_peaks": 0, "n_peaks_at_shift_0": 0}
        for gene_id in gene_ids
        for kind, tp in (("donor", 1), ("acceptor", 10))
    ]
    return TOY.table(tables.GENE_PERFORMANCE, rows)


def manifest(**changes: object) -> pl.DataFrame:
    inputs = {"selection": TOY.selected, "sites": TOY.sites, "examples": [EXAMPLES[:4], EXAMPLES[4:].lazy()]}
    return gene_manifest(**inputs | {"performance": performance("A", "B", "C")} | changes)


def test_gene_manifest__by_hand() -> None:
    table = manifest()
    assert table.select("global_index", "gene_id").rows() == [(0, "B"), (1, "A"), (2, "C")]
    b = table.row(0, named=True)
    assert (b["total_splice_sites"], b["donor_sites"], b["acceptor_sites"]) == (3, 1, 2)
    assert b["splice_density_per_kb"] == pytest.approx(75.0)
    assert (b["rows_donor"], b["rows_acceptor"], b["rows_hard"], b["rows_mid"]) == (1, 2, 1, 0)
    assert b["n_rows"] == b["rows_donor"] + b["rows_acceptor"] + b["rows_neither"]
    assert (b["tp"], b["fp"], b["fn"], b["xp"]) == (11, 4, 6, 8)
    assert b["file_name"] == "training_examples/7.parquet"


def test_gene_manifest__lists_genes_without_rows() -> None:
    c = manifest().row(2, named=True)
    assert (c["n_rows"], c["file_name"], c["total_splice_sites"]) == (0, None, 0)
    assert manifest(examples=[])["n_rows"].to_list() == [0, 0, 0]


def test_gene_manifest__leaves_refused_genes_out() -> None:
    selection = TOY.selected.with_columns(
        is_selected=pl.col("gene_id") != "C", rank=pl.when(pl.col("gene_id") != "C").then("rank")
    )
    assert manifest(selection=selection)["gene_id"].to_list() == ["B", "A"]


def test_gene_manifest__isoforms_do_not_inflate_site_counts() -> None:
    shared = TOY.sites.with_columns(transcript_ids=pl.lit(["T1", "T2", "T3"]), n_transcripts=pl.lit(3, pl.Int32))
    assert manifest(sites=shared).equals(manifest())


def test_gene_manifest__genes_without_performance() -> None:
    with pytest.raises(ValueError, match="2 of 3 selected genes have no row in gene_performance, first B, C"):
        manifest(performance=performance("A"))


def test_gene_manifest__examples_of_other_genes() -> None:
    with pytest.raises(ValueError, match=r"^1 genes have examples and were not selected, first B on chromosome 7"):
        manifest(selection=TOY.selected.filter(pl.col("gene_id") != "B"))


def test_gene_manifest__a_unit_on_two_sides() -> None:
    torn = TOY.selected.with_columns(unit=pl.lit("u"), split=pl.Series(["train", "test", "test"]))
    with pytest.raises(ValueError, match="1 of 1 split units stand on more than one side"):
        manifest(selection=torn)
