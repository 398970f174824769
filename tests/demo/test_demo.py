import gzip
import hashlib
from pathlib import Path

import polars as pl
import pytest

from builder_assets import demo
from builder_assets.demo.make_demo import demo_bases, write_demo
from builder_assets.genome.annotation_checks import intron_lengths
from builder_assets.genome.annotation_records import records_from_annotation
from builder_assets.genome.chromosome_tables import chromosome_tables
from builder_assets.genome.contigs import chromosome_sequence, contig_of
from builder_assets.genome.motifs import motif_verdict
from builder_assets.settings import IntronSettings
from resources.annotation_file import read_annotation
from resources.reference_genome import ReferenceGenome

FOLDER = Path(demo.__file__).parent


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Tables and bases of the demo's chromosomes."""
    reference = ReferenceGenome(demo.FASTA, tmp_path_factory.mktemp("index"))
    reference.validate()
    records = records_from_annotation(read_annotation(demo.ANNOTATION), "GRCh37")
    made = {}
    for chrom in ("22", "Y"):
        sequence = chromosome_sequence(reference, contig_of(reference, chrom, "GRCh37", ()), "GRCh37")
        own = records.filter(pl.col("chrom") == chrom)
        made[chrom] = chromosome_tables(own, sequence, IntronSettings()), sequence
    return made


def share(introns, kind, motif):
    """Share of `motif` over unique sites of the chromosome; introns too short for a motif count as without."""
    sites = introns.unique(["strand", f"{kind}_position"])
    first = 0 if kind == "donor" else 3
    return sites.select((pl.col("motif").str.slice(first, 2) == motif).fill_null(value=False).mean()).item()


def test_demo__files_are_small_and_as_summed():
    sums = dict(reversed(line.split("  ")) for line in (FOLDER / "SHA256SUMS").read_text().splitlines())
    assert sorted(sums) == ["demo.fa.gz", "demo.fa.gz.fai", "demo.fa.gz.gzi", "demo.gtf.gz"]
    for name, digest in sums.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest
    assert sum((FOLDER / name).stat().st_size for name in sums) < 1_000_000


def test_demo__holds_the_named_genes_wholly(built):
    names = built["Y"][0].genes.filter(pl.col("gene_type") == "protein_coding")["gene_name"].to_list()
    assert {"USP9Y", "DDX3Y", "UTY"} <= set(names)
    assert all(tables.dropped.height == 0 for tables, _ in built.values())
    assert [tables.genes.height for tables, _ in built.values()] == [59, 13]  # counted with grep on the source


def test_demo__gap_of_chr22_is_there(built):
    codes = built["22"][1].forward(20_509_431, 20_609_432)
    assert (codes[1:-1] == 4).all()
    assert codes[0] != 4
    assert codes[-1] != 4


def test_demo__motifs_before_and_after_the_rule_of_short_introns(built):
    introns = built["22"][0].introns
    assert introns["gene_id"].n_unique() == 35
    # Known for GENCODE on this stretch, all biotypes, short introns counted: GT 91.2 %, AG 97.1 %.
    assert share(introns, "donor", "GT") == pytest.approx(0.912, abs=0.005)
    assert share(introns, "acceptor", "AG") == pytest.approx(0.971, abs=0.005)
    spliced = introns.filter(~pl.col("is_gap"))
    assert share(spliced, "donor", "GT") > share(introns, "donor", "GT") + 0.01
    assert share(spliced, "acceptor", "AG") > share(introns, "acceptor", "AG") + 0.01


@pytest.mark.parametrize("page", ["README.md", "docs/testing.md"])
def test_demo__warns_of_short_introns_as_the_pages_say(built, page):
    introns, genes = built["22"][0].introns, built["22"][0].genes
    unique = introns.unique(["gene_id", "start", "end"])
    verdict = intron_lengths(unique)
    gaps = unique.filter("is_gap")
    assert genes.filter(pl.col("gene_id").is_in(gaps["gene_id"].implode()))["gene_name"].to_list() == ["SCARF2"]
    assert verdict.level == "warn"
    assert intron_lengths(built["Y"][0].introns).level == "pass"
    text = " ".join((FOLDER.parents[1] / page).read_text(encoding="utf-8").split())
    assert f"{gaps.height} of the {unique.height} introns" in text
    assert f"{gaps.height / unique.height:.2%}".replace("%", " %") in text
    assert "in the gene SCARF2" in text


def test_demo__motifs_are_judged(built):
    verdict = motif_verdict(built["22"][0].introns, built["22"][0].genes, built["22"][1])
    assert verdict.level in {"pass", "warn"}
    assert verdict.numbers["n_donors"] >= 100


def test_demo__is_made_by_its_script(shared, tmp_path):
    made = write_demo(shared / "data", tmp_path)
    assert [path.name for path in made][:1] == ["demo.fa.gz"]
    for path in made:
        assert path.read_bytes() == (FOLDER / path.name).read_bytes(), path.name


def test_demo__annotation_keeps_whole_genes(shared):
    with gzip.open(shared / "data" / "grch37" / "gencode_v30lift37.gtf.gz", "rt") as lines:
        source = [line for line in lines if 'gene_name "UTY"' in line]
    with gzip.open(demo.ANNOTATION, "rt") as lines:
        assert [line for line in lines if 'gene_name "UTY"' in line] == source


def test_demo_bases__refuses_another_source(tmp_path):
    (tmp_path / "grch37").mkdir()
    with gzip.open(tmp_path / "grch37" / "22_20-21M.fa.gz", "wt") as file:
        file.write(">22:1-4\nACGT\n")
    with pytest.raises(ValueError, match=r"holds >22:1-4 with 4 bases; expected the demo's 22"):
        demo_bases(tmp_path)
