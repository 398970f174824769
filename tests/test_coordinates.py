import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder_assets.coordinates import (
    ASSEMBLY_LENGTHS,
    AssemblyMismatchError,
    assembly_name,
    canonical_chromosome,
    half_open,
    is_chromosome,
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
        ("chr1_KI270706v1_random", "GRCh38", "1_KI270706v1_random"),
        ("chrUn_GL000220v1", "GRCh38", "Un_GL000220v1"),
        ("chr6_apd_hap1", "GRCh37", "6_apd_hap1"),
        ("chrZ", "galGal6", "Z"),
        ("chrXVI", "sacCer3", "XVI"),
        ("chr2L", "dm6", "2L"),
        ("chr3LHet", "dm3", "3LHet"),
        ("chr2A", "panTro6", "2A"),
        ("chrLG7", "any", "LG7"),
        ("chromosome_1", "Cre5", "chromosome_1"),
        ("chr_001", "any", "chr_001"),
        ("chr", "any", "chr"),
        ("chromatid", "any", "chromatid"),
        ("chrysalis7", "any", "chrysalis7"),
    ],
)
def test_canonical_chromosome__knows_the_usual_names(contig, assembly, canonical):
    assert canonical_chromosome(contig, assembly) == canonical


@pytest.mark.parametrize(
    ("name", "known"),
    [
        *[
            (name, "GRCh37")
            for name in ("GRCh37", "grch37", "GRCh37.p13", "hg19", "HG19", "b37", "hs37d5", "GRCh37-lite")
        ],
        *[
            (name, "GRCh38")
            for name in ("GRCh38", "GRCh38.p14", "grch38.P7", "hg38", " hg38", "hs38DH", "hs38d1", "b38")
        ],
        *[("mm10", "GRCm38"), ("GRCm38.p6", "GRCm38"), ("mm39", "GRCm39")],
        *[(name, name) for name in ("my_fish", "hg18", "CHM13", "GRCh3", "GRCh38x", "TAIR10")],
    ],
)
def test_assembly_name__one_for_all_that_it_is_called(name, known):
    assert assembly_name(name) == known


@pytest.mark.parametrize("name", ["1", "22", "X", "Y", "Z", "W", "2L", "4", "XVI", "LG7"])
def test_is_chromosome__by_its_name(name):
    assert is_chromosome(name)
    assert not any(map(is_chromosome, [f"{name}_random", f"chr{name}", f"{name}.1"]))


def test_is_chromosome__scaffolds_and_mitochondria_are_none():
    assert not any(
        map(is_chromosome, ["MT", "Un_1", "KI270728.1", "GL000192.1", "chromosome_1", "scaffold_12", "Pt", ""])
    )


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
