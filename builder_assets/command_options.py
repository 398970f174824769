"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file. Default: $BUILDER_CONFIG, else ./builder.yaml.", show_default=False),
]
