"""The ninth column of GTF and GFF3: one attribute of every row, tags, and ids with a version.

GTF    gene_id "ENSG00000188157.15_5"; level 2; tag "basic"; tag "Ensembl_canonical";
GFF3   ID=rna-NM_001005239.2;Parent=gene-OR11H1;tag=basic,MANE%20Select
"""

import polars as pl

# An id whose tail is a version. Other ids with a dot are names (AC010877.1) or isoforms (AT1G01010.1): left whole.
# RefSeq tells copies of a transcript apart by a number behind it: NM_005088.3-2.
VERSIONED_ID = r"^(ENS[A-Z]*\d{10,}|[NX][MRP]_\d+)\.(\d+(?:_\d+)?)(_PAR_Y|-\d+)?$"
VERSIONED_EXON_ID = r"^(ENS[A-Z]*\d{10,})\.\d+(?:_\d+)?(_PAR_Y)?$"  # RefSeq numbers a transcript's exons: NM_005088.3-2
PERCENT_CODES = {f"%{code:02X}": chr(code) for code in (ord("\t"), *range(ord(" "), ord("~") + 1))}
ALIAS_KEYS = "gene_synonym|hgnc_id|db_xref|Dbxref"
HELD = "\x1f"  # stands for a semicolon inside quotes, which ends no attribute


def gtf_attribute(key: str) -> pl.Expr:
    """The first value of `key` in GTF attributes, quoted or not; null where absent or empty."""
    # Blanks are trimmed by the expression: a second pass over every value takes as long as the first.
    value = pl.col("attributes").str.extract(rf'(?:^|;)\s*{key}\s+"?\s*([^";\s](?:[^";]*[^";\s])?)?')
    return value.str.replace_all(HELD, ";", literal=True)


def gtf_aliases() -> pl.Expr:
    """Other names and numbers of a gene in GTF attributes, which repeat a key for each; a list, null where none."""
    found = pl.col("attributes").str.extract_all(rf'(?:^|;)\s*(?:{ALIAS_KEYS})\s+"[^"]*"')
    return _aliases(found.list.eval(pl.element().str.extract('"([^"]*)"')))


def gff3_aliases() -> pl.Expr:
    """The same in GFF3 attributes, which list all behind one key."""
    found = pl.col("attributes").str.extract_all(rf"(?:^|;)\s*(?:{ALIAS_KEYS})=[^;]*")
    return _aliases(found.list.eval(_decoded(pl.element().str.extract("=(.*)").str.split(",").explode())))


def _aliases(found: pl.Expr) -> pl.Expr:
    """Synonyms, and the numbers of NCBI and HGNC (written `HGNC:HGNC:4766` by some); other cross-references go."""
    name = pl.element().str.strip_chars().str.replace("^HGNC:HGNC:", "HGNC:")
    other_number = name.str.contains(r"^[A-Za-z/_-]+:\S") & ~name.str.contains("^(?:GeneID|HGNC):")
    names = found.list.eval(name.filter((name != "") & ~other_number).unique(maintain_order=True))
    return pl.when(names.list.len() > 0).then(names)


def with_held_semicolons(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` of a GTF, semicolons inside quotes held back: `note "a; tag basic"` is one attribute, and no tag."""
    if not rows["attributes"].str.contains(r'"[^";]*;[^"]*"\s*(?:;|$)').any():
        return rows
    in_quotes = pl.int_range(pl.len()) % 2 == 1
    held = pl.when(in_quotes).then(pl.element().str.replace_all(";", HELD, literal=True)).otherwise(pl.element())
    return rows.with_columns(pl.col("attributes").str.split('"').list.eval(held).list.join('"'))


def gff3_attribute(key: str) -> pl.Expr:
    """The value of `key` in GFF3 attributes, percent codes resolved; null where absent or empty."""
    return _filled(_decoded(_gff3_text(key)))


def gff3_values(key: str) -> pl.Expr:
    """All values of a comma-separated `key`; a comma inside one is written %2C, so parts are split before decoding."""
    return _gff3_text(key).str.split(",").list.eval(_decoded(pl.element()).str.strip_chars())


def _decoded(text: pl.Expr) -> pl.Expr:
    return text.str.replace_many(PERCENT_CODES, ascii_case_insensitive=True)


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


def stable_exon_id(identifier: pl.Expr) -> pl.Expr:
    """An exon's id without its version."""
    return identifier.str.replace(VERSIONED_EXON_ID, "${1}${2}")


def id_version(identifier: pl.Expr) -> pl.Expr:
    """The version in an id, `15_5` of ENSG00000188157.15_5; null where it has none."""
    return identifier.str.extract(VERSIONED_ID, 2)
