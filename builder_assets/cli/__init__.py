"""The command `builder`: everything that the Dagster UI does, from a shell.

Exit codes: 0 done or nothing to do; 1 something failed, what does not need it is built; 2 wrong usage or settings.
"""

from builder_assets.cli import (  # each registers its commands
    build_commands,
    dataset_commands,
    project_commands,
    report_commands,
)
from builder_assets.cli.app import app

__all__ = ["app", "build_commands", "dataset_commands", "main", "project_commands", "report_commands"]


def main() -> None:
    """Run the command line."""
    app()
