"""What the UI shows of a report: Markdown with its pictures inside, since no file lies beside it there."""

import re

import dagster as dg
import pytest

from builder_assets.project.folder import Project
from tests.projects import built, needs_weights, reopened, small_settings, write_settings

PICTURE = re.compile(r"!\[[^]]+\]\(data:image/svg\+xml;base64,[A-Za-z0-9+/=]+\)")


def shown(project: Project, asset: str, entry: str) -> str:
    """Markdown in the metadata of the latest materialisation of an asset."""
    record = project.instance.get_latest_materialization_event(dg.AssetKey(asset.split("/")))
    return record.asset_materialization.metadata[entry].value


@needs_weights
@pytest.mark.parametrize(
    ("asset", "entry", "first"),
    [("model/model_report", "report", "Over all chromosomes"), ("examples/dataset_card", "card", "# examples")],
)
def test_metadata__pictures_are_inside(built_folder, asset, entry, first):
    text = shown(reopened(built_folder), asset, entry)
    assert len(PICTURE.findall(text)) == text.count("![") == 3
    assert text.strip().startswith(first)
    assert len(text) < 250_000  # it lies in the history's database


@needs_weights
def test_metadata__the_picture_of_a_baseline_is_inside(folder):
    pytest.importorskip("lightgbm", reason="the extra `baseline` is not installed")
    settings = small_settings()
    settings["datasets"]["examples"] |= {"baseline": True}
    settings["datasets"]["examples"]["splits"] |= {"folds": 2}
    write_settings(folder, settings)
    project = reopened(folder)
    assert [failure for result in built(project) for failure in result.failures] == []
    text = shown(project, "examples/meta_model_baseline", "report")
    assert len(PICTURE.findall(text)) == text.count("![") == 1


@needs_weights
def test_metadata__the_readme_beside_the_files_links_them(built_folder):
    readme = (built_folder / "data/examples/README.md").read_text(encoding="utf-8")
    links = re.findall(r"!\[[^]]+\]\(([^)]+)\)", readme)
    assert sorted(links) == ["base_model.svg", "p_site.svg", "rows.svg"]
    assert all((built_folder / "data/examples" / link).is_file() for link in links)
