"""docs/predecessor.md names nothing that is not there, and leaves out no option, file, tool or column."""

import re
from pathlib import Path
from typing import get_args

import polars as pl
import pytest

from builder_assets.dataset.columns import training_examples_contract
from builder_assets.dataset.predecessor_columns import SIDECAR, master_columns
from builder_assets.settings import (
    BaseModelSettings,
    DatasetSettings,
    FeatureSettings,
    GeneChoice,
    GenomeSettings,
    NegativeSettings,
    Settings,
    SplitSettings,
    TierRatios,
    load_settings,
)
from builder_assets.tables import GENE_MANIFEST
from resources.dataset_writers import write_master

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "predecessor.md").read_text(encoding="utf-8")
COLUMNS = set(training_examples_contract(FeatureSettings(annotation_features=True)).names)
CODE = re.compile(r"`([^`]+)`")
NO_COLUMN = {"master", "sidecar/", "score_context"}


def rows(title: str) -> list[list[str]]:
    """The cells of the table in a section, its head left out."""
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


# Every name, written down from a reading of the predecessor's code; none is taken from this project.
NAMED = {
    "Its options, here": """
        --n-genes --subset-policy --batch-size --batch-rows --output-dir --overwrite --run-workflow --workflow-kwargs
        --gene-types --gene-ids-file --gene-col --hard-prob --window --easy-ratio --kmer-sizes --patch-dataset
        --no-manifest --position-id-mode -v --verbose --eval-dir --no-tn-sampling --seed --dry-run --threads
        n_genes subset_policy batch_size batch_rows output_dir overwrite run_workflow workflow_kwargs gene_types
        additional_gene_ids kmer_sizes patch_dataset generate_manifest position_id_mode verbose eval_dir enrichers
        initial_schema_cols downsample_kwargs
    """,
    "Its policies, here": "random rand error_total error_fp error_fn custom explicit all hard",
    "Its files, here": """
        analysis_sequences_* analysis_sequences_{chr}_chunk_{a}_{b}.tsv full_splice_positions_enhanced.tsv
        splice_positions_enhanced_*_chunk_*.tsv full_splice_errors.tsv splice_errors_* full_splice_performance.tsv
        performance_df_features.tsv batch_N_raw.tmp.parquet batch_N_raw.parquet _raw.tmp _raw batch_N_trim.parquet
        _trim master/batch_*.parquet master/gene_manifest.csv gene_features.tsv transcript_features exon_features
        exon_df_from_gtf genomic_gtf_feature_set.tsv splice_sites.tsv splice_sites_enhanced.tsv
        overlapping_gene_counts.tsv total_intron_exon_lengths.tsv feature_manifest.json feature_manifest.csv
        exclude_features.txt
    """,
    "Its gene manifest, here": """
        global_index gene_id gene_name gene_type chrom strand gene_length start end total_splice_sites donor_sites
        acceptor_sites splice_density_per_kb file_index file_name
    """,
    "Its tools, here": """
        length-strata high-density meta-optimized deduplicate_dataset.py filter_dataset_by_gene_type.py
        validate_dataset_schema.py artifact_validator.py cleanup_artifacts.py add_kmers.py reaggregate_artifacts.py
        quick_dataset_builder.py generate_gene_manifest.py patch_structural_features.py patch_gene_type.py
        run_builder_resumable.sh test_incremental_builder.sh test_dataset_integrity.py
        validate_meta_model_training_data.py
    """,
}
SETTINGS = (
    Settings, GenomeSettings, BaseModelSettings, DatasetSettings, GeneChoice, NegativeSettings, TierRatios,
    SplitSettings,
)  # fmt: skip
KEYS = {key for model in SETTINGS for key in model.model_fields}
TABLES_PAGE = (TESTS.parent / "docs" / "tables.md").read_text(encoding="utf-8")
FOLDERS = re.findall(r"^`<(genome|base_model|dataset)>/(\w+)", TABLES_PAGE, re.MULTILINE)
WRITTEN_BESIDE = {"README.md", "dataset_card.json", ".parquet", "master/batch_00001.parquet", "sidecar/", "feature"}


@pytest.mark.parametrize("title", NAMED)
def test_predecessor_page__leaves_out_no_name(title) -> None:
    """As a word of the first column; and no row leaves a question open."""
    codes = [code for names, *_ in rows(title) for code in CODE.findall(names)]
    there = {*codes, *(word for code in codes for word in re.split("[ /]", code))}
    assert [name for name in NAMED[title].split() if name not in there] == []
    assert [row for row in rows(title) if len(row) != 3 or not all(row)] == []


