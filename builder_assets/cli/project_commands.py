"""Commands for the project folder itself: make one, look at it in a browser, check what it needs."""

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from builder_assets.cli.app import DISTRIBUTION, VERSIONED, Config, app, console, reported, version_of
from builder_assets.template import EXAMPLES


@app.command()
@reported
def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the new project; made if it is not there.")] = Path(),
    example: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"Start from an example, or add its file: {', '.join(EXAMPLES)}. Default: the demo's settings.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a project folder: commented settings, dagster.yaml, workspace.yaml and an empty history.

    Files that exist are left as they are. The settings are those of the demo genome: run `builder build` as they
    are, then edit them.
    """
    from builder_assets.project.folder import create_project
    from builder_assets.settings import CONFIG_NAME

    written = create_project(folder, example)
    for path in written:
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)
    if not written:
        console.print(
            f"{folder.resolve()} has all its files already; nothing written.", highlight=False, soft_wrap=True
        )
    if CONFIG_NAME in {path.name for path in written} and example:
        following = "write the paths of your own files into builder.yaml; `builder doctor` looks at them."
    elif CONFIG_NAME in {path.name for path in written}:
        following = "`builder build` builds the demo as it is; edit builder.yaml for a genome of your own."
    else:
        following = "`builder build` builds what its builder.yaml says; `builder plan` shows that first."
    console.print(f"Next: {following}", highlight=False, soft_wrap=True)


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
    from builder_assets.project.folder import open_project
    from builder_assets.settings import CONFIG_VARIABLE

    project = open_project(config)
    root = project.settings.root
    console.print("Dagster UI at", Text(f"http://{host}:{port}", "bold"), f" (project {root})", highlight=False)
    environment = os.environ | {"DAGSTER_HOME": str(root), CONFIG_VARIABLE: str(project.config)}
    command = [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml", "-h", host, "-p", str(port)]
    sys.stdout.flush()
    # Dagster's server takes the place of this process, so what stops this one stops it. It treats SIGTERM as SIGINT,
    # which the shell lets a process ignore that is started with `&` in a script.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execve(sys.executable, command, environment)  # in the project's folder, as opening it made that the current one


@app.command()
@reported
def doctor(
    config: Config = None,
    online: Annotated[
        bool, typer.Option("--online", help="Also ask publishers for their files; needs the network, which CI has not.")
    ] = False,
) -> None:
    """Check settings, input files, weights, genes, device, disk and versions, with a remedy for what is wrong."""
    from builder_assets.project.doctor import findings, findings_without_project
    from builder_assets.project.folder import HistoryError, open_project
    from builder_assets.project.online_check import online_findings
    from builder_assets.settings import SettingsError

    try:
        project = open_project(config)
        found = [*findings(project, DISTRIBUTION), *(online_findings(project.settings) if online else ())]
    except (SettingsError, HistoryError) as error:
        found = findings_without_project(error, DISTRIBUTION)
    versions = ", ".join(f"{name} {version_of(name)}" for name in VERSIONED)
    found = [*found, (True, "installed", versions)]
    for good, what, text in found:
        console.print(
            Text("ok     ", "green") if good else Text("problem", "red"),
            f"{what}: {text}",
            highlight=False,
            soft_wrap=True,
        )
    if not all(good for good, _, _ in found):
        raise typer.Exit(1)
