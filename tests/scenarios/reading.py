"""Reading a capture back, the short way tests need it."""

import io
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Files = Mapping[str, bytes]
ROOT = "cluster-resources"
TERWAY = "network.alibabacloud.com"


def unpacked(archive: Path) -> dict[str, bytes]:
    """The files of an archive by their path inside its top-level folder."""
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as tar:
        found = {}
        for entry in tar:
            handle = tar.extractfile(entry)
            found[entry.name.partition("/")[2]] = handle.read() if handle else b""
        return found


def objects(files: Files, place: str) -> list[dict[str, Any]]:
    """All objects of one resource, from every namespace."""
    found: list[dict[str, Any]] = []
    for name, content in files.items():
        if name == f"{ROOT}/{place}.json" or re.fullmatch(rf"{ROOT}/{re.escape(place)}/[^/]+\.json", name):
            parsed = json.loads(content)
            found += parsed if isinstance(parsed, list) else parsed["items"]
    return found


def custom(files: Files, plural: str) -> list[dict[str, Any]]:
    """All objects of one of Terway's resources."""
    return objects(files, f"custom-resources/{plural}.{TERWAY}")


def logs(files: Files, container: str) -> Iterator[tuple[str, str]]:
    """Path and text of the logs of all containers of a name, current and previous."""
    for name, content in files.items():
        if name.startswith(f"{ROOT}/pods/logs/") and name.endswith((f"/{container}.log", f"/{container}-previous.log")):
            yield name, content.decode()


def text_of(files: Files) -> str:
    """Everything in the capture as one text, JSON escapes resolved."""
    parts = []
    for name, content in files.items():
        parts.append(_flat(json.loads(content)) if name.endswith(".json") else content.decode())
    return "\n".join(parts)


def _flat(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_flat(each)}" for key, each in value.items())
    if isinstance(value, list):
        return "\n".join(_flat(each) for each in value)
    return str(value)
