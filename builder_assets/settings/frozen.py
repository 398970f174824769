"""What every section of the settings is made of: frozen models that refuse unknown keys, and types of single values."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _as_text(value: Any) -> Any:
    """YAML reads 22 as a number; chromosome names are text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


ChromosomeName = Annotated[str, BeforeValidator(_as_text), Field(pattern=r"^[A-Za-z0-9_.*-]{1,60}$")]
Share = Annotated[float, Field(ge=0, le=1)]


class Frozen(BaseModel):
    """A section of the settings: never changed after it was read, and without keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
