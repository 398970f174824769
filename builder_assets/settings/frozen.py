"""What every section of the settings is made of: frozen models that refuse unknown keys, and types of single values."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from builder_assets.coordinates import canonical_chromosome


def _as_text(value: Any) -> Any:
    """YAML reads 22 as a number; chromosome names are text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _canonical(name: str) -> str:
    if name.startswith("NC_"):  # only the assembly says whose accession it is
        return name
    if (canonical := canonical_chromosome(name, "")) != name:
        raise ValueError(
            f"{name} is {canonical}: chromosomes are named without `chr`, the mitochondrion is MT; the files may use "
            "any common name"
        )
    return name


def _fetchable(text: str) -> str:
    """Paths and releases pass; an address has to be one that can be fetched, and name a file."""
    if "://" not in text:
        return text
    address = urlsplit(text)
    if address.scheme not in ("https", "http"):
        raise ValueError(
            f"{address.scheme}:// is not fetched, only https:// and http:// are; give such an address, or download the "
            "file and give its path"
        )
    if not address.hostname or address.path.rpartition("/")[2] in ("", ".", ".."):
        raise ValueError(
            "the address names no file; give one like https://HOST/FOLDER/FILE, or download the file and give its path"
        )
    return text


ChromosomeName = Annotated[
    str, BeforeValidator(_as_text), Field(pattern=r"^[A-Za-z0-9_.*-]{1,60}$"), AfterValidator(_canonical)
]
FileSource = Annotated[str, AfterValidator(_fetchable)]  # a path, an address or a release
Share = Annotated[float, Field(ge=0, le=1)]


class Frozen(BaseModel):
    """A section of the settings: never changed after it was read, and without keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
