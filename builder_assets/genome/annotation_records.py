"""Gene, transcript, exon and CDS records in one dialect, from the rows of any annotation.

What a gene or transcript is called, and its type, is read once from its own row (from its first exon where it has
none) and joined back, so that all records of a gene agree.
"""

from collections.abc import Callable

import polars as pl

from builder_assets.coordinates import canonical_chromosome
from builder_assets.genome.annotation_attributes import (
    gff3_attribute,
    gtf_attribute,
    has_tag,
    id_version,
    stable_id,
)
from builder_assets.genome.annotation_relations import AnnotationError, gff3_parts, gtf_parts, table_parts
from builder_assets.tables import GENE_ANNOTATION

TABLE_FEATURE = "spliceai_gene"
GFF3_SHAPE = r"^\s*[A-Za-z_][\w.]*="
GENE_KEYS = {
    "version": ["gene_version", "version"],
    "gene_name": ["gene_name", "gene", "Name"],
    "gene_type": ["gene_biotype", "gene_type", "biotype"],  # Ensembl; GENCODE and MANE; Ensembl's GFF3
}
TRANSCRIPT_KEYS = {
    "version": ["transcript_version", "version"],
    "transcript_type": ["transcript_biotype", "transcript_type", "biotype"],
}
BIOTYPE_IN_COLUMN_2 = "protein_coding"  # no maker of annotations is called that
FLAG_TAGS = {
    "is_canonical": "Ensembl_canonical|MANE(?:[_ ]|%20)Select|RefSeq(?:[_ ]|%20)Select",
    "is_mane_select": "MANE(?:[_ ]|%20)Select",
    "is_basic": "(?:gencode_)?basic",
}
AttributeReader = Callable[[str], pl.Expr]


def records_from_annotation(raw: pl.DataFrame, assembly: str) -> pl.DataFrame:
    """All records of an annotation in one dialect (GENE_ANNOTATION).

    Args:
        raw: As `resources.annotation_file.read_annotation` gives it: GTF, GFF3 or SpliceAI's gene table.
        assembly: For contig names that are accessions.

    Returns:
        Positions 1-based closed. Genes and transcripts without a row of their own are derived from their exons. A
        transcript has each (feature, start, end) once.

    Raises:
        AnnotationError: no exon; an exon without gene, transcript or strand; a gene or transcript on two strands or
            in two places; a transcript on two chromosomes (other than X and Y); an exon outside the row of its gene
            or transcript; GTF and GFF3 mixed.
        AssemblyMismatchError: a contig name belongs to another assembly.
    """
    parts, attribute = _parts(raw)
    _check_exons(parts)
    parts = parts.with_columns(
        _chromosomes(parts["seqname"], assembly),
        gene_id=stable_id(pl.col("gene")),
        transcript_id=stable_id(pl.col("transcript")),
    )
    _check_places(parts)
    parts = _with_derived(parts, "transcript", ["chrom", "gene_id", "transcript_id"])
    parts = _with_derived(parts, "gene", ["chrom", "gene_id"])
    records = (
        parts.join(_gene_facts(parts, attribute), on=["chrom", "gene_id"], how="left")
        .join(_transcript_facts(parts, attribute), on=["chrom", "gene_id", "transcript_id"], how="left")
        .with_columns(exon_id=pl.when(pl.col("feature") == "exon").then(_exon_id(attribute)))
    )
    return _deduplicated(records)


def _parts(raw: pl.DataFrame) -> tuple[pl.DataFrame, AttributeReader]:
    """Rows with gene and transcript ids, and what reads the dialect's attributes."""
    if (raw["feature"] == TABLE_FEATURE).any():
        return table_parts(raw), gtf_attribute
    is_gff3 = raw["attributes"].str.contains(GFF3_SHAPE)
    if is_gff3.any() and not is_gff3.all():
        raise AnnotationError(
            f"{is_gff3.sum():,} of {raw.height:,} rows have GFF3 attributes (key=value), the others GTF's "
            '(key "value"). Use one dialect in a file.'
        )
    return (gff3_parts(raw), gff3_attribute) if is_gff3.any() else (gtf_parts(raw), gtf_attribute)


