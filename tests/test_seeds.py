import numpy as np
import pytest

from builder_assets.seeds import generator_of, seed_of


@pytest.mark.parametrize(
    ("seed", "chrom", "gene_id", "digest"),
    # printf '42|22|ENSG00000100320' | b2sum -l 64   (GNU coreutils)
    [(42, "22", "ENSG00000100320", 0x7CCF2E9A34759683), (0, "X", "ENSG00000182378_PAR_Y", 0x09B13A5A6FA28910)],
)
def test_seed_of__is_the_published_hash(seed, chrom, gene_id, digest):
    assert seed_of(seed, chrom, gene_id) == digest


def test_generator_of__repeats_for_one_gene_and_differs_between_genes_chromosomes_and_seeds():
    draws = {
        key: generator_of(*key).random(4).tobytes()
        for key in [(1, "X", "G"), (1, "Y", "G"), (2, "X", "G"), (1, "X", "H")]
    }
    assert len(set(draws.values())) == 4
    assert generator_of(1, "X", "G").random(4).tobytes() == draws[1, "X", "G"]


def test_generator_of__is_numpys_pcg64_of_the_hash():
    expected = np.random.Generator(np.random.PCG64(0x7CCF2E9A34759683)).integers(0, 1000, 5)
    assert generator_of(42, "22", "ENSG00000100320").integers(0, 1000, 5).tolist() == expected.tolist()
