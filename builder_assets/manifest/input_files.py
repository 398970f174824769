"""The files that users own: what is recorded of them when they are read, and which of them changed since."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from resources.table_files import file_state

INPUT_FILES = "input_files"  # definition metadata: paths of the user's files that the asset registers
REGISTERED = "registered_files"  # materialisation metadata: path, size and mtime of those files when read


class InputFileError(ValueError):
    """A file of the user is not there; the text names it."""


def registered_files(paths: Iterable[str | Path]) -> dict[str, Any]:
    """Materialisation metadata that lets the manifest see later that a user's file changed.

    Raises:
        InputFileError: one of them is not there.
    """
    paths = list(paths)
    absent = [str(path) for path in paths if not Path(path).is_file()]
    if absent:
        raise InputFileError(f"{', '.join(absent)} is not there. Put it there, or correct its path in builder.yaml.")
    files = {str(path): file_state(Path(path)) for path in paths}
    return {REGISTERED: dg.MetadataValue.text(json.dumps(files, sort_keys=True))}


def changed_files(paths: Sequence[str], record: dg.AssetMaterialization) -> tuple[str, ...]:
    """In words, which of an asset's input files are not as they were when they were registered."""
    known = json.loads(str(record.metadata[REGISTERED].value)) if REGISTERED in record.metadata else {}
    changed = [f"{name} is no longer read" for name in sorted(known.keys() - set(paths))]
    for name in paths:
        path = Path(name)
        if not path.is_file():
            changed.append(f"{name} is gone")
        elif name not in known:
            changed.append(f"{name} is new")
        elif known[name] != file_state(path):
            changed.append(f"{name} changed")
    return tuple(changed)
