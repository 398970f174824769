"""Tables of a genome: inputs, gene models, introns, splice sites, and units that no split may part."""

from resources.table_contract import Column, TableContract

POSITION = "1-based position"

CHROM = Column(name="chrom", dtype="string", description="Canonical chromosome name, without `chr`.", role="key")
GENE_ID = Column(
    name="gene_id", dtype="string", description="Stable gene id without its version; `_PAR_Y` kept.", role="key"
)
STRAND = Column(name="strand", dtype="string", description="Strand of the gene.", allowed=("+", "-"), role="metadata")
START = Column(name="start", dtype="int64", description="First base, on the + strand.", unit=POSITION, minimum=1)
END = Column(name="end", dtype="int64", description="Last base, on the + strand.", unit=POSITION, minimum=1)
GENE_NAME = Column(name="gene_name", dtype="string", description="Symbol; null if none.", nullable=True)
GENE_ALIASES = Column(
    name="gene_aliases",
    dtype="list<string>",
    description="Synonyms, and numbers of NCBI (GeneID:8350) and HGNC (HGNC:4766); null if none.",
    nullable=True,
)
GENE_TYPE = Column(
    name="gene_type", dtype="string", description="gene_biotype or gene_type; null if unknown.", nullable=True
)


def count(name: str, description: str) -> Column:
    """A column that counts things."""
    return Column(name=name, dtype="int32", description=description, unit="count", minimum=0)


GENOME_FASTA = TableContract(
    name="genome_fasta",
    description="The records of the registered FASTA, and the stretch of which chromosome each one is.",
    columns=(
        CHROM,
        START,
        END,
        Column(name="record", dtype="string", description="Name of the record in the file."),
        Column(name="file_sha256", dtype="string", description="SHA-256 of the file's bytes as they lie on disk."),
    ),
    key=("chrom", "start"),
)

CONTIG = TableContract(
    name="contig",
    description="The bases that are known of one chromosome: its real segments, counted and digested.",
    columns=(
        CHROM,
        START,
        END,
        Column(name="length", dtype="int64", description="end - start + 1.", unit="bases", minimum=1),
        *[
            Column(name=f"n_{base}", dtype="int64", description=f"Bases that are {base.upper()}.", unit="bases")
            for base in ("a", "c", "g", "t", "n")
        ],
        Column(name="sha256", dtype="string", description="SHA-256 of the segment as upper-case ACGTN text."),
    ),
    key=("chrom", "start"),
)

_RECORD_COLUMNS = (
    CHROM,
    GENE_ID,
    Column(
        name="feature",
        dtype="string",
        description="Kind of record, as normalised.",
        allowed=("gene", "transcript", "exon", "CDS"),
    ),
    START,
    END,
    STRAND,
    Column(name="gene_version", dtype="string", description="Version of the gene id; null if none.", nullable=True),
    GENE_NAME,
    GENE_TYPE,
    GENE_ALIASES,
    Column(name="transcript_id", dtype="string", description="Null on gene records.", nullable=True),
    Column(name="transcript_version", dtype="string", description="Null if none.", nullable=True),
    Column(name="transcript_type", dtype="string", description="Biotype; null if unknown.", nullable=True),
    Column(name="exon_id", dtype="string", description="Null if none.", nullable=True),
    Column(
        name="is_canonical",
        dtype="bool",
        description="Tagged canonical (Ensembl_canonical, MANE Select); null where the annotation has no such tag.",
        nullable=True,
    ),
    Column(
        name="is_mane_select",
        dtype="bool",
        description="Tagged MANE Select; null where the annotation has no such tag.",
        nullable=True,
    ),
    Column(
        name="is_basic",
        dtype="bool",
        description="Tagged basic; null where the annotation has no such tag.",
        nullable=True,
    ),
)
_RECORD_SORT = ("chrom", "gene_id", "feature", "transcript_id", "start", "end")

GENE_ANNOTATION = TableContract(
    name="gene_annotation",
    description="Gene, transcript, exon and CDS records of the whole annotation file, in one dialect.",
    columns=_RECORD_COLUMNS,
    sort=_RECORD_SORT,
    schema_version=2,
)
ANNOTATION_RECORDS = TableContract(
    name="annotation_records",
    description="The annotation records of one chromosome.",
    columns=_RECORD_COLUMNS,
    sort=_RECORD_SORT,
    schema_version=2,
)

GENES = TableContract(
    name="genes",
    description="Genes wholly inside the known sequence.",
    columns=(
        CHROM,
        GENE_ID,
        Column(name="gene_version", dtype="string", description="Null if none.", nullable=True),
        GENE_NAME,
        GENE_ALIASES,
        GENE_TYPE,
        STRAND,
        START,
        END,
        Column(name="length", dtype="int64", description="end - start + 1.", unit="bases", minimum=1),
        Column(
            name="n_fraction", dtype="float64", description="Share of bases that are not ACGT.", minimum=0, maximum=1
        ),
        count("n_transcripts", "Transcripts."),
        count("n_exons", "Unique exons (start, end)."),
        count("n_donors", "Unique donor sites."),
        count("n_acceptors", "Unique acceptor sites."),
        count("n_splice_sites", "n_donors + n_acceptors."),
        Column(name="canonical_transcript_id", dtype="string", description="Tagged, else chosen by rule."),
    ),
    key=("chrom", "gene_id"),
    schema_version=2,
)

