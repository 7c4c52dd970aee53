"""Noticing that a file was changed, also when it was replaced by moving another one, or a link, into its place."""

from pathlib import Path

Stamp = tuple[int, int, int] | None


def stamp_of(path: Path) -> Stamp:
    """What differs once a file, or its mode, was changed: time, size and inode; None while there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ctime_ns, found.st_size, found.st_ino
