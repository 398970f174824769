"""One gene in a notebook, tracks in a browser: the right base on both strands, read back by pyBigWig."""

import subprocess
import sys

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pyBigWig
import pytest
import yaml
from typer.testing import CliRunner

from builder_assets import tables
from builder_assets.base_model.genome_tracks import bed_of_calls, track_of
from builder_assets.cli import app
from builder_assets.gene_scores import UnknownGeneError, export_tracks, scores_of
from builder_assets.project.folder import create_project
from builder_assets.project.stored import NotBuiltError
from resources.table_files import write_frames
from tests.base_model.drawn_genes import drawn_genes, drawn_scores, gene

#   + gene A 101..110: donor 105; overlapping B 108..112: donor 109.  - gene C 201..205: donor 202.
GENES = drawn_genes(
    gene("A", 101, 110, gene_name="Alpha"), gene("B", 108, 112, gene_name="Twin"),
    gene("C", 201, 205, "-", gene_name="TWIN"), gene("D", 301, 305, gene_name="Delta"),
)  # fmt: skip
SCORES = drawn_scores(GENES, {"A": {105: 0.9, 109: 0.2}, "B": {109: 0.75}, "C": {202: 0.5}}, {"C": {204: 0.25}})


@pytest.fixture
def config(tmp_path):
    """A project with one chromosome of drawn tables."""
    calls = pl.DataFrame(
        [("1", "A", 105, "donor", "+", 4, "TP", 0.9), ("1", "C", 202, "donor", "-", 3, "FP", 0.5),
         ("1", "C", 203, "acceptor", "-", 2, "FN", 0.0)],
        schema=["chrom", "gene_id", "position", "kind", "strand", "offset", "outcome", "score"], orient="row",
    ).with_columns(is_tandem=False)  # fmt: skip
    made = {"g/genes": (GENES, tables.GENES), "m/splice_scores": (SCORES, tables.SPLICE_SCORES)}
    made["m/splice_calls"] = (tables.SPLICE_CALLS.conform(calls), tables.SPLICE_CALLS)
    for name, (frame, contract) in made.items():
        path = tmp_path / "data" / name / "1.parquet"
        path.parent.mkdir(parents=True)
        write_frames([contract.conform(frame)], contract, {}, path)
    settings = {
        "genomes": {"g": {"assembly": "GRCh37", "fasta": "f", "annotation": "a", "chromosomes": [1]}},
        "base_models": {"m": {"genome": "g", "family": "spliceai"}},
    }
    (tmp_path / "builder.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path / "builder.yaml"


def test_scores_of__is_in_transcription_order_with_positions(config):
    plus = scores_of("alpha", config=config)
    assert plus.filter(pl.col("donor") > 0.5).select("offset", "position").rows() == [(4, 105)]
    minus = scores_of("C", "m", config)
    assert minus["position"].to_list() == [205, 204, 203, 202, 201]
    assert minus.filter(pl.col("donor") > 0.4)["offset"].to_list() == [3]
    np.testing.assert_allclose(minus["neither"], [0.998, 0.749, 0.998, 0.499, 0.998], rtol=1e-6)


def test_gene_scores__loads_without_dagster():
    """A notebook starts with it."""
    code = "import sys, builder_assets.gene_scores; sys.exit('dagster' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=False).returncode == 0


def test_scores_of__names_a_chromosome_without_a_table(config):
    (config.parent / "data/m/splice_scores/1.parquet").unlink()
    with pytest.raises(
        NotBuiltError, match=r"m/splice_scores: 1 of 1 chromosomes have no table \(1\)\. `builder build`"
    ):
        scores_of("A", config=config)


def test_splice_scores__hold_one_gene_per_row_group(config):
    file = pq.ParquetFile(config.parent / "data" / "m" / "splice_scores" / "1.parquet")
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [1, 1, 1]


def test_scores_of__says_what_is_not_there(config):
    with pytest.raises(UnknownGeneError, match="g: 'Omega' is no gene here"):
        scores_of("Omega", config=config)
    with pytest.raises(UnknownGeneError, match=r"g: 'twin' is ambiguous: 2 genes\. Write one of 1\|B, 1\|C, or"):
        scores_of("twin", config=config)
    with pytest.raises(UnknownGeneError, match=r"m has no scores of 'Delta' \(D\)"):
        scores_of("Delta", config=config)
    with pytest.raises(UnknownGeneError, match="base model 'x': name one of m"):
        scores_of("A", "x", config)


def test_export_tracks__put_every_score_on_its_base(config, tmp_path):
    files = export_tracks("m", tmp_path / "out", 0.001, config)
    assert sorted((tmp_path / "out").iterdir()) == sorted(files)
    assert [path.name for path in files] == [
        "m.donor.plus.bw", "m.donor.minus.bw", "m.acceptor.plus.bw", "m.acceptor.minus.bw", "m.calls.bed",
    ]  # fmt: skip
    with pyBigWig.open(str(files[0])) as plus, pyBigWig.open(str(files[1])) as minus:
        assert plus.chroms() == {"1": 249250621}
        np.testing.assert_allclose(plus.values("1", 104, 105), [0.9], rtol=1e-6)
        np.testing.assert_allclose(plus.values("1", 108, 109), [0.75], rtol=1e-6)  # the higher of A and B
        assert np.isnan(plus.values("1", 99, 101)).tolist() == [True, False]
        np.testing.assert_allclose(minus.values("1", 200, 205), [0.001, 0.5, 0.001, 0.001, 0.001], rtol=1e-6)
        assert minus.stats("1", 100, 112) == [None]
    with pyBigWig.open(str(files[3])) as acceptors:
        np.testing.assert_allclose(acceptors.values("1", 203, 204), [0.25], rtol=1e-6)
    assert files[4].read_text() == "1\t104\t105\tdonor:TP:A\t900\t+\n1\t201\t202\tdonor:FP:C\t500\t-\n"


def test_scores_of__and_tracks_hold_the_sd_where_it_is_stored(config, tmp_path):
    spread = SCORES.with_columns(
        donor_sd=pl.col("donor_scores").list.eval(pl.element() / 10),
        acceptor_sd=pl.col("acceptor_scores").list.eval(pl.element() / 5),
    )
    contract = tables.splice_scores_contract(ensemble_sd=True)
    write_frames([contract.conform(spread)], contract, {}, tmp_path / "data" / "m" / "splice_scores" / "1.parquet")
    settings = yaml.safe_load(config.read_text())
    settings["base_models"]["m"]["ensemble_sd"] = True
    config.write_text(yaml.safe_dump(settings))
    minus = scores_of("C", config=config)
    np.testing.assert_allclose(minus["donor_sd"], minus["donor"] / 10, rtol=1e-6)
    np.testing.assert_allclose(minus["acceptor_sd"], minus["acceptor"] / 5, rtol=1e-6)
    files = export_tracks("m", tmp_path / "out", 0.001, config)
    assert [path.name for path in files[4:8]] == [
        "m.donor_sd.plus.bw", "m.donor_sd.minus.bw", "m.acceptor_sd.plus.bw", "m.acceptor_sd.minus.bw",
    ]  # fmt: skip
    with pyBigWig.open(str(files[5])) as donors, pyBigWig.open(str(files[7])) as acceptors:
        np.testing.assert_allclose(donors.values("1", 201, 202), [0.05], rtol=1e-6)
        np.testing.assert_allclose(acceptors.values("1", 203, 204), [0.05], rtol=1e-6)


def test_tracks__command_leaves_out_low_scores(config, tmp_path):
    create_project(tmp_path)
    result = CliRunner().invoke(app, ["tracks", str(tmp_path / "out"), "--minimum", "0.3", "--config", str(config)])
    assert result.exit_code == 0
    assert result.output.count("wrote") == 5
    with pyBigWig.open(str(tmp_path / "out" / "m.donor.plus.bw")) as plus:
        assert plus.intervals("1") == ((104, 105, pytest.approx(0.9)), (108, 109, pytest.approx(0.75)))


def test_export_tracks__says_that_nothing_is_built(config, tmp_path):
    (tmp_path / "data" / "m" / "splice_scores" / "1.parquet").unlink()
    with pytest.raises(NotBuiltError, match="m has no scores yet"):
        export_tracks(None, tmp_path / "out", config=config)


def test_track_of__and_bed_of_calls_keep_empty_tables_empty():
    assert track_of(SCORES.head(0), "donor_scores", "+", 0).rows() == []
    assert bed_of_calls(tables.SPLICE_CALLS.empty()).rows() == []
