"""MANE's summary, NCBI's list of the transcripts of a release, against the annotation of the same release."""

import polars as pl

from builder_assets.coordinates import ASSEMBLY_LENGTHS, canonical_chromosome
from builder_assets.genome.annotation_attributes import id_version, stable_id
from builder_assets.genome.annotation_checks import Verdict

SUMMARY_COLUMNS = ("RefSeq_nuc", "Ensembl_nuc", "MANE_status", "GRCh38_chr", "chr_start", "chr_end", "chr_strand")
SELECT = "MANE Select"


def summary_agreement(records: pl.DataFrame, summary: pl.DataFrame, assembly: str) -> Verdict:
    """Is every transcript of the summary in the annotation: its version, place and status? If not, an error.

    Args:
        records: GENE_ANNOTATION, by RefSeq's or by Ensembl's ids.
        summary: `SUMMARY_COLUMNS` as text; positions 1-based closed.
        assembly: What the accessions in GRCh38_chr belong to.

    Contigs other than chromosomes have other names in the two files: their transcripts are counted, not compared.
    """
    chromosomes = {name: canonical_chromosome(name, assembly) for name in summary["GRCh38_chr"].unique().sort()}
    listed = summary.with_columns(chrom=pl.col("GRCh38_chr").replace_strict(chromosomes, return_dtype=pl.String))
    compared = listed.filter(pl.col("chrom").is_in(list(ASSEMBLY_LENGTHS[assembly])))
    transcripts = records.filter(pl.col("feature") == "transcript")
    is_ensembl = transcripts["transcript_id"].str.starts_with("ENST").any()
    name = pl.col("Ensembl_nuc" if is_ensembl else "RefSeq_nuc")
    found = compared.select(
        "chrom",
        transcript_id=stable_id(name),
        listed_version=id_version(name),
        listed_start=pl.col("chr_start").cast(pl.Int64, strict=False),
        listed_end=pl.col("chr_end").cast(pl.Int64, strict=False),
        listed_strand="chr_strand",
        listed_select=pl.col("MANE_status") == SELECT,
    ).join(transcripts, on=["chrom", "transcript_id"], how="left")
    missing = pl.col("feature").is_null()
    rules = {
        "missing": missing,
        "of another version": ~missing & pl.col("listed_version").ne_missing(pl.col("transcript_version")),
        "in another place": ~missing
        & pl.any_horizontal(pl.col(f"listed_{end}").ne_missing(pl.col(end)) for end in ("start", "end", "strand")),
        "with another status": ~missing & (pl.col("listed_select") != pl.col("is_mane_select").fill_null(value=False)),
    }
    numbers: dict[str, float] = {
        "listed": listed.height,
        "listed_on_other_contigs": listed.height - compared.height,
        "listed_as_mane_select": int(found["listed_select"].sum()),
        **{f"listed_{rule.replace(' ', '_')}": found.filter(broken).height for rule, broken in rules.items()},
    }
    wrong = [
        f"{own.height:,} {rule}, first {own['transcript_id'].min()}"
        for rule, broken in rules.items()
        if (own := found.filter(broken)).height
    ]
    shown = f"{compared.height:,} transcripts on chromosomes in MANE's summary, {numbers['listed_as_mane_select']:,} "
    shown += f"of them {SELECT}; {numbers['listed_on_other_contigs']:,} on other contigs are not compared"
    if wrong or not compared.height:
        text = f"{shown}. In the annotation: {'; '.join(wrong) or 'nothing to compare'}. Are both of one release?"
        return Verdict("error", text, numbers)
    return Verdict("pass", f"{shown}. All are in the annotation, at the same places.", numbers)