def _chromosomes(seqnames: pl.Series, assembly: str) -> pl.Expr:
    names = {name: canonical_chromosome(name, assembly) for name in seqnames.unique().sort().to_list()}
    return pl.col("seqname").replace_strict(names, return_dtype=pl.String).alias("chrom")


def _exon_id(attribute: AttributeReader) -> pl.Expr:
    own = attribute("exon_id")
    if attribute is gff3_attribute:
        own = pl.coalesce(own, attribute("ID").str.replace(r"^exon[-:]", ""))
    return stable_id(own)


def _with_derived(parts: pl.DataFrame, feature: str, key: list[str]) -> pl.DataFrame:
    """`parts` and one row for every gene (or transcript) that only its exons tell of."""
    known = parts.filter(pl.col("feature") == feature).select(key).unique()
    derived = (
        parts.filter(pl.col("feature") == "exon")
        .join(known, on=key, how="anti")
        .group_by(key, maintain_order=True)
        .agg(pl.col("start").min(), pl.col("end").max(), pl.exclude("start", "end").first())
        .with_columns(feature=pl.lit(feature))
    )
    if feature == "gene":
        derived = derived.with_columns(pl.lit(None, dtype=pl.String).alias(c) for c in ("transcript", "transcript_id"))
    return pl.concat([parts, derived.select(parts.columns)])


def _gene_facts(parts: pl.DataFrame, attribute: AttributeReader) -> pl.DataFrame:
    """gene_version, gene_name, gene_type per gene."""
    rows = parts.filter(pl.col("feature") == "gene").unique(["chrom", "gene_id"], keep="first", maintain_order=True)
    facts = {name: pl.coalesce(*map(attribute, keys)) for name, keys in GENE_KEYS.items()}
    version = pl.coalesce(id_version(pl.col("gene")), facts.pop("version"))
    return rows.select("chrom", "gene_id", gene_version=version, **facts)


def _transcript_facts(parts: pl.DataFrame, attribute: AttributeReader) -> pl.DataFrame:
    """transcript_version, transcript_type and flags per transcript; a flag is null where no transcript has its tag."""
    key = ["chrom", "gene_id", "transcript_id"]
    rows = parts.filter(pl.col("feature") == "transcript").unique(key, keep="first", maintain_order=True)
    facts = {name: pl.coalesce(*map(attribute, keys)) for name, keys in TRANSCRIPT_KEYS.items()}
    version = pl.coalesce(id_version(pl.col("transcript")), facts.pop("version"))
    if (rows["source"] == BIOTYPE_IN_COLUMN_2).any():  # Ensembl up to 76 wrote the transcript's biotype there
        facts["transcript_type"] = pl.coalesce(facts["transcript_type"], "source")
    flags = {name: has_tag(pattern) for name, pattern in FLAG_TAGS.items()}
    tagged = rows.select(*key, transcript_version=version, **facts, **flags)
    return tagged.with_columns(pl.when(pl.col(name).any()).then(name).alias(name) for name in FLAG_TAGS)


def _check_exons(parts: pl.DataFrame) -> None:
    """There are exons, and each names its gene, transcript and strand."""
    exons = parts.filter(pl.col("feature") == "exon")
    if not exons.height:
        raise AnnotationError(f"none of the {parts.height:,} annotation rows is an exon. Take the file that has exons.")
    nameless = exons.filter(pl.any_horizontal(pl.col("gene", "transcript").is_null()))
    if nameless.height:
        raise AnnotationError(
            f"{nameless.height:,} of {exons.height:,} exons name no gene or no transcript, first {_place(nameless)}. "
            "Give every exon gene_id and transcript_id (GTF) or a Parent (GFF3)."
        )
    unstranded = exons.filter(~pl.col("strand").is_in(["+", "-"]))
    if unstranded.height:
        raise AnnotationError(
            f"{unstranded.height:,} of {exons.height:,} exons have no strand, first {_place(unstranded)}. Splice sites "
            "need a strand: correct or remove them."
        )


