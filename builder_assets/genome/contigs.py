"""Which stretch of which chromosome every FASTA record is, and the bases that are known of one chromosome.

Bases reach this module through an open `ReferenceGenome`; it opens no file itself.
"""

import hashlib

import numpy as np
import polars as pl

from builder_assets.coordinates import ASSEMBLY_LENGTHS, canonical_chromosome, half_open, region_of_record
from builder_assets.sequence import ChromosomeSequence, N, codes_of, letter_bytes
from builder_assets.tables import CONTIG, GENOME_FASTA
from resources.reference_genome import ReferenceGenome

HG19_MITOCHONDRION = "UCSC's hg19, whose chrM is not the reference mitochondrion"

Interval = tuple[int, int]  # 1-based closed


class ContigError(ValueError):
    """FASTA records, regions or lengths do not fit the assembly; the text says which and what to do."""


def fasta_records(records: list[tuple[str, int]], file_sha256: str, assembly: str) -> pl.DataFrame:
    """Place every record of a FASTA on its chromosome (GENOME_FASTA).

        22                     1 ................................ 51304566
        22:20000001-21000000        20000001 .... 21000000

    Args:
        records: Name and length in bases, as `ReferenceGenome.records` gives them.
        file_sha256: Digest of the file, repeated on every row.
        assembly: Name of the assembly, for accessions.

    Raises:
        ContigError: no records; a region's name does not fit its length; two records share bases of a chromosome.
        AssemblyMismatchError: a record is an accession of another assembly.
    """
    if not records:
        raise ContigError("the FASTA has no records.")
    placed = [(*_place(name, length, assembly), name, file_sha256) for name, length in records]
    frame = GENOME_FASTA.conform(pl.DataFrame(placed, schema=GENOME_FASTA.names, orient="row"))
    before = pl.col("end").cum_max().shift(1).over("chrom")
    clash = frame.filter(pl.col("start") <= before)
    if clash.height:
        chrom, start, end, record = clash.row(0)[:4]
        beside = frame.filter((pl.col("chrom") == chrom) & (pl.col("record") != record))
        others = beside.filter((pl.col("start") <= end) & (pl.col("end") >= start))["record"].to_list()
        raise ContigError(
            f"{clash.height} FASTA records share bases of their chromosome with another record, first {record!r} with "
            f"{', '.join(map(repr, others[:3]))} on chromosome {chrom}. Keep one of them."
        )
    return frame


def _place(name: str, length: int, assembly: str) -> tuple[str, int, int]:
    region = region_of_record(name)
    if region is None:
        return canonical_chromosome(name, assembly), 1, length
    contig, start, end = region
    if end - start + 1 != length:
        raise ContigError(
            f"FASTA record {name!r} is named for {end - start + 1:,} bases and holds {length:,}. Cut it again with "
            "`samtools faidx`."
        )
    return canonical_chromosome(contig, assembly), start, end


def contig_of(reference: ReferenceGenome, chrom: str, assembly: str, regions: tuple[str, ...]) -> pl.DataFrame:
    """The real segments of one chromosome, counted and digested (CONTIG).

    A segment is a stretch that FASTA records cover without a break, cut to the `regions` of that chromosome where
    any are given. N inside a segment stays: a gap of the assembly is real.

    Args:
        reference: The open FASTA.
        chrom: Canonical name.
        assembly: GRCh37 or GRCh38, whose lengths are checked; any other name, whose lengths are not known, must have
            none of theirs.
        regions: `contig:start-end`, 1-based closed, of any chromosome.

    Raises:
        ContigError: the chromosome is not there; its length is another assembly's; a region lies outside it.
    """
    placed = fasta_records(reference.records(), "", assembly)
    own = placed.filter(pl.col("chrom") == chrom)
    if not own.height:
        present = placed["chrom"].unique(maintain_order=True).to_list()
        more = f" and {len(present) - 30} more" if len(present) > 30 else ""
        raise ContigError(
            f"{reference.path} has no chromosome {chrom}. It has {', '.join(present[:30])}{more}. Check `chromosomes:`."
        )
    wanted = _regions_of(chrom, assembly, regions)
    _check_length(reference, own, chrom, assembly, is_partial=bool(wanted))
    segments = _cut_to(_united(list(own.select("start", "end").iter_rows())), wanted, chrom)
    rows = [_segment_row(reference, own, chrom, segment) for segment in segments]
    return CONTIG.conform(pl.DataFrame(rows, schema=CONTIG.names, orient="row"))


