"""Where a genome's two files come from: a path, a pattern with one FASTA per chromosome, an address, or a release.

fasta: refs/hg38.fa.gz                              a path, relative to builder.yaml
fasta: refs/Homo_sapiens.GRCh38.dna.chromosome.{chromosome}.fa.gz
fasta: https://example.org/genome.fa.gz             fetched once into data_dir/downloads
fasta: ensembl:112                                  the release's file for `assembly:`
"""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from builder_assets.genome.releases import Remote, Role, is_release, release_file
from builder_assets.settings import GenomeSettings, Settings

PLACE = "{chromosome}"
DOWNLOADS = "downloads"
FASTA_INDEX = "fasta_index"


@dataclass(frozen=True)
class SourceFile:
    """One file of a genome.

    Attributes:
        path: Where it lies, or will lie once fetched.
        remote: Where it is fetched from; None for a file of the user.
    """

    path: Path
    remote: Remote | None = None


def source_files(settings: Settings, genome: GenomeSettings, role: Role) -> tuple[SourceFile, ...]:
    """The files behind `fasta:` or `annotation:`, in the order of the chromosomes where there are several.

    `summary` is the table that a release of the annotation comes with: one file or none.

    Raises:
        ReleaseError: a release that is not known, or not for the genome's assembly.
    """
    text = genome.fasta if role == "fasta" else genome.annotation
    if role == "summary":
        remote = release_file(text, role, genome.assembly) if is_release(text) else None
        return (_fetched(settings, remote),) if remote else ()
    names = [text.replace(PLACE, name) for name in genome.chromosomes] if role == "fasta" and PLACE in text else [text]
    return tuple(_source_file(settings, name, role, genome.assembly) for name in names)


def fasta_index_dir(settings: Settings, genome: str) -> Path:
    """Folder of the indices and recompressed copies of one genome's FASTA."""
    return settings.local_path / genome / FASTA_INDEX


def _source_file(settings: Settings, text: str, role: Role, assembly: str) -> SourceFile:
    if text.startswith(("https://", "http://")):
        return _fetched(settings, Remote(text))
    remote = release_file(text, role, assembly) if is_release(text) else None
    return _fetched(settings, remote) if remote else SourceFile(settings.path(text))


def _fetched(settings: Settings, remote: Remote) -> SourceFile:
    address = urlsplit(remote.url)
    below = PurePosixPath(unquote(address.path)).relative_to("/")
    return SourceFile(settings.local_path / DOWNLOADS / (address.hostname or "") / below, remote)
