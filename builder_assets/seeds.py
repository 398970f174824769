"""Random choice that depends on a seed and a gene, never on row order or on other genes."""

from hashlib import blake2b

import numpy as np


def seed_of(seed: int, chrom: str, gene_id: str) -> int:
    """The 64-bit number that stands for one gene under `seed`: blake2b-64 of "seed|chrom|gene_id"."""
    return int.from_bytes(blake2b(f"{seed}|{chrom}|{gene_id}".encode(), digest_size=8).digest(), "big")


def generator_of(seed: int, chrom: str, gene_id: str) -> np.random.Generator:
    """NumPy's PCG64 generator of one gene under `seed`."""
    return np.random.Generator(np.random.PCG64(seed_of(seed, chrom, gene_id)))
