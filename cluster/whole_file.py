"""Files that a command was asked for: they appear whole or not at all, and for their owner only."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from terway_mcp.cluster.errors import OutputError

_LONGEST_PREFIX = 40
"""Characters of the name that its temporary file shows: both must be within what a file system allows."""


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, mode 0600, that takes its place in one step when the block ends.

    When the block raises, or the disk is full, nothing is left of it and what stood in its place still stands there.
    A device or a pipe is written to as it is.

    Raises:
        OutputError: It cannot be made or written.
    """
    try:
        with path.open("wb") if path.exists() and not path.is_file() else _replacing(path.resolve()) as file:
            yield file
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in one go, see `whole_file`.

    Raises:
        OutputError: It cannot be made or written.
    """
    with whole_file(path) as file:
        file.write(content)


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:_LONGEST_PREFIX]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