def chromosome_sequence(reference: ReferenceGenome, contig: pl.DataFrame, assembly: str) -> ChromosomeSequence:
    """Load the bases of a CONTIG table, and prove that they are the ones that were registered.

    Raises:
        ContigError: a segment's bases are not those that the table digested.
        ValueError: the table does not describe exactly one chromosome.
    """
    chromosomes = contig["chrom"].unique().to_list()
    if len(chromosomes) != 1:
        raise ValueError(f"a contig table describes one chromosome, this one {len(chromosomes)}.")
    chrom = chromosomes[0]
    own = fasta_records(reference.records(), "", assembly).filter(pl.col("chrom") == chrom)
    first = int(contig["start"].min())  # pyright: ignore[reportArgumentType]
    last = int(contig["end"].max())  # pyright: ignore[reportArgumentType]
    codes = np.full(last - first + 1, N, dtype=np.uint8)
    for start, end, registered in contig.select("start", "end", "sha256").iter_rows():
        segment = _segment_codes(reference, own, (start, end))
        if len(segment) != end - start + 1 or _sha256(segment) != registered:
            raise ContigError(
                f"{reference.path}, chromosome {chrom}:{start}-{end}: the FASTA changed since it was registered. "
                "Materialise genome_fasta and contig again."
            )
        codes[start - first : end - first + 1] = segment
    segments = tuple(sorted(contig.select("start", "end").iter_rows()))
    return ChromosomeSequence(chrom=chrom, first_position=first, codes=codes, segments=segments)


def stretch_to_show(reference: ReferenceGenome, chrom: str, start: int, end: int, assembly: str) -> ChromosomeSequence:
    """The bases of one stretch for a person to look at; they are not proved to be those that were registered.

    Args:
        reference: The open FASTA.
        chrom: Canonical name.
        start: First base, 1-based; what lies outside every record is N.
        end: Last base.
        assembly: Name of the assembly, for accessions.
    """
    own = fasta_records(reference.records(), "", assembly).filter(pl.col("chrom") == chrom)
    codes, held = np.full(end - start + 1, N, dtype=np.uint8), []
    for first, last in own.select("start", "end").iter_rows():
        low, high = max(first, start), min(last, end)
        if low <= high:
            codes[low - start : high - start + 1] = _segment_codes(reference, own, (low, high))
            held.append((low, high))
    return ChromosomeSequence(chrom=chrom, first_position=start, codes=codes, segments=tuple(held))


def letter_counts(reference: ReferenceGenome, contig: pl.DataFrame, assembly: str) -> dict[str, int]:
    """How the file writes the bases of a CONTIG table: letters in lower case, and IUPAC codes that are no N.

    Neither changes a base: lower case counts as upper case, an IUPAC code as N. So they are in no table.
    """
    placed = fasta_records(reference.records(), "", assembly)
    counts = {"lower_case_bases": 0, "iupac_bases": 0}
    for chrom, start, end, n_unknown in contig.select("chrom", "start", "end", "n_n").iter_rows():
        counts["iupac_bases"] += n_unknown
        for letters in _segment_letters(reference, placed.filter(pl.col("chrom") == chrom), (start, end)):
            raw = np.frombuffer(letters, dtype=np.uint8)
            counts["lower_case_bases"] += int(np.count_nonzero(raw >= ord("a")))
            counts["iupac_bases"] -= sum(int(np.count_nonzero(raw == ord(letter))) for letter in "Nn")
    return counts


def _regions_of(chrom: str, assembly: str, regions: tuple[str, ...]) -> list[Interval]:
    parsed = [region_of_record(region) for region in regions]
    return _united(
        [(start, end) for contig, start, end in filter(None, parsed) if canonical_chromosome(contig, assembly) == chrom]
    )


def _united(intervals: list[Interval]) -> list[Interval]:
    """Intervals sorted, with those that overlap or touch made one."""
    united: list[Interval] = []
    for start, end in sorted(intervals):
        if united and start <= united[-1][1] + 1:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        else:
            united.append((start, end))
    return united


