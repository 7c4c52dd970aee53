"""Where a bundle's bytes lie: a directory tree or an indexed .tar.gz, behind one small interface.

Both kinds are listed once. An archive is inflated once into one temporary file (memory while it is small) and its
members are read in place from there, so that a log of any size can be read forwards, backwards or not at all.
Links, devices and paths that lead out of the bundle are never listed, so nothing can ask for them.
"""

import os
import stat
import tarfile
import tempfile
import threading
import weakref
import zlib
from collections.abc import Iterator
from functools import partial
from gzip import BadGzipFile, GzipFile
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from terway_mcp.cluster.errors import BundleCorrupt, BundleError

MAX_BYTES = 2 * 1024**3
"""Most bytes an archive may inflate to."""

MAX_MEMBERS = 200_000
"""Most files a bundle may hold."""

BLOCK = 256 * 1024

_IN_MEMORY = 32 * 1024**2
_LONGEST_HEADER = 8 * 1024


class StoredFile(Protocol):
    """One regular file of a bundle."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    def read_at(self, offset: int, length: int) -> bytes:
        """Bytes from `offset` on, at most `length`; shorter only at the end of the file."""


class FileOnDisk:
    """A file of a bundle directory; opened for each read, so an idle bundle holds no descriptors."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self.size = size

    def read_at(self, offset: int, length: int) -> bytes:
        """See `StoredFile`.

        Raises:
            BundleError: The file went away or may not be read.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(offset)
                return file.read(length)
        except OSError as error:
            raise BundleError(f"{self._path.name}: {error.strerror}") from error


class InflatedArchive:
    """A temporary file with an archive's inflated bytes; it is gone when nobody holds it any more."""

    def __init__(self) -> None:
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, prefix="terway-mcp-")  # noqa: SIM115 - closed by the finalizer
        self.turn = threading.Lock()
        weakref.finalize(self, self.file.close)


class ArchiveMember:
    """A stretch of an inflated archive; reads of one archive take turns."""

    def __init__(self, archive: InflatedArchive, start: int, size: int) -> None:
        self._archive = archive
        self._start = start
        self.size = size

    def read_at(self, offset: int, length: int) -> bytes:
        """See `StoredFile`."""
        with self._archive.turn:
            self._archive.file.seek(self._start + offset)
            return self._archive.file.read(max(0, min(length, self.size - offset)))


def blocks(file: StoredFile, start: int = 0) -> Iterator[bytes]:
    """A file's bytes from `start` in blocks of at most `BLOCK`."""
    while block := file.read_at(start, BLOCK):
        start += len(block)
        yield block


def list_files(path: Path) -> tuple[dict[str, StoredFile], float]:
    """All regular files at `path` by their POSIX path inside it, and the newest modification time (epoch seconds).

    Raises:
        BundleError: `path` is missing, unreadable, neither directory nor file, or beyond the limits.
        BundleCorrupt: It is a file but not a whole .tar.gz.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return _list_directory(path.resolve())
        if stat.S_ISREG(mode):
            return _list_archive(path)
    except OSError as error:
        raise BundleError(f"cannot read bundle {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise BundleError(f"{str(path)!r} is not a path: {error}") from error
    raise BundleError(f"bundle {path} is neither a directory nor a .tar.gz file")


def _list_directory(root: Path) -> tuple[dict[str, StoredFile], float]:
    files: dict[str, StoredFile] = {}
    newest = 0.0
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            # The collector links logs from other folders of the bundle; a link elsewhere is not part of it.
            target = path.resolve() if path.is_symlink() else path
            if not target.is_relative_to(root) or not target.is_file():
                continue
            found = target.stat()
            files[path.relative_to(root).as_posix()] = FileOnDisk(target, found.st_size)
            newest = max(newest, found.st_mtime)
            if len(files) > MAX_MEMBERS:
                raise BundleError(f"bundle {root} holds more than {MAX_MEMBERS} files")
    return files, newest


def _list_archive(path: Path) -> tuple[dict[str, StoredFile], float]:
    archive = InflatedArchive()
    _inflate(path, archive.file)
    files: dict[str, StoredFile] = {}
    newest = 0.0
    for member in _members(archive.file, path.name):
        name = PurePosixPath(member.name)
        if not member.isreg() or member.issparse() or name.is_absolute() or ".." in name.parts:
            continue
        files[name.as_posix()] = ArchiveMember(archive, member.offset_data, member.size)
        newest = max(newest, float(member.mtime))
    return files, newest


def _inflate(path: Path, target: IO[bytes]) -> None:
    total = 0
    try:
        with path.open("rb") as packed, GzipFile(fileobj=packed) as source:
            for block in iter(partial(source.read, BLOCK), b""):
                total += len(block)
                if total > MAX_BYTES:
                    raise BundleError(f"bundle {path.name} inflates to more than {MAX_BYTES} bytes")
                target.write(block)
    except BadGzipFile as error:
        raise BundleCorrupt(f"bundle {path.name} is not a .tar.gz archive: {error}") from error
    except (EOFError, zlib.error) as error:
        raise BundleCorrupt(f"bundle {path.name} is truncated or damaged: {error}") from error


class _Headers:
    """An inflated archive as `tarfile` sees it: it may read headers, and no header is long.

    Extended headers are read whole and searched with regular expressions, so their length must be bounded.
    """

    def __init__(self, archive: IO[bytes]) -> None:
        self._archive = archive
        self.tell = archive.tell
        self.seek = archive.seek

    def read(self, size: int) -> bytes:
        """Bytes of one header block.

        Raises:
            BundleCorrupt: A header claims an absurd length.
        """
        if not 0 <= size <= _LONGEST_HEADER:
            raise BundleCorrupt(f"bundle holds a file header of {size} bytes")
        return self._archive.read(size)


def _members(archive: IO[bytes], name: str) -> Iterator[tarfile.TarInfo]:
    archive.seek(0, os.SEEK_END)
    length = archive.tell()
    archive.seek(0)
    try:
        with tarfile.open(fileobj=_Headers(archive), mode="r:", errorlevel=2) as index:  # type: ignore[call-overload]
            yield from _checked(index, length, name)
            archive.seek(index.offset)
    except (tarfile.TarError, ValueError, OverflowError, EOFError) as error:
        raise BundleCorrupt(f"bundle {name} is not a tar archive: {error}") from error
    if archive.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
        raise BundleCorrupt(f"bundle {name} is truncated: its list of files has no end mark")


def _checked(index: tarfile.TarFile, length: int, name: str) -> Iterator[tarfile.TarInfo]:
    position = -1
    for count, member in enumerate(index, 1):
        if count > MAX_MEMBERS:
            raise BundleError(f"bundle {name} holds more than {MAX_MEMBERS} files")
        if member.offset <= position or member.size < 0 or member.offset_data + member.size > length:
            raise BundleCorrupt(f"bundle {name} is truncated or damaged at {member.name!r}")
        position = member.offset
        yield member
