"""docs/ says what is so: settings, commands, messages, positions; every snippet is one that the project takes."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import typer
import yaml
from packaging.specifiers import SpecifierSet
from pydantic import BaseModel
from typer.cli import get_docs_for_click
from typer.core import TyperGroup
from typer.main import get_command

from builder_assets import settings
from builder_assets.asset_graph import build_defs
from builder_assets.base_model.evaluation import OUTCOMES
from builder_assets.cli import app
from builder_assets.coordinates import offset_of_position
from builder_assets.genome.annotation_records import FLAG_TAGS
from builder_assets.genome.splice_sites import WINDOW_FLANK
from builder_assets.sensors import UP_TO_DATE
from builder_assets.settings import (
    BaseModelSettings,
    DatasetSettings,
    GeneChoice,
    GenomeSettings,
    NegativeSettings,
    SplitSettings,
    load_settings,
)
from builder_assets.tables.dataset import SPLITS, TIERS
from tests.projects import small_settings

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md", ROOT / "examples" / "README.md"]
SOURCES = [*(ROOT / "builder_assets").rglob("*.py"), *(ROOT / "resources").rglob("*.py")]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def builder_command() -> TyperGroup:
    command = get_command(app)
    assert isinstance(command, TyperGroup)
    return command


COMMAND = builder_command()


def blocks(*languages: str) -> Iterator[tuple[Path, str]]:
    """(page, text) of every fenced block in one of these languages."""
    for page in PAGES:
        for language, text in BLOCK.findall(page.read_text("utf-8")):
            if language in languages:
                yield page, text


def workflow_steps() -> list[str]:
    """What the workflow to copy runs."""
    steps = yaml.safe_load((ROOT / "examples" / "github_actions.yml").read_text("utf-8"))["jobs"]["build"]["steps"]
    return [step["run"] for step in steps if "run" in step]


def command_lines() -> list[str]:
    """Every call of `builder` in a block of shell, and in the workflow to copy."""
    texts = [*(text for _, text in blocks("", "bash", "sh")), *workflow_steps()]
    lines = {line.split(" #")[0].strip() for text in texts for line in text.splitlines()}
    return sorted(line for line in lines if line.startswith("builder "))


def mentions() -> list[str]:
    """Every command within a sentence, with or without what it needs."""
    return sorted({found for page in PAGES for found in re.findall(r"`(builder [^`]+)`", page.read_text("utf-8"))})


@pytest.mark.parametrize("line", command_lines())
def test_command__is_one_that_builder_takes(line):
    """Names of commands, options and the number of arguments; `test_docs_run.py` runs them."""
    name, *words = shlex.split(line)[1:]
    with typer.Context(COMMAND) as parent:
        command = COMMAND.get_command(parent, name)
        assert command is not None, name
        command.make_context(name, words, parent=parent)


@pytest.mark.parametrize("line", mentions())
def test_mention__is_of_a_command_and_options_that_there_are(line):
    name, *words = shlex.split(line)[1:]
    with typer.Context(COMMAND) as parent:
        command = COMMAND if name.startswith("-") else COMMAND.get_command(parent, name)
        assert command is not None, name
        options = {option for parameter in command.get_params(parent) for option in parameter.opts}
    assert {word for word in (name, *words) if word.startswith("-")} <= options


def make_targets() -> list[str]:
    """What the pages tell to make, in a block of shell or within a sentence."""
    lines = [line for _, text in blocks("", "bash", "sh") for line in text.splitlines()]
    named = [found for page in PAGES for found in re.findall(r"`(make [^`]+)`", page.read_text("utf-8"))]
    return sorted({line.split()[1] for line in (*lines, *named) if line.startswith("make ")})


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize("target", make_targets())
def test_make__has_the_target(target):
    """`-n` says what make would run, and runs nothing."""
    command = ["make", "-n", target, f"PYTHON={sys.executable}"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert told.stdout.strip()
    assert "Nothing to be done" not in told.stdout


OF_DAGSTER = [text for _, text in blocks("yaml") if text.startswith("concurrency:")]
OF_BUILDER = [pytest.param(text, id=page.name) for page, text in blocks("yaml") if text not in OF_DAGSTER]


@pytest.mark.parametrize("text", OF_BUILDER)
def test_yaml__is_taken_as_settings(text, tmp_path):
    """What a snippet leaves out comes from a small project."""
    snippet = yaml.safe_load(text)
    whole = small_settings()
    whole["base_models"]["spliceai"] = whole["base_models"].pop("model")
    whole["datasets"] = {}
    for name, genome in snippet.get("genomes", {}).items():
        whole["genomes"][name] = genome
    for key in ("base_models", "datasets"):
        whole[key] |= snippet.get(key, {})
    (tmp_path / "builder.yaml").write_text(yaml.safe_dump(whole))
    assert load_settings(tmp_path / "builder.yaml").datasets


@pytest.mark.parametrize("text", OF_DAGSTER)
def test_yaml__is_taken_by_dagster(text, tmp_path):
    """In the place of the same key of a project's dagster.yaml: chromosomes at once, and still one scorer."""
    project = yaml.safe_load((ROOT / "dagster.yaml").read_text("utf-8"))
    assert yaml.safe_load(text).keys() <= project.keys()
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(project | yaml.safe_load(text)))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        limits = instance.get_concurrency_config()
    assert limits.run_queue_config is not None
    assert limits.run_queue_config.max_concurrent_runs == 4
    assert limits.pool_config.default_pool_limit == project["concurrency"]["pools"]["default_limit"]
    assert str(limits.pool_config.pool_granularity.value) == project["concurrency"]["pools"]["granularity"]


