from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pyranges
import pytest

from builder_assets.coordinates import AssemblyMismatchError
from builder_assets.genome.annotation_records import annotation_of, records_from_annotation
from builder_assets.genome.annotation_relations import AnnotationError
from builder_assets.tables import GENE_ANNOTATION
from resources.annotation_file import read_annotation
from tests.genome.toy import RAW, gtf_rows


def raw_rows(*rows):
    return pl.DataFrame([("chr1", "made", *row) for row in rows], schema=RAW, orient="row")


def facts(records, feature, *columns):
    return records.filter(pl.col("feature") == feature).select(columns).rows()


def test_records__gencode_ids_versions_tags_and_types():
    more = 'gene_id "ENSG00000188157.15_5"; transcript_id "ENST00000379370.7_3"; gene_type "protein_coding"; '
    tags = 'gene_name "AGRN"; level 2; transcript_type "retained_intron"; tag "basic"; tag "Ensembl_canonical"'
    records = records_from_annotation(
        raw_rows(
            ("exon", 31, 40, "+", more + tags),
            ("exon", 31, 40, "+", f'{more}exon_id "ENSE00000000001.4"; {tags}'),
            ("transcript", 11, 40, "+", more + tags),
            ("gene", 1, 50, "+", more.replace("transcript_id", "other_id") + 'gene_name "AGRN";'),
            ("exon", 11, 20, "+", more + tags),
            ("exon", 11, 20, "+", more + tags),
            ("CDS", 12, 20, "+", more + tags),
        ),
        "GRCh37",
    )
    GENE_ANNOTATION.check(records)
    assert facts(records, "gene", "chrom", "gene_id", "start", "end", "gene_version", "gene_name", "gene_type") == [
        ("1", "ENSG00000188157", 1, 50, "15_5", "AGRN", "protein_coding")
    ]
    columns = ["transcript_id", "transcript_version", "transcript_type", "is_canonical", "is_mane_select", "is_basic"]
    assert facts(records, "transcript", *columns) == [
        ("ENST00000379370", "7_3", "retained_intron", True, None, True)  # no transcript is tagged MANE: null
    ]
    assert facts(records, "exon", "start", "end", "exon_id") == [(11, 20, None), (31, 40, "ENSE00000000001")]
    assert facts(records, "CDS", "start", "end") == [(12, 20)]


def test_records__ensembl_biotype_and_gencode_type_are_one_column():
    for key in ("gene_biotype", "gene_type"):
        records = records_from_annotation(gtf_rows([("G", "T", "+", [(1, 9)])], more=f'{key} "lncRNA";'), "GRCh37")
        assert records["gene_type"].unique().to_list() == ["lncRNA"]


def test_records__genes_and_transcripts_derived_from_exons_in_any_order():
    records = records_from_annotation(
        gtf_rows([("G", "T2", "-", [(60, 70), (21, 30)]), ("G", "T1", "-", [(11, 20)])]), "GRCh37"
    )
    assert facts(records, "gene", "gene_id", "start", "end", "strand") == [("G", 11, 70, "-")]
    assert facts(records, "transcript", "transcript_id", "start", "end") == [("T1", 11, 20), ("T2", 21, 70)]


def test_records__attributes_without_quotes_and_dots_that_are_no_version():
    records = records_from_annotation(
        raw_rows(("exon", 1, 9, "+", " transcript_id AT1G01010.2 ; gene_id AC010877.1;gene_name")), "GRCh37"
    )
    assert facts(records, "transcript", "gene_id", "transcript_id", "transcript_version", "gene_name") == [
        ("AC010877.1", "AT1G01010.2", None, None)
    ]


def test_records__tags_match_whole():
    rows = [
        ("exon", 1, 9, "+", f'gene_id "G"; transcript_id "{name}"; tag "{tag}";')
        for name, tag in (("A", "basic"), ("B", "not_basic"), ("C", "MANE_Select"), ("D", "MANE_Plus_Clinical"),
                          ("E", "gencode_basic"))
    ]  # fmt: skip
    records = records_from_annotation(raw_rows(*rows), "GRCh38")
    assert facts(records, "transcript", "transcript_id", "is_basic", "is_mane_select", "is_canonical") == [
        ("A", True, False, False), ("B", False, False, False), ("C", False, True, True), ("D", False, False, False),
        ("E", True, False, False),
    ]  # fmt: skip


