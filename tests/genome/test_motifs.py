import gzip
from collections import Counter
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
        ({"n_wrong": 24, "gene_type": "lncRNA"}, "pass", "all genes: 120 donors, GT 80.0%"),
        ({"n_wrong": 25, "gene_type": "lncRNA"}, "warn", "GT 79.2%.*Correct builds have over 80%"),
        ({"n_wrong": 48, "gene_type": "lncRNA"}, "warn", "GT 60.0%"),
        ({"n_wrong": 49, "gene_type": "lncRNA"}, "error", "GT 59.2%.*not of the same assembly"),
        ({"shift": 1}, "error", r"GT at shift \+1 100.0%, AG at shift \+1 100.0%.*shifted by a base or two"),
        ({"shift": -2}, "error", r"GT at shift -2 100.0%, AG at shift -2 100.0%.*are they 0-based\?"),
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
    assert "GT at shift +1 5.8%. The annotation's coordinates are shifted by a base or two" in verdict.text


@pytest.mark.parametrize(
    ("n_genes", "n_moved", "level"),
    [
        (20, 4, "too few"),  # four of four ends without a motif have it one base on: (1/8)^4 = 2.4 in ten thousand
        (20, 5, "error"),  # (1/8)^5 = 0.3 in ten thousand
    ],
)
def test_motif_verdict__few_shifted_ends_may_be_chance(n_genes, n_moved, level):
    rows, codes, more = spaced_genes(n_genes=n_genes)
    moved = [(g, t, s, [(a, b - 1 if i < n_moved else b), c]) for i, (g, t, s, [(a, b), c]) in enumerate(rows)]
    assert judged(moved, codes, more).level == level


def test_motif_verdict__gt_beside_a_gt_is_no_shift():
    """GTGT happens: 8 of 120 donors, 6.7 %, have a second GT two bases before. Each has its own at its place."""
    rows, codes, more = spaced_genes()
    codes = with_letters(codes, {exons[0][1] - 1: "GT" for _, _, _, exons in rows[:8]})
    verdict = judged(rows, codes, more)
    assert verdict.numbers["GT-2"] == pytest.approx(8 / 120)
    assert (verdict.level, verdict.numbers["GT"]) == ("pass", 1.0)


@pytest.mark.parametrize(
    ("n_genes", "gene_type", "n_wrong", "level"),
    [
        # Of correct builds, 0.7 of the ends of any genes have a motif, 0.8 of coding ones. Error: once in a million.
        (5, "lncRNA", 5, "too few"),  # 0.3^10 = 5.9e-6
        (6, "lncRNA", 6, "error"),  # 0.3^12 = 5.3e-7
        (19, "protein_coding", 0, "too few"),
        (20, "protein_coding", 10, "too few"),  # at most 20 of 40 at 0.8: 2e-5
        (20, "protein_coding", 12, "error"),  # at most 16 of 40: 4e-8
    ],
)
def test_motif_verdict__few_ends_are_judged_where_chance_cannot_explain_them(n_genes, gene_type, n_wrong, level):
    verdict = judged(*spaced_genes(n_genes=n_genes, gene_type=gene_type, n_wrong=n_wrong))
    assert verdict.level == level


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


# Real annotations against the real bases of both assemblies.
REGIONS = {"GRCh37": ("20:1-7391880", "20:9995001-11095000", "22:20000001-21000000"), "GRCh38": ()}
FILES = {
    "grch37/gencode_v30lift37.gtf.gz": "GRCh37", "grch37/spliceai_genes.txt.gz": "GRCh37",
    "grch37/ensembl75.chrY.gtf.gz": "GRCh37", "grch38/gencode_v30.gtf.gz": "GRCh38",
    "grch38/spliceai_genes.txt.gz": "GRCh38", "grch38/mane_v1.3.chr22.gff.gz": "GRCh38",
    "dialects/gencode.v38.basic.chr22.gtf.gz": "GRCh38",
}  # fmt: skip
SEQUENCED = {"GRCh37": ("20", "22", "Y"), "GRCh38": ("2", "9", "22")}  # chromosomes of the two FASTAs


def cut(path, chromosomes, folder):
    """The lines of some chromosomes: a whole genome takes ten times as long."""
    name = f"{path.parent.name}_{path.name.removesuffix('.gz')}"
    with gzip.open(path, "rt") as lines:
        wanted = ("#", *(f"{prefix}{chrom}\t" for chrom in chromosomes for prefix in ("", "chr")))
        is_table = path.name.startswith("spliceai")  # its lines begin with the gene's name; it is small
        kept = [line for line in lines if is_table or line.startswith(wanted)]
    (folder / name).write_text("".join(kept))
    return folder / name


@pytest.fixture(scope="module")
def real_tables(shared, tmp_path_factory):
    """(file, assembly of the FASTA, chromosome) -> introns, genes and bases, right and wrong builds alike."""
    folder = tmp_path_factory.mktemp("cut")
    chromosomes = {chrom for own in SEQUENCED.values() for chrom in own}
    records = {
        file: records_from_annotation(read_annotation(cut(shared / "data" / file, chromosomes, folder)), "any")
        for file in FILES
    }
    made = {}
    for assembly, own in SEQUENCED.items():
        reference = ReferenceGenome(shared / "data" / assembly.lower() / "dev.fa.gz", folder / "index")
        for chrom in own:
            held = chromosome_sequence(reference, contig_of(reference, chrom, "any", REGIONS[assembly]), "any")
            for file in FILES:
                rows = records[file].filter(pl.col("chrom") == chrom)
                tables = chromosome_tables(rows, held, IntronSettings(partial_sequence=True))
                made[file, assembly, chrom] = tables.introns, tables.genes, held
    return made


def subsets(genes):
    """All genes; the coding ones; the others, as in an annotation of lncRNA; and no type known."""
    is_coding = pl.col("gene_type") == "protein_coding"
    return {
        "all": genes, "coding": genes.filter(is_coding), "others": genes.filter(~is_coding),
        "untyped": genes.with_columns(gene_type=pl.lit(None, pl.String)),
    }  # fmt: skip


def test_motif_verdict__real_files_on_the_right_and_the_wrong_build(real_tables):
    seen = Counter()
    for (file, assembly, chrom), (introns, genes, held) in real_tables.items():
        side = "right" if FILES[file] == assembly else "wrong"
        for which, own in subsets(genes).items():
            # chr9:1-1,000,000 has the same bases at the same positions in both assemblies, chr2:1-242,000 nearly so.
            is_alike = chrom == "9" or (chrom == "2" and which == "others")
            if own.height and not (side == "wrong" and is_alike):
                verdict = motif_verdict(introns.join(own, on=["chrom", "gene_id"], how="semi"), own, held)
                assert (verdict.level == "error") == (side == "wrong"), (file, assembly, chrom, which, verdict.text)
                seen[side] += 1
    assert seen["right"] > 40
    assert seen["wrong"] > 30


def test_motif_verdict__no_stretch_of_a_right_build_is_refused(real_tables):
    """Ten genes in a row, from every fifth on, whatever their type: as in an annotation of a small region."""
    n_stretches = 0
    for (file, assembly, _), (introns, genes, held) in real_tables.items():
        ordered = genes.sort("start", "gene_id")
        for first in range(0, ordered.height if FILES[file] == assembly else 0, 5):
            own = ordered[first : first + 10]
            verdict = motif_verdict(introns.join(own, on=["chrom", "gene_id"], how="semi"), own, held)
            assert verdict.level != "error", (file, assembly, first, verdict.text)
            n_stretches += 1
    assert n_stretches > 300
