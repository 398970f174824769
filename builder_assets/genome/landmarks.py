"""Which assembly an annotation was made for, judged by where it puts well-known genes, not by any name in it."""

import polars as pl

from builder_assets.coordinates import ASSEMBLY_LENGTHS

# chromosome, stable id, symbol, first base in GRCh37, first base in GRCh38, length. Protein-coding genes that GENCODE
# v30lift37 and v30 agree on in length, two of each chromosome; the two places never overlap. All 1-based.
LANDMARKS = (
    ("1", "ENSG00000065183", "WDR3", 118472343, 117929720, 36824),
    ("1", "ENSG00000092607", "TBX15", 119425669, 118883046, 106511),
    ("2", "ENSG00000063660", "GPC1", 241375080, 240435663, 32414),
    ("2", "ENSG00000188389", "PDCD1", 242792036, 241849884, 9011),
    ("3", "ENSG00000134086", "VHL", 10182692, 10141008, 11213),
    ("3", "ENSG00000121879", "PIK3CA", 178865902, 179148114, 91980),
    ("4", "ENSG00000134853", "PDGFRA", 55095447, 54229280, 68966),
    ("4", "ENSG00000145335", "SNCA", 90645250, 89724099, 114217),
    ("5", "ENSG00000153140", "CETN3", 89688078, 90392261, 17526),
    ("5", "ENSG00000113369", "ARRDC3", 90664448, 91368631, 14687),
    ("6", "ENSG00000135297", "MTO1", 74171301, 73461578, 47659),
    ("6", "ENSG00000119899", "SLC17A5", 74303102, 73593379, 60614),
    ("7", "ENSG00000009954", "BAZ1B", 72854736, 73440406, 81888),
    ("7", "ENSG00000106683", "LIMK1", 73497263, 74082933, 39593),
    ("8", "ENSG00000196150", "ZNF250", 146101882, 144876497, 25672),
    ("8", "ENSG00000170631", "ZNF16", 146155744, 144930358, 20531),
    ("9", "ENSG00000172014", "ANKRD20A4", 69381812, 64369394, 43749),
    ("9", "ENSG00000148400", "NOTCH1", 139388885, 136494433, 51616),
    ("10", "ENSG00000165731", "RET", 43572517, 43077069, 53283),
    ("10", "ENSG00000171862", "PTEN", 89623382, 87863625, 108306),
    ("11", "ENSG00000149201", "CCDC81", 86085778, 86374736, 48374),
    ("11", "ENSG00000174804", "FZD4", 86656721, 86945679, 9717),
    ("12", "ENSG00000112787", "FBRSL1", 133066137, 132489551, 95638),
    ("12", "ENSG00000227059", "ANHX", 133794898, 133218312, 17784),
    ("13", "ENSG00000139618", "BRCA2", 32889611, 32315474, 84793),
    ("13", "ENSG00000130177", "CDC16", 115000362, 114234887, 37837),
    ("14", "ENSG00000119684", "MLH3", 75480467, 75013764, 37769),
    ("14", "ENSG00000142208", "AKT1", 105235686, 104769349, 26403),
    ("15", "ENSG00000103723", "AP3B2", 83328033, 82659281, 50634),
    ("15", "ENSG00000182054", "IDH2", 90626277, 90083045, 19460),
    ("16", "ENSG00000153048", "CARHSP1", 8946799, 8852942, 16071),
    ("16", "ENSG00000214967", "NPIPA7", 16472912, 16379055, 14900),
    ("17", "ENSG00000185624", "P4HB", 79801037, 81843161, 17464),
    ("17", "ENSG00000141542", "RAB40B", 80612849, 82654973, 43726),
    ("18", "ENSG00000134042", "MRO", 48321490, 50795120, 30283),
    ("18", "ENSG00000141646", "SMAD4", 48554764, 51028394, 56652),
    ("19", "ENSG00000105639", "JAK3", 17935589, 17824780, 23292),
    ("19", "ENSG00000104884", "ERCC2", 45853095, 45349837, 21082),
    ("20", "ENSG00000198900", "TOP1", 39657462, 41028822, 95666),
    ("20", "ENSG00000124205", "EDN3", 57875498, 59300443, 25550),
    ("21", "ENSG00000142168", "SOD1", 33031935, 31659622, 9310),
    ("21", "ENSG00000183421", "RIPK4", 43159529, 41739369, 27721),
    ("22", "ENSG00000184979", "USP18", 18632666, 18149899, 27499),
    ("22", "ENSG00000186575", "NF2", 29999545, 29603556, 95043),
    ("X", "ENSG00000203923", "SPANXN1", 144328348, 145246828, 9285),
    ("X", "ENSG00000176988", "FMR1NB", 147062857, 147981337, 45329),
    ("Y", "ENSG00000012817", "KDM5D", 21865751, 19703865, 41075),
    ("Y", "ENSG00000198692", "EIF1AY", 22737662, 20575776, 17379),
)
LEAST_COVERED = 0.5  # releases move the ends of a gene, by less than this


