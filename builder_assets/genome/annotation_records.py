"""Gene, transcript, exon and CDS records in one dialect, from the rows of any annotation.

What a gene or transcript is called, and its type, is read once from its own row (from its first exon where it has
none) and joined back, so that all records of a gene agree.
"""

from collections.abc import Callable
from typing import NamedTuple

import polars as pl
import polars.selectors as cs

from builder_assets.coordinates import canonical_chromosome
from builder_assets.genome.annotation_attributes import (
    gff3_aliases,
    gff3_attribute,
    gtf_aliases,
    gtf_attribute,
    has_tag,
    id_version,
    stable_exon_id,
    stable_id,
    with_held_semicolons,
)
from builder_assets.genome.annotation_relations import AnnotationError, gff3_parts, gtf_parts, table_parts
from builder_assets.tables import GENE_ANNOTATION

TABLE_FEATURE = "spliceai_gene"
GFF3_SHAPE = r'^\s*[^\s=;"]+='
NO_ATTRIBUTES = "."
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
LARGEST_SHARE_LEFT_OUT = 0.01
GENE = ["chrom", "gene_id"]
TRANSCRIPT = [*GENE, "transcript_id"]
AttributeReader = Callable[[str], pl.Expr]


class Annotation(NamedTuple):
    """What an annotation holds.

    Attributes:
        records: GENE_ANNOTATION. Positions 1-based closed. Genes and transcripts without a row of their own are
            derived from their exons. A transcript has each (feature, start, end) once.
        left_out: chrom, gene_id of genes without a strand, or on both (trans-splicing): no splice site of theirs has a
            place in transcription order.
    """

    records: pl.DataFrame
    left_out: pl.DataFrame


def records_from_annotation(raw: pl.DataFrame, assembly: str) -> pl.DataFrame:
    """The records of `annotation_of`."""
    return annotation_of(raw, assembly).records


def annotation_of(raw: pl.DataFrame, assembly: str) -> Annotation:
    """All records of an annotation in one dialect.

    Args:
        raw: As `resources.annotation_file.read_annotation` gives it: GTF, GFF3 or SpliceAI's gene table.
        assembly: For contig names that are accessions.

    Raises:
        AnnotationError: no exon; an exon without gene or transcript; over 1 % of the genes without a strand or on
            both; a gene or transcript in two places; a transcript on two chromosomes (other than X and Y); an exon
            outside the row of its gene or transcript; GTF and GFF3 mixed.
        AssemblyMismatchError: a contig name belongs to another assembly.
    """
    parts, attribute = _parts(raw)
    _check_exons(parts)
    parts = parts.with_columns(
        _chromosomes(parts["seqname"], assembly),
        gene_id=stable_id(pl.col("gene")),
        transcript_id=stable_id(pl.col("transcript")),
    )
    spans = _spans(parts)
    left_out = _left_out(spans)
    if left_out.height:
        parts, spans = (rows.join(left_out, on=GENE, how="anti", maintain_order="left") for rows in (parts, spans))
    _check_strands(parts)
    for key in (GENE, TRANSCRIPT):
        places = _places(spans, key)
        _check_places(parts, places, key)
        parts = _with_derived(parts, places, key)
    _check_scattered(spans)
    records = _deduplicated(
        parts.lazy()
        .join(_gene_facts(parts, attribute).lazy(), on=GENE, how="left")
        .join(_transcript_facts(parts, attribute).lazy(), on=TRANSCRIPT, how="left")
        .with_columns(exon_id=pl.when(pl.col("feature") == "exon").then(_exon_id(attribute)))
        .select(GENE_ANNOTATION.names)
        .collect(engine="streaming")
    )
    return Annotation(records, left_out)


def _parts(raw: pl.DataFrame) -> tuple[pl.DataFrame, AttributeReader]:
    """Rows with gene and transcript ids, and what reads the dialect's attributes."""
    if (raw["feature"] == TABLE_FEATURE).any():
        return table_parts(raw), gtf_attribute
    is_gff3 = raw["attributes"].str.contains(GFF3_SHAPE)
    if is_gff3.any() and not (is_gff3 | (raw["attributes"] == NO_ATTRIBUTES)).all():
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
    return stable_exon_id(own)


