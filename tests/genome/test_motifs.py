from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from builder_assets import demo
from builder_assets.genome.annotation_records import records_from_annotation
from builder_assets.genome.chromosome_tables import chromosome_tables
from builder_assets.genome.contigs import chromosome_sequence, contig_of
from builder_assets.genome.motifs import motif_table, motif_verdict
from builder_assets.settings import IntronSettings
from resources.annotation_file import read_annotation
from resources.reference_genome import ReferenceGenome
from tests.genome.toy import bases, gtf_rows, mirror, mirrored, sequence, with_letters

N_GENES = 120
STEP = 200


def spaced_genes(gene_type="protein_coding", donor="GT", acceptor="AG", shift=0, n_wrong=0, n_genes=N_GENES):
    """Genes of one intron each, exon 1-20, intron 21-80, exon 81-100; the first `n_wrong` have CC...CC ends."""
    rows, letters = [], {}
    for i in range(n_genes):
        first = i * STEP + 50
        rows.append((f"G{i:04}", f"T{i:04}", "+", [(first, first + 19), (first + 80, first + 99)]))
        five, three = ("CC", "CC") if i < n_wrong else (donor, acceptor)
        letters |= {first + 20 + shift: five, first + 78 + shift: three}
    codes = np.ones(n_genes * STEP + 100, dtype=np.uint8)  # all C: no motif by chance
    return rows, with_letters(codes, letters), f'gene_type "{gene_type}";'


def judged(rows, codes, more):
    held = sequence(codes)
    made = chromosome_tables(records_from_annotation(gtf_rows(rows, more=more), "GRCh37"), held, IntronSettings())
    return motif_verdict(made.introns, made.genes, held)


def test_motif_verdict__passes_on_either_strand():
    rows, codes, more = spaced_genes()
    for models, held in ((rows, codes), (mirrored(rows, len(codes)), mirror(codes))):
        verdict = judged(models, held, more)
        assert verdict.level == "pass"
        assert (verdict.numbers["n_donors"], verdict.numbers["GT"], verdict.numbers["AG"]) == (120, 1.0, 1.0)


@pytest.mark.parametrize(
    ("changes", "level", "text"),
    [
        ({"donor": "GC"}, "pass", "GT 0.0%, GT.GC.AT 100.0%"),
        ({"donor": "AT", "acceptor": "AC"}, "pass", "AG.AC 100.0%"),
        ({"n_wrong": 3}, "pass", "GT 97.5%"),
        ({"n_wrong": 4}, "warn", "GT 96.7%.*Correct builds have over 97%"),
        ({"n_wrong": 24}, "warn", "GT 80.0%"),
        ({"n_wrong": 25}, "error", "GT 79.2%.*not of the same assembly"),
        ({"shift": 1}, "error", r"GT at shift \+1 100.0%, AG at shift \+1 100.0%"),
        ({"shift": -2}, "error", r"GT at shift -2 100.0%, AG at shift -2 100.0%"),
    ],
)
def test_motif_verdict__levels(changes, level, text):
    verdict = judged(*spaced_genes(**changes))
    assert verdict.level == level
    assert pl.Series([verdict.text]).str.contains(text).item(), verdict.text


def test_motif_verdict__some_ends_shifted_is_an_error():
    rows, codes, more = spaced_genes()
    moved = [(g, t, s, [(a, b - 1), (c, d)]) if i < 7 else (g, t, s, [(a, b), (c, d)])
             for i, (g, t, s, [(a, b), (c, d)]) in enumerate(rows)]  # fmt: skip
    verdict = judged(moved, codes, more)
    assert verdict.level == "error"
    assert "GT at shift +1 5.8%" in verdict.text


def test_motif_verdict__judges_protein_coding_genes_only():
    rows, codes, more = spaced_genes(n_wrong=60)
    raw = pl.concat([gtf_rows(rows[:60], more='gene_type "pseudogene";'), gtf_rows(rows[60:], more=more)])
    held = sequence(codes)
    made = chromosome_tables(records_from_annotation(raw, "GRCh37"), held, IntronSettings())
    verdict = motif_verdict(made.introns, made.genes, held)
    assert (verdict.level, verdict.numbers["n_donors"], verdict.numbers["GT"]) == ("too few", 60, 1.0)
    shares = motif_table(made.introns, made.genes).select("kind", "strand", "gene_type", "n", "GT", "AG").rows()
    assert shares == [
        ("donor", "+", "protein_coding", 60, 1.0, None), ("donor", "+", "pseudogene", 60, 0.0, None),
        ("acceptor", "+", "protein_coding", 60, None, 1.0), ("acceptor", "+", "pseudogene", 60, None, 0.0),
    ]  # fmt: skip


def test_motif_table__unknown_bases_and_gaps_do_not_count():
    rows, codes, more = spaced_genes()
    codes = with_letters(codes, {rows[0][3][0][1] + 1: "N"})  # the first gene's donor is unknown, its acceptor is not
    rows[1] = (*rows[1][:3], [(rows[1][3][0][0], rows[1][3][1][0] - 6), rows[1][3][1]])  # an intron of 5 bases
    held = sequence(codes)
    made = chromosome_tables(records_from_annotation(gtf_rows(rows, more=more), "GRCh37"), held, IntronSettings())
    assert motif_table(made.introns, made.genes)["n"].to_list() == [118, 119]
    assert motif_verdict(made.introns, made.genes, held).numbers["n_donors"] == 118


def test_motif_verdict__every_site_counts():
    rows, codes, more = spaced_genes(n_genes=1200)
    verdict = judged([*rows[:1150], *((g, t, s, [(a, b + 3), x]) for g, t, s, [(a, b), x] in rows[1150:])], codes, more)
    assert (verdict.numbers["n_donors"], verdict.numbers["GT"]) == (1200, 1150 / 1200)


def test_motif_verdict__no_genes():
    verdict = judged([("G", "T", "+", [(1, 9)])], bases(20), "")
    assert verdict.level == "too few"


@pytest.mark.parametrize(
    ("assembly", "n_genes", "n_introns", "gt", "ag"),
    [("grch37", 17, 135, 0.947, 0.977), ("grch38", None, None, 0.057, 0.042)],
)
def test_motif_verdict__spliceai_tables_of_the_right_and_the_wrong_build(
    tmp_path, assembly, n_genes, n_introns, gt, ag
):
    package = find_spec("spliceai")
    if package is None:
        pytest.skip("needs the package spliceai for its gene table")
    raw = read_annotation(Path(package.submodule_search_locations[0]) / "annotations" / f"{assembly}.txt")
    records = records_from_annotation(raw.filter(pl.col("seqname") == "22"), "GRCh37")
    reference = ReferenceGenome(demo.FASTA, tmp_path)
    held = chromosome_sequence(reference, contig_of(reference, "22", "GRCh37", ()), "GRCh37")
    made = chromosome_tables(records, held, IntronSettings(min_intron=0, partial_sequence=True))
    verdict = motif_verdict(made.introns, made.genes, held)
    # Measured outside this project on the same million bases, short introns counted.
    assert verdict.numbers["GT"] == pytest.approx(gt, abs=0.005)
    assert verdict.numbers["AG"] == pytest.approx(ag, abs=0.005)
    if n_genes is None:
        assert verdict.level == "error"
        assert "probably not of the same assembly" in verdict.text
    else:
        assert made.genes.filter(pl.col("n_exons") > 1).height == n_genes
        assert made.introns.height == n_introns
        assert verdict.level in {"pass", "warn"}