TRANSCRIPTS = TableContract(
    name="transcripts",
    description="Transcripts of the genes.",
    columns=(
        CHROM,
        Column(name="transcript_id", dtype="string", description="Stable id without its version."),
        GENE_ID,
        Column(name="transcript_version", dtype="string", description="Null if none.", nullable=True),
        Column(name="transcript_type", dtype="string", description="Biotype; null if unknown.", nullable=True),
        STRAND,
        START,
        END,
        Column(name="span_length", dtype="int64", description="end - start + 1.", unit="bases", minimum=1),
        Column(name="spliced_length", dtype="int64", description="Sum of exon lengths.", unit="bases", minimum=1),
        Column(
            name="cds_length", dtype="int64", description="Coding bases; null if none.", unit="bases", nullable=True
        ),
        count("n_exons", "Exons."),
        Column(name="is_canonical", dtype="bool", description="The gene's canonical transcript: exactly one."),
        Column(name="is_mane_select", dtype="bool", description="Null where the annotation has no tag.", nullable=True),
        Column(name="is_basic", dtype="bool", description="Null where the annotation has no tag.", nullable=True),
    ),
    key=("chrom", "gene_id", "transcript_id"),
)

EXONS = TableContract(
    name="exons",
    description="Exons of every transcript.",
    columns=(
        CHROM,
        GENE_ID,
        Column(name="transcript_id", dtype="string", description="Stable id without its version."),
        Column(
            name="exon_rank",
            dtype="int32",
            description="1..n in transcription order, computed from positions.",
            minimum=1,
        ),
        STRAND,
        START,
        END,
        Column(name="exon_id", dtype="string", description="Null if none.", nullable=True),
    ),
    key=("chrom", "gene_id", "transcript_id", "exon_rank"),
)

INTRONS = TableContract(
    name="introns",
    description="Unique introns of each gene, gaps of alignment included and marked.",
    columns=(
        CHROM,
        GENE_ID,
        STRAND,
        Column(name="start", dtype="int64", description="First intron base on the + strand.", unit=POSITION),
        Column(
            name="end",
            dtype="int64",
            description="Last intron base on the + strand; start - 1 or less where exons abut or overlap.",
            unit=POSITION,
        ),
        Column(name="length", dtype="int64", description="end - start + 1; may be 0 or negative.", unit="bases"),
        Column(name="donor_position", dtype="int64", description="Last exon base before it.", unit=POSITION),
        Column(name="acceptor_position", dtype="int64", description="First exon base after it.", unit=POSITION),
        Column(
            name="motif",
            dtype="string",
            description="First two and last two bases in transcription direction, e.g. GT-AG; null below 4 bases.",
            nullable=True,
        ),
        Column(
            name="motif_class",
            dtype="string",
            description="GT-AG, GC-AG, AT-AC or other; null where a base is N or the intron has under 4.",
            allowed=("GT-AG", "GC-AG", "AT-AC", "other"),
            nullable=True,
        ),
        Column(name="is_gap", dtype="bool", description="Shorter than min_intron: no splice, makes no sites."),
        count("n_transcripts", "Transcripts that have it."),
    ),
    key=("chrom", "gene_id", "start", "end"),
)

SPLICE_SITES = TableContract(
    name="splice_sites",
    description="Unique splice sites of each gene, on the exon side.",
    columns=(
        CHROM,
        GENE_ID,
        Column(name="position", dtype="int64", description="Exon-side base.", unit=POSITION, minimum=1),
        Column(
            name="kind",
            dtype="string",
            description="donor: last exon base; acceptor: first exon base.",
            allowed=("donor", "acceptor"),
        ),
        STRAND,
        Column(name="intron_position", dtype="int64", description="Neighbouring intron base.", unit=POSITION),
        Column(name="transcript_ids", dtype="list<string>", description="Transcripts that use it, sorted."),
        count("n_transcripts", "Transcripts that use it."),
        count("n_genes_sharing", "Genes with a site of this kind here on this strand, this one included."),
        Column(name="any_canonical", dtype="bool", description="Used by the canonical transcript."),
        Column(name="any_basic", dtype="bool", description="Used by a basic transcript.", nullable=True),
        Column(name="any_mane", dtype="bool", description="Used by a MANE Select transcript.", nullable=True),
        Column(
            name="motif",
            dtype="string",
            description="Intron dinucleotide at this end in transcription direction (GT, AG).",
        ),
        Column(name="is_scorable", dtype="bool", description="No N within +-2 bases."),
        Column(
            name="window_hash",
            dtype="uint64",
            description="blake2b-64 of the 101 bases around it in transcription direction; null where one is N.",
            nullable=True,
        ),
    ),
    key=("chrom", "gene_id", "position", "kind"),
)

GENE_OVERLAPS = TableContract(
    name="gene_overlaps",
    description="For every gene, the other genes that share a base with it.",
    columns=(
        CHROM,
        GENE_ID,
        count("n_overlaps_same_strand", "Overlapping genes on the same strand."),
        count("n_overlaps_any", "Overlapping genes on either strand."),
        Column(name="overlapping_gene_ids", dtype="list<string>", description="Their ids, sorted."),
    ),
    key=("chrom", "gene_id"),
)

SPLIT_UNITS = TableContract(
    name="split_units",
    description="Components of genes that training and test must not share.",
    columns=(
        CHROM,
        GENE_ID,
        Column(name="unit", dtype="string", description="Smallest `chrom|gene_id` of the component."),
        count("unit_size", "Genes in the component."),
    ),
    key=("chrom", "gene_id"),
)
