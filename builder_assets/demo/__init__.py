"""The small real genome that ships with the package: two stretches of GRCh37 and their genes (see PROVENANCE.md)."""

from pathlib import Path

FASTA = Path(__file__).parent / "demo.fa.gz"
ANNOTATION = Path(__file__).parent / "demo.gtf.gz"