def test_records__par_genes_are_not_merged():
    rows = pl.concat(
        [
            gtf_rows([("ENSG00000182378.13", "ENST00000381192.8", "+", [(11, 20)])], chrom="chrX"),
            gtf_rows([("ENSG00000182378.13_PAR_Y", "ENST00000381192.8_PAR_Y", "+", [(1, 10)])], chrom="chrY"),
            gtf_rows([("ENSG00000124333.15", "ENST00000286448.12", "+", [(50, 60)])], chrom="chrX"),
            gtf_rows([("ENSG00000124333.15", "ENST00000286448.12", "+", [(40, 50)])], chrom="chrY"),
        ]
    )
    records = records_from_annotation(rows, "GRCh38")
    assert facts(records, "gene", "chrom", "gene_id", "gene_version", "start", "end") == [
        ("X", "ENSG00000124333", "15", 50, 60),
        ("X", "ENSG00000182378", "13", 11, 20),
        ("Y", "ENSG00000124333", "15", 40, 50),
        ("Y", "ENSG00000182378_PAR_Y", "13", 1, 10),
    ]


GFF3 = [
    ("gene", 1, 90, "+", "ID=gene-A%2CB;gene=A%2CB;gene_biotype=protein_coding"),
    ("primary_transcript", 1, 90, "+", "ID=rna-NR_1.1;Parent=gene-A%2CB"),
    ("miRNA", 5, 20, "+", "ID=rna-MIR;Parent=rna-NR_1.1"),
    ("exon", 5, 20, "+", "ID=exon-MIR-1;Parent=rna-MIR"),
    ("exon", 1, 90, "+", "ID=exon-NR_1.1-1;Parent=rna-NR_1.1"),
    ("gene", 101, 190, "-", "ID=gene-P;gene=P"),
    ("exon", 101, 120, "-", "ID=e1;Parent=gene-P"),
    ("gene", 201, 290, "-", "ID=gene:ENSG00000000003;Name=TSPAN6;biotype=lncRNA;version=14"),
    ("mRNA", 201, 290, "-", "ID=transcript:ENST00000373020;Parent=gene:ENSG00000000003;biotype=x;version=9;tag=basic"),
    ("lnc_RNA", 201, 250, "-", "ID=transcript:ENST00000000002;Parent=gene:ENSG00000000003"),
    ("exon", 201, 220, "-", "Parent=transcript:ENST00000373020,transcript:ENST00000000002;exon_id=ENSE00000000009.1"),
]


def test_records__gff3_parents_lead_to_transcript_and_gene():
    records = records_from_annotation(raw_rows(*GFF3), "GRCh38")
    assert facts(records, "exon", "gene_id", "transcript_id", "start", "exon_id") == [
        ("A,B", "MIR", 5, "MIR-1"),
        ("A,B", "NR_1", 1, "NR_1.1-1"),
        ("ENSG00000000003", "ENST00000000002", 201, "ENSE00000000009"),
        ("ENSG00000000003", "ENST00000373020", 201, "ENSE00000000009"),
        ("P", "P", 101, "e1"),
    ]
    assert facts(records, "gene", "gene_id", "gene_version", "gene_name", "gene_type") == [
        ("A,B", None, "A,B", "protein_coding"),
        ("ENSG00000000003", "14", "TSPAN6", "lncRNA"),
        ("P", None, "P", None),
    ]
    assert facts(records, "transcript", "transcript_id", "transcript_version", "transcript_type", "is_basic") == [
        ("MIR", None, "miRNA", False),
        ("NR_1", "1", "primary_transcript", False),
        ("ENST00000000002", None, "lnc_RNA", False),
        ("ENST00000373020", "9", "x", True),
        ("P", None, None, False),
    ]


def test_records__gff3_words_that_only_end_like_a_gene_are_none():
    more = [
        ("mobile_genetic_element", 301, 310, ".", "ID=id-1"),
        ("epigenetically_modified_region", 321, 330, "+", "ID=id-2"),
        ("repeat_region", 341, 350, "+", "."),
        ("match_part", 361, 370, "+", "my-key=1;ID=id-3"),
        ("ncRNA_gene", 401, 410, "+", "ID=gene:N"),
        ("pseudogene", 421, 430, "+", "ID=gene:P2"),
    ]
    records = records_from_annotation(raw_rows(*GFF3, *more), "GRCh38")
    assert facts(records, "gene", "gene_id") == [("A,B",), ("ENSG00000000003",), ("N",), ("P",), ("P2",)]


def test_records__copies_of_a_refseq_transcript_keep_their_number():
    rows = [
        ("gene", 1, 90, "+", "ID=gene-A-2;gene=A%2dB%28c%29"),
        ("mRNA", 1, 90, "+", "ID=rna-NM_005088.3-2;Parent=gene-A-2"),
        ("exon", 1, 90, "+", "Parent=rna-NM_005088.3-2"),
    ]
    records = records_from_annotation(raw_rows(*rows), "GRCh38")
    assert facts(records, "transcript", "gene_name", "transcript_id", "transcript_version") == [
        ("A-B(c)", "NM_005088-2", "3")
    ]


ALIASES = ["H3/A", "HIST1H3A", "GeneID:8350", "HGNC:4766"]


