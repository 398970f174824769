"""`genomes:`, the reference sequence and annotation that everything else counts on."""

import re

from pydantic import Field, ValidationInfo, field_validator

from builder_assets.coordinates import assembly_name, canonical_chromosome
from builder_assets.settings.frozen import ChromosomeName, Frozen


class IntronSettings(Frozen):
    """What counts as an intron, and what happens where sequence is partial."""

    min_intron: int = Field(default=30, ge=0)
    partial_sequence: bool = False


class GenomeSettings(Frozen):
    """One genome: a FASTA, an annotation, and the chromosomes to build."""

    assembly: str
    fasta: str
    annotation: str
    chromosomes: tuple[ChromosomeName, ...] = Field(min_length=1, max_length=99)
    regions: tuple[str, ...] = ()
    min_intron: int = Field(default=30, ge=0)
    partial_sequence: bool = False
    paralogs: str | None = None

    @property
    def introns(self) -> IntronSettings:
        """The part that the per-chromosome tables read."""
        return IntronSettings(min_intron=self.min_intron, partial_sequence=self.partial_sequence)

    @field_validator("assembly")
    @classmethod
    def _one_name(cls, assembly: str) -> str:
        return assembly_name(assembly)

    @field_validator("chromosomes")
    @classmethod
    def _canonical(cls, chromosomes: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        twice = sorted({c for c in chromosomes if chromosomes.count(c) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} named more than once")
        names = {name: canonical_chromosome(name, info.data.get("assembly", "")) for name in chromosomes}
        other = [f"{name} is {canonical}" for name, canonical in names.items() if name != canonical]
        if other:
            raise ValueError(
                f"{', '.join(other)}: chromosomes are named without `chr`, the mitochondrion is MT; "
                "the files may use any common name"
            )
        return chromosomes

    @field_validator("regions")
    @classmethod
    def _regions(cls, regions: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        chromosomes = info.data.get("chromosomes", ())
        for region in regions:
            found = re.fullmatch(r"([^:]+):(\d+)-(\d+)", region)
            if not found or int(found[2]) < 1 or int(found[2]) > int(found[3]):
                raise ValueError(f"{region!r} is not of the form chromosome:start-end (1-based, closed)")
            if chromosomes and canonical_chromosome(found[1], info.data.get("assembly", "")) not in chromosomes:
                raise ValueError(f"{region!r} lies on none of the `chromosomes:` ({', '.join(chromosomes)})")
        return regions
