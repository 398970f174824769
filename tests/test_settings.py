"""builder.yaml: what is allowed, and an error that names the place, the value and the remedy."""

from pathlib import Path

import pytest
import yaml

from builder_assets.settings import SettingsError, find_config, load_settings

ROOT = Path(__file__).parents[1]


def settings(**changes):
    content = {
        "genomes": {"g": {"assembly": "GRCh37", "fasta": "a.fa", "annotation": "a.gtf", "chromosomes": [22, "Y"]}},
        "base_models": {"m": {"genome": "g", "family": "spliceai"}},
        "datasets": {"d": {"base_model": "m", "genes": {"policy": "all"}}},
    }
    for path, value in changes.items():
        inner = content
        *outer, last = path.split("__")
        for key in outer:
            inner = inner[key]
        inner[last] = value
    return content


def load(tmp_path, content):
    path = tmp_path / "builder.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return load_settings(path)


def test_load_settings__reads_the_example_at_the_root():
    loaded = load_settings(ROOT / "builder.yaml")
    assert loaded.genomes["demo"].chromosomes == ("22", "Y")
    assert loaded.datasets["demo_3mers"].kmers == (3,)


def test_load_settings__relative_paths_count_from_its_folder(tmp_path):
    loaded = load(tmp_path, settings())
    assert loaded.path("refs/a.fa") == tmp_path / "refs" / "a.fa"
    assert loaded.data_path == tmp_path / "data"


