import pytest

from builder_assets.project.online_check import online_findings
from builder_assets.settings import Settings
from tests.resources.local_server import serving


def test_online_findings__every_address_and_nothing_of_the_user(tmp_path):
    with serving({"/a.fa.gz": b"x"}) as site:
        genome = {"assembly": "GRCh38", "chromosomes": ["1"], "fasta": f"{site.url}/a.fa.gz"}
        genomes = {"own": genome | {"annotation": "mine.gtf"}, "lost": genome | {"annotation": f"{site.url}/b.gtf"}}
        settings = Settings.model_validate({"root": tmp_path, "genomes": genomes})
        assert list(online_findings(settings)) == [
            (True, "own fasta online", f"{site.url}/a.fa.gz"),
            (True, "lost fasta online", f"{site.url}/a.fa.gz"),
            (False, "lost annotation online", f"{site.url}/b.gtf: 404 Not Found"),
        ]


def test_online_findings__releases_with_their_lists_of_checksums(tmp_path):
    genome = {"assembly": "GRCh38", "chromosomes": ["1"], "fasta": "a.fa", "annotation": "gencode:v47"}
    settings = Settings.model_validate({"root": tmp_path, "genomes": {"g": genome}})
    asked = []
    findings = list(online_findings(settings, lambda url: asked.append(url) or "404 Not Found"))
    assert [url.rsplit("/", 1)[1] for url in asked] == ["gencode.v47.annotation.gtf.gz", "MD5SUMS"]
    assert [good for good, _, _ in findings] == [False, True]  # without a list the file is pinned
    assert "pinned at first sight" in findings[1][2]


@pytest.mark.parametrize("problem", ["503 Service Unavailable", "403 Forbidden", "no answer (ConnectionError)"])
def test_online_findings__a_list_that_cannot_be_read_is_a_problem_as_it_is_for_the_build(tmp_path, problem):
    genome = {"assembly": "GRCh38", "chromosomes": ["1"], "fasta": "a.fa", "annotation": "gencode:v47"}
    settings = Settings.model_validate({"root": tmp_path, "genomes": {"g": genome}})
    _, (good, what, text) = online_findings(settings, lambda url: problem if url.endswith("MD5SUMS") else None)
    assert (good, what) == (False, "g annotation checksums online")
    assert text.endswith(f"/MD5SUMS: {problem}; without it the file will not be fetched")
