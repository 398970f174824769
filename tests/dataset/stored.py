"""A small dataset on disk, as the pipeline writes one: two chromosomes, three sides of the split."""

from dataclasses import replace
from pathlib import Path

from builder_assets.dataset.columns import training_examples_contract
from builder_assets.settings import FeatureSettings
from resources.table_files import write_frames
from tests.dataset.toy import ToyChromosome, random_gene, random_letters

FEATURES = FeatureSettings(kmers=(1,), flank=30)
CONTRACT = training_examples_contract(FEATURES)
SIDES = ("train", "test", "train", "validation")


def toy_chromosome(chrom: str) -> ToyChromosome:
    genes = [
        random_gene(f"{chrom}{name}", "+-"[i % 2], 51 + 400 * i, 350 + 400 * i, i) for i, name in enumerate("ABCD")
    ]
    sided = tuple(replace(gene, split=side) for gene, side in zip(genes, SIDES, strict=True))
    return ToyChromosome(random_letters(1700, int(chrom)), sided, chrom=chrom)


TOYS = {chrom: toy_chromosome(chrom) for chrom in ("7", "9")}
ROWS = {chrom: toy.build().examples for chrom, toy in TOYS.items()}


def store_examples(folder: Path) -> dict[str, Path]:
    """Write training_examples of both chromosomes; chromosome -> file."""
    paths = {}
    for chrom, rows in ROWS.items():
        paths[chrom] = folder / "training_examples" / f"{chrom}.parquet"
        paths[chrom].parent.mkdir(parents=True, exist_ok=True)
        write_frames([rows], CONTRACT, {}, paths[chrom])
    return paths
