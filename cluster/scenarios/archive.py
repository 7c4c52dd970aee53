"""A capture on disk: a directory, or an archive that has the same bytes every time it is written."""

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path


def write(path: Path, top: str, files: Mapping[str, bytes]) -> Path:
    """Files by their path inside the capture, below a folder `top`."""
    if path.name.endswith(".tar.gz"):
        path.write_bytes(_packed(top, files))
        return path
    for name, content in files.items():
        target = path / top / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return path / top


def _packed(top: str, files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", fileobj=packed, mode="wb", compresslevel=9, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name in sorted(files):
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size, entry.mode = len(files[name]), 0o644
            tar.addfile(entry, io.BytesIO(files[name]))
    return packed.getvalue()
