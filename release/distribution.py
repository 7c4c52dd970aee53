"""Wheel and sdist, and what is in them."""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from release import ROOT, Failed


class Distribution(msgspec.Struct, frozen=True):
    """The two files of a release."""

    wheel: Path
    sdist: Path


def project_files() -> list[Path]:
    """Every file that is or may be committed, relative to the root; no leavings of builds and tools."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [Path(name) for name in names if name and (ROOT / name).is_file()]


def build(folder: Path, *, isolated: bool = True) -> Distribution:
    """The sdist, and the wheel that is built from it, as an installer without a checkout does.

    Not isolated means: with the setuptools of this environment, so that nothing is downloaded.
    """
    _build(folder, isolated)
    return Distribution(_only(folder, "*.whl"), _only(folder, "*.tar.gz"))


def wheel_of_the_tree(folder: Path, *, isolated: bool = True) -> Path:
    """The wheel built without going through an sdist."""
    _build(folder, isolated, "--wheel")
    return _only(folder, "*.whl")


def contents(archive: Path) -> dict[str, str]:
    """SHA-256 of every file by name; an sdist's folder is left off, and so is RECORD, which repeats the rest."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            names = [name for name in wheel.namelist() if not name.endswith((".dist-info/RECORD", "/"))]
            files = {name: wheel.read(name) for name in names}
    else:
        with tarfile.open(archive) as sdist:
            members = {entry.name.partition("/")[2]: sdist.extractfile(entry) for entry in sdist if entry.isfile()}
            files = {name: file.read() for name, file in members.items() if file is not None}
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def differences(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Names of files that are in only one of two archives, or not the same in both."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _build(folder: Path, isolated: bool, *what: str) -> None:
    """Build from a copy: a checkout keeps files of earlier builds, which would slip in.

    Raises:
        Failed: The project cannot be built.
    """
    options = [*what, *([] if isolated else ["--no-isolation"]), "--outdir", str(folder)]
    with tempfile.TemporaryDirectory(prefix="terway-mcp-source-") as copy:
        for file in project_files():
            (Path(copy) / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, Path(copy) / file)
        command = [sys.executable, "-m", "build", *options, copy]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"python -m build\n{done.stdout}{done.stderr}")


def _only(folder: Path, pattern: str) -> Path:
    """Raises ValueError when older builds lie about."""
    (found,) = folder.glob(pattern)
    return found
