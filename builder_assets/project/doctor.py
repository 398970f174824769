"""`builder doctor`: what a build needs and whether it is there, each finding with its remedy.

Looks at settings, files of the user, weights, genes, device, disk and versions; builds nothing.
"""

import shutil
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

from builder_assets import tables
from builder_assets.dataset.meta_model.model import load_lightgbm
from builder_assets.genome.releases import ROLES
from builder_assets.genome.sources import source_files
from builder_assets.project.folder import Project
from builder_assets.project.selection_preview import PreviewError, preview_selection
from builder_assets.settings import Settings, SettingsError
from resources.accelerator import configure_jax
from resources.model_weights import weight_files

BYTES_PER_SCORED_BASE = 14  # 6.95 as stored (docs/scale.md), twice while a chromosome is made
LEAST_FREE = 1e9  # bytes, for everything else: indices, a genome's tables, the examples of a few datasets


class Finding(NamedTuple):
    """One thing that was looked at: whether it is well, what it is, and a sentence, with the remedy where it is not."""

    is_well: bool
    what: str
    text: str


def findings(project: Project, distribution: str) -> list[Finding]:
    """Everything but what needs the network.

    Args:
        project: Its settings and what is built.
        distribution: Name of the installed package, for its requirements and extras.
    """
    settings = project.settings
    datasets, to_score = _datasets(project)
    return [
        Finding(True, "settings", str(settings.root)),
        *_files(project),
        *_weights(settings),
        *datasets,
        disk_finding(settings.local_path, to_score),
        *_environment(distribution),
    ]


def findings_without_project(error: Exception, distribution: str) -> list[Finding]:
    """Why the project cannot be opened, in one line, and what can be said all the same: demo's weights, environment.

    Args:
        error: What opening it raised.
        distribution: As above.
    """
    what = "settings" if isinstance(error, SettingsError) else "history"
    text = "; ".join(line.strip() for line in str(error).splitlines())
    return [Finding(False, what, text), _weights_finding("spliceai", "spliceai", None), *_environment(distribution)]


def _environment(distribution: str) -> list[Finding]:
    return [_device(distribution), version_finding(requires(distribution) or [])]


def _files(project: Project) -> list[Finding]:
    """Every file of the user that an asset reads; weights are looked at apart."""
    settings = project.settings
    sources = [
        file for genome in settings.genomes.values() for role in ROLES for file in source_files(settings, genome, role)
    ]
    fetched = {str(file.path) for file in sources if file.remote}
    found: dict[str, Finding] = {}
    for asset, node in project.manifest.nodes.items():
        if asset.endswith(f"/{tables.BASE_MODEL_WEIGHTS.name}"):
            continue
        for path in node.input_files:
            absent = (
                "is not there yet: the build fetches it" if path in fetched else "is not there: correct builder.yaml"
            )
            is_there = Path(path).is_file()
            text = path if is_there else f"{path} {absent}"
            found.setdefault(path, Finding(is_there or path in fetched, asset, text))
    return list(found.values())


def _weights(settings: Settings) -> list[Finding]:
    return [
        _weights_finding(name, model.family, model.weights and str(settings.path(model.weights)))
        for name, model in settings.base_models.items()
    ]


def _weights_finding(name: str, family: str, folder: str | None) -> Finding:
    try:
        files = weight_files(family, folder)
        return Finding(True, f"{name} weights", f"{len(files)} files in {files[0].parent}")
    except ValueError as error:
        return Finding(False, f"{name} weights", str(error))


def _datasets(project: Project) -> tuple[list[Finding], int]:
    """Whether each dataset's genes and packages are there, and how many bases are still to be scored, if known."""
    found, to_score = [], 0
    for name, dataset in project.settings.datasets.items():
        try:
            if dataset.baseline:
                load_lightgbm()
            preview = preview_selection(project, name)
            choice, *_, cost = preview.lines()
            found += [Finding(True, name, line) for line in (choice.removeprefix(f"{name}: "), cost)]
            to_score = max(to_score, preview.to_score[1])
        except PreviewError as error:
            found.append(Finding(True, name, f"its genes are not known yet: {error}"))
        except (ValueError, OSError) as error:
            found.append(Finding(False, name, str(error)))
    return found, to_score


def _device(distribution: str) -> Finding:
    device = configure_jax(None)
    remedy = f"; an NVIDIA GPU is used with `pip install '{distribution}[cuda12]'`" if device.startswith("cpu") else ""
    return Finding(True, "device", f"{device}{remedy}")


def disk_finding(folder: Path, to_score: int) -> Finding:
    """Whether the disk of `folder`, which need not exist yet, holds the scores of `to_score` bases and the rest."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free, needed = shutil.disk_usage(there).free, LEAST_FREE + BYTES_PER_SCORED_BASE * to_score
    text = f"{free / 1e9:.1f} GB free under {there}, about {needed / 1e9:.1f} GB needed"
    remedy = "" if free >= needed else ": free some, or set `data_dir:` to another disk"
    return Finding(free >= needed, "disk", f"{text}{remedy}")


def version_finding(required: list[str]) -> Finding:
    """Whether the installed packages are those that `required` asks for: lines of package metadata, no extras."""
    needed = [one for one in map(Requirement, required) if not one.marker or one.marker.evaluate({"extra": ""})]
    wrong = []
    for requirement in needed:
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            installed = "not installed"
        if installed == "not installed" or not requirement.specifier.contains(installed, prereleases=True):
            wrong.append(f"{requirement.name} is {installed}, needed is {requirement.specifier}")
    if wrong:
        return Finding(False, "versions", f"{'; '.join(wrong)}. `pip install --upgrade` what is named.")
    return Finding(True, "versions", f"all {len(needed)} required packages are there, in versions that fit")
