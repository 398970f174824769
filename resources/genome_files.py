"""A genome's FASTA, as Dagster knows it: a path, and a folder for the index where the user's folder has none."""

from pathlib import Path

import dagster as dg

from resources.reference_genome import ReferenceGenome


class GenomeFiles(dg.ConfigurableResource):
    """Where one genome's FASTA lies."""

    fasta: str
    index_dir: str

    def reference(self) -> ReferenceGenome:
        """The FASTA, ready to be read."""
        return ReferenceGenome(Path(self.fasta), Path(self.index_dir))
