import hashlib

import pytest

from resources.chromosome_fastas import ChromosomeFastas
from resources.reference_genome import FastaError


@pytest.fixture
def paths(tmp_path):
    made = [tmp_path / "user" / f"{name}.fa" for name in ("7", "X")]
    made[0].parent.mkdir()
    made[0].write_text(">7\nACGT\n>7_alt\nGG\n", encoding="ascii")
    made[1].write_text(">chrX\nTTTAA\n", encoding="ascii")
    return made


def test_chromosome_fastas__read_as_one(paths, tmp_path):
    fastas = ChromosomeFastas(paths, tmp_path / "index")
    fastas.validate()
    assert fastas.records() == [("7", 4), ("7_alt", 2), ("chrX", 5)]
    assert fastas.bases("chrX", 1, 4) == b"TTA"
    fastas.close()
    assert fastas.bases("7_alt", 0, 2) == b"GG"
    digests = "\n".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)
    assert fastas.file_sha256() == hashlib.sha256(digests.encode()).hexdigest()


def test_chromosome_fastas__errors(paths, tmp_path):
    fastas = ChromosomeFastas(paths, tmp_path / "index")
    with pytest.raises(FastaError, match=r"none of the 2 files in .* has a record 'Y'"):
        fastas.bases("Y", 0, 1)
    paths[1].write_text(">7\nTTTAA\n", encoding="ascii")
    with pytest.raises(FastaError, match=r"record '7' stands in 7\.fa and in X\.fa"):
        ChromosomeFastas(paths, tmp_path / "index").validate()
    with pytest.raises(FastaError, match=r"no FASTA at .*absent\.fa"):
        ChromosomeFastas([paths[0], tmp_path / "absent.fa"], tmp_path / "index").validate()
