"""A genome's files, as Dagster knows them: paths, where absent ones are fetched, and a folder for indices."""

from pathlib import Path

import dagster as dg
from pydantic import Field

from resources.chromosome_fastas import ChromosomeFastas
from resources.downloads import fetch
from resources.reference_genome import ReferenceGenome


class GenomeFiles(dg.ConfigurableResource):
    """Where one genome's FASTA and annotation lie.

    Attributes:
        fasta: Path of the FASTA.
        more_fastas: Those of the other chromosomes, where each has a file of its own.
        index_dir: For indices, and for bgzip copies of plain gzip files.
        remote: Path -> address, and the address of the publisher's checksums ("" for none), of files to be fetched.
    """

    fasta: str
    index_dir: str
    more_fastas: list[str] = Field(default=[])
    remote: dict[str, list[str]] = Field(default={})

    def reference(self) -> ReferenceGenome:
        """The FASTA, ready to be read."""
        if not self.more_fastas:
            return ReferenceGenome(Path(self.fasta), Path(self.index_dir))
        return ChromosomeFastas(map(Path, [self.fasta, *self.more_fastas]), Path(self.index_dir))

    def fetch(self, path: Path) -> Path:
        """`path`, downloaded first if it is a publisher's file that is not there yet."""
        if str(path) in self.remote:
            url, checksums = self.remote[str(path)]
            return fetch(url, path, checksums or None)
        return path