def _check_places(parts: pl.DataFrame) -> None:
    """A gene, and a transcript, lies on one strand and in one place; transcripts may stand on both X and Y (PAR)."""
    for key in (["chrom", "gene_id"], ["chrom", "gene_id", "transcript_id"]):
        feature = key[-1].removesuffix("_id")
        own, exon = pl.col("feature") == feature, pl.col("feature") == "exon"
        named = parts.filter(pl.col(key[-1]).is_not_null())
        places = named.group_by(key).agg(
            on_both=pl.col("strand").min() != pl.col("strand").max(),
            moved=(pl.col("start").filter(own).min() != pl.col("start").filter(own).max())
            | (pl.col("end").filter(own).min() != pl.col("end").filter(own).max()),
            low=pl.col("start").filter(own).min(),
            high=pl.col("end").filter(own).max(),
            first=pl.col("start").filter(exon).min(),
            last=pl.col("end").filter(exon).max(),
        )
        strands = places.filter("on_both").sort(key)
        if strands.height:
            raise AnnotationError(
                f"{strands.height:,} {key[-1]} have records on both strands, first {strands[key[-1]][0]} on "
                f"chromosome {strands['chrom'][0]}. Each place needs its own id."
            )
        if places["moved"].any():
            rows = named.filter(own).join(places.filter("moved"), on=key, how="semi").sort([*key, "start", "end"])
            raise AnnotationError(
                f"{places['moved'].sum():,} {key[-1]} have several {feature} rows with different ends, "
                f"first {rows[key[-1]][0]} at {_place(rows)}. Each place needs its own id."
            )
        _check_inside(named.filter(exon), places, key)
    scattered = (
        parts.filter(pl.col("transcript_id").is_not_null())
        .select("gene_id", "transcript_id", "chrom").unique()
        .group_by("gene_id", "transcript_id")
        .agg(pl.col("chrom").sort())
        .filter((pl.col("chrom").list.len() > 1) & (pl.col("chrom") != pl.lit(["X", "Y"])))
        .sort("transcript_id")
    )  # fmt: skip
    if scattered.height:
        raise AnnotationError(
            f"{scattered.height:,} transcripts have records on several chromosomes, first "
            f"{scattered['transcript_id'][0]} on {', '.join(scattered['chrom'][0])}. Each place needs its own id."
        )


def _check_inside(exons: pl.DataFrame, places: pl.DataFrame, key: list[str]) -> None:
    """No exon leaves the row of its gene or transcript, where it has one."""
    left = places.filter((pl.col("first") < pl.col("low")) | (pl.col("last") > pl.col("high")))
    if left.height:
        outside = exons.join(left, on=key).filter(
            (pl.col("start") < pl.col("low")) | (pl.col("end") > pl.col("high"))
        ).sort([*key, "start"])  # fmt: skip
        raise AnnotationError(
            f"{outside.height:,} exons lie outside the row of their {key[-1].removesuffix('_id')}, first "
            f"{_place(outside)} of {outside[key[-1]][0]}. The annotation contradicts itself: take another copy."
        )


def _place(rows: pl.DataFrame) -> str:
    seqname, start, end = rows.select("seqname", "start", "end").row(0)
    return f"{seqname}:{start}-{end}"


def _deduplicated(records: pl.DataFrame) -> pl.DataFrame:
    """Each record once, in the contract's order; of records that differ in exon_id only, the smallest stays."""
    key = GENE_ANNOTATION.order
    repeated = records.select(key).is_duplicated()
    smallest = records.filter(repeated).sort("exon_id", nulls_last=True).unique(key, keep="first", maintain_order=True)
    return GENE_ANNOTATION.conform(pl.concat([records.filter(~repeated), smallest]))