def test_usage_page__has_the_example_for_production():
    """Whole, but for the name of the dataset."""
    example = yaml.safe_load((ROOT / "examples" / "production_1000_genes.yaml").read_text("utf-8"))
    shown = [yaml.safe_load(text) for page, text in blocks("yaml") if page.name == "usage.md" and "production" in text]
    assert [list(snippet.pop("datasets").values()) for snippet in shown] == [list(example.pop("datasets").values())]
    assert shown == [example]


def test_usage_page__has_the_example_for_a_disease():
    example = yaml.safe_load((ROOT / "examples" / "als_panel.yaml").read_text("utf-8"))
    shown = [yaml.safe_load(text) for page, text in blocks("yaml") if page.name == "usage.md" and "als_panel" in text]
    assert shown == [example]


def test_usage_page__every_settings_file_is_whole():
    shown = [yaml.safe_load(text) for page, text in blocks("yaml") if page.name == "usage.md"]
    whole = [snippet for snippet in shown if "concurrency" not in snippet]
    assert len(whole) == 8
    for snippet in whole:
        assert list(snippet) == ["data_dir", "genomes", "base_models", "datasets"]


def test_commands_page__is_the_help():
    """Written by typer; set WRITE_GOLDEN=1 to write it anew."""
    text = get_docs_for_click(obj=COMMAND, ctx=typer.Context(COMMAND), name="builder", title="Commands")
    text = re.sub(r"\[/?bold\]", "**", text)
    text = re.sub(r"(?:^  builder .*\n)+", lambda found: f"```text\n{found[0]}```\n", text, flags=re.MULTILINE)
    text = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    page = DOCS / "commands.md"
    if "WRITE_GOLDEN" in os.environ:
        page.write_text(text, encoding="utf-8")
    assert page.read_text("utf-8") == text


SECTIONS: dict[str, type[BaseModel]] = {
    "## Genome": GenomeSettings,
    "## Base model": BaseModelSettings,
    "## Dataset": DatasetSettings,
    "### `genes`": GeneChoice,
    "### `negatives`": NegativeSettings,
    "### `splits`": SplitSettings,
}


def shown_default(model: type[BaseModel], key: str) -> set[str]:
    """The ways in which the page may tell the default of a key."""
    field = model.model_fields[key]
    if field.is_required():
        return {"needed"}
    value = field.default
    if isinstance(value, BaseModel):
        return {"below"}
    if value is None or value == ():
        return {"none", "`[]`", "all", "from `splits`", "`flank`"}
    if value == settings.TRAINED_CHROMOSOMES:
        return {"all but 1, 3, 5, 7, 9"}
    shown = list(value) if isinstance(value, tuple) else value
    return {f"`{str(shown).lower() if isinstance(shown, bool) else shown}`"}


@pytest.mark.parametrize("section", SECTIONS)
def test_settings_page__has_every_key_and_its_default(section):
    page = (DOCS / "settings.md").read_text("utf-8")
    table = page.split(f"\n{section}\n")[1].split("\n## ")[0].split("\n### ")[0]
    rows = [
        [cell.strip() for cell in row.strip("|").split(" | ")] for row in table.splitlines() if row.startswith("| `")
    ]
    model = SECTIONS[section]
    assert {row[0].strip("`") for row in rows} == set(model.model_fields)
    for name, default, _ in rows:
        assert default in shown_default(model, name.strip("`")), name


