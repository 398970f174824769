import polars as pl

from builder_assets import tables
from builder_assets.base_model.motif_errors import motif_values, outcomes_by_motif, with_motifs
from builder_assets.sequence import ChromosomeSequence, codes_of

#        12345678901234567890123
BASES = "CCGTAAAGCCAACTGTTTACCC"
# + strand  donor 2 [3 G, 4 T]; acceptor [7 A, 8 G] 9
# - strand  donor 21 [20 C, 19 A: read from the right G T]; acceptor [14 T, 13 C: A G] 12; donor 18 [17 T, 16 T: A A]
SEQUENCE = ChromosomeSequence("1", 1, codes_of(BASES), ((1, len(BASES)),))


def calls(*rows: tuple[str, str, int, str]) -> pl.DataFrame:
    """Rows (kind, strand, position, outcome) of tables.SPLICE_CALLS."""
    frame = pl.DataFrame(rows, schema=["kind", "strand", "position", "outcome"], orient="row")
    usual = {"chrom": "1", "gene_id": "A", "offset": 0, "score": 0.5, "is_tandem": False}
    return tables.SPLICE_CALLS.conform(frame.with_columns(pl.lit(value).alias(name) for name, value in usual.items()))


def counted(*rows: tuple[str, str, int, str]) -> list[tuple]:
    return sorted(outcomes_by_motif(calls(*rows), SEQUENCE).rows())


def test_outcomes_by_motif__reads_the_intron_on_both_strands():
    assert counted(("donor", "+", 2, "TP"), ("acceptor", "+", 9, "FN")) == [
        ("acceptor", "AG", "FN", 1), ("donor", "GT", "TP", 1),
    ]  # fmt: skip
    assert counted(("donor", "-", 21, "FP"), ("donor", "-", 18, "FP"), ("acceptor", "-", 12, "FP")) == [
        ("acceptor", "AG", "FP", 1), ("donor", "GT", "FP", 1), ("donor", "other", "FP", 1),
    ]  # fmt: skip


def test_with_motifs__keeps_every_dinucleotide():
    rows = calls(("donor", "+", 2, "TP"), ("acceptor", "+", 9, "FN"), ("donor", "-", 18, "FP"))
    named = with_motifs(rows, SEQUENCE).select("kind", "position", "motif").rows()
    bases = BASES[18 - 3 : 18 - 1]  # the two bases before 18, read on the other strand
    turned = bases[::-1].translate(str.maketrans("ACGT", "TGCA"))
    assert sorted(named) == [("acceptor", 9, "AG"), ("donor", 2, "GT"), ("donor", 18, turned)]
    assert turned != "GT"


def test_outcomes_by_motif__is_mirrored_with_the_genome():
    def mirrored(position: int) -> int:
        return len(BASES) + 1 - position

    plus = [("donor", "+", 2, "TP"), ("donor", "+", 14, "FP"), ("acceptor", "+", 9, "XP"), ("acceptor", "+", 20, "FN")]
    minus = [(kind, "-", mirrored(position), outcome) for kind, _, position, outcome in plus]
    turned = ChromosomeSequence(
        "1", 1, codes_of(BASES[::-1].translate(str.maketrans("ACGT", "TGCA"))), SEQUENCE.segments
    )
    assert counted(*plus) == sorted(outcomes_by_motif(calls(*minus), turned).rows())


def test_outcomes_by_motif__without_bases_counts_nothing():
    assert outcomes_by_motif(calls(("donor", "+", 2, "TP")), None).is_empty()
    assert outcomes_by_motif(calls(), SEQUENCE).is_empty()


def test_motif_values__in_the_order_of_their_motifs_and_summed():
    rows = [
        ("donor", "other", "FP", 2),
        ("donor", "GC", "FN", 1),
        ("donor", "GC", "FN", 4),
        ("acceptor", "AG", "TP", 3),
    ]
    outcomes = pl.DataFrame(rows, schema=["kind", "motif", "outcome", "n"], orient="row")
    none = {"TP": 0, "FP": 0, "FN": 0, "XP": 0}
    assert list(motif_values(outcomes)) == [
        ("donor", "GC", none | {"FN": 5}), ("donor", "other", none | {"FP": 2}), ("acceptor", "AG", none | {"TP": 3}),
    ]  # fmt: skip
