"""The code version of an asset: its logic, its table's schema, and the settings that it reads.

    "3.2-1f0c9a2b"  3 is the asset's LOGIC_VERSION, raised by hand when its rule changes;
                    2 is the schema version of its contract, raised by hand when a column changes its meaning;
                    1f0c9a2b is the hash of the settings models that its factory was given.

Paths, worker counts, batch sizes and devices are in no settings model that comes here.
"""

import json
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

from pydantic import BaseModel

LONGEST_VALUE = 60  # characters of a setting that are shown; a list may name a thousand genes


def code_version(logic: int, schema: int, *settings: BaseModel) -> str:
    """Code version of an asset with this logic and schema under these settings."""
    text = "\n".join(model.model_dump_json() for model in settings)
    return f"{logic}.{schema}-{blake2b(text.encode(), digest_size=4).hexdigest()}"


def flat_settings(*settings: BaseModel) -> dict[str, Any]:
    """Every setting that an asset reads under its dotted name, such as `negatives.ratios.easy`."""
    return {name: value for model in settings for name, value in _leaves(model.model_dump(mode="json"))}


def _leaves(section: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in section.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def cause_of_change(
    recorded: str | None, current: str, before: Mapping[str, Any] | None = None, now: Mapping[str, Any] | None = None
) -> str:
    """What differs between two code versions, in words: the code, or which settings.

    Args:
        recorded: Code version of what is stored.
        current: Code version now.
        before: `flat_settings` of what is stored, where they were kept.
        now: `flat_settings` now.
    """
    if (recorded or "").split("-")[0] != current.split("-")[0]:
        return f"code changed ({recorded} -> {current})"
    old, new = dict(before or {}), dict(now or {})
    changed = [
        f"{name} {_shown(old.get(name))} -> {_shown(new.get(name))}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
    return (
        f"settings changed: {'; '.join(changed)}" if old and changed else f"settings changed ({recorded} -> {current})"
    )


def _shown(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."
