from types import SimpleNamespace

import dagster as dg
import polars as pl
import pytest
from typer.testing import CliRunner

from builder_assets.cli import app
from builder_assets.manifest import Cell, Node, State, Status
from builder_assets.project.export import Layout, export_dataset
from builder_assets.project.folder import create_project, open_project
from builder_assets.settings import CONFIG_VARIABLE
from resources.dataset_writers import ExportError
from tests.dataset.stored import FEATURES, ROWS, store_examples

N_ROWS = sum(rows.height for rows in ROWS.values())


class StoredManifest:
    """A manifest whose examples lie in a folder, all built unless told otherwise."""

    def __init__(self, folder, stale=()):
        self.folder, self.stale = folder, stale
        key = dg.AssetKey(["toys", "training_examples"])
        self.nodes = {"toys/training_examples": Node(key, "1", (), ("7", "9"), (), "toys", "examples")}

    def statuses(self, _instance, _only):
        cells = [Cell("toys/training_examples", chrom) for chrom in ("7", "9")]
        stale = {cell for cell in cells if cell.partition in self.stale}
        return {c: Status(c, State.STALE, ("code changed",)) if c in stale else Status(c, State.BUILT) for c in cells}

    def path_of(self, cell):
        return self.folder / cell.asset.split("/")[1] / f"{cell.partition}.parquet"


def project(folder, stale=()):
    store_examples(folder)
    dataset = SimpleNamespace(examples=SimpleNamespace(features=FEATURES), kmers=FEATURES.kmers)
    settings = SimpleNamespace(datasets={"toys": dataset})
    return SimpleNamespace(settings=settings, instance=None, manifest=StoredManifest(folder, stale))


@pytest.mark.parametrize("layout", list(Layout))
def test_export_dataset__every_layout_holds_all_rows(layout, tmp_path):
    output = tmp_path / "out"
    assert export_dataset(project(tmp_path / "stored"), "toys", layout, output) == N_ROWS
    if layout is Layout.CSV:
        assert pl.read_csv(output, infer_schema_length=None).height == N_ROWS
    else:
        folder = output / "master" if layout is Layout.MASTER else output
        assert pl.read_parquet(folder / "*.parquet" if folder.is_dir() else folder).height == N_ROWS


def test_export_dataset__a_stale_chromosome_is_refused(tmp_path):
    match = r"1 chromosomes of toys are not built or not fresh: toys/training_examples\[9\] \(code changed\)"
    with pytest.raises(ExportError, match=match):
        export_dataset(project(tmp_path / "stored", stale=("9",)), "toys", Layout.CSV, tmp_path / "out")


def test_export_dataset__of_a_project_where_nothing_is_built(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(CONFIG_VARIABLE, "")
    create_project(tmp_path)
    opened = open_project(tmp_path / "builder.yaml")
    with pytest.raises(ExportError, match=r"2 chromosomes of demo_3mers are not built .* \(never built\)"):
        export_dataset(opened, "demo_3mers", Layout.PARQUET, tmp_path / "out")
    with pytest.raises(ExportError, match="no dataset 'demo' in the settings; known: demo_3mers"):
        export_dataset(opened, "demo", Layout.PARQUET, tmp_path / "out")


def test_export_command__an_unknown_layout_is_wrong_usage(tmp_path):
    result = CliRunner().invoke(app, ["export", "--dataset", "d", "--output", str(tmp_path / "o"), "--layout", "hdf5"])
    assert result.exit_code == 2
    assert "--layout 'hdf5' is none of parquet, csv, shards, master." in result.stderr
