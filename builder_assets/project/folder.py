"""A project folder: its settings, its one history, and the guard that keeps the two together."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from alembic.util import CommandError
from dagster._core.instance.ref import InstanceRef
from filelock import FileLock, Timeout
from sqlalchemy.exc import SQLAlchemyError

from builder_assets import demo, template
from builder_assets.asset_graph import build_defs, manifest_of
from builder_assets.base_model.network_assets import POOL
from builder_assets.manifest import Manifest
from builder_assets.settings import CONFIG_NAME, Settings, SettingsError, find_config, load_settings
from resources.places import place

HISTORY = ".dagster"
BUILD_LOCK = "build.lock"  # in the history: held by whatever builds, adopts or cleans
DATA_DIR_RECORD = "builder/data_dir"  # in the history itself: all machines that share it are guarded
PROJECT_FILES = (CONFIG_NAME, "dagster.yaml", "workspace.yaml")


class HistoryError(RuntimeError):
    """The run history cannot be read."""


class DamagedHistoryError(HistoryError):
    """Its files are damaged; they can be put aside."""


class UnwritableFolderError(OSError):
    """A project folder cannot be made or written."""


class BuildInProgressError(RuntimeError):
    """Another command that writes works in this project folder."""


@dataclass(frozen=True)
class Project:
    """An open project folder."""

    config: Path
    settings: Settings
    instance: dg.DagsterInstance
    defs: dg.Definitions
    manifest: Manifest

    @property
    def history(self) -> Path:
        """Folder of the run history."""
        return self.settings.root / HISTORY


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold the lock of a project folder: one command that writes at a time.

    Raises:
        BuildInProgressError: another one holds it.
    """
    try:
        with FileLock(root / HISTORY / BUILD_LOCK, timeout=0):
            yield
    except Timeout as error:
        raise BuildInProgressError(
            f"another `builder build` is at work in {root}. Wait for it, or stop it first."
        ) from error


def open_project(config: str | Path | None = None, *, adopt: bool = False) -> Project:
    """Open the project that a settings file belongs to, and make its folder the current one.

    The history is initialised by one process at a time: two first starts at once corrupt SQLite's for good.

    Args:
        config: The settings file; see `find_config`.
        adopt: Accept another data_dir than the history knows, and put a history that cannot be read aside.

    Raises:
        SettingsError: no or wrong settings; no dagster.yaml beside them; another data_dir than the history knows.
        HistoryError: the history cannot be read, or the server that keeps it cannot be reached.
    """
    path = find_config(config)
    settings = load_settings(path)
    if not (settings.root / "dagster.yaml").is_file():
        raise SettingsError(
            f"{settings.root} has no dagster.yaml, so its history would be lost. "
            f"`builder init {settings.root}` writes the missing files and leaves the others as they are."
        )
    os.chdir(settings.root)
    try:
        instance = initialise_history(settings.root)
    except DamagedHistoryError:
        if not adopt:
            raise
        with alone(settings.root):
            _put_aside(settings.root / HISTORY)
        instance = initialise_history(settings.root)
    _guard_data_dir(settings, instance, adopt=adopt)
    return Project(path, settings, instance, build_defs(settings), manifest_of(settings))


def initialise_history(root: Path) -> dg.DagsterInstance:
    """The Dagster instance of a project folder; its databases exist afterwards.

    Raises:
        DamagedHistoryError: a database in the folder is damaged.
        HistoryError: the server that dagster.yaml names cannot be used; or the tables are of another version of
            Dagster.
    """
    (root / HISTORY).mkdir(exist_ok=True)
    with FileLock(root / HISTORY / "initialise.lock"):
        ref = InstanceRef.from_dir(str(root))
        try:
            instance = dg.DagsterInstance.from_ref(ref)
            instance.get_runs(limit=1)
            instance.all_asset_keys()
            instance.all_instigator_state()
            _initialise_pool(instance)
        except Exception as error:
            told = _told(error)
            if not _keeps_files(ref):
                raise HistoryError(
                    f"the server that keeps the history cannot be used: {told}. Look at `storage:` in "
                    f"{root / 'dagster.yaml'}, at the environment variables named there, and whether the server runs."
                ) from error
            if not isinstance(error, (SQLAlchemyError, CommandError)):
                raise
            raise DamagedHistoryError(
                f"the history in {root / HISTORY} cannot be read: {told}. `builder adopt` puts "
                "it aside and records the files on disk in a new one; nothing that is whole is built again."
            ) from error
        _check_schema(instance, root)
        return instance


def _initialise_pool(instance: dg.DagsterInstance) -> None:
    """Give the scorers' pool its limit: on PostgreSQL two runs that were the first to want it would fail both."""
    storage = instance.event_log_storage
    if POOL in storage.get_concurrency_keys():
        return
    try:
        storage.initialize_concurrency_limit_to_default(POOL)
    except SQLAlchemyError:
        if POOL not in storage.get_concurrency_keys():  # else another machine was quicker
            raise


