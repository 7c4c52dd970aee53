"""A captured cluster: files in Troubleshoot's support-bundle layout, read as Kubernetes objects.

The layout is what `kubectl support-bundle` writes: `cluster-info/cluster_version.json`, and under
`cluster-resources/` one JSON file per cluster-scoped type, one per namespace for the others, custom resources under
`custom-resources/`, and pod logs under `pods/logs/<ns>/<pod>/`. Newer collectors write Kubernetes Lists, older ones
(and always for custom resources) plain arrays; a Go slice that was nil is `null`. Reasons why something could not be
read stand in `<place>-errors.json` and `<container>-logs-errors.log`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from terway_mcp.cluster.bundle_clock import newest_moment, whole_second
from terway_mcp.cluster.bundle_files import StoredFile, list_files
from terway_mcp.cluster.decode import lenient_json
from terway_mcp.cluster.errors import BundleCorrupt, BundleError
from terway_mcp.cluster.resources import ALL, CRDS, Resource

KubeObject = dict[str, Any]

_ROOT = "cluster-resources"
_VERSION = "cluster-info/cluster_version.json"
_CUSTOM = f"{_ROOT}/custom-resources/"
_CUSTOM_ERRORS = f"{_CUSTOM}custom-resources-errors.json"
_DEEPEST_ROOT = 3
_LARGEST_DOCUMENT = 512 * 1024**2
_ERROR_TEXT = 4096
_RUN = {False: "", True: "-previous"}


class Bundle:
    """One captured cluster, opened with `Bundle.open`.

    Files are decoded when first asked for, once. Whatever a file holds, its objects come out as dictionaries;
    array entries that are none are dropped.
    """

    def __init__(self, files: dict[str, StoredFile], modified: float) -> None:
        self._files = files
        self._modified = modified
        self._documents: dict[str, Any] = {}

    @classmethod
    def open(cls, path: str | Path) -> "Bundle":
        """Open a bundle directory or .tar.gz; `cluster-resources/` may lie up to three folders deep.

        Raises:
            BundleError: There is nothing at `path`, it holds no bundle or several, or it is beyond the size limits.
            BundleCorrupt: The archive is truncated or not a .tar.gz.
        """
        place = Path(path)
        files, modified = list_files(place)
        root = _bundle_root(files, place.name)
        inside = {name.removeprefix(root): file for name, file in files.items() if name.startswith(root)}
        return cls(inside, modified)

    def items(self, resource: Resource) -> list[KubeObject] | None:
        """All captured objects of one type, over all namespaces; None when the type was not captured.

        Raises:
            BundleCorrupt: One of its files is not JSON.
        """
        names = self._files_of(resource)
        if names or self._is_empty_custom_type(resource):
            return [item for name in names for item in self._items_in(name)]
        return None

    def namespaced_items(self, resource: Resource, namespace: str) -> list[KubeObject] | None:
        """Captured objects of one type in one namespace, empty when only other namespaces hold some.

        None when the type was not captured at all, or when this namespace failed while others were read.

        Raises:
            BundleCorrupt: One of its files is not JSON.
        """
        if not self._files_of(resource) and not self._is_empty_custom_type(resource):
            return None
        own = f"{_ROOT}/{resource.bundle}/{namespace}.json"
        if own not in self._files and self.capture_error(resource, namespace):
            return None
        shared = f"{_ROOT}/{resource.bundle}.json"
        found = [item for name in (shared, own) if name in self._files for item in self._items_in(name)]
        return [item for item in found if _namespace(item) == namespace]

    def capture_error(self, resource: Resource, namespace: str | None = None) -> str | None:
        """Why the collector could not read this type (in this namespace), in its words; None when it did not say."""
        for name, key in (
            (f"{_ROOT}/{resource.bundle}-errors.json", namespace),
            (f"{_ROOT}/{resource.bundle}/{namespace}-errors.json", namespace),
            (_CUSTOM_ERRORS, resource.qualified_name) if resource.is_custom else ("", None),
        ):
            if text := self._error_text(name, key):
                return text
        return None

    def place(self, resource: Resource, namespace: str | None = None) -> str:
        """The file, or folder of files, that would hold this type: for telling a reader what is missing."""
        if not resource.namespaced:
            return f"{_ROOT}/{resource.bundle}.json"
        return f"{_ROOT}/{resource.bundle}/{namespace}.json" if namespace else f"{_ROOT}/{resource.bundle}/"

    def lacks_type(self, resource: Resource) -> bool:
        """True when the captured list of CRDs proves that the cluster does not know this custom resource."""
        if not resource.is_custom or self._files_of(resource):
            return False
        known = self._known_types()
        return known is not None and resource.qualified_name not in known

    def log(self, namespace: str, pod: str, container: str, *, previous: bool = False) -> StoredFile | None:
        """The captured log of a container (of its previous run); None when there is none."""
        return self._files.get(_log_name(namespace, pod, f"{container}{_RUN[previous]}.log"))

    def log_error(self, namespace: str, pod: str, container: str, *, previous: bool = False) -> str | None:
        """Why the collector could not read a container's log (of its previous run), in its words.

        Troubleshoot's own has one such file for both runs; `terway-mcp capture` writes one for each.
        """
        names = [f"{container}{_RUN[run]}-logs-errors.log" for run in dict.fromkeys((previous, False))]
        files = [self._files.get(_log_name(namespace, pod, name)) for name in names]
        file = next(filter(None, files), None)
        return file.read_at(0, _ERROR_TEXT).decode(errors="replace").strip() or None if file else None

    def version(self) -> KubeObject | None:
        """The API server's `/version` answer, unwrapped from the collector's `{"info": …, "string": …}`.

        Raises:
            BundleCorrupt: The file is not a JSON object.
        """
        if _VERSION not in self._files:
            return None
        document = self._document(_VERSION)
        if not isinstance(document, dict):
            raise BundleCorrupt(f"{_VERSION} does not hold an object")
        info = document.get("info", document)
        if isinstance(info, dict) and info.get("gitVersion"):
            return info
        return {"gitVersion": str(document.get("string", ""))}

    @cached_property
    def captured_at(self) -> datetime:
        """When the capture was made: the newest moment its objects mention, else its newest file's time.

        In whole seconds, rounded up. The clock of this machine is never asked, so a bundle reads the same for ever.
        """
        known = (self._files[name] for resource in ALL for name in self._files_of(resource))
        return newest_moment(known) or _modification_time(self._modified)

    def _files_of(self, resource: Resource) -> list[str]:
        place = f"{_ROOT}/{resource.bundle}"
        return self._places.get(place, [])

    @cached_property
    def _places(self) -> dict[str, list[str]]:
        """Data files by `cluster-resources/<place>`, sorted; of deeper folders only `<place>/<namespace>.json`."""
        places: dict[str, list[str]] = {}
        for name in sorted(self._files):
            if not name.startswith(_ROOT) or not name.endswith(".json") or name.endswith("-errors.json"):
                continue
            path = PurePosixPath(name)
            places.setdefault(path.with_suffix("").as_posix(), []).append(name)
            places.setdefault(path.parent.as_posix(), []).append(name)
        return places

    def _items_in(self, name: str) -> list[KubeObject]:
        document = self._document(name)
        if isinstance(document, dict):
            document = document.get("items", [document] if "metadata" in document else None)
        if document is None:
            return []
        if not isinstance(document, list):
            raise BundleCorrupt(f"{name} holds neither a List nor an array")
        return [item for item in document if isinstance(item, dict)]

    def _document(self, name: str) -> Any:
        if name not in self._documents:
            file = self._files[name]
            if file.size > _LARGEST_DOCUMENT:
                raise BundleError(f"{name} has {file.size} bytes, more than the {_LARGEST_DOCUMENT} that are decoded")
            self._documents[name] = _decoded(name, file.read_at(0, file.size))
        return self._documents[name]

    def _error_text(self, name: str, key: str | None) -> str:
        if name not in self._files:
            return ""
        try:
            document = self._document(name)
        except BundleError as error:
            return str(error)
        if isinstance(document, dict):
            document = document.get(key, "") if key else list(document.values())
        texts = document if isinstance(document, list) else [document]
        return "; ".join(str(text) for text in texts if text)

    def _known_types(self) -> set[str] | None:
        try:
            definitions = self.items(CRDS)
        except BundleError:
            return None
        return None if definitions is None else {str(_metadata(item).get("name")) for item in definitions}

    def _is_empty_custom_type(self, resource: Resource) -> bool:
        # The collector writes no file for a custom type without objects: captured and empty look like this.
        if not resource.is_custom or self.capture_error(resource):
            return False
        collected = any(name.startswith(_CUSTOM) for name in self._files)
        return collected and resource.qualified_name in (self._known_types() or ())


def _bundle_root(files: dict[str, StoredFile], name: str) -> str:
    roots = {parts[: parts.index(_ROOT)] for parts in _folders(files) if _ROOT in parts[: _DEEPEST_ROOT + 1]}
    if not roots:
        raise BundleError(f"{name} is not a support bundle: it holds no {_ROOT}/ folder")
    depth = min(len(root) for root in roots)
    shallowest = sorted("/".join(root) for root in roots if len(root) == depth)
    if len(shallowest) > 1:
        raise BundleError(f"{name} holds several bundles, name one of them: {', '.join(shallowest[:5])}")
    return f"{shallowest[0]}/" if shallowest[0] else ""


def _folders(files: dict[str, StoredFile]) -> Iterator[tuple[str, ...]]:
    return (PurePosixPath(name).parent.parts for name in files)


def _log_name(namespace: str, pod: str, file: str) -> str:
    return f"{_ROOT}/pods/logs/{namespace}/{pod}/{file}"


def _metadata(item: KubeObject) -> KubeObject:
    found = item.get("metadata")
    return found if isinstance(found, dict) else {}


def _namespace(item: KubeObject) -> str:
    return str(_metadata(item).get("namespace", ""))


def _modification_time(modified: float) -> datetime:
    try:
        return whole_second(datetime.fromtimestamp(modified, UTC))
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _decoded(name: str, content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        try:
            return lenient_json(content)
        except msgspec.DecodeError:
            raise BundleCorrupt(f"{name} is not JSON: {error}") from error