def _spans(parts: pl.DataFrame) -> pl.DataFrame:
    """Per transcript, and per gene for what names no transcript, between which ends its rows of each feature lie.

    Columns after `TRANSCRIPT`: strand_min, strand_max, and for gene, transcript and exon the smallest and largest
    start and end, such as exon_start_min: one pass over the rows for all that is judged below.
    """
    ends = {
        f"{feature}_{end}": pl.when(pl.col("feature") == feature).then(end)
        for feature in ("gene", "transcript", "exon")
        for end in ("start", "end")
    }
    return (
        parts.lazy()
        .filter(pl.col("gene_id").is_not_null())
        .select(*TRANSCRIPT, "strand", **ends)
        .group_by(TRANSCRIPT)
        .agg(pl.col("strand", *ends).min().name.suffix("_min"), pl.col("strand", *ends).max().name.suffix("_max"))
        .collect(engine="streaming")  # a third of the in-memory engine's time
    )


def _left_out(spans: pl.DataFrame) -> pl.DataFrame:
    """Genes without a strand or on both, where they are few; where many, the annotation is wrong."""
    genes = spans.group_by(GENE).agg(pl.col("strand_min").min(), pl.col("strand_max").max())
    unstranded = (pl.col("strand_min") != pl.col("strand_max")) | ~pl.col("strand_min").is_in(["+", "-"])
    found = genes.filter(unstranded).select(GENE).sort(GENE)
    return found if found.height <= LARGEST_SHARE_LEFT_OUT * genes.height else found.clear()


