"""What the commands of `builder` share: the application, options, the two consoles, and how errors are told.

Exit codes: 0 done or nothing to do; 1 something failed, what does not need it is built; 2 wrong usage or settings.
"""

import json
import os
import platform
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

Config = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file. Default: $BUILDER_CONFIG, else ./builder.yaml.", show_default=False),
]
Datasets = Annotated[
    list[str] | None,
    typer.Option("--dataset", help="Only this dataset and what it is made from. Repeatable.", show_default=False),
]
Genomes = Annotated[
    list[str] | None,
    typer.Option("--genome", help="Only this genome's tables; nothing is scored. Repeatable.", show_default=False),
]
Chromosomes = Annotated[
    list[str] | None,
    typer.Option(
        "--chromosome",
        help="Score, evaluate and make examples for this chromosome only. Genome tables always cover all. Repeatable.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program instead of a table.")]

app = typer.Typer(
    name="builder",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="""Build training datasets for meta-models of splice-site predictors.

A project folder holds [bold]builder.yaml[/bold] (what to build), dagster.yaml and workspace.yaml.
Three commands do most:

  builder init my_project    write a project folder to start from
  builder build              build what is missing or stale, and nothing else
  builder ui                 watch, start and inspect builds in a browser

Exit codes: 0 done or nothing to do, 1 something failed (what does not need it is built), 2 wrong usage or settings.""",
)
# A log has no width; tables must not be folded into 80 columns there.
LOG_WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 120
# No markup: paths, extras and partitions have brackets of their own.
console = Console(width=LOG_WIDTH, markup=False)
errors = Console(stderr=True, markup=False)

DISTRIBUTION = "splice-dataset-builder"
VERSIONED = ("dagster", "polars", "pyarrow", "jax", "flax", "pysam", "spliceai")  # the last one holds the weights


def version_of(package: str) -> str:
    """The version of an installed package, or that there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _print_versions(wanted: bool) -> None:
    if wanted:
        console.print(f"builder {version_of(DISTRIBUTION)}, Python {platform.python_version()}", highlight=False)
        console.print(", ".join(f"{name} {version_of(name)}" for name in VERSIONED), highlight=False)
        raise typer.Exit


@app.callback()
def builder(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_versions, is_eager=True, help="Print versions of what matters."),
    ] = False,
) -> None:
    """Options of `builder` itself; its help is the application's."""


def reported(command: Callable[..., Any]) -> Callable[..., Any]:
    """Known errors become one clear message and an honest exit code."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        from builder_assets.project.building import StoppedError
        from builder_assets.project.folder import BuildInProgressError, HistoryError
        from builder_assets.settings import SettingsError

        try:
            return command(*arguments, **options)
        except (SettingsError, BuildInProgressError, HistoryError, StoppedError, ValueError, OSError) as error:
            errors.print(Text("error:", "red"), str(error), highlight=False, soft_wrap=True)
            raise typer.Exit(
                1 if isinstance(error, (BuildInProgressError, HistoryError, StoppedError)) else 2
            ) from error

    return run


def print_stale(lines: Iterable[str]) -> None:
    """Say what is not what would be built now, beside what is shown of it."""
    for line in lines:
        errors.print(Text(line, "yellow"), highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value for a program."""
    print(json.dumps(value, indent=2))
