"""docs/rebuilds.md says what each change rebuilds. Here every row of it happens to a real project."""

import gzip
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import pysam
import pytest

from builder_assets import demo
from builder_assets.dataset import assets as dataset_assets
from builder_assets.project.adoption import adopt
from builder_assets.project.folder import Project, open_project
from builder_assets.project.leftovers import leftovers, remove
from resources.base_model_files import BaseModelFiles
from tests.projects import GENES, built, built_cells, needs_weights, reopened, small_settings, write_settings
from tests.test_manifest import changed

pytestmark = needs_weights

PAGE = Path(__file__).parents[1] / "docs" / "rebuilds.md"
# Words of the page that stand for tables made in one step.
TOGETHER = {
    "gene tables": ("genes", "transcripts", "exons", "introns", "splice_sites", "gene_overlaps"),
    "evaluation": ("splice_calls", "gene_performance"),
    "examples": ("training_examples", "example_pools"),
}
Change = Callable[[Path], Project | None]
CHANGES: dict[str, Change] = {}


def change(name: str) -> Callable[[Change], Change]:
    """A row of the page: what happens to the folder of a built project."""

    def register(function: Change) -> Change:
        CHANGES[name] = function
        return function

    return register


def rows() -> Iterator[tuple[str, str]]:
    """(change, rebuilt) of every row of the page's table."""
    table = PAGE.read_text("utf-8").partition("|---|---|\n")[2].partition("\n\n")[0]
    for line in table.splitlines():
        name, rebuilt = line.strip("| ").split(" | ")
        yield name, rebuilt


def expected_cells(text: str) -> set[str]:
    """`contig 22, gene tables 22, model_report` -> names of cells, without the names of their groups."""
    cells = set()
    for part in [] if text == "nothing" else text.split(", "):
        found = re.fullmatch(r"([a-z_ ]+?)(?: (22|Y|22 and Y))?", part)
        assert found, part
        for asset in TOGETHER.get(found[1], (found[1],)):
            cells |= {f"{asset}[{chrom}]" for chrom in found[2].split(" and ")} if found[2] else {asset}
    return cells


def set_to(*path: str, value: Any) -> Change:
    """The change of one value of builder.yaml."""
    return lambda folder: changed(folder, *path, value=value)


def rewritten_annotation(folder: Path, edit: Callable[[list[str]], list[str]]) -> None:
    """The project reads an annotation of its own, `edit`ed."""
    lines = gzip.decompress(demo.ANNOTATION.read_bytes()).decode().splitlines(keepends=True)
    (folder / "own.gtf.gz").write_bytes(gzip.compress("".join(edit(lines)).encode(), mtime=0))
    changed(folder, "genomes", "toy", "annotation", value="own.gtf.gz")


def rewritten_fasta(folder: Path, contig: int, offset: int, base: str) -> None:
    """The project reads a FASTA of its own with another base."""
    with pysam.FastaFile(str(demo.FASTA)) as fasta:
        records = [[name, fasta.fetch(name)] for name in fasta.references]
    before = records[contig][1]
    assert before[offset].upper() != base
    records[contig][1] = before[:offset] + base + before[offset + 1 :]
    (folder / "own.fa").write_text("".join(f">{name}\n{bases}\n" for name, bases in records))
    changed(folder, "genomes", "toy", "fasta", value="own.fa")


DATASET = ("datasets", "examples")
for name, path, value in (
    ("`kmers` of a dataset", (*DATASET, "kmers"), [3]),
    ("`negatives` of a dataset", (*DATASET, "negatives"), {"seed": 1}),
    ("another feature block of a dataset", (*DATASET, "annotation_features"), True),
    ("`splits` of a dataset: more folds", (*DATASET, "splits", "folds"), 2),
    ("a gene of chromosome 22 added to a dataset", (*DATASET, "genes", "include"), [*GENES, "GGTLC3"]),
    ("a gene of chromosome Y taken from a dataset", (*DATASET, "genes", "include"), [g for g in GENES if "." not in g]),
    ("`threshold` of a base model", ("base_models", "model", "threshold"), 0.6),
    ("`labels` of a base model", ("base_models", "model", "labels"), "canonical"),
    ("`flanks` of a base model", ("base_models", "model", "flanks"), "genomic"),
    ("`precision` of a base model", ("base_models", "model", "precision"), "bfloat16"),
    ("`ensemble_sd` of a base model", ("base_models", "model", "ensemble_sd"), True),
    ("`longest_tile` of a base model", ("base_models", "model", "longest_tile"), 4096),
    ("`trained_on` of a base model", ("base_models", "model", "trained_on"), ["22"]),
    ("`min_intron` of a genome", ("genomes", "toy", "min_intron"), 20),
    ("order of a genome's `chromosomes`", ("genomes", "toy", "chromosomes"), ["Y", 22]),
):
    CHANGES[name] = set_to(*path, value=value)


@change("nothing")
def _nothing(folder: Path) -> None: ...


@change("`annotation` of a genome: the same file elsewhere")
def _annotation_elsewhere(folder: Path) -> None:
    rewritten_annotation(folder, lambda lines: lines)


@change("code of `gene_manifest`")
def _code(folder: Path) -> None:
    """The logic of one asset counts one more; see `reopened_with_newer_gene_manifest`."""


@change("a transcript of chromosome Y taken from the annotation")
def _annotation_transcript(folder: Path) -> None:
    def edit(lines: list[str]) -> list[str]:
        lost = next(line for line in lines if "\ttranscript\t" in line and 'gene_name "DDX3Y"' in line)
        transcript = lost.split('transcript_id "')[1].split('"')[0]
        return [line for line in lines if transcript not in line]

    rewritten_annotation(folder, edit)


