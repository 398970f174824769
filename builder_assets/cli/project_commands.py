"""Commands for the project folder itself: make one, look at it in a browser, check what it needs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from builder_assets.cli.app import DISTRIBUTION, VERSIONED, Config, app, console, reported, version_of


@app.command()
@reported
def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the new project; made if it is not there.")] = Path(),
) -> None:
    """Write a project folder: commented settings, dagster.yaml, workspace.yaml and an empty history.

    Files that exist are left as they are. The settings are those of the demo genome: run `builder build` as they
    are, then edit them.
    """
    from builder_assets.project import create_project

    written = create_project(folder)
    for path in written:
        console.print(f"wrote {path}", highlight=False)
    if not written:
        console.print(f"{folder.resolve()} has all its files already; nothing written.", highlight=False)
    console.print("Next: edit builder.yaml, then `builder build`.", highlight=False)


@app.command()
@reported
def ui(
    config: Config = None,
    port: Annotated[int, typer.Option(help="Port of the web server.")] = 3000,
    host: Annotated[
        str, typer.Option(help="Address to bind to. The UI has no login: keep it on this machine.")
    ] = "127.0.0.1",
) -> None:
    """Open the Dagster UI on this project: graph, history, partitions, backfills. Stop it with Ctrl-C."""
    from builder_assets.project import open_project
    from builder_assets.settings import CONFIG_VARIABLE

    project = open_project(config)
    root = project.settings.root
    console.print("Dagster UI at", Text(f"http://{host}:{port}", "bold"), f" (project {root})", highlight=False)
    environment = os.environ | {"DAGSTER_HOME": str(root), CONFIG_VARIABLE: str(project.config)}
    command = [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml", "-h", host, "-p", str(port)]
    raise typer.Exit(subprocess.call(command, cwd=root, env=environment))


@app.command()
@reported
def doctor(
    config: Config = None,
    online: Annotated[
        bool, typer.Option("--online", help="Also ask publishers for their files; needs the network, which CI has not.")
    ] = False,
) -> None:
    """Check settings, input files, weights, device, disk and versions, with a remedy for what is wrong."""
    from builder_assets.genome.releases import ROLES
    from builder_assets.genome.sources import source_files
    from builder_assets.online_check import online_findings
    from builder_assets.project import open_project
    from resources.accelerator import configure_jax
    from resources.model_weights import weight_files

    project = open_project(config)
    settings = project.settings
    findings: list[tuple[bool, str, str]] = [(True, "settings", f"{settings.root}")]
    for name, genome in settings.genomes.items():
        for word in ROLES:
            for file in source_files(settings, genome, word):
                absent = " is not there yet: the build fetches it" if file.remote else " is not there"
                is_well = file.path.is_file() or file.remote is not None
                findings.append((is_well, f"{name} {word}", f"{file.path}{'' if file.path.is_file() else absent}"))
    findings += online_findings(settings) if online else []
    for name, model in settings.base_models.items():
        try:
            files = weight_files(model.family, model.weights and str(settings.path(model.weights)))
            findings.append((True, f"{name} weights", f"{len(files)} files in {files[0].parent}"))
        except ValueError as error:
            findings.append((False, f"{name} weights", str(error)))
    device = configure_jax(None)
    remedy = f"; an NVIDIA GPU is used with `pip install '{DISTRIBUTION}[cuda12]'`" if device.startswith("cpu") else ""
    findings.append((True, "device", f"{device}{remedy}"))
    free = shutil.disk_usage(settings.root).free / 1e9
    findings.append((free > 1, "disk", f"{free:.1f} GB free under {settings.root}"))
    findings.append((True, "versions", ", ".join(f"{name} {version_of(name)}" for name in VERSIONED)))
    for good, what, text in findings:
        console.print(
            Text("ok     ", "green") if good else Text("problem", "red"),
            f"{what}: {text}",
            highlight=False,
            soft_wrap=True,
        )
    if not all(good for good, _, _ in findings):
        raise typer.Exit(1)