@pytest.mark.parametrize(
    "attributes",
    [
        'gene_id "H3C1"; gene_synonym "H3/A"; gene_synonym "HIST1H3A"; db_xref "GeneID:8350"; '
        'db_xref "HGNC:HGNC:4766"; db_xref "MIM:602810"; transcript_id "T";',
        "ID=gene-H3C1;Parent=gene-H3C1;gene_synonym=H3/A,HIST1H3A;Dbxref=GeneID:8350,HGNC:HGNC:4766,MIM:602810",
    ],
)
def test_records__other_names_of_a_gene(attributes):
    gene = ("gene", 1, 9, "+", attributes.replace("Parent", "parent"))
    exon = ("exon", 1, 9, "+", attributes.replace("ID=", "id="))
    records = records_from_annotation(raw_rows(gene, exon), "GRCh38")
    assert records["gene_aliases"].to_list() == [ALIASES] * 3


def test_records__gencode_writes_the_number_of_hgnc():
    records = records_from_annotation(gtf_rows([("G", "T", "+", [(1, 9)])], more='hgnc_id "HGNC:37102";'), "GRCh38")
    assert facts(records, "gene", "gene_aliases") == [(["HGNC:37102"],)]
    assert records_from_annotation(gtf_rows([("G", "T", "+", [(1, 9)])]), "GRCh38")["gene_aliases"].null_count() == 3


def test_records__a_semicolon_in_quotes_ends_no_attribute():
    names = 'gene_id "G"; transcript_id "T"; product "a; tag basic"; gene_name "A;B"; tag "x";'
    records = records_from_annotation(raw_rows(("exon", 1, 9, "+", names)), "GRCh38")
    assert facts(records, "transcript", "gene_name", "is_basic") == [("A;B", None)]


def many_genes(*more):
    models = [(f"G{n}", f"T{n}", "+", [(10 * n + 1, 10 * n + 5)]) for n in range(200)]
    return pl.concat([gtf_rows(models), *more])


def test_records__few_genes_without_one_strand_are_left_out_and_named():
    """Such as mod(mdg4) of the fruit fly, whose exons lie on both strands."""
    spliced = gtf_rows([("trans", "S", "-", [(3001, 3010)]), ("trans", "S", "+", [(3101, 3110)])], chrom="3R")
    unstranded = gtf_rows([("none", "N", ".", [(1, 9)])], chrom="chrUn")
    records, left_out = annotation_of(many_genes(spliced, unstranded), "GRCh38")
    assert left_out.rows() == [("3R", "trans"), ("Un", "none")]
    assert records.equals(records_from_annotation(many_genes(), "GRCh38"))
    third = gtf_rows([("third", "V", "-", [(1, 9)]), ("third", "W", "+", [(1, 9)])])
    with pytest.raises(AnnotationError, match="1 of 205 records have no strand"):
        records_from_annotation(many_genes(spliced, unstranded, third), "GRCh38")


def table(*genes):
    return pl.DataFrame([("chr1", None, "spliceai_gene", *gene) for gene in genes], schema=RAW, orient="row")


def test_records__spliceai_table_starts_become_1_based():
    records = records_from_annotation(
        table((134900, 139379, "-", "AL627309.1|134900,137620,|135802,139379,")), "GRCh37"
    )
    assert facts(records, "gene", "gene_id", "gene_name", "start", "end") == [
        ("AL627309.1", "AL627309.1", 134901, 139379)
    ]
    assert facts(records, "exon", "start", "end", "strand") == [(134901, 135802, "-"), (137621, 139379, "-")]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (raw_rows(("gene", 1, 9, "+", 'gene_id "G";')), "none of the 1 annotation rows is an exon"),
        (raw_rows(("exon", 1, 9, "+", 'gene_id "G"; transcript_id "";')), "1 of 1 exons name no gene .* first chr1"),
        (gtf_rows([("G", "T", ".", [(1, 9)])]), "1 of 1 records have no strand, first 1:1-9"),
        (gtf_rows([("G", "T", "+", [(1, 9)]), ("G", "S", "-", [(1, 9)])]), "1 gene_id have records on both strands"),
        (
            pl.concat([gtf_rows([("G", "T", "+", [(1, 9)])], chrom=c) for c in ("1", "X")]),
            "1 transcripts have records on several chromosomes, first T on 1, X",
        ),
        (
            raw_rows(*[(f, 1, e, "+", 'gene_id "G"; transcript_id "T";') for f, e in
                       (("exon", 5), ("gene", 9), ("gene", 8))]),
            "1 gene_id have several gene rows with different ends, first G at chr1:1-",
        ),
        (
            raw_rows(*[(f, 1, e, "+", 'gene_id "G"; transcript_id "T";') for f, e in
                       (("exon", 15), ("gene", 19), ("transcript", 9))]),
            "1 exons lie outside the row of their transcript, first chr1:1-15 of T",
        ),
        (raw_rows(*GFF3[3:4]), "1 exon or CDS rows have a Parent without a row .*Parent rna-MIR"),
        (raw_rows(GFF3[0], ("exon", 1, 9, "+", 'gene_id "G";')), "1 of 2 rows have GFF3 attributes"),
        (table((0, 9, "+", "A|0,5,|9,")), "1 genes list unequal numbers of EXON_START and EXON_END, first A"),
        (table((0, 9, "+", "A|0,|9,"), (0, 9, "+", "A|0,|9,")), "1 names stand more than once"),
    ],
)  # fmt: skip
def test_records__refuses(raw, text):
    with pytest.raises(AnnotationError, match=text):
        records_from_annotation(raw, "GRCh37")


