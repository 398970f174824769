"""The ninth column of GTF and GFF3: one attribute of every row, tags, and ids with a version.

GTF    gene_id "ENSG00000188157.15_5"; level 2; tag "basic"; tag "Ensembl_canonical";
GFF3   ID=rna-NM_001005239.2;Parent=gene-OR11H1;tag=basic,MANE%20Select
"""

import polars as pl

# An id whose tail is a version. Other ids with a dot are names (AC010877.1) or isoforms (AT1G01010.1): left whole.
VERSIONED_ID = r"^(ENS[A-Z]*\d{10,}|[NX][MRP]_\d+)\.(\d+(?:_\d+)?)(_PAR_Y)?$"
PERCENT_CODES = {"%20": " ", "%2C": ",", "%3B": ";", "%3D": "=", "%26": "&", "%09": "\t", "%25": "%"}


def gtf_attribute(key: str) -> pl.Expr:
    """The first value of `key` in GTF attributes, quoted or not; null where absent or empty."""
    # Blanks are trimmed by the expression: a second pass over every value takes as long as the first.
    return pl.col("attributes").str.extract(rf'(?:^|;)\s*{key}\s+"?\s*([^";\s](?:[^";]*[^";\s])?)?')


def gff3_attribute(key: str) -> pl.Expr:
    """The value of `key` in GFF3 attributes, percent codes resolved; null where absent or empty."""
    return _filled(_gff3_text(key).str.replace_many(PERCENT_CODES))


def gff3_values(key: str) -> pl.Expr:
    """All values of a comma-separated `key`; a comma inside one is written %2C, so parts are split before decoding."""
    return _gff3_text(key).str.split(",").list.eval(pl.element().str.replace_many(PERCENT_CODES).str.strip_chars())


def _gff3_text(key: str) -> pl.Expr:
    return pl.col("attributes").str.extract(rf"(?:^|;)\s*{key}=([^;]*)")


def _filled(value: pl.Expr) -> pl.Expr:
    stripped = value.str.strip_chars()
    return pl.when(stripped != "").then(stripped)


def has_tag(pattern: str) -> pl.Expr:
    """Whether a `tag` of the row is `pattern` (a regular expression for the whole tag), in either dialect."""
    return pl.col("attributes").str.contains(rf'(?:^|;)\s*tag[ =]\s*"?(?:[^";]*,)?(?:{pattern})\s*(?:[",;]|$)')


def stable_id(identifier: pl.Expr) -> pl.Expr:
    """An id without its version, `_PAR_Y` kept: ENSG00000182378.13_PAR_Y gives ENSG00000182378_PAR_Y."""
    return identifier.str.replace(VERSIONED_ID, "${1}${3}")


def id_version(identifier: pl.Expr) -> pl.Expr:
    """The version in an id, `15_5` of ENSG00000188157.15_5; null where it has none."""
    return identifier.str.extract(VERSIONED_ID, 2)