PICTURES = [text for _, text in blocks("text") if text.startswith("position")]


@pytest.mark.parametrize(("strand", "picture"), list(zip("+-", PICTURES, strict=True)))
def test_coordinates_page__pictures_add_up(strand, picture):
    positions, letters, _, names, offsets = picture.splitlines()
    at = {found.start(): int(found[0]) for found in re.finditer(r"\d+", positions)}
    shown = {found.start(): int(found[0]) for found in re.finditer(r"\d+", offsets)}
    assert {column: offset_of_position(position, 101, 140, strand) for column, position in at.items()} == shown
    gene = "".join(letters[12:].split()).replace("...", "-")
    assert re.sub("-", "", gene if strand == "+" else gene[::-1]) == "EEGTAGEE"
    kinds = re.findall(r"(donor|acceptor) (\d+)", names)
    assert dict(kinds) == (
        {"donor": "110", "acceptor": "130"} if strand == "+" else {"acceptor": "110", "donor": "130"}
    )


def test_testing_page__lists_the_checks_that_there_are(tmp_path):
    """Names, the asset of each, and whether it can stop a build: a check that cannot is not blocking."""
    rows = re.findall(
        r"^\| `(\w+)` \| (.+?) \| .+? \| (.+?) \|$", (DOCS / "testing.md").read_text("utf-8"), re.MULTILINE
    )
    named = {(name, "every asset" if asset == "every asset" else asset.strip("`")) for name, asset, _ in rows}
    whole = small_settings()
    whole["genomes"]["mane"] = {
        "assembly": "GRCh38",
        "fasta": "mane:1.3",
        "annotation": "mane:1.3",
        "chromosomes": [22],
    }
    (tmp_path / "builder.yaml").write_text(yaml.safe_dump(whole))
    defs = build_defs(load_settings(tmp_path / "builder.yaml"))
    specs = [spec for check in defs.asset_checks or () for spec in check.check_specs]
    there = {(spec.name, "every asset" if spec.name == UP_TO_DATE else spec.asset_key.path[-1]) for spec in specs}
    assert named == there
    stopping = {name for name, _, failure in rows if failure.startswith("stops")}
    assert stopping == {spec.name for spec in specs if spec.blocking}


def test_troubleshooting_page__quotes_what_the_code_says():
    page = (DOCS / "troubleshooting.md").read_text("utf-8")
    code = re.sub(r"\s+", " ", " ".join(path.read_text("utf-8") for path in SOURCES))
    code = re.sub(r'" f?r?"', "", code)  # a text over several lines
    quoted = re.findall(r"^\| `([^`]+)`", page, re.MULTILINE)
    assert len(quoted) > 20
    for message in quoted:
        for part in message.split(" ... "):
            assert part in code, message


def project_metadata() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_install_page__has_every_extra():
    page = (DOCS / "install.md").read_text("utf-8")
    extras = project_metadata()["optional-dependencies"]
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(extras)
    assert extras["servers"][0] == "splice-dataset-builder[postgres,ray,kubernetes,s3]"
    assert list(extras).index("servers") == list(extras).index("postgres") + 4  # "the four before this one"
    assert f"Python {' or '.join(project_metadata_pythons())} " in page


def project_metadata_pythons() -> list[str]:
    wanted = SpecifierSet(project_metadata()["requires-python"])
    return [f"3.{minor}" for minor in range(9, 20) if f"3.{minor}" in wanted]


def installing() -> list[str]:
    """The blocks that install, run by `test_wheel.py`."""
    return [text for page, text in blocks("bash") if page.name == "install.md" and "pip " in text]


# What may be installed, on a machine that has nothing: the package is on no index.
WHOLE = (r"\./splice_dataset_builder-\*\.whl", r'"\$\{WHEEL\}\[([\w,]+)\]"', r"--no-deps spliceai(?:==1\.3\.1)?",
         r'"splice-dataset-builder(?:\[([\w,]+)\])? @ git\+\$BUILDER_REPOSITORY"', r"-e '\.\[(\w+)\]'",
         r"--force-reinstall --no-deps \./splice_dataset_builder-\*\.whl", "jupyterlab")  # fmt: skip