def _told(error: Exception) -> str:
    """The first line of an error, or the environment variables that it misses."""
    if unset := re.findall(r'environment variable "(\w+)" which is not set', str(error)):
        return f"{', '.join(sorted(set(unset)))} not set"
    return str(error.__cause__ or error).splitlines()[0]


def is_of_one_machine(instance: dg.DagsterInstance) -> bool:
    """Whether the history lies in files, and not on a server that several machines share."""
    return _keeps_files(instance.get_ref())


def _keeps_files(ref: InstanceRef) -> bool:
    return ref.storage_data is None or "Sqlite" in ref.storage_data.class_name


def _check_schema(instance: dg.DagsterInstance, root: Path) -> None:
    """Raise where the databases have the tables of another version of Dagster."""
    found, wanted = instance.run_storage.alembic_version() or (None, None)
    if found != wanted:
        raise HistoryError(
            f"the history in {root / HISTORY} has the tables of another version of Dagster ({found}, not {wanted}). "
            f"Copy it, then `DAGSTER_HOME={root} dagster instance migrate` brings it up to date."
        )


def _put_aside(history: Path) -> None:
    """Rename a damaged history to the first free `.dagster.damaged-N`."""
    number = 1
    while (aside := history.with_name(f"{history.name}.damaged-{number}")).exists():
        number += 1
    history.rename(aside)


def _guard_data_dir(settings: Settings, instance: dg.DagsterInstance, *, adopt: bool) -> None:
    """Tie the history to one data_dir: its records speak of the files there. Without records, any will do."""
    records = instance.daemon_cursor_storage
    known = records.get_cursor_values({DATA_DIR_RECORD}).get(DATA_DIR_RECORD)
    current = str(settings.data_path)
    if known == current:
        return
    moved_along = known is not None and not place(known).exists() and settings.data_path.is_dir()
    if known is not None and not moved_along and not adopt and _has_records(instance):
        raise SettingsError(
            f"the history of {settings.root} belongs to data_dir {known}, but the settings say {current}. "
            f"Set data_dir back; or, where the files were moved there, `builder adopt` records them."
        )
    records.set_cursor_values({DATA_DIR_RECORD: current})  # new, or the project folder was moved with data and history


def _has_records(instance: dg.DagsterInstance) -> bool:
    """Whether any table was ever recorded; a failed attempt leaves no record of one."""
    return any(record.asset_entry.last_materialization_record for record in instance.get_asset_records())


def create_project(folder: Path, example: str | None = None) -> list[Path]:
    """Write the files of a project folder that are not there yet; returns the written ones.

    The settings are the demo's, with the path of the demo genome as it is installed.

    Args:
        folder: Made if it is not there.
        example: Name of settings that take the demo's place, with the lists of genes that they name; or of another
            file of `examples/`, which is written beside them.

    Raises:
        SettingsError: there is no such example; or settings are there already, so that those of the example cannot be.
        UnwritableFolderError: the folder cannot be made or written.
    """
    sources = {name: template.FOLDER / name for name in PROJECT_FILES}
    if example is not None:
        sources |= _example_files(example)
        if sources[CONFIG_NAME] != template.FOLDER / CONFIG_NAME and (folder / CONFIG_NAME).exists():
            raise SettingsError(
                f"{folder / CONFIG_NAME} is there already and is not overwritten. Name another folder, or look at "
                f"{sources[CONFIG_NAME]}."
            )
    try:
        return _written_files(folder, sources)
    except (FileExistsError, NotADirectoryError) as error:
        raise UnwritableFolderError(
            f"{folder} cannot be a project folder: {error.filename} is a file. Give another folder to `builder init`."
        ) from error
    except OSError as error:
        raise UnwritableFolderError(
            f"the project folder {folder} cannot be written ({error.strerror}). "
            "Make it writable, or give another folder to `builder init`."
        ) from error


def _written_files(folder: Path, sources: Mapping[str, Path]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, source in sources.items():
        target = folder / name
        if target.exists():
            continue
        shutil.copyfile(source, target)
        if name == CONFIG_NAME:
            text = target.read_text(encoding="utf-8")
            demo_folder = Path(demo.__file__).parent
            target.write_text(text.replace("builder_assets/demo/", f"{demo_folder}/"), encoding="utf-8")
        written.append(target)
    with chdir(folder):  # where a relative `base_dir` in dagster.yaml counts from
        initialise_history(Path.cwd())
    return written


def _example_files(example: str) -> dict[str, Path]:
    """What an example writes: name in the project folder -> file."""
    if example not in template.EXAMPLES:
        raise SettingsError(f"{example!r} is no example; known: {', '.join(template.EXAMPLES)}.")
    source = template.EXAMPLES[example]
    if source.suffix != ".yaml":
        return {source.name: source}
    datasets = load_settings(source).datasets.values()
    named = [file for dataset in datasets for file in (dataset.genes.include_file, dataset.genes.exclude_file) if file]
    return {CONFIG_NAME: source, **{file: source.with_name(file) for file in named}}