@pytest.mark.parametrize("title", [title for title in NAMED if title != "Its gene manifest, here"])
def test_predecessor_page__names_settings_and_files_that_there_are(title) -> None:
    """Commands are looked at by `test_docs.py`."""
    words = [word for _, here, _ in rows(title) for word in CODE.findall(here)]
    for word in words:
        if word.startswith(("builder ", "make ")) or word in WRITTEN_BESIDE:
            continue
        if found := re.match(r"data/<(\w+)>/(\w+)", word):
            assert found.groups() in FOLDERS, word
        elif word.endswith("/") or word.endswith(".parquet"):
            assert word.rstrip("/").removesuffix(".parquet") in {table for _, table in FOLDERS}, word
        elif ":" in word:
            assert set(re.findall(r"(\w+):", word)) <= KEYS, word
            if policy := re.match(r"policy: (\w+)$", word):
                assert policy[1] in get_args(GeneChoice.model_fields["policy"].annotation), word
        elif word.startswith("canonical_..."):
            assert any(name.startswith("canonical_") for name in COLUMNS)
        elif word not in ("[]", "error_rate", "hard", "gene", "symbol"):
            assert word in COLUMNS | {"gene_manifest", "leakage_probe"}, word


def test_predecessor_page__has_our_gene_manifest() -> None:
    ours: list[str] = []
    for there, here, _ in rows("Its gene manifest, here"):
        ours += [] if here == "left out" else CODE.findall(there if here == "same" else here)
    assert sorted(ours) == sorted(GENE_MANIFEST.names)


def test_predecessor_page__master_is_written_as_the_page_says(tmp_path) -> None:
    """Names of folders and parts, and our manifest as it is."""
    rows_of_parts = pl.DataFrame({"a": [1, 2]})
    for chrom in ("1", "2"):
        rows_of_parts.write_parquet(tmp_path / f"{chrom}.parquet")
    (tmp_path / "gene_manifest.csv").write_text("global_index\n", encoding="utf-8")
    parts = [tmp_path / "1.parquet", tmp_path / "2.parquet"]
    write_master(parts, tmp_path / "out", [pl.col("a")], ["a"], tmp_path / "gene_manifest.csv")
    written = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert written == {
        "master/batch_00001.parquet", "master/batch_00002.parquet", "master/gene_manifest.csv",
        "sidecar/batch_00001.parquet", "sidecar/batch_00002.parquet",
    }  # fmt: skip


def test_predecessor_page__columns_here_exist() -> None:
    for there, here, _ in rows("Its columns, here"):
        named = set(CODE.findall(here)) - NO_COLUMN
        assert named <= COLUMNS, there
        if here.startswith("same"):
            assert set(CODE.findall(there)) <= COLUMNS, there


def test_predecessor_page__has_every_column_that_the_export_writes() -> None:
    theirs = {name for there, _, _ in rows("Its columns, here") for name in CODE.findall(there)}
    left_out = {
        name
        for there, here, why in rows("Its columns, here")
        if here.startswith("left out") or "left out of `master`" in why or why == "as above"
        for name in CODE.findall(there)
    }
    written = {expression.meta.output_name() for expression in master_columns(["3mer_AAA", "3mer_TTT"])}
    ratios = {name for name in written if name.endswith("_ratio")}
    assert written <= theirs
    assert not written & (left_out - ratios)
    assert set(SIDECAR) - {"chrom", "gene_id", "position"} <= set(CODE.findall(rows("Its columns, here")[-1][1]))


def test_predecessor_page__every_test_exists() -> None:
    defined = {
        name for path in TESTS.rglob("test_*.py") for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)
    }
    named = {
        name for _, tests in rows("Its defects, and the test that catches each here") for name in CODE.findall(tests)
    }
    assert len(named) > 40
    assert named <= defined


def test_predecessor_page__its_settings_are_accepted(tmp_path) -> None:
    (snippet,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    above = "genomes: {g: {assembly: GRCh37, fasta: a.fa, annotation: a.gtf, chromosomes: [1]}}\n"
    above += "base_models: {spliceai: {genome: g, family: spliceai}}\n"
    (tmp_path / "builder.yaml").write_text(above + snippet, encoding="utf-8")
    dataset = load_settings(tmp_path / "builder.yaml").datasets["train_random_1000_3mers"]
    assert (dataset.genes.count, dataset.kmers, dataset.negatives.ratios.easy) == (1000, (3,), 0.5)
