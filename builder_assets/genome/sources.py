"""Where a genome's two files come from: a path, a pattern with one FASTA per chromosome, an address, or a release.

fasta: refs/hg38.fa.gz                              a path, relative to builder.yaml
fasta: refs/Homo_sapiens.GRCh38.dna.chromosome.{chromosome}.fa.gz
fasta: https://example.org/genome.fa.gz             fetched once into data_dir/downloads
fasta: ensembl:112                                  the release's file for `assembly:`
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote, urlsplit

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
    if "://" in text:
        return _fetched(settings, Remote(text))
    remote = release_file(text, role, assembly) if is_release(text) else None
    return _fetched(settings, remote) if remote else SourceFile(settings.path(text))


def _fetched(settings: Settings, remote: Remote) -> SourceFile:
    return SourceFile(settings.local_path / DOWNLOADS / _local_name(remote.url), remote)


def _local_name(url: str) -> PurePosixPath:
    """A name below the downloads that no other address has.

    https://example.org/x/my%20genes.gtf    example.org/x/my genes.gtf
    https://example.org/x/get.gtf?rev=2     example.org/cd50fef0debc8051/get.gtf   whatever host and path do not say
    """
    address = urlsplit(url)
    host, path = address.hostname or "", unquote(address.path)
    parts = PurePosixPath(path).parts[1:]
    if url == f"https://{host}/{quote('/'.join(parts))}" and ".." not in parts:
        return PurePosixPath(host, *parts)
    digest = hashlib.blake2b(url.encode(), digest_size=8).hexdigest()
    return PurePosixPath(host, digest, address.path.rpartition("/")[2])
