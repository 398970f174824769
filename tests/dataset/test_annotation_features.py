from dataclasses import replace

import polars as pl
import pytest

from builder_assets import tables
from builder_assets.dataset.columns import columns_of_role, training_examples_contract
from builder_assets.dataset.features.annotation import ANNOTATION_COLUMNS, AnnotationTables, annotation_features
from builder_assets.settings import FeatureSettings, NegativeSettings
from tests.dataset.toy import ToyChromosome, ToyGene

# A: canonical T-A has exons 1-10, 31-50, 56-60 (introns of 20 and 5 bases, the second one a gap); T-A2 one exon 1-40
# B: T-B has one exon
TOY = ToyChromosome("ACGT" * 25, (ToyGene("A", "-", 1, 60, sites=((29, "donor"),)), ToyGene("B", "+", 70, 90)))
EXONS = {"T-A": ("A", [(56, 60), (31, 50), (1, 10)]), "T-A2": ("A", [(1, 40)]), "T-B": ("B", [(70, 90)])}
STRANDS = {"A": "-", "B": "+"}


def annotation(chrom: str = "7") -> AnnotationTables:
    exons = [
        {"chrom": chrom, "gene_id": gene, "transcript_id": transcript, "exon_rank": rank, "strand": STRANDS[gene]}
        | {"start": start, "end": end}
        for transcript, (gene, spans) in EXONS.items()
        for rank, (start, end) in enumerate(spans, start=1)
    ]
    transcripts = [
        {"chrom": chrom, "gene_id": gene, "transcript_id": transcript, "strand": STRANDS[gene], "n_exons": len(spans)}
        | {"start": min(spans)[0], "end": max(spans)[1], "span_length": 1}
        | {"spliced_length": sum(end - start + 1 for start, end in spans), "is_canonical": transcript != "T-A2"}
        for transcript, (gene, spans) in EXONS.items()
    ]
    introns = [
        {"chrom": chrom, "gene_id": "A", "strand": "-", "start": start, "end": end, "length": end - start + 1}
        | {"donor_position": end + 1, "acceptor_position": start - 1, "is_gap": gap, "n_transcripts": 1}
        for start, end, gap in ((11, 30, False), (51, 55, True))
    ]
    overlaps = [
        {"chrom": chrom, "gene_id": gene, "n_overlaps_same_strand": 0, "n_overlaps_any": n, "overlapping_gene_ids": []}
        for gene, n in (("A", 1), ("B", 0))
    ]
    return AnnotationTables(
        transcripts=TOY.table(tables.TRANSCRIPTS, transcripts),
        exons=TOY.table(tables.EXONS, exons),
        introns=TOY.table(tables.INTRONS, introns),
        gene_overlaps=TOY.table(tables.GENE_OVERLAPS, overlaps),
    )


def test_annotation_features__by_hand() -> None:
    a, b = annotation_features(TOY.gene_table, annotation()).sort("gene_id").iter_rows(named=True)
    assert a == {
        "chrom": "7", "gene_id": "A", "n_transcripts": 1, "n_exons": 2, "n_splice_sites": 1,
        "n_overlaps_same_strand": 0, "n_overlaps_any": 1, "canonical_n_exons": 3, "canonical_spliced_length": 35,
        "canonical_exon_length_mean": pytest.approx(35 / 3), "canonical_exon_length_median": 10,
        "canonical_intron_length_total": 20, "canonical_intron_length_mean": 20, "canonical_intron_length_median": 20,
    }  # fmt: skip
    assert b["canonical_intron_length_total"] == 0
    assert b["canonical_intron_length_mean"] is b["canonical_intron_length_median"] is None
    assert (b["canonical_n_exons"], b["canonical_spliced_length"]) == (1, 21)


def test_annotation_features__a_gene_of_the_same_id_elsewhere_adds_no_rows() -> None:
    here, twin = annotation(), annotation("X")
    both = AnnotationTables(
        *[
            pl.concat([getattr(t, n) for t in (here, twin)])
            for n in ("transcripts", "exons", "introns", "gene_overlaps")
        ]
    )
    assert annotation_features(TOY.gene_table, both).equals(annotation_features(TOY.gene_table, here))
    alone = TOY.build(NegativeSettings(keep_all=True), annotation=here).examples
    assert TOY.build(NegativeSettings(keep_all=True), annotation=both).examples.equals(alone)
    assert alone.height == 58 + 21  # the chromosome's first two bases have unknown neighbours


def test_annotation_features__stand_in_a_role_of_their_own() -> None:
    contract = training_examples_contract(FeatureSettings(annotation_features=True))
    assert columns_of_role(contract, "annotation_feature") == [column.name for column in ANNOTATION_COLUMNS]
    assert columns_of_role(training_examples_contract(FeatureSettings()), "annotation_feature") == []


def test_annotation_features__a_gene_without_canonical_transcript() -> None:
    whole = annotation()
    lacking = replace(whole, transcripts=whole.transcripts.filter(pl.col("gene_id") != "B"))
    with pytest.raises(ValueError, match=r"^1 of 2 genes lack their canonical transcript.* first B"):
        annotation_features(TOY.gene_table, lacking)
