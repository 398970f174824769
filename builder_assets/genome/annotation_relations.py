"""Which gene and transcript every annotation row belongs to, per dialect.

Each function gives the same columns: seqname, source, feature (gene, transcript, exon or CDS), word (the same as
written), start, end (1-based closed), strand, gene, transcript (ids as written, RefSeq's and Ensembl's prefixes taken
off), attributes.
"""

import polars as pl

from builder_assets.genome.annotation_attributes import gff3_attribute, gff3_values, gtf_attribute

COLUMNS = ["seqname", "source", "feature", "word", "start", "end", "strand", "gene", "transcript", "attributes"]
GENE_WORD = r"(?i)(?:^|_)(?:pseudo)?gene$"  # ncRNA_gene, but no mobile_genetic_element
ID_PREFIX = r"^(?:gene|rna|transcript|exon)[-:]"
MAX_DEPTH = 10  # gene, primary transcript, miRNA, exon: real files have four levels


class AnnotationError(ValueError):
    """The annotation contradicts itself or lacks what is needed; the text says how many rows and which first."""


def gtf_parts(raw: pl.DataFrame) -> pl.DataFrame:
    """Rows of a GTF: `gene_id` and `transcript_id` stand on each."""
    return (
        raw.filter(pl.col("feature").is_in(["gene", "transcript", "exon", "CDS"]))
        .with_columns(gene=gtf_attribute("gene_id"), transcript=gtf_attribute("transcript_id"), word="feature")
        .with_columns(transcript=pl.when(pl.col("feature") != "gene").then("transcript"))
        .select(COLUMNS)
    )


def gff3_parts(raw: pl.DataFrame) -> pl.DataFrame:
    """Rows of a GFF3: an exon's `Parent` is its transcript, the topmost ancestor its gene.

        gene  <- mRNA <- exon              the usual case
        gene  <- exon                      no transcript row: the gene's id serves as transcript id
        gene  <- primary_transcript <- miRNA <- exon

    Raises:
        AnnotationError: an exon or CDS whose Parent has no row.
    """
    named = raw.with_columns(ID=gff3_attribute("ID"), Parent=gff3_values("Parent"), word="feature")
    rows = named.explode("Parent", empty_as_null=True)
    is_part = pl.col("feature").is_in(["exon", "CDS"])
    nodes = rows.filter(~is_part & pl.col("ID").is_not_null())
    roots = _roots(nodes)
    parts = rows.filter(is_part).join(roots, left_on=["seqname", "Parent"], right_on=["seqname", "ID"], how="left")
    orphans = parts.filter(pl.col("root").is_null())
    if orphans.height:
        row = orphans.select("seqname", "start", "end", "Parent").row(0)
        raise AnnotationError(
            f"{orphans.height:,} exon or CDS rows have a Parent without a row of its own, first {row[0]}:{row[1]}-"
            f"{row[2]} (Parent {row[3]}). Is the GFF3 whole?"
        )
    parts = parts.with_columns(gene="root", transcript="Parent")
    transcripts = (
        nodes.join(
            parts.filter(pl.col("feature") == "exon").select("seqname", ID="Parent", gene="root").unique(),
            on=["seqname", "ID"],
        )
        .filter(pl.col("ID") != pl.col("gene"))
        .with_columns(feature=pl.lit("transcript"), transcript="ID")
    )
    is_gene = pl.col("feature").str.contains(GENE_WORD)
    with_parts = parts.select("seqname", ID="root").unique().with_columns(has_parts=pl.lit(value=True))
    genes = (
        nodes.join(with_parts, on=["seqname", "ID"], how="left", maintain_order="left")
        .filter(pl.col("Parent").is_null() & (is_gene | pl.col("has_parts")))
        .with_columns(feature=pl.lit("gene"), gene="ID", transcript=pl.lit(None, dtype=pl.String))
    )
    return pl.concat([frame.select(COLUMNS) for frame in (genes, transcripts, parts)]).with_columns(
        pl.col("gene", "transcript").str.replace(ID_PREFIX, "")
    )


def _roots(nodes: pl.DataFrame) -> pl.DataFrame:
    """seqname, ID and `root`, the id of the topmost ancestor, of every row that has an ID."""
    parents = nodes.select("seqname", "ID", "Parent").unique(["seqname", "ID"], keep="first", maintain_order=True)
    roots = parents.with_columns(root=pl.coalesce("Parent", "ID")).drop("Parent")
    for _ in range(MAX_DEPTH):
        roots = (
            roots.join(parents, left_on=["seqname", "root"], right_on=["seqname", "ID"], how="left")
            .with_columns(root=pl.coalesce("Parent", "root"))
            .drop("Parent")
        )
    return roots


def table_parts(raw: pl.DataFrame) -> pl.DataFrame:
    """Rows of SpliceAI's gene table: NAME is gene and transcript; starts, 0-based in the file, become 1-based.

    Raises:
        AnnotationError: a gene lists more exon starts than ends or the reverse; a name stands twice.
    """
    fields = pl.col("attributes").str.split("|")
    ends = [fields.list.get(i).str.strip_chars(",").str.split(",").cast(pl.List(pl.Int64)) for i in (1, 2)]
    genes = raw.with_columns(gene=fields.list.get(0), exon_start=ends[0], exon_end=ends[1]).with_columns(
        start=pl.col("start") + 1, transcript="gene"
    )
    uneven = genes.filter(pl.col("exon_start").list.len() != pl.col("exon_end").list.len())
    if uneven.height:
        raise AnnotationError(
            f"{uneven.height} genes list unequal numbers of EXON_START and EXON_END, first {uneven['gene'][0]}."
        )
    twice = genes.filter(pl.struct("seqname", "gene").is_duplicated())
    if twice.height:
        raise AnnotationError(
            f"{twice['gene'].n_unique()} names stand more than once in the gene table, first {twice['gene'][0]}. "
            "Keep one row of each."
        )
    exons = genes.explode("exon_start", "exon_end").with_columns(
        feature=pl.lit("exon"), start=pl.col("exon_start") + 1, end=pl.col("exon_end")
    )
    named = pl.format('gene_name "{}";', "gene")
    rows = [
        genes.with_columns(feature=pl.lit("gene"), transcript=pl.lit(None, dtype=pl.String)),
        genes.with_columns(feature=pl.lit("transcript")),
        exons,
    ]
    return pl.concat([frame.with_columns(attributes=named, word="feature").select(COLUMNS) for frame in rows])
