"""What lies in data_dir and is no longer wanted: `builder clean` removes it, `builder status` lists the tables.

    tables      partitions, datasets, models and genomes that left the settings, with the files beside them
    memo        scores kept for later builds, of chromosomes that are wholly scored
    indices     indices and recompressed copies of FASTA files that changed since, or left the settings
    partial     what killed writers left

Files that this project did not write are never removed: they are named, for the user to move away.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder_assets.dataset.assets import COMPANION_NAMES
from builder_assets.genome.sources import FASTA_INDEX, fasta_index_dir, source_files
from builder_assets.manifest import Cell, cells_of
from builder_assets.project.folder import Project
from builder_assets.settings import Settings
from resources.publishing import dead_partial_files
from resources.reference_genome import OWN_NAME, ReferenceGenome
from resources.score_memo import SCRATCH
from resources.table_files import DamagedFileError, read_provenance


@dataclass(frozen=True)
class Leftover:
    """A file that nothing in the settings asks for.

    Attributes:
        path: The file.
        why: In words.
        is_ours: Whether this project wrote it; only then may it be removed.
    """

    path: Path
    why: str
    is_ours: bool = True


def leftovers(project: Project) -> list[Leftover]:
    """Everything in data_dir that is no longer wanted, by path."""
    data = project.settings.data_path
    partial = {*dead_partial_files(data), *dead_partial_files(project.settings.local_path)}
    killed = [Leftover(path, "a killed process left it") for path in partial]
    found = [*stray_tables(project), *_memo(project, data), *_fasta_indices(project.settings), *killed]
    return sorted(found, key=lambda leftover: str(leftover.path))


def remove(project: Project, found: list[Leftover]) -> list[Path]:
    """Delete the project's own of `found`, and folders that are empty then; returns what was deleted."""
    deleted = [leftover.path for leftover in found if leftover.is_ours]
    for path in deleted:
        path.unlink(missing_ok=True)
    for folder in sorted({parent for path in deleted for parent in path.parents}, reverse=True):
        inside = project.settings.data_path in folder.parents
        if inside and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    return deleted


def stray_tables(project: Project) -> Iterator[Leftover]:
    """Tables that no asset of the settings has, and the files beside them."""
    expected = {project.manifest.path_of(cell) for cell in cells_of(project.manifest.nodes)}
    wanted = {path.with_name(name) for path in expected for name in COMPANION_NAMES.get(path.stem, ())}
    for path in sorted(project.settings.data_path.rglob("*.parquet")):
        if path in expected:
            continue
        try:
            read_provenance(path)
        except DamagedFileError:
            yield Leftover(path, "not written by this project, or damaged: move it away", is_ours=False)
            continue
        yield Leftover(path, "no longer in the settings")
        for name in COMPANION_NAMES.get(path.stem, ()):
            beside = path.with_name(name)
            if beside.is_file() and beside not in wanted:
                yield Leftover(beside, "no longer in the settings")


def _memo(project: Project, data: Path) -> Iterator[Leftover]:
    """Batches of scores that no build can want: everything that is asked for is in the tables."""
    statuses = project.manifest.statuses(
        project.instance, {f"{name}/splice_scores" for name in project.settings.base_models}
    )
    for path in sorted((data / SCRATCH).rglob("*.memo")):
        model, table, chromosome = path.relative_to(data / SCRATCH).parts[:3]
        cell = Cell(f"{model}/{table}", chromosome)
        if cell not in statuses:
            yield Leftover(path, "scores of a model or chromosome that is no longer in the settings")
        elif statuses[cell].is_built:
            yield Leftover(path, "scores that are in the tables too, or of genes that left the plan")


def _fasta_indices(settings: Settings) -> Iterator[Leftover]:
    """Indices, and copies as large as a genome, of FASTA files that are not so any more."""
    wanted = {
        path
        for name, genome in settings.genomes.items()
        for file in source_files(settings, genome, "fasta")
        if file.path.is_file()
        for path in ReferenceGenome(file.path, fasta_index_dir(settings, name)).own_files()
    }
    for path in sorted(settings.local_path.glob(f"*/{FASTA_INDEX}/*")):
        if path not in wanted and OWN_NAME.search(path.name):
            yield Leftover(path, "of a FASTA that changed since, or is no longer in the settings")
