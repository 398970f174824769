import hashlib
import re
import shutil
import subprocess

import numpy as np
import pytest

from resources.bsd_sum import CHUNK, bsd_sum
from resources.downloads import DownloadError, Patience, checksum_in, fetch, is_there
from tests.resources.local_server import serving

BODY = np.random.default_rng(5).integers(0, 256, 262_144).astype(np.uint8).tobytes()
FILE, LIST = "/release/genome.fa.gz", "/release/LIST"
HASTY = Patience(attempts=4, pause=0, timeout=2)  # a busy machine may answer late
# Lines of the lists as the publishers write them; the checksum of BODY put in.
MD5 = hashlib.md5(BODY).hexdigest()
MD5SUMS = f"0123456789abcdef0123456789abcdef  gencode.v47.2wayconspseudos.gff3.gz\n{MD5}  genome.fa.gz\n"
CHECKSUMS = "17418 60247 Homo_sapiens.GRCh38.dna.alt.fa.gz\n{} {} genome.fa.gz\n29884 4 README\n"


@pytest.fixture
def site():
    with serving({FILE: BODY, LIST: MD5SUMS.encode()}) as held:
        yield held


@pytest.fixture
def target(tmp_path):
    return tmp_path / "downloads" / "genome.fa.gz"


def get(site, target, checksums=LIST, patience=HASTY):
    return fetch(site.url + FILE, target, checksums and site.url + checksums, patience)


def left_over(target):
    return sorted(path.name for path in target.parent.iterdir() if not path.name.endswith(".lock"))


def ranges(site):
    return [asked for path, asked in site.asked if path == FILE]


def test_fetch__whole_file_once(site, target):
    for _ in range(2):
        assert get(site, target).read_bytes() == BODY
    assert ranges(site) == [None]
    assert left_over(target) == ["genome.fa.gz", "genome.fa.gz.sha256"]
    pin = target.with_name("genome.fa.gz.sha256").read_text(encoding="ascii").strip()
    assert pin == hashlib.sha256(BODY).hexdigest()


@pytest.mark.parametrize("fault", ["cut", "stall"])
def test_fetch__goes_on_where_the_connection_broke(site, target, fault):
    site.faults[FILE] = [fault, 503]
    assert get(site, target).read_bytes() == BODY
    assert ranges(site) == [None, "bytes=131072-", "bytes=131072-"]


def test_fetch__goes_on_in_the_next_call(site, target):
    site.faults[FILE] = ["cut", 500, 500, 500]
    with pytest.raises(DownloadError, match=r"4 attempts failed, the last with HTTPError; 131,072 bytes are kept"):
        get(site, target)
    assert not target.exists()
    assert get(site, target).read_bytes() == BODY
    assert ranges(site)[-1] == "bytes=131072-"


def test_fetch__starts_again_when_the_file_changed_meanwhile(site, target):
    site.faults[FILE] = ["cut", 500, 500, 500]
    with pytest.raises(DownloadError, match="attempts failed"):
        get(site, target, checksums=None)
    site.files[FILE] = BODY[::-1]
    assert get(site, target, checksums=None).read_bytes() == BODY[::-1]


def test_fetch__starts_again_without_a_tag_to_trust(site, target):
    site.has_tags = False
    site.faults[FILE] = ["cut"]
    assert get(site, target).read_bytes() == BODY
    assert ranges(site) == [None, None]


def test_fetch__starts_again_when_the_part_is_too_long(site, target):
    target.parent.mkdir()
    target.with_name(".genome.fa.gz.part").write_bytes(BODY + b"more")
    target.with_name(".genome.fa.gz.part.tag").write_text(site.tag(FILE), encoding="utf-8")
    assert get(site, target).read_bytes() == BODY
    assert ranges(site) == [f"bytes={len(BODY) + 4}-", None]


def test_fetch__damaged_once_is_fetched_again(site, target):
    site.faults[FILE] = ["corrupt"]
    assert get(site, target).read_bytes() == BODY


@pytest.mark.parametrize("listing", ["MD5", "BSD"])
def test_fetch__damaged_twice_is_an_error_and_leaves_nothing(site, target, tmp_path, listing):
    if listing == "BSD":
        (tmp_path / "body").write_bytes(BODY)
        site.files[LIST] = CHECKSUMS.format(*bsd_sum(tmp_path / "body")).encode()
    site.faults[FILE] = ["corrupt", "corrupt"]
    with pytest.raises(DownloadError, match=r"sent twice is not what its publisher lists \((md5:|sum:)"):
        get(site, target)
    assert left_over(target) == []
    assert get(site, target).read_bytes() == BODY


def test_fetch__no_such_file(site, target):
    with pytest.raises(DownloadError, match=r"the server answers 404 Not Found\. Is the release right\?"):
        fetch(site.url + "/release/other.fa.gz", target, None, HASTY)
    assert left_over(target) == []


@pytest.mark.parametrize("listing", [None, "/release/absent", "/release/other"])
def test_fetch__without_a_stated_checksum_the_first_sight_is_kept(site, target, listing):
    site.files["/release/other"] = b"this list names other files\n"
    get(site, target, listing)
    target.unlink()
    assert get(site, target, listing).read_bytes() == BODY
    target.unlink()
    site.files[FILE] = BODY + b"x"
    with pytest.raises(DownloadError, match="is not what it was when first downloaded from http"):
        get(site, target, listing)


