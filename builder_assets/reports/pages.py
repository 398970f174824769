"""Which pages there are, and how they get into a folder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder_assets.project.folder import Project
from builder_assets.project.freshness import listed, stale_lines, tables_behind
from builder_assets.project.stored import NotBuiltError
from builder_assets.reports.dataset_page import dataset_page, tables_of_dataset_page
from builder_assets.reports.model_page import model_page, tables_of_model_page
from resources.table_files import DamagedFileError, SchemaVersionError


@dataclass(frozen=True)
class Page:
    """A page that was written.

    Attributes:
        path: The file.
        stale: What it says of tables that are not what would be built now.
    """

    path: Path
    stale: tuple[str, ...]


def write_pages(project: Project, names: Sequence[str], folder: Path) -> Iterator[Page]:
    """Write `<name>.html` for base models and datasets; yields each page when it is there.

    Args:
        project: The open project; its manifest is asked what is not built and fresh.
        names: Base models and datasets; where none is named, all those that were built.
        folder: Where to write; made if it is not there.

    Raises:
        NotBuiltError: after the pages that can be made: what is missing for the others; or nothing was ever built.
        ValueError: one that is named is not in the settings.
    """
    settings = project.settings
    of_models = dict.fromkeys(settings.base_models, (tables_of_model_page, model_page))
    known = of_models | dict.fromkeys(settings.datasets, (tables_of_dataset_page, dataset_page))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"{', '.join(unknown)} is no base model and no dataset; known: {', '.join(known)}.")
    read = {name: known[name][0](settings, name) for name in names or known}
    # A model's page is whole without examples, but draws those that are there.
    drawn = {name: [f"{dataset}/training_examples" for dataset in settings.datasets_of(name)] for name in read}
    behind = tables_behind(project, {asset for assets in (*read.values(), *drawn.values()) for asset in assets})
    written, problems = 0, []
    for name, (head, *others) in read.items():
        own = [one for one in behind if one.cell.asset in (head, *others)]
        missing = [one for one in own if not one.is_there]
        if any(one.cell.asset == head and not one.was_built for one in missing) and not names:
            continue
        if missing:
            count = f"{len(missing)} tables that it is made from are not there"
            problems.append(f"no page of {name}: {count}: {listed(missing)}. `builder build` makes them.")
            continue
        stale = tuple(stale_lines([*own, *(one for one in behind if one.cell.asset in drawn[name])]))
        try:
            page = known[name][1](settings, name, stale)
        except (NotBuiltError, DamagedFileError, SchemaVersionError) as error:
            problems.append(f"no page of {name}: {error}")
            continue
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.html"
        path.write_text(page, encoding="utf-8")
        written += 1
        yield Page(path, stale)
    if problems:
        raise NotBuiltError("\n".join(problems))
    if not written:
        raise NotBuiltError("nothing is built that has a page yet. `builder build` makes base models and datasets.")