ADDED = r"'splice-dataset-builder\[(\w+)\]'"  # to what is installed


def test_pip__installs_from_where_the_package_is():
    """In pages, deploy/ and examples/; a bare `splice-dataset-builder` would ask an index that does not have it."""
    files = [*PAGES, *(ROOT / "deploy").rglob("*.md"), *(ROOT / "examples").glob("*.[iy]*")]
    texts = {path: path.read_text("utf-8") for path in files}
    told = {(path.parent.name, words.strip())
            for path, text in texts.items() for words in re.findall(r"pip install ([^`\n&]+)", text)}  # fmt: skip
    assert len(told) > 10
    for folder, words in told:
        found = [re.fullmatch(form, words) for form in (*WHOLE, *([ADDED] if folder == "docs" else []))]
        (match,) = [one for one in found if one] or [None]
        assert match, words
        extras = (match[1] or "").split(",") if match.re.groups else []
        assert set(extras) - {""} <= project_metadata()["optional-dependencies"].keys(), words
    name, version = project_metadata()["name"], project_metadata()["version"]
    assert fnmatch(f"{name.replace('-', '_')}-{version}-py3-none-any.whl", "splice_dataset_builder-*.whl")


def test_words_page__has_the_words_of_the_tables():
    """Tiers in their order, sides, outcomes, tags of transcripts; bounds as the settings have them."""
    rows = dict(re.findall(r"^\| (\w[^|]*?) \| ([^|]+) \|", (DOCS / "words.md").read_text("utf-8"), re.MULTILINE))
    assert tuple(re.findall(r"`(\w+)`", rows["tier"])) == (*TIERS, "keep_all")
    assert {*re.findall(r"`(\w+)`", rows["split, fold"])} == {*SPLITS}
    assert {*re.findall(r"\b[TFX][PN]\b", rows["call"])} == {*OUTCOMES.tolist()}
    assert f"threshold ({BaseModelSettings.model_fields['threshold'].default})" in rows["call"]
    assert f"`low_prob` ({NegativeSettings().low_prob})" in rows["decoy"]
    assert f"`min_intron` ({GenomeSettings.model_fields['min_intron'].default} bases)" in rows["intron"]
    assert f"{2 * WINDOW_FLANK + 1} bases" in rows["split unit"]
    (tags,) = re.findall(r"tags so \((.+?)\)", rows["canonical"])
    assert all(re.fullmatch(FLAG_TAGS["is_canonical"], tag.replace(" ", "_")) for tag in tags.split(", "))


def test_comparison_page__names_files_and_packages_that_there_are():
    page = (DOCS / "comparison.md").read_text("utf-8")
    tables, changed = page.split("## What was changed for it")
    changed, where = changed.split("## What goes where")
    ours = [row.split(" | ")[-1] for row in tables.splitlines() if row.startswith("|")]
    gone = {"build.py", "dataset/motifs.py", "resources/dataset_export.py"}
    named = set(re.findall(r"`([\w/]+\.py)`", " ".join(ours) + changed))
    assert len(named) > 15
    assert gone < named
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]
    folders = {package.replace(".", "/") for package in packages} - {"builder_assets/examples"}
    assert {name for name in named if not any((ROOT / place / name).is_file() for place in ("", *folders))} == gone
    assert folders <= set(re.findall(r"`([\w/]+)`", where))


def test_pages__name_tests_that_there_are():
    tests = " ".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = {name for page in DOCS.glob("*.md") for name in re.findall(r"`(test_\w+__\w+)`", page.read_text("utf-8"))}
    assert {name for name in named if f"def {name}(" not in tests} == set()


def test_pages__link_to_pages_that_there_are():
    """Of docs/ only: what lies elsewhere is not in the HTML that `make docs` builds."""
    links = {link for page in DOCS.glob("*.md") for link in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8"))}
    local = {link for link in links if "://" not in link}
    assert {link for link in local if not (DOCS / link).is_file() or link.startswith("..")} == set()
    texts = {text for page in DOCS.glob("*.md") for text in re.findall(r"\[([^]]+)\]\(", page.read_text("utf-8"))}
    assert {text for text in texts if text.endswith(".md")} == set()  # readers of the HTML know titles, not files
    index = (DOCS / "index.md").read_text("utf-8")
    assert {page.stem for page in DOCS.glob("*.md")} - {"index"} == set(re.findall(r"^(\w+)$", index, re.MULTILINE))