def test_records__contig_of_another_assembly():
    with pytest.raises(AssemblyMismatchError, match="chromosome 1 of GRCh38"):
        records_from_annotation(gtf_rows([("G", "T", "+", [(1, 9)])], chrom="NC_000001.11"), "GRCh37")


@pytest.mark.filterwarnings("ignore")  # pyranges calls what pandas is about to remove
@pytest.mark.parametrize(
    ("path", "assembly", "n_genes"),
    [
        ("grch37/ensembl75.chrY.gtf.gz", "GRCh37", 495),
        ("grch38/mane_v1.3.chr22.gff.gz", "GRCh38", 423),
        ("dialects/gencode.v38.basic.chr22.gtf.gz", "GRCh38", 1388),
    ],
)
def test_records__exons_agree_with_pyranges(shared, path, assembly, n_genes):
    path = shared / "data" / path
    records = records_from_annotation(read_annotation(path), assembly)
    GENE_ANNOTATION.check(records)
    assert records.filter(pl.col("feature") == "gene").height == n_genes
    is_gff3 = path.suffixes[-2] == ".gff"
    outside = (pyranges.read_gff3 if is_gff3 else pyranges.read_gtf)(str(path)).df
    outside = outside[outside["Feature"] == "exon"]
    names = {"transcript_id": "transcript_id", "gene": "gene_id"} if is_gff3 else {}
    frame = pl.DataFrame({c: outside[c].astype(str).to_numpy() for c in (names or ["gene_id", "transcript_id"])})
    frame = frame.rename(names).with_columns(
        start=pl.Series(outside["Start"].to_numpy()) + 1, end=pl.Series(outside["End"].to_numpy())
    )
    no_version = pl.col("gene_id", "transcript_id").str.replace(r"^(ENS[GT]\d+|N[MR]_\d+)\.\d+$", "$1")
    expected = frame.with_columns(no_version).select("gene_id", "transcript_id", "start", "end").sort(pl.all())
    found = records.filter(pl.col("feature") == "exon").select(expected.columns).sort(pl.all())
    assert found.height > 3000
    assert found.rows() == expected.rows()


def test_records__gencode_types_are_not_null(shared):
    raw = read_annotation(shared / "data" / "dialects" / "gencode.v38.chr17.gtf.gz").head(5000)
    records = records_from_annotation(raw, "GRCh38")
    assert records["gene_type"].null_count() == 0
    assert {"protein_coding", "lncRNA"} <= set(records["gene_type"])
    canonical = records.filter((pl.col("feature") == "transcript") & pl.col("is_canonical"))
    assert canonical["gene_id"].is_unique().all()


def test_records__spliceai_package_table():
    package = find_spec("spliceai")
    if package is None:
        pytest.skip("needs the package spliceai for its gene table")
    table_path = Path(package.submodule_search_locations[0]) / "annotations" / "grch37.txt"
    records = records_from_annotation(read_annotation(table_path), "GRCh37")
    first_line = table_path.read_text(encoding="ascii").splitlines()[1].split("\t")
    gene = records.filter((pl.col("gene_id") == first_line[0]) & (pl.col("feature") == "exon")).sort("start")
    starts = [int(start) + 1 for start in first_line[5].strip(",").split(",")]
    assert gene["start"].to_list() == starts


def test_records__column_2_is_the_transcript_type_in_old_ensembl_files_only():
    more = 'gene_id "G"; transcript_id "{}"; gene_biotype "protein_coding";'
    rows = [
        (source, "exon", 1, 9, "+", more.format(name))
        for name, source in (("T1", "retained_intron"), ("T2", "protein_coding"))
    ]
    old = pl.DataFrame([("1", *row) for row in rows], schema=RAW, orient="row")
    new = old.with_columns(source=pl.lit("havana"))
    for raw, expected in ((old, ["retained_intron", "protein_coding"]), (new, [None, None])):
        records = records_from_annotation(raw, "GRCh37")
        assert records.filter(pl.col("feature") == "transcript")["transcript_type"].to_list() == expected