# ruff: noqa: E501
WRONG = {
    "unknown key": ({"datasets__d__genes__polcy": 1}, r"datasets\.d\.genes\.polcy: unknown key; did you mean 'policy'\?"),
    "unknown top key": ({"dataset": {}}, r"dataset: unknown key; did you mean 'datasets'\? \(known: data_dir, genomes"),
    "missing": ({"genomes__g": {"assembly": "x", "fasta": "x", "annotation": "x"}}, r"genomes\.g\.chromosomes: is required"),
    "choice": ({"base_models__m__labels": "some"}, r"base_models\.m\.labels: 'some': .*'all', 'basic', 'canonical' or 'mane'"),
    "chromosome twice": ({"genomes__g__chromosomes": [22, 22]}, r"genomes\.g\.chromosomes: 22 named more than once"),
    "prefixed chromosome": ({"genomes__g__chromosomes": ["chr22"]}, "chr22 is 22: chromosomes are named without `chr`"),
    "mitochondrion": ({"genomes__g__chromosomes": ["M"]}, r"g\.chromosomes\.0: 'M': M is MT: .*the mitochondrion is MT"),
    "accession": ({"genomes__g__chromosomes": ["NC_000022.10"]}, r"NC_000022\.10 is 22: name chromosomes so; the files may"),
    "training chromosome": ({"base_models__m__trained_on": ["2", "chr4"]}, r"m\.trained_on\.1: 'chr4': chr4 is 4: chrom"),
    "split chromosome": (
        {"datasets__d__splits": {"by": "chromosome", "chromosomes": {"train": ["chr1"]}}},
        r"chromosomes\.train\.0: 'chr1': chr1 is 1: chromosomes are named without `chr`",
    ),
    "accession of another assembly": (
        {"genomes__g__chromosomes": ["NC_000022.11"]},
        r"NC_000022\.11 is chromosome 22 of GRCh38, but the settings say GRCh37",
    ),
    "hostile chromosome": ({"genomes__g__chromosomes": ["../x"]}, r"genomes\.g\.chromosomes\.0: '\.\./x'"),
    "no chromosome": ({"genomes__g__chromosomes": []}, r"genomes\.g\.chromosomes: .*at least 1 item"),
    "region": ({"genomes__g__regions": ["22:5-4"]}, "'22:5-4' is not of the form chromosome:start-end"),
    "region elsewhere": (
        {"genomes__g__regions": ["chr22:5-6", "nonsense:5-6", "21:5-6"]},
        r"genomes\.g: 2 of the 3 `regions:` lie on none of the `chromosomes:` \(22, Y\), first 'nonsense:5-6'; correct",
    ),
    "region of another assembly": ({"genomes__g__regions": ["NC_000022.11:5-6"]}, "is chromosome 22 of GRCh38, but"),
    "ftp": ({"genomes__g__fasta": "ftp://x.org/a.fa"}, r"genomes\.g\.fasta: 'ftp://x.org/a.fa': ftp:// is not fetched, only https:// and http:// are; .*give its path"),
    "object store": ({"genomes__g__annotation": "s3://b/a.gtf"}, r"g\.annotation: 's3://b/a.gtf': s3:// is not fetched"),
    "address of a site": ({"genomes__g__fasta": "https://x.org"}, r"genomes\.g\.fasta: 'https://x.org': the address names no file; give one like https://HOST/FOLDER/FILE, or download"),
    "address of a folder": ({"genomes__g__fasta": "https://x.org/a/"}, r"'https://x.org/a/': the address names no file"),
    "address of a query": ({"genomes__g__annotation": "https://x.org/?a.gtf"}, "the address names no file"),
    "address without host": ({"genomes__g__annotation": "https:///a.gtf"}, "the address names no file"),
    "address of a parent": ({"genomes__g__annotation": "https://x.org/a/.."}, "the address names no file"),
    "hostile name": ({"datasets__a/b": {"base_model": "m", "genes": {"policy": "all"}}}, "name 'a/b': use letters"),
    "name twice": ({"datasets__g": {"base_model": "m", "genes": {"policy": "all"}}}, "name 'g' is used twice"),
    "no such genome": ({"base_models__m__genome": "h"}, r"base_models\.m\.genome: 'h' is none of 'g'"),
    "no such model": ({"datasets__d__base_model": "n"}, r"datasets\.d\.base_model: 'n' is none of 'm'"),
    "assembly": ({"genomes__g__assembly": "GRCh38"}, "spliceai was trained on GRCh37, genome 'g' is GRCh38"),
    "assembly by another name": ({"genomes__g__assembly": "hg38"}, "spliceai was trained on GRCh37, genome 'g' is GRCh38"),
    "weights": ({"base_models__m__family": "openspliceai"}, "needs `weights:`, the folder of its .pt files"),
    "context": ({"base_models__m__context": 80}, "published with a context of 10000 only, not 80"),
    "spread not stored": (
        {"datasets__d__ensemble_sd": True},
        r"datasets\.d\.ensemble_sd: base model 'm' does not store .*set base_models\.m\.ensemble_sd: true",
    ),
    "precision": ({"base_models__m__precision": "float16"}, r"m\.precision: 'float16': .*'float32' or 'bfloat16'"),
    "tile": ({"base_models__m__longest_tile": 100}, r"longest_tile: 100: .*greater than or equal to 512"),
    "count missing": ({"datasets__d__genes": {"policy": "random"}}, "policy random needs `count:`"),
    "count unused": ({"datasets__d__genes": {"policy": "all", "count": 3}}, "policy all takes no `count:`"),
    "custom empty": ({"datasets__d__genes": {"policy": "custom"}}, "policy custom needs `include:`"),
    "bounds": ({"datasets__d__negatives": {"mid_prob": 0.5}}, "bounds must not fall: low_prob 0.001 <= mid_prob 0.5"),
    "shares": ({"datasets__d__splits": {"test": 0.6, "validation": 0.5}}, "leave nothing for training"),
    "preset": ({"datasets__d__splits": {"preset": "stacking"}}, "belong to `by: chromosome`"),
    "no table": ({"datasets__d__splits": {"by": "chromosome"}}, "needs either `preset:` or `chromosomes:`"),
    "two sides": (
        {"datasets__d__splits": {"by": "chromosome", "chromosomes": {"train": [22], "test": [22]}}},
        "chromosome 22 stands on more than one side",
    ),
    "list as text": (
        {"datasets__d__genes__types": "protein_coding,lncRNA"},
        r"datasets\.d\.genes\.types: 'protein_coding,lncRNA': write a list: \[protein_coding, lncRNA\]",
    ),
    "list of one": ({"datasets__d__kmers": 3}, r"datasets\.d\.kmers: 3: write a list: \[3\]"),
    "list of a side": (
        {"datasets__d__splits": {"by": "chromosome", "chromosomes": {"train": "1, X"}}},
        r"datasets\.d\.splits\.chromosomes\.train: '1, X': write a list: \[1, X\]",
    ),
    "list left empty": ({"genomes__g__regions": None}, r"g\.regions: None: write a list in brackets: \[ONE, ANOTHER\]"),
    "k twice": ({"datasets__d__kmers": [3, 3]}, r"datasets\.d\.kmers: \[3, 3\] names a length twice"),
    "k too long": ({"datasets__d__kmers": [7]}, r"datasets\.d\.kmers\.0: 7: .*less than or equal to 6"),
    "k 0": ({"datasets__d__kmers": [0]}, r"datasets\.d\.kmers\.0: 0: .*greater than or equal to 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_load_settings__names_place_and_remedy(tmp_path, case):
    changes, text = WRONG[case]
    with pytest.raises(SettingsError, match=text):
        load(tmp_path, settings(**changes))


@pytest.mark.parametrize("name", ["hg19", "GRCh37.p13", "hs37d5"])
def test_load_settings__an_assembly_has_one_name_for_all_that_reads_it(tmp_path, name):
    assert load(tmp_path, settings(genomes__g__assembly=name)) == load(tmp_path, settings())


@pytest.mark.parametrize("name", ["chromosome_1", "chr_001", "scaffold_7"])
def test_load_settings__names_that_only_begin_with_chr_are_whole(tmp_path, name):
    assert load(tmp_path, settings(genomes__g__chromosomes=[name])).genomes["g"].chromosomes == (name,)


def test_load_settings__a_stored_spread_may_be_asked_for(tmp_path):
    plain = load(tmp_path, settings()).base_models["m"]
    loaded = load(tmp_path, settings(base_models__m__ensemble_sd=True, datasets__d__ensemble_sd=True))
    assert loaded.datasets["d"].features.ensemble_sd
    model = loaded.base_models["m"]
    assert model.network == plain.network  # the scores themselves do not depend on it, so no fingerprint does
    assert plain.scores == (plain.network,)
    assert model.scores[:1] == plain.scores
    assert len(model.scores) == 2


def test_load_settings__too_many_kmer_columns(tmp_path, monkeypatch):
    monkeypatch.setattr("builder_assets.settings.dataset.MOST_KMER_COLUMNS", 80)
    with pytest.raises(SettingsError, match=r"would make 84 k-mer columns; at most 80"):
        load(tmp_path, settings(datasets__d__kmers=[1, 2, 3]))


def test_load_settings__lists_every_problem(tmp_path):
    with pytest.raises(SettingsError, match=r"2 problem\(s\)"):
        load(tmp_path, settings(base_models__m__labels="x", datasets__d__kmers=[9]))


def test_load_settings__no_yaml(tmp_path):
    with pytest.raises(SettingsError, match="is not readable as YAML"):
        load(tmp_path, "a: [1")


def test_load_settings__empty(tmp_path):
    with pytest.raises(SettingsError, match="holds no settings: expected the keys"):
        load(tmp_path, "# nothing\n")


def test_load_settings__constructs_no_objects(tmp_path):
    with pytest.raises(SettingsError, match="is not readable as YAML: could not determine a constructor"):
        load(tmp_path, "data_dir: !!python/object/apply:os.system ['true']\n")


def test_find_config__says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BUILDER_CONFIG", raising=False)
    with pytest.raises(SettingsError, match=r"no settings file at .*builder\.yaml\. `builder init DIR` writes one"):
        find_config()


def test_find_config__order(tmp_path, monkeypatch):
    for name in ("builder.yaml", "other.yaml", "third.yaml"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BUILDER_CONFIG", "other.yaml")
    assert find_config("third.yaml").name == "third.yaml"
    assert find_config().name == "other.yaml"
    monkeypatch.delenv("BUILDER_CONFIG")
    assert find_config().name == "builder.yaml"


def test_network_settings__do_not_hold_labels_or_paths(tmp_path):
    model = load(tmp_path, settings()).base_models["m"]
    assert set(type(model.network).model_fields) == {"family", "context", "flanks", "precision"}
