"""From a settings file to `Settings`, or to an error that names the YAML path, the value and what is allowed."""

import difflib
import os
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from builder_assets.settings.project import Settings

CONFIG_VARIABLE = "BUILDER_CONFIG"
CONFIG_NAME = "builder.yaml"


class SettingsError(ValueError):
    """`builder.yaml` cannot be used; the text names the YAML path, the value and what is allowed."""


def find_config(config: str | Path | None = None) -> Path:
    """The settings file to use: `config`, else $BUILDER_CONFIG, else ./builder.yaml.

    Raises:
        SettingsError: there is none; the text names `builder init`.
    """
    path = Path(config or os.environ.get(CONFIG_VARIABLE) or CONFIG_NAME).expanduser().resolve()
    if not path.is_file():
        raise SettingsError(f"no settings file at {path}. `builder init DIR` writes one to start from.")
    return path


def load_settings(config: str | Path | None = None) -> Settings:
    """Read and validate a settings file.

    Raises:
        SettingsError: the file is missing, is no YAML, or breaks a rule; one line per problem.
    """
    path = find_config(config)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not readable as YAML: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path} holds no settings: expected the keys data_dir, genomes, base_models, datasets.")
    try:
        return Settings.model_validate(content | {"root": path.parent})
    except ValidationError as error:
        problems = _problems(error)
        raise SettingsError("\n".join([f"{path}: {len(problems)} problem(s)", *problems])) from error


def _problems(error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors():
        path = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            lines.append(f"  {path}: unknown key{_nearest(problem['loc'])}")
        elif problem["type"] == "missing":
            lines.append(f"  {path}: is required")
        elif problem["type"] == "tuple_type":
            lines.append(f"  {path}: {problem['input']!r}: {_as_list(problem['input'])}")
        else:
            message = problem["msg"].removeprefix("Value error, ")
            value = problem["input"]
            shown = f"{value!r}: " if isinstance(value, str | int | float | bool) else ""
            lines.append(f"  {path}: {shown}{message}" if path else f"  {message}")
    return lines


def _as_list(value: Any) -> str:
    """How to write the list that is expected in the place of `value`."""
    if not isinstance(value, str | int | float):
        return "write a list in brackets: [ONE, ANOTHER]"
    return f"write a list: [{', '.join(part.strip() for part in str(value).split(','))}]"


def _nearest(location: tuple[int | str, ...]) -> str:
    """The known keys at a place in the settings, the most similar one first."""
    model: Any = Settings
    for part in location[:-1]:
        model = _annotation_of(model, str(part))
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return ""
    known = [name for name in model.model_fields if name != "root"]
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint} (known: {', '.join(known)})"


def _annotation_of(model: Any, part: str) -> Any:
    """What the settings expect under key `part` of `model`: a model, or None for anything simpler."""
    if get_origin(model) is dict:
        return get_args(model)[1]
    field = model.model_fields.get(part) if isinstance(model, type) and issubclass(model, BaseModel) else None
    return field.annotation if field else None
