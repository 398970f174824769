import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from builder_assets.sequence import ChromosomeSequence, codes_of, letters_of, reverse_complement


def test_codes_of__lower_case_and_iupac():
    assert codes_of("ACGTacgtNnRYKM-").tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 4, 4, 4, 4, 4, 4, 4]
    assert codes_of(b"").tolist() == []
    assert letters_of(codes_of("acgtRn")) == "ACGTNN"


@given(st.text("ACGTN"))
def test_reverse_complement__is_its_own_inverse_and_textbook(letters):
    codes = codes_of(letters)
    assert np.array_equal(reverse_complement(reverse_complement(codes)), codes)
    assert letters_of(reverse_complement(codes)) == letters[::-1].translate(str.maketrans("ACGT", "TGCA"))


def test_chromosome_sequence__reads_by_position():
    held = ChromosomeSequence(chrom="1", first_position=11, codes=codes_of("ACGTNNACC"), segments=((11, 14), (17, 19)))
    assert held.last_position == 19
    assert letters_of(held.forward(9, 15)) == "NNACGTN"
    assert letters_of(held.forward(1, 3)) == "NNN"
    assert letters_of(held.transcribed(11, 13, "-")) == "CGT"
    assert letters_of(held.transcribed(11, 13, "+")) == "ACG"
    assert letters_of(held.at(np.array([10, 11, 14, 19, 20]))) == "NATCN"
    assert held.holds(11, 14)
    assert held.holds(17, 18)
    assert not held.holds(14, 17)
    assert not held.holds(10, 12)


def test_chromosome_sequence__may_hold_nothing():
    held = ChromosomeSequence(chrom="1", first_position=1, codes=np.empty(0, dtype=np.uint8), segments=())
    assert held.at(np.array([1, 2])).tolist() == [4, 4]
