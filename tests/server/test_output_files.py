"""What commands write to disk, on a disk that is full: whole files of their owner's, or a sentence and nothing."""

import subprocess
from pathlib import Path

import pytest

from tests.server.processes import PROGRAM, clean_environment, run

_FULL = "File too large"
"""A limit on the size of files stands for the full disk: only the kernel's words differ."""


def on_a_full_disk(*arguments: str, home: Path, kilobytes: int) -> "subprocess.CompletedProcess[str]":
    """One command whose files may be no larger than that."""
    limited = ["/bin/bash", "-c", f'ulimit -f {kilobytes}; exec "$@"', "bash", *PROGRAM, *arguments]
    return subprocess.run(
        limited, env=clean_environment(home), cwd=home, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["capture", "-n", "shop", "-o"], "taken.tar.gz"),
        (["diagnose", "--json", "--html"], "report.html"),
    ],
    ids=["capture", "diagnose"],
)
def test_a_file_is_written_whole_for_its_owner_or_not_at_all(
    command: list[str], name: str, bundle: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir(mode=0o755)
    output, given = folder / name, [command[0], "--bundle", str(bundle), *command[1:], str(folder / name)]
    full = on_a_full_disk(*given, home=tmp_path, kilobytes=4)
    assert full.returncode == 1
    assert full.stderr == f"terway-mcp: cannot write {output}: {_FULL}\n"
    assert list(folder.iterdir()) == []
    output.write_bytes(b"of before")
    assert on_a_full_disk(*given, home=tmp_path, kilobytes=4).returncode == 1
    assert output.read_bytes() == b"of before"
    assert run(*given, home=tmp_path).returncode == 0
    assert output.stat().st_mode & 0o777 == 0o600
    assert output.stat().st_size > 4 * 1024


def test_a_token_that_finds_no_room_spoils_no_file(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.touch(0o600)
    file.write_text("# " + "x" * 1000 + "\n")
    done = on_a_full_disk("token", "laptop", "--token-file", str(file), home=tmp_path, kilobytes=1)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"terway-mcp: token file {file}: ")
    assert file.read_text() == "# " + "x" * 1000 + "\n"