def _places(spans: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """`spans` per gene, or per transcript."""
    named = spans.filter(pl.col(key[-1]).is_not_null())
    return named.group_by(key).agg(cs.ends_with("_min").min(), cs.ends_with("_max").max())


def _feature(key: list[str]) -> str:
    return key[-1].removesuffix("_id")


def _with_derived(parts: pl.DataFrame, places: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """`parts` and one row for every gene (or transcript) that only its exons tell of."""
    feature = _feature(key)
    untold = places.filter(pl.col(f"{feature}_start_min").is_null() & pl.col("exon_start_min").is_not_null())
    if not untold.height:
        return parts
    derived = (
        parts.filter(pl.col("feature") == "exon")
        .join(untold, on=key, how="semi", maintain_order="left")
        .group_by(key, maintain_order=True)
        .agg(pl.col("start").min(), pl.col("end").max(), pl.exclude("start", "end").first())
        .with_columns(feature=pl.lit(feature), word=pl.lit(feature))
    )
    if feature == "gene":
        derived = derived.with_columns(pl.lit(None, dtype=pl.String).alias(c) for c in ("transcript", "transcript_id"))
    return pl.concat([parts, derived.select(parts.columns)])


def _gene_facts(parts: pl.DataFrame, attribute: AttributeReader) -> pl.DataFrame:
    """gene_version, gene_name, gene_type, gene_aliases per gene."""
    rows = _first_of(parts, GENE, attribute)
    facts = {name: pl.coalesce(*map(attribute, keys)) for name, keys in GENE_KEYS.items()}
    version = pl.coalesce(id_version(pl.col("gene")), facts.pop("version"))
    aliases = gff3_aliases() if attribute is gff3_attribute else gtf_aliases()
    return rows.select(*GENE, gene_version=version, **facts, gene_aliases=aliases)


def _first_of(parts: pl.DataFrame, key: list[str], attribute: AttributeReader) -> pl.DataFrame:
    """The first row of each gene, or transcript, ready for all its attributes."""
    rows = parts.filter(pl.col("feature") == _feature(key)).unique(key, keep="first", maintain_order=True)
    return with_held_semicolons(rows) if attribute is gtf_attribute else rows


def _transcript_facts(parts: pl.DataFrame, attribute: AttributeReader) -> pl.DataFrame:
    """transcript_version, transcript_type and flags per transcript; a flag is null where no transcript has its tag."""
    rows = _first_of(parts, TRANSCRIPT, attribute)
    facts = {name: pl.coalesce(*map(attribute, keys)) for name, keys in TRANSCRIPT_KEYS.items()}
    version = pl.coalesce(id_version(pl.col("transcript")), facts.pop("version"))
    if (rows["source"] == BIOTYPE_IN_COLUMN_2).any():  # Ensembl up to 76 wrote the transcript's biotype there
        facts["transcript_type"] = pl.coalesce(facts["transcript_type"], "source")
    if attribute is gff3_attribute:  # its third column says mRNA, lnc_RNA, tRNA
        word = pl.when(pl.col("word") != "transcript").then("word")
        facts["transcript_type"] = pl.coalesce(facts["transcript_type"], word)
    flags = {name: has_tag(pattern) for name, pattern in FLAG_TAGS.items()}
    tagged = rows.select(*TRANSCRIPT, transcript_version=version, **facts, **flags)
    return tagged.with_columns(pl.when(pl.col(name).any()).then(name).alias(name) for name in FLAG_TAGS)


def _check_exons(parts: pl.DataFrame) -> None:
    """There are exons, and each names its gene and transcript."""
    exons = parts.filter(pl.col("feature") == "exon")
    if not exons.height:
        raise AnnotationError(f"none of the {parts.height:,} annotation rows is an exon. Take the file that has exons.")
    nameless = exons.filter(pl.any_horizontal(pl.col("gene", "transcript").is_null()))
    if nameless.height:
        raise AnnotationError(
            f"{nameless.height:,} of {exons.height:,} exons name no gene or no transcript, first {_place(nameless)}. "
            "Give every exon gene_id and transcript_id (GTF) or a Parent (GFF3)."
        )


def _check_strands(parts: pl.DataFrame) -> None:
    unstranded = parts.filter(~pl.col("strand").is_in(["+", "-"]))
    if unstranded.height:
        raise AnnotationError(
            f"{unstranded.height:,} of {parts.height:,} records have no strand, first {_place(unstranded)}. Splice "
            "sites need a strand: correct or remove them."
        )


def _check_places(parts: pl.DataFrame, places: pl.DataFrame, key: list[str]) -> None:
    """A gene, or a transcript, lies on one strand and in one place, and its exons inside of it."""
    feature = _feature(key)
    strands = places.filter(pl.col("strand_min") != pl.col("strand_max")).sort(key)
    if strands.height:
        raise AnnotationError(
            f"{strands.height:,} {key[-1]} have records on both strands, first {strands[key[-1]][0]} on "
            f"chromosome {strands['chrom'][0]}. Each place needs its own id."
        )
    starts, ends = (pl.col(f"{feature}_{end}_min") != pl.col(f"{feature}_{end}_max") for end in ("start", "end"))
    moved = places.filter(starts | ends)
    if moved.height:
        own = parts.filter(pl.col("feature") == feature)
        rows = own.join(moved, on=key, how="semi").sort([*key, "start", "end"])
        raise AnnotationError(
            f"{moved.height:,} {key[-1]} have several {feature} rows with different ends, "
            f"first {rows[key[-1]][0]} at {_place(rows)}. Each place needs its own id."
        )
    _check_inside(parts, places, key)


def _check_inside(parts: pl.DataFrame, places: pl.DataFrame, key: list[str]) -> None:
    """No exon leaves the row of its gene or transcript, where it has one."""
    feature = _feature(key)
    low, high = pl.col(f"{feature}_start_min"), pl.col(f"{feature}_end_max")
    left = places.filter((pl.col("exon_start_min") < low) | (pl.col("exon_end_max") > high))
    if left.height:
        exons = parts.filter(pl.col("feature") == "exon")
        outside = exons.join(left, on=key).filter((pl.col("start") < low) | (pl.col("end") > high))
        outside = outside.sort([*key, "start"])
        raise AnnotationError(
            f"{outside.height:,} exons lie outside the row of their {feature}, first "
            f"{_place(outside)} of {outside[key[-1]][0]}. The annotation contradicts itself: take another copy."
        )


def _check_scattered(spans: pl.DataFrame) -> None:
    """A transcript lies on one chromosome, or on X and Y (PAR)."""
    places = spans.filter(pl.col("transcript_id").is_not_null())
    scattered = (
        places.filter(pl.struct("gene_id", "transcript_id").is_duplicated())
        .group_by("gene_id", "transcript_id")
        .agg(pl.col("chrom").sort())
        .filter(pl.col("chrom") != pl.lit(["X", "Y"]))
        .sort("transcript_id")
    )
    if scattered.height:
        raise AnnotationError(
            f"{scattered.height:,} transcripts have records on several chromosomes, first "
            f"{scattered['transcript_id'][0]} on {', '.join(scattered['chrom'][0])}. Each place needs its own id."
        )


def _place(rows: pl.DataFrame) -> str:
    seqname, start, end = rows.select("seqname", "start", "end").row(0)
    return f"{seqname}:{start}-{end}"


def _deduplicated(records: pl.DataFrame) -> pl.DataFrame:
    """Each record once, in the contract's order; of records that differ in exon_id only, the smallest stays."""
    key = GENE_ANNOTATION.order
    ordered = GENE_ANNOTATION.conform(records)
    again = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift()) for name in key)
    if not ordered.select(again.slice(1).any()).item():
        return ordered
    smallest_first = ordered.sort([*key, "exon_id"], nulls_last=[False] * len(key) + [True])
    return smallest_first.filter(~again | (pl.int_range(pl.len()) == 0))
