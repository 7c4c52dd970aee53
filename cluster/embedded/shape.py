"""Looking into objects of unknown shape: a captured object may lack anything or hold the wrong type."""

from typing import Any

from terway_mcp.cluster.bundle import KubeObject


def dig(value: object, *path: str) -> Any:
    """The value at `path`, or None where a step is missing or is not an object."""
    for step in path:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def text(value: object, *path: str) -> str:
    """The scalar at `path` as Kubernetes prints it (`true`, not `True`); "" for anything else."""
    found = dig(value, *path)
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found) if isinstance(found, str | int | float) else ""


def number(value: object, *path: str) -> int:
    """The whole number at `path`, or 0."""
    found = dig(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def objects(value: object, *path: str) -> list[KubeObject]:
    """The objects of the array at `path`; other entries are left out."""
    found = dig(value, *path)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def mapping(value: object, *path: str) -> KubeObject:
    """The object at `path`, or an empty one."""
    found = dig(value, *path)
    return found if isinstance(found, dict) else {}