class WrongAssemblyError(ValueError):
    """An annotation is of another assembly than the settings say; the text names both and the evidence."""


def landmark_places(genes: pl.DataFrame) -> pl.DataFrame:
    """The landmark genes of an annotation, and the assembly in whose place each lies.

    Args:
        genes: chrom, gene_id, gene_name, start, end (1-based closed) of gene records.

    Returns:
        gene_id, symbol, chrom, start, assembly (null: in neither place), by chromosome and start.
    """
    names = ["chrom", "stable_id", "symbol", "GRCh37", "GRCh38", "length"]
    known = pl.DataFrame(LANDMARKS, schema=names, orient="row")
    by_id = genes.join(known, left_on=["chrom", "gene_id"], right_on=["chrom", "stable_id"])
    others = genes.filter(~pl.col("gene_id").is_in(by_id["gene_id"].implode()))
    by_name = others.join(known, left_on=["chrom", "gene_name"], right_on=["chrom", "symbol"]).with_columns(
        symbol="gene_name"
    )
    columns = ["gene_id", "symbol", "chrom", "start", "end", "GRCh37", "GRCh38", "length"]
    found = pl.concat([by_id.select(columns), by_name.select(columns)])
    place = pl.coalesce(*[pl.when(_covers(assembly)).then(pl.lit(assembly)) for assembly in ("GRCh37", "GRCh38")])
    return found.select("gene_id", "symbol", "chrom", "start", assembly=place).sort("chrom", "start")


def _covers(assembly: str) -> pl.Expr:
    """Whether a gene covers at least half of the landmark's place in `assembly`."""
    low, high = pl.col(assembly), pl.col(assembly) + pl.col("length") - 1
    shared = pl.min_horizontal("end", high) - pl.max_horizontal("start", low) + 1
    return shared >= LEAST_COVERED * pl.col("length")


def likely_assembly(places: pl.DataFrame) -> str | None:
    """The assembly in whose place most landmarks lie; null where there is none, or as many of each."""
    counts = places.drop_nulls("assembly").group_by("assembly").len().sort("len", "assembly", descending=True)
    if not counts.height or (counts.height > 1 and counts["len"][0] == counts["len"][1]):
        return None
    return counts["assembly"][0]


def check_assembly(records: pl.DataFrame, assembly: str) -> str | None:
    """Raise if an annotation puts well-known human genes where another assembly has them.

    Args:
        records: GENE_ANNOTATION.
        assembly: Of the settings; names other than GRCh37 and GRCh38 are not judged.

    Returns:
        The likely assembly; None where no landmark gene is in the annotation or `assembly` is not judged.

    Raises:
        WrongAssemblyError: more landmarks lie where another assembly has them than where this one has.
    """
    if assembly not in ASSEMBLY_LENGTHS:
        return None
    places = landmark_places(records.filter(pl.col("feature") == "gene"))
    likely = likely_assembly(places)
    if likely in (None, assembly):
        return likely
    there = places.filter(pl.col("assembly") == likely)
    symbol, chrom, start = there.select("symbol", "chrom", "start").row(0)
    raise WrongAssemblyError(
        f"the annotation is of {likely}, the settings say {assembly}: {there.height} of {places.height} well-known "
        f"genes lie where {likely} has them, such as {symbol} at {chrom}:{start:,}. Take the annotation of {assembly}, "
        "or correct `assembly:` and `fasta:`."
    )
