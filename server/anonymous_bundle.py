"""`terway-mcp capture --anonymize`: a whole bundle with pseudonyms, from a key that nobody keeps."""

import secrets
from collections.abc import Callable
from typing import Any

from terway_mcp.cluster.naming import collect_names
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.knowledge.pseudonyms import Pseudonyms
from terway_mcp.knowledge.sealing import masked
from terway_mcp.server.anonymity import vocabulary

_DEEPER = ("cluster-resources/pods/logs/", "cluster-resources/custom-resources/")
_ERRORS = "-errors.json"


class AnonymousBundle:
    """Seals the documents of one bundle; the same names get the same pseudonyms in each of them."""

    def __init__(self, knowledge: Callable[[], Knowledge]) -> None:
        self._pseudonyms = Pseudonyms(secrets.token_bytes(32), {}, vocabulary(knowledge()))

    def sealed(self, data: Any) -> Any:
        """Documents by their path in the bundle, or a line about what could not be read."""
        if not isinstance(data, dict):
            return self._pseudonyms.data(masked(data))
        for name, kind in _names(data).items():
            self._pseudonyms.learn(name, kind)
        return {self._path(path): self._content(path, content) for path, content in data.items()}

    def _content(self, path: str, content: Any) -> Any:
        """A document; what explains gaps has namespaces for its keys."""
        sealed = self._pseudonyms.data(masked(content))
        if path.endswith(_ERRORS) and isinstance(sealed, dict):
            return {self._pseudonyms.text(key): why for key, why in sealed.items()}
        return sealed

    def _path(self, path: str) -> str:
        """Folders and files are called after namespaces, pods and containers; the folders above are the layout's."""
        parts = path.split("/")
        fixed = 3 if path.startswith(_DEEPER) else 2
        return "/".join([*parts[:fixed], *map(self._pseudonyms.text, parts[fixed:])])


def _names(documents: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path, content in documents.items():
        kind = _KINDS.get(path.split("/")[1].removesuffix(".json"), "")
        for item in content if isinstance(content, list) else []:
            if isinstance(item, dict):
                collect_names(item, found, kind)
        if path.endswith(_ERRORS) and isinstance(content, dict) and not path.startswith(_DEEPER):
            # A namespace of which nothing could be read is named nowhere else.
            for name in content:
                found.setdefault(name, "namespace")
    return found


_KINDS = {
    "namespaces": "Namespace",
    "nodes": "Node",
    "configmaps": "ConfigMap",
    "clusterroles": "ClusterRole",
    "custom-resource-definitions": "CustomResourceDefinition",
    "events": "Event",
    "leases": "Lease",
    "mutating-webhook-configurations": "MutatingWebhookConfiguration",
    "validating-webhook-configurations": "ValidatingWebhookConfiguration",
}
