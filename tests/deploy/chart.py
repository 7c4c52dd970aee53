"""The Helm chart, rendered by Helm's own library."""

from typing import Any

import pytest
import yaml

from release import ROOT

CHART = ROOT / "deploy" / "helm" / "terway-mcp"
INSTALL = "./scripts/package --install-only brings what renders and checks the chart"

Manifest = dict[str, Any]

TOKENS: dict[str, Any] = {"auth": {"tokens": {"secret": "terway-mcp-tokens"}}}
EVERYTHING: dict[str, Any] = {
    "auth": {
        "tokens": {"secret": "terway-mcp-tokens", "key": "clients"},
        "oauth": {
            "issuer": "https://login.example", "resource": "https://terway.example/mcp",
            "jwks": "https://login.example/keys", "scopes": ["terway:read"],
        },
    },
    "allowedHosts": ["terway.example"],
    "allowedOrigins": ["https://app.example"],
    "tls": {"secret": "terway-mcp-tls"},
    "extraArgs": ["--rate-limit", "120"],
    "env": [{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://collector:4318"}],
    "imagePullSecrets": [{"name": "registry"}],
    "image": {"repository": "registry.example/terway-mcp", "tag": "1.2.3"},
    "service": {"annotations": {"team": "network"}},
    "serviceAccount": {"annotations": {"team": "network"}},
    "rbac": {"configmaps": ["eni-config-gpu"]},
    "networkPolicy": {"from": [{"namespaceSelector": {"matchLabels": {"team": "sre"}}}], "egressPorts": [443]},
    "metrics": {"enabled": True, "port": 9999, "serviceMonitor": {"enabled": True, "labels": {"release": "prom"}}},
    "podAnnotations": {"team": "network"},
    "podLabels": {"team": "network"},
    "priorityClassName": "system-cluster-critical",
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
}  # fmt: skip


def rendered(values: dict[str, Any], *, name: str = "terway-mcp", namespace: str = "ops") -> list[Manifest]:
    """All manifests of a release."""
    helm = pytest.importorskip("helm_python", reason=INSTALL)
    with helm.Chart.load(CHART) as chart:
        # Rendering alone does not look at the schema, as installing does.
        chart.validate_schema(chart.merge_values(values))
        texts = chart.render(values, name=name, namespace=namespace)
    manifests = (text for path, text in texts.items() if path.endswith(".yaml"))
    return [document for text in manifests for document in yaml.safe_load_all(text) if document]


def the(manifests: list[Manifest], kind: str) -> Manifest:
    """The only manifest of a kind."""
    (found,) = (manifest for manifest in manifests if manifest["kind"] == kind)
    return found


def container(manifests: list[Manifest]) -> Manifest:
    """The only container of the Deployment."""
    (found,) = the(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    return dict(found)