@change("a comment in the annotation")
def _annotation_comment(folder: Path) -> None:
    rewritten_annotation(folder, lambda lines: ["##another header\n", *lines])


@change("a base of chromosome 22 far from every gene of the dataset")
def _base_far_away(folder: Path) -> None:
    rewritten_fasta(folder, 0, 10, "A")


@change("a base of chromosome 22 inside a gene of the dataset")
def _base_in_gene(folder: Path) -> None:
    lines = gzip.decompress(demo.ANNOTATION.read_bytes()).decode().splitlines()
    gene = next(line for line in lines if "\tgene\t" in line and 'gene_name "CCDC188"' in line).split("\t")
    offset = (int(gene[3]) + int(gene[4])) // 2 - 20_000_001
    with pysam.FastaFile(str(demo.FASTA)) as fasta:
        before = fasta.fetch(fasta.references[0], offset, offset + 1).upper()
    rewritten_fasta(folder, 0, offset, "C" if before == "A" else "A")


@change("other weights")
def _weights(folder: Path) -> None:
    for path in BaseModelFiles.of("spliceai", None).paths():
        (folder / "weights").mkdir(exist_ok=True)
        shutil.copy(path, folder / "weights")
    with h5py.File(sorted((folder / "weights").glob("*.h5"))[0], "r+") as file:
        kernels: list[h5py.Dataset] = []
        file["model_weights"].visititems(
            lambda _, item: kernels.append(item) if isinstance(item, h5py.Dataset) and item.ndim == 3 else None
        )
        kernels[0][0, 0, 0] *= 1.001
    changed(folder, "base_models", "model", "weights", value="weights")


@change("a dataset added")
def _dataset_added(folder: Path) -> None:
    changed(folder, "datasets", "more", value=small_settings()["datasets"]["examples"] | {"kmers": []})


@change("a dataset taken out, another one left")
def _dataset_removed(folder: Path) -> None:
    _dataset_added(folder)
    built(reopened(folder))
    write_settings(folder, small_settings())


@change("a dataset renamed")
def _dataset_renamed(folder: Path) -> None:
    settings = small_settings()
    settings["datasets"] = {"renamed": settings["datasets"]["examples"]}
    write_settings(folder, settings)


def on_22_only(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings of the small project whose genes all lie on chromosome 22."""
    settings["datasets"]["examples"]["genes"]["include"] = ["CCDC188", "TMEM191B"]
    return settings


@change("chromosome Y taken out (no gene of a dataset lay there), then `builder clean`")
def _chromosome_removed(folder: Path) -> None:
    settings = on_22_only(small_settings())
    write_settings(folder, settings)
    built(reopened(folder))
    settings["genomes"]["toy"]["chromosomes"] = [22]
    write_settings(folder, settings)
    project = reopened(folder)
    remove(project, leftovers(project))


@change("chromosome Y added")
def _chromosome_added(folder: Path) -> None:
    settings = on_22_only(small_settings())
    settings["genomes"]["toy"]["chromosomes"] = [22]
    shutil.rmtree(folder / "data")
    write_settings(folder, settings)
    built(reopened(folder))
    write_settings(folder, on_22_only(small_settings()))


@change("a table of chromosome 22 deleted, cut or altered by hand: `exons`")
def _table_deleted(folder: Path) -> None:
    (folder / "data/toy/exons/22.parquet").unlink()


@change("the scores of chromosome 22 deleted")
def _scores_deleted(folder: Path) -> None:
    (folder / "data/model/splice_scores/22.parquet").unlink()


@change("the dataset card deleted")
def _card_deleted(folder: Path) -> None:
    (folder / "data/examples/README.md").unlink()


@change("a file touched: another time, the same bytes")
def _touched(folder: Path) -> None:
    (folder / "data/toy/genes/22.parquet").touch()


@change("the history deleted, then `builder adopt`")
def _history_deleted(folder: Path) -> None:
    shutil.rmtree(folder / ".dagster")
    adopt(reopened(folder))


@change("`data_dir` moved, then `builder adopt`")
def _moved(folder: Path) -> None:
    (folder / "data").rename(folder / "moved")
    changed(folder, "data_dir", value="moved")
    adopt(open_project(folder / "builder.yaml", adopt=True))


def test_page__names_every_change_once() -> None:
    assert sorted(name for name, _ in rows()) == sorted(CHANGES)


# Those of `make test`; the rest takes minutes.
SHORT = ("nothing", "`kmers` of a dataset")


@pytest.mark.parametrize(
    ("name", "rebuilt"),
    [pytest.param(*row, marks=() if row[0] in SHORT else pytest.mark.faults, id=row[0]) for row in rows()],
)
def test_rebuilds__are_those_of_the_page(folder, monkeypatch, name, rebuilt) -> None:
    CHANGES[name](folder)
    if name == "code of `gene_manifest`":
        original = dataset_assets.table_asset
        monkeypatch.setattr(
            dataset_assets,
            "table_asset",
            lambda prefix, contract, logic, *rest, **options: original(
                prefix, contract, logic + (contract.name == "gene_manifest"), *rest, **options
            ),
        )
    project = reopened(folder)
    results = built(project)
    assert [failure for result in results for failure in result.failures] == []
    assert {cell.partition("/")[2] for cell in built_cells(results)} == expected_cells(rebuilt)
    assert built(reopened(folder)) == []
