"""An annotation as gffutils reads it, put into the words of our tables by plain Python: the answer key of dialects."""

import re
from collections import defaultdict
from pathlib import Path

import gffutils

VERSIONED = re.compile(r"^(ENS[A-Z]*\d+|[NX][MRP]_\d+)\.([\d_]+)(_PAR_Y)?$")


def plain_id(identifier):
    """Stable id and version of an id."""
    found = VERSIONED.match(identifier)
    return (found[1] + (found[3] or ""), found[2]) if found else (identifier, None)


class OutsideRecords:
    """Genes, transcripts, exons and coding bases of a file.

    Attributes:
        genes: gene id -> (chrom, start, end, strand, version, name, type).
        transcripts: transcript id -> (gene id, version, type, tags).
        exons: sorted (chrom, gene, transcript, start, end, strand), each once.
        coding: transcript id -> number of coding bases.
    """

    def __init__(self, path: Path) -> None:
        self.genes, self.transcripts, exons = {}, {}, set()
        self.coding = defaultdict(int)
        parent_of = {}
        for row in gffutils.DataIterator(str(path)):
            self._is_gff3 = "ID" in row.attributes or "Parent" in row.attributes
            chrom = row.seqid.removeprefix("chr")
            if self._is_gff3 and row.featuretype in ("gene", "mRNA"):
                own = row.attributes["ID"][0].split("-", 1)[1]
                parent_of[own] = row.attributes.get("Parent", [""])[0].removeprefix("gene-")
            if row.featuretype == "gene":
                gene, version = self._gene(row, parent_of)
                self.genes[gene] = (chrom, row.start, row.end, row.strand, version, self._name(row), self._type(row))
            elif row.featuretype in ("transcript", "mRNA"):
                gene, _ = self._gene(row, parent_of)
                transcript, version = self._transcript(row)
                kind = row.attributes.get("transcript_type") or row.attributes.get("transcript_biotype") or [None]
                tags = {tag for value in row.attributes.get("tag", []) for tag in value.split(",")}
                self.transcripts[transcript] = (gene, version, kind[0] or self._kind(row), tags)
            elif row.featuretype == "exon":
                gene, _ = self._gene(row, parent_of)
                exons.add((chrom, gene, self._transcript(row)[0], row.start, row.end, row.strand))
            elif row.featuretype == "CDS":
                self.coding[self._transcript(row)[0]] += row.end - row.start + 1
        self.exons = sorted(exons)

    def _gene(self, row, parent_of):
        if not self._is_gff3:
            gene, version = plain_id(row.attributes["gene_id"][0])
            return gene, version or row.attributes.get("gene_version", [None])[0]
        own = row.attributes["ID"][0] if row.featuretype == "gene" else row.attributes["Parent"][0]
        own = own.split("-", 1)[1]
        while parent_of.get(own):
            own = parent_of[own]
        return own, None

    def _transcript(self, row):
        if not self._is_gff3:
            transcript, version = plain_id(row.attributes["transcript_id"][0])
            return transcript, version or row.attributes.get("transcript_version", [None])[0]
        key = "ID" if row.featuretype == "mRNA" else "Parent"
        return plain_id(row.attributes[key][0].split("-", 1)[1])

    def _kind(self, row):
        """The second column of old Ensembl GTFs, the third of GFF3."""
        return row.source if row.featuretype == "transcript" else row.featuretype

    def _name(self, row):
        return (row.attributes.get("gene_name") or row.attributes.get("gene") or [None])[0]

    def _type(self, row):
        return (row.attributes.get("gene_type") or row.attributes.get("gene_biotype") or [None])[0]
