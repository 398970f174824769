"""A small release of MANE as NCBI writes it: the annotation of two genes and the summary that lists them."""

GFF = "".join(
    f"chr22\tBestRefSeq\t{feature}\t{start}\t{end}\t.\t{strand}\t.\t{attributes}\n"
    for feature, start, end, strand, attributes in [
        ("gene", 1001, 1500, "+", "ID=gene-AAA1;Name=AAA1;gene=AAA1;gene_biotype=protein_coding"),
        ("mRNA", 1001, 1500, "+", "ID=rna-NM_000001.2;Parent=gene-AAA1;gene=AAA1;tag=MANE Select"),
        ("exon", 1001, 1100, "+", "ID=exon-NM_000001.2-1;Parent=rna-NM_000001.2;gene=AAA1;tag=MANE Select"),
        ("exon", 1301, 1500, "+", "ID=exon-NM_000001.2-2;Parent=rna-NM_000001.2;gene=AAA1;tag=MANE Select"),
        ("mRNA", 1001, 1480, "+", "ID=rna-NM_000003.1;Parent=gene-AAA1;gene=AAA1;tag=MANE Plus Clinical"),
        ("exon", 1001, 1480, "+", "ID=exon-NM_000003.1-1;Parent=rna-NM_000003.1;gene=AAA1;tag=MANE Plus Clinical"),
        ("gene", 2001, 2600, "-", "ID=gene-BBB2;Name=BBB2;gene=BBB2;gene_biotype=protein_coding"),
        ("mRNA", 2001, 2600, "-", "ID=rna-NM_000002.5;Parent=gene-BBB2;gene=BBB2;tag=MANE Select"),
        ("exon", 2001, 2600, "-", "ID=exon-NM_000002.5-1;Parent=rna-NM_000002.5;gene=BBB2;tag=MANE Select"),
    ]
)
_HEADER = (
    "#NCBI_GeneID", "Ensembl_Gene", "HGNC_ID", "symbol", "name", "RefSeq_nuc", "RefSeq_prot", "Ensembl_nuc",
    "Ensembl_prot", "MANE_status", "GRCh38_chr", "chr_start", "chr_end", "chr_strand",
)  # fmt: skip
_ROWS = [
    ("NM_000001.2", "ENST00000000001.4", "MANE Select", "NC_000022.11", "1001", "1500", "+"),
    ("NM_000003.1", "ENST00000000003.1", "MANE Plus Clinical", "NC_000022.11", "1001", "1480", "+"),
    ("NM_000002.5", "ENST00000000002.7", "MANE Select", "NC_000022.11", "2001", "2600", "-"),
    ("NM_000009.1", "ENST00000000009.1", "MANE Select", "NT_187633.1", "5", "900", "-"),
]
SUMMARY = "\n".join(
    "\t".join(fields)
    for fields in [
        _HEADER,
        *(
            ("GeneID:1", "ENSG1.1", "HGNC:1", "A", '"a" gene', refseq, "NP_1.1", ensembl, "ENSP1.1", *rest)
            for refseq, ensembl, *rest in _ROWS
        ),
    ]
)
