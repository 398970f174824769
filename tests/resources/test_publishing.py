"""A file appears whole or not at all."""

import errno
import os
import threading
from pathlib import Path

import pytest

from resources.processes import this_process
from resources.publishing import PublishError, dead_partial_files, publish


def write(text: str):
    return lambda path: path.write_text(text)


def test_publish__puts_a_file_in_place(tmp_path):
    publish(tmp_path / "a" / "b.txt", write("whole"), tmp_path / "locks")
    assert (tmp_path / "a" / "b.txt").read_text() == "whole"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]


def test_publish__full_disk_leaves_the_earlier_file_and_nothing_else(tmp_path):
    path = tmp_path / "a" / "b.txt"
    publish(path, write("earlier"), tmp_path / "locks")

    def fill(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(PublishError, match=r"no space left on the disk\. Free some, then build again"):
        publish(path, fill, tmp_path / "locks")
    assert path.read_text() == "earlier"
    assert [file.name for file in path.parent.iterdir()] == ["b.txt"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_publish__no_permission_says_so(tmp_path, number):
    def refuse(_temporary: Path) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(PublishError, match=r"no permission .* choose another place, for tables another data_dir"):
        publish(tmp_path / "b.txt", refuse, tmp_path / "locks")


def test_publish__other_faults_keep_their_words(tmp_path):
    def fail(_temporary: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(PublishError, match=r"could not be written: .*Input/output error"):
        publish(tmp_path / "b.txt", fail, tmp_path / "locks")


def test_publish__a_folder_that_cannot_be_made_is_told_once(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(PublishError) as caught:
        publish(tmp_path / "file" / "b.txt", Path.touch)
    assert str(caught.value) == (
        f"{tmp_path}/file/b.txt could not be written: its folder is not there and cannot be made (File exists). "
        "Choose another place."
    )


def test_publish__two_writers_take_turns(tmp_path):
    inside, most = [], []

    def write_alone(temporary: Path) -> None:
        inside.append(1)
        most.append(len(inside))
        temporary.write_text("x" * 1000)
        inside.pop()

    threads = [
        threading.Thread(target=publish, args=(tmp_path / "b.txt", write_alone, tmp_path / "locks")) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8


def test_dead_partial_files__leaves_those_of_living_processes(tmp_path):
    dead, alive = tmp_path / ".a.parquet.999999999.partial", tmp_path / f".b.parquet.{this_process()}.partial"
    dead.touch()
    alive.touch()
    assert dead_partial_files(tmp_path) == [dead]
    assert alive.exists()


def test_dead_partial_files__those_of_other_machines_when_nobody_wrote_for_a_day(tmp_path):
    fresh, old = (tmp_path / f".{name}.parquet.999999999@another.machine.partial" for name in ("fresh", "old"))
    fresh.touch()
    old.touch()
    os.utime(old, (0, 0))
    assert dead_partial_files(tmp_path) == [old]