def test_fetch__a_file_changed_on_disk(site, target):
    get(site, target)
    target.write_bytes(BODY[:-1])
    with pytest.raises(DownloadError, match="is not what it was when first downloaded"):
        get(site, target)


def test_fetch__list_of_checksums_out_of_reach(site, target):
    for faults, text, asked in (
        ([503] * HASTY.attempts, r"503 Service Unavailable", HASTY.attempts),
        ([503, 503, 503, "cut"], "ChunkedEncodingError", HASTY.attempts),
        ([403], "403 Forbidden", 1),
    ):
        site.faults[LIST] = faults
        site.asked.clear()
        with pytest.raises(
            DownloadError, match=rf"LIST: the publisher's list .* cannot be read \({text}\)\. Try again"
        ):
            get(site, target)
        assert site.asked == [(LIST, None)] * asked
    assert left_over(target) == []


@pytest.mark.parametrize("faults", [[503, "cut", 429], ["stall"]])
def test_fetch__list_of_checksums_is_asked_for_again(site, target, faults):
    site.faults[LIST] = list(faults)
    site.files[FILE] = BODY[::-1]  # not what the list says: was it read?
    with pytest.raises(DownloadError, match="sent twice is not what its publisher lists"):
        get(site, target)
    site.faults[LIST] = list(faults)
    site.files[FILE] = BODY
    assert get(site, target).read_bytes() == BODY


@pytest.mark.parametrize("listing", ["MD5", "SHA-256", "BSD"])
def test_fetch__a_file_that_was_there_is_proved_too(site, target, tmp_path, listing):
    (tmp_path / "body").write_bytes(BODY)
    site.files[LIST] = {
        "MD5": MD5SUMS,
        "SHA-256": f"{hashlib.sha256(BODY).hexdigest()} *genome.fa.gz\n",
        "BSD": CHECKSUMS.format(*bsd_sum(tmp_path / "body")),
    }[listing].encode()
    target.parent.mkdir()
    target.write_bytes(b"garbage")
    text = (
        r"genome.fa.gz was there without genome.fa.gz.sha256, and is not what the publisher lists \(.*LIST\)\. Delete"
    )
    with pytest.raises(DownloadError, match=text):
        get(site, target)
    assert left_over(target) == ["genome.fa.gz"]
    target.write_bytes(BODY)
    assert get(site, target).read_bytes() == BODY
    assert ranges(site) == []
    assert left_over(target) == ["genome.fa.gz", "genome.fa.gz.sha256"]
    site.asked.clear()
    get(site, target)
    assert site.asked == []  # the pin is enough


def test_fetch__no_server(target):
    with pytest.raises(DownloadError, match="1 attempts failed, the last with ConnectionError; 0 bytes are kept"):
        fetch("http://127.0.0.1:1/a.gz", target, None, Patience(attempts=1, pause=0, timeout=0.3))


def test_is_there__asks_for_the_head_only(site):
    assert is_there(site.url + FILE, HASTY) is None
    assert is_there(site.url + "/absent", HASTY) == "404 Not Found"
    assert is_there("http://127.0.0.1:1/a.gz", HASTY) == "no answer (ConnectionError)"
    assert site.asked == []


def test_checksum_in__every_kind_of_list():
    assert checksum_in(MD5SUMS, "genome.fa.gz") == f"md5:{MD5}"
    assert checksum_in(CHECKSUMS.format("07504", "1"), "genome.fa.gz") == "sum:7504 1"
    assert checksum_in("ab" * 32 + " *./genome.fa.gz\n", "genome.fa.gz") == "sha256:" + "ab" * 32
    assert checksum_in(MD5SUMS, "fa.gz") is None


@pytest.mark.parametrize(("content", "expected"), [(b"hello world", (7504, 1)), (b"", (0, 0)), (b"\xff" * 1025, None)])
def test_bsd_sum__as_sum_prints_it(tmp_path, content, expected):
    path = tmp_path / "a"
    path.write_bytes(content)
    assert expected in (None, bsd_sum(path))
    if program := shutil.which("sum"):
        printed = subprocess.run([program, "-r", str(path)], capture_output=True, text=True, check=True).stdout
        assert list(bsd_sum(path)) == [int(number) for number in re.findall(r"\d+", printed)[:2]]


def test_bsd_sum__over_several_chunks(tmp_path):
    """Adding the first chunk's sum by hand: a zero byte only rotates, 16 of them change nothing."""
    path = tmp_path / "a"
    path.write_bytes(b"hello world" + b"\0" * (CHUNK + 5 - 11 + 11))  # 11 letters, then a multiple of 16 zeros
    zeros = path.stat().st_size - 11
    assert zeros % 16 == 5
    rotated = 7504
    for _ in range(5):
        rotated = (rotated >> 1) | ((rotated & 1) << 15)
    assert bsd_sum(path) == (rotated, -(-path.stat().st_size // 1024))
