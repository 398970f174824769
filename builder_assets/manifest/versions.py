"""The code version of an asset: its logic, and the settings that it reads.

    "3-1f0c9a2b"    3 is the asset's LOGIC_VERSION, raised by hand when its rule changes;
                    1f0c9a2b is the hash of the one settings model that its factory was given.

Paths, worker counts, batch sizes and devices are in no settings model that comes here.
"""

from hashlib import blake2b

from pydantic import BaseModel


def code_version(logic: int, *settings: BaseModel) -> str:
    """Code version of an asset with this logic under these settings."""
    text = "\n".join(model.model_dump_json() for model in settings)
    return f"{logic}-{blake2b(text.encode(), digest_size=4).hexdigest()}"


def cause_of_change(recorded: str | None, current: str) -> str:
    """What differs between two code versions: `code` or `settings`."""
    return "settings" if (recorded or "").split("-")[0] == current.split("-")[0] else "code"
