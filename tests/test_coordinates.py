import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder_assets.coordinates import (
    ASSEMBLY_LENGTHS,
    AssemblyMismatchError,
    canonical_chromosome,
    half_open,
    offset_expr,
    offset_of_position,
    position_expr,
    position_of_offset,
    region_of_record,
)


@pytest.mark.parametrize(
    ("contig", "assembly", "canonical"),
    [
        ("chr22", "GRCh37", "22"),
        ("22", "GRCh38", "22"),
        ("chrM", "GRCh38", "MT"),
        ("MT", "GRCh37", "MT"),
        ("NC_000022.10", "GRCh37", "22"),
        ("NC_000022.11", "GRCh38", "22"),
        ("NC_000023.10", "GRCh37", "X"),
        ("NC_012920.1", "GRCh38", "MT"),
        ("KI270728.1", "GRCh38", "KI270728.1"),
        ("NC_000001.99", "GRCh38", "NC_000001.99"),
    ],
)
def test_canonical_chromosome__knows_the_usual_names(contig, assembly, canonical):
    assert canonical_chromosome(contig, assembly) == canonical


def test_canonical_chromosome__refuses_another_assembly():
    with pytest.raises(AssemblyMismatchError, match=re.escape("NC_000022.11 is chromosome 22 of GRCh38")):
        canonical_chromosome("NC_000022.11", "GRCh37")


def test_assembly_lengths__agree_with_the_published_totals():
    # Sum of 1..22, X, Y, MT in the assemblies' own statistics.
    assert sum(ASSEMBLY_LENGTHS["GRCh37"].values()) == 3_095_677_412 + 16_569
    assert sum(ASSEMBLY_LENGTHS["GRCh38"].values()) == 3_088_269_832 + 16_569


def test_region_of_record__reads_samtools_names():
    assert region_of_record("chr22:20000001-21000000") == ("chr22", 20000001, 21000000)
    assert region_of_record("HLA-A*01:01:01:01") is None
    assert region_of_record("22") is None


def test_offset__counts_from_the_five_prime_end():
    # positions 101..105: offset 0 is 101 on +, 105 on -
    assert [offset_of_position(p, 101, 105, "+") for p in (101, 103, 105)] == [0, 2, 4]
    assert [offset_of_position(p, 101, 105, "-") for p in (101, 103, 105)] == [4, 2, 0]
    assert half_open(101, 105) == (100, 105)


@given(st.integers(1, 10**8), st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from("+-"))
def test_offset__is_undone_by_position(start, length, offset, strand):
    end = start + length
    offset = min(offset, length)
    position = position_of_offset(offset, start, end, strand)
    assert start <= position <= end
    assert offset_of_position(position, start, end, strand) == offset


def test_expressions__agree_with_the_functions():
    frame = pl.DataFrame({"start": [101, 101], "end": [105, 105], "strand": ["+", "-"], "offset": [1, 1]})
    columns = [pl.col(name) for name in ("start", "end", "strand")]
    placed = frame.with_columns(position=position_expr(pl.col("offset"), *columns))
    assert placed["position"].to_list() == [102, 104]
    assert placed.select(offset_expr(pl.col("position"), *columns)).to_series().to_list() == [1, 1]
    assert np.array_equal(position_of_offset(np.arange(3), 101, 105, "-"), [105, 104, 103])
