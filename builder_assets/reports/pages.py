"""Which pages there are, and how they get into a folder."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from builder_assets.reports.dataset_page import dataset_page
from builder_assets.reports.model_page import model_page
from builder_assets.reports.stored import NotBuiltError
from builder_assets.settings import Settings


def write_pages(settings: Settings, names: Sequence[str], folder: Path) -> Iterator[Path]:
    """Write `<name>.html` for base models and datasets; yields each file when it is there.

    Args:
        settings: The project's settings.
        names: Base models and datasets; where none is named, all those that are built.
        folder: Where to write; made if it is not there.

    Raises:
        NotBuiltError: one that is named is not built, or none is.
        ValueError: one that is named is not in the settings.
    """
    known = {**dict.fromkeys(settings.base_models, model_page), **dict.fromkeys(settings.datasets, dataset_page)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"{', '.join(unknown)} is no base model and no dataset; known: {', '.join(known)}.")
    written = 0
    for name in names or known:
        try:
            page = known[name](settings, name)
        except NotBuiltError:
            if names:
                raise
            continue
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.html"
        path.write_text(page, encoding="utf-8")
        written += 1
        yield path
    if not written:
        raise NotBuiltError("nothing is built that has a page yet. `builder build` makes base models and datasets.")
