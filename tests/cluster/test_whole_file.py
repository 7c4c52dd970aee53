"""Files that appear whole or not at all."""

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from terway_mcp.cluster.errors import OutputError
from terway_mcp.cluster.whole_file import whole_file, write_whole


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """One that would let everybody read."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_for_its_owner_whatever_stood_there_before(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("for everybody")
    assert mode(path) == 0o666
    write_whole(path, b"mine")
    assert (path.read_bytes(), mode(path)) == (b"mine", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_nobody_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(b"old")
    with whole_file(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
        assert [mode(other) for other in tmp_path.iterdir() if other != path] == [0o600]
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_file_that_is_given_up_leaves_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(b"old")

    def give_up() -> None:
        with whole_file(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        give_up()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_is_said_in_a_sentence(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "no" / "file", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(OutputError) as raised:
            write_whole(path, b"x")
        assert str(raised.value) == f"cannot write {path}: {why}"
    assert list(tmp_path.iterdir()) == []


def test_a_link_still_leads_to_the_file(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    link.symlink_to(real)
    write_whole(link, b"x")
    assert link.is_symlink()
    assert real.read_bytes() == b"x"


def test_a_name_as_long_as_a_file_system_allows_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write_whole(path, b"x")
    assert path.read_bytes() == b"x"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    path, read = tmp_path / "pipe", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    write_whole(path, b"x")
    reader.join()
    assert read == [b"x"]
    assert stat.S_ISFIFO(path.stat().st_mode)
