"""Do the publishers still have the files that the settings name? For `builder doctor --online`."""

from collections.abc import Callable, Iterator

from builder_assets.genome.releases import ROLES
from builder_assets.genome.sources import source_files
from builder_assets.settings import Settings
from resources.downloads import ABSENT, is_there


def online_findings(settings: Settings, ask: Callable[[str], str | None] = is_there) -> Iterator[tuple[bool, str, str]]:
    """One finding per address: whether it is well, what it is, and what was found.

    Args:
        settings: Whose addresses are tried.
        ask: Gives why an address cannot be fetched, None if it can.
    """
    for name, genome in settings.genomes.items():
        for role in ROLES:
            for file in source_files(settings, genome, role):
                if file.remote is None:
                    continue
                problem = ask(file.remote.url)
                yield problem is None, f"{name} {role} online", f"{file.remote.url}{f': {problem}' if problem else ''}"
                if file.remote.checksums:
                    yield _list_finding(f"{name} {role} checksums online", file.remote.checksums, ask)


def _list_finding(what: str, checksums: str, ask: Callable[[str], str | None]) -> tuple[bool, str, str]:
    """As the build does: a list that is absent is done without, one that cannot be read stops it."""
    problem = ask(checksums)
    if problem is None:
        return True, what, checksums
    if problem.startswith(f"{ABSENT} "):
        return True, what, f"{checksums}: {problem}; the file will be pinned at first sight"
    return False, what, f"{checksums}: {problem}; without it the file will not be fetched"
