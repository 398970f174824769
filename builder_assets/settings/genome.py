"""`genomes:`, the reference sequence and annotation that everything else counts on."""

import re

from pydantic import Field, ValidationInfo, field_validator, model_validator

from builder_assets.coordinates import assembly_name, canonical_chromosome
from builder_assets.settings.frozen import ChromosomeName, FileSource, Frozen


class IntronSettings(Frozen):
    """What counts as an intron, and what happens where sequence is partial."""

    min_intron: int = Field(default=30, ge=0)
    partial_sequence: bool = False


class GenomeSettings(Frozen):
    """One genome: a FASTA, an annotation, and the chromosomes to build."""

    assembly: str
    fasta: FileSource
    annotation: FileSource
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
    def _no_accessions(cls, chromosomes: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        twice = sorted({c for c in chromosomes if chromosomes.count(c) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} named more than once")
        names = {name: canonical_chromosome(name, info.data.get("assembly", "")) for name in chromosomes}
        other = [f"{name} is {canonical}" for name, canonical in names.items() if name != canonical]
        if other:
            raise ValueError(f"{', '.join(other)}: name chromosomes so; the files may use their accessions")
        return chromosomes

    @field_validator("regions")
    @classmethod
    def _regions(cls, regions: tuple[str, ...]) -> tuple[str, ...]:
        for region in regions:
            found = re.fullmatch(r"[^:]+:(\d+)-(\d+)", region)
            if not found or int(found[1]) < 1 or int(found[1]) > int(found[2]):
                raise ValueError(f"{region!r} is not of the form chromosome:start-end (1-based, closed)")
        return regions

    @model_validator(mode="after")
    def _regions_of_chromosomes(self) -> "GenomeSettings":
        strange = [
            region
            for region in self.regions
            if canonical_chromosome(region.rpartition(":")[0], self.assembly) not in self.chromosomes
        ]
        if strange:
            raise ValueError(
                f"{len(strange)} of the {len(self.regions)} `regions:` lie on none of the `chromosomes:` "
                f"({', '.join(self.chromosomes)}), first {strange[0]!r}; correct or remove them"
            )
        return self