def _cut_to(present: list[Interval], wanted: list[Interval], chrom: str) -> list[Interval]:
    if not wanted:
        return present
    outside = [(start, end) for start, end in wanted if not any(low <= start and end <= high for low, high in present)]
    if outside:
        start, end = outside[0]
        held = ", ".join(f"{chrom}:{low}-{high}" for low, high in present[:5])
        raise ContigError(
            f"{len(outside)} of the `regions:` on chromosome {chrom} are not wholly in the FASTA, first "
            f"{chrom}:{start}-{end}; the FASTA holds {held}. Correct `regions:`."
        )
    return wanted


def _check_length(
    reference: ReferenceGenome, own: pl.DataFrame, chrom: str, assembly: str, *, is_partial: bool
) -> None:
    """A whole record must have the assembly's length, a region must end inside it.

    Where the lengths of the assembly are not known here, a record must have that of no other.
    """
    known = ASSEMBLY_LENGTHS.get(assembly, {}).get(chrom)
    if known is None:
        _check_no_known_length(reference, own, chrom, assembly)
        return
    for end, record in own.select("end", "record").iter_rows():
        is_whole = region_of_record(record) is None
        other = _build_with(chrom, end) if is_whole and end != known else None
        if end <= known and other is None and (end == known or is_partial or not is_whole):
            continue
        what = f"is {end:,} bases long" if is_whole else f"ends at {end:,}"
        if other == HG19_MITOCHONDRION:
            remedy = f"That is the length in {other}: take another FASTA, or leave MT out of `chromosomes:`."
        elif other:
            remedy = f"That is the length in {other}: check `assembly:` and `fasta:`."
        elif end < known:
            remedy = "If the FASTA is partial, list what is really there under `regions:`."
        else:
            remedy = "It is another assembly: check `assembly:` and `fasta:`."
        raise ContigError(f"{reference.path}: record {record!r} {what}, {assembly}'s {chrom} has {known:,}. {remedy}")


def _check_no_known_length(reference: ReferenceGenome, own: pl.DataFrame, chrom: str, assembly: str) -> None:
    """A chromosome of the very length that it has in a known assembly is of that one, whatever the settings call it."""
    for end, record in own.select("end", "record").iter_rows():
        other = _build_with(chrom, end) if region_of_record(record) is None and chrom != "MT" else None
        if other:
            raise ContigError(
                f"{reference.path}: record {record!r} is {end:,} bases long, as {chrom} of {other}, but the settings "
                f"say {assembly}. Write `assembly: {other}`, so that annotation and FASTA are checked against it."
            )


def _build_with(chrom: str, length: int) -> str | None:
    """The assembly in which `chrom` has `length` bases."""
    if chrom == "MT" and length == 16571:  # NC_001807, which UCSC's hg19 carries as chrM
        return HG19_MITOCHONDRION
    return next((name for name, lengths in ASSEMBLY_LENGTHS.items() if lengths.get(chrom) == length), None)


def _segment_codes(reference: ReferenceGenome, own: pl.DataFrame, segment: Interval) -> np.ndarray:
    """Base codes of a segment, put together from the records that it runs through; short where they end early."""
    return codes_of(b"".join(_segment_letters(reference, own, segment)))


def _segment_letters(reference: ReferenceGenome, own: pl.DataFrame, segment: Interval) -> list[bytes]:
    """Letters of a segment as the file has them, one piece per record that it runs through."""
    low, high = segment
    pieces = []
    for start, end, record in own.select("start", "end", "record").iter_rows():
        if start <= high and end >= low:
            start0, end0 = half_open(max(low, start) - start + 1, min(high, end) - start + 1)
            pieces.append(reference.bases(record, start0, end0))
    return pieces


def _segment_row(reference: ReferenceGenome, own: pl.DataFrame, chrom: str, segment: Interval) -> tuple[object, ...]:
    codes = _segment_codes(reference, own, segment)
    counts = [int(np.count_nonzero(codes == code)) for code in range(5)]
    return chrom, *segment, len(codes), *counts, _sha256(codes)


def _sha256(codes: np.ndarray) -> str:
    return hashlib.sha256(letter_bytes(codes)).hexdigest()
