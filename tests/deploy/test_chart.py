"""The chart as Helm renders it: valid for Kubernetes, least privilege, and arguments that really serve."""

import re
import shlex
import stat
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from release import ROOT
from terway_mcp.cluster.grants import grants, manifests
from terway_mcp.server import __version__
from terway_mcp.server.http.settings import http_settings
from terway_mcp.server.http.token_file import new_token
from terway_mcp.server.options import parser
from tests.deploy.chart import CHART, EVERYTHING, INSTALL, TOKENS, Manifest, container, rendered, the
from tests.server.processes import served

OAUTH = {"auth": {"oauth": EVERYTHING["auth"]["oauth"]}}
VALUES = pytest.mark.parametrize("values", [TOKENS, OAUTH, EVERYTHING], ids=["tokens", "oauth", "everything"])


@VALUES
def test_helm_finds_nothing_to_complain_about(values: dict[str, Any]) -> None:
    helm = pytest.importorskip("helm_python", reason=INSTALL)
    report = helm.chart.lint(CHART, values, strict=True)
    assert report["errors"] == []
    assert [message for message in report["messages"] if message["severity"] > 1] == []


@VALUES
@pytest.mark.parametrize("version", ["1.25", "1.31", "1.37"])
def test_every_manifest_is_valid_for_kubernetes(values: dict[str, Any], version: str) -> None:
    validator = pytest.importorskip("kubernetes_validate", reason=INSTALL)
    found = [manifest for manifest in rendered(values) if manifest["kind"] != "ServiceMonitor"]
    assert {manifest["kind"] for manifest in found} == {
        "ClusterRole", "ClusterRoleBinding", "Deployment", "NetworkPolicy", "Role", "RoleBinding", "Service",
        "ServiceAccount",
    }  # fmt: skip
    for manifest in found:
        validator.validate(manifest, version, strict=True)


def test_a_misspelt_field_would_have_been_found() -> None:
    validator = pytest.importorskip("kubernetes_validate", reason=INSTALL)
    deployment = the(rendered(TOKENS), "Deployment")
    deployment["spec"]["template"]["spec"]["containers"][0]["readOnlyRootFileSystem"] = True
    with pytest.raises(validator.ValidationError):
        validator.validate(deployment, "1.37", strict=True)


def test_without_anybody_who_may_call_nothing_is_installed() -> None:
    helm = pytest.importorskip("helm_python", reason=INSTALL)
    with pytest.raises(helm.HelmRenderError, match="must know who calls it"):
        rendered({})


@pytest.mark.parametrize(
    "values",
    [{"auths": {}}, {"auth": {"token": "x"}}, {"service": {"port": "http"}}, {"allowedOrigins": ["https://*"]}],
    ids=str,
)
def test_values_that_mean_nothing_are_refused(values: dict[str, Any]) -> None:
    helm = pytest.importorskip("helm_python", reason=INSTALL)
    with pytest.raises(helm.HelmValuesError):
        rendered({**TOKENS, **values})


def test_every_value_is_described_by_the_schema_and_every_described_value_has_a_default() -> None:
    schema, defaults = yaml.safe_load((CHART / "values.schema.json").read_text()), values_by_default()

    def compared(described: Manifest, value: Any, path: str) -> None:
        if "properties" in described:
            assert set(described["properties"]) - {"global"} == set(value), path
            for name in value:
                compared(described["properties"][name], value[name], f"{path}.{name}")

    compared(schema, defaults, "values")


def values_by_default() -> dict[str, Any]:
    return dict(yaml.safe_load((CHART / "values.yaml").read_text("utf-8")))


def test_the_pod_keeps_to_the_restricted_pod_security_standard() -> None:
    pod = the(rendered(EVERYTHING), "Deployment")["spec"]["template"]["spec"]
    (one,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert one["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(pod)
    assert {kind for volume in pod["volumes"] for kind in volume if kind != "name"} == {"emptyDir", "secret"}


def test_the_rules_are_those_that_the_tools_need() -> None:
    found = rendered(TOKENS)
    for wanted in manifests(grants(), namespace="ops"):
        rendered_one = the(found, wanted["kind"])
        rendered_one["metadata"].pop("labels")
        assert rendered_one == wanted


def test_a_dynamic_configuration_adds_its_name_and_nothing_else() -> None:
    more = the(rendered({**TOKENS, "rbac": {"configmaps": ["eni-config-gpu"]}}), "Role")["rules"]
    (wanted,) = (one for one in manifests(grants(("eni-config-gpu",))) if one["kind"] == "Role")
    assert more == wanted["rules"]


def test_the_chart_makes_no_secret_and_no_permission_when_told_so() -> None:
    bare = {**TOKENS, "rbac": {"create": False}, "networkPolicy": {"enabled": False}}
    assert {one["kind"] for one in rendered(bare)} == {"Deployment", "Service", "ServiceAccount"}


@VALUES
def test_service_policy_and_monitor_select_the_pod_and_name_its_ports(values: dict[str, Any]) -> None:
    found = rendered(values, name="west")
    deployment, service, policy = (the(found, kind)["spec"] for kind in ("Deployment", "Service", "NetworkPolicy"))
    selector = deployment["selector"]["matchLabels"]
    assert service["selector"] == policy["podSelector"]["matchLabels"] == selector
    assert selector.items() <= deployment["template"]["metadata"]["labels"].items()
    ports = {port["name"]: port["containerPort"] for port in container(found)["ports"]}
    assert {port["targetPort"] for port in service["ports"]} == set(ports)
    assert {port["port"] for rule in policy["ingress"] for port in rule["ports"]} == set(ports)
    assert {probe["httpGet"]["port"] for name, probe in container(found).items() if name.endswith("Probe")} == {"mcp"}
    for monitor in (one["spec"] for one in found if one["kind"] == "ServiceMonitor"):
        assert monitor["selector"]["matchLabels"].items() <= the(found, "Service")["metadata"]["labels"].items()
        assert {end["port"] for end in monitor["endpoints"]} == {"metrics"} <= set(ports)


def test_metrics_are_off_unless_asked_for() -> None:
    found = rendered(TOKENS)
    assert not any(one["kind"] == "ServiceMonitor" for one in found)
    assert [port["name"] for port in container(found)["ports"]] == ["mcp"]
    assert "--metrics" not in " ".join(container(found)["args"])


@VALUES
def test_the_server_accepts_the_arguments_and_agrees_on_ports_and_names(values: dict[str, Any]) -> None:
    found = rendered(values, name="west")
    options = parser().parse_args(container(found)["args"])
    settings = http_settings(options)
    ports = {port["name"]: port["containerPort"] for port in container(found)["ports"]}
    assert (options.transport, settings.port, settings.metrics_port) == (
        "streamable-http", ports["mcp"], ports.get("metrics"),
    )  # fmt: skip
    assert settings.authenticated
    assert {"west-terway-mcp.ops.svc", *values.get("allowedHosts", ())} <= set(settings.hosts)
    scheme = "HTTPS" if settings.tls else "HTTP"
    probes = [probe["httpGet"] for name, probe in container(found).items() if name.endswith("Probe")]
    assert [probe["scheme"] for probe in probes] == [scheme] * 3


def test_everything_the_server_writes_or_reads_is_mounted() -> None:
    found = rendered(EVERYTHING)
    options = parser().parse_args(container(found)["args"])
    mounts = {mount["mountPath"]: mount for mount in container(found)["volumeMounts"]}
    assert str(options.store.parent) in mounts
    assert not mounts[str(options.store.parent)].get("readOnly")
    assert "/tmp" in mounts  # noqa: S108 - certificates of a service account's kubeconfig
    for file in (options.token_file, options.tls_cert, options.tls_key):
        assert mounts[str(file.parent)]["readOnly"] is True
    volumes = {volume["name"]: volume for volume in the(found, "Deployment")["spec"]["template"]["spec"]["volumes"]}
    assert {mount["name"] for mount in mounts.values()} == set(volumes)
    for name in ("auth", "tls"):
        assert not volumes[name]["secret"]["defaultMode"] & (stat.S_IRWXO | stat.S_IWGRP)


def test_the_installation_that_the_page_shows_can_be_rendered() -> None:
    page = (ROOT / "docs" / "attach.md").read_text("utf-8")
    (line,) = re.findall(r"^helm install .*$", page, flags=re.MULTILINE)
    words = shlex.split(line)
    assert (ROOT / words[3]).resolve() == CHART.resolve()
    values: dict[str, Any] = {}
    for path, _, value in (setting.partition("=") for setting in words if "=" in setting):
        *folders, name = path.split(".")
        place = values
        for folder in folders:
            place = place.setdefault(folder, {})
        place[name] = value
    assert container(rendered(values))["image"] == f"{values['image']['repository']}:{__version__}"


def test_a_release_called_like_the_chart_does_not_repeat_the_name() -> None:
    assert the(rendered(TOKENS, name="terway-mcp"), "Service")["metadata"]["name"] == "terway-mcp"
    assert the(rendered(TOKENS, name="west"), "Service")["metadata"]["name"] == "west-terway-mcp"


@pytest.mark.anyio
async def test_the_rendered_arguments_serve_with_their_probes_and_only_to_holders_of_a_token(
    bundle: Path, tmp_path: Path
) -> None:
    found = rendered({**TOKENS, "listenAddress": "127.0.0.1"})
    token, line = new_token("oncall")
    (tmp_path / "tokens").write_text(line + "\n")
    (tmp_path / "tokens").chmod(0o440)
    arguments = [argument for argument in container(found)["args"][1:] if argument != "--port=8000"]
    for place in ("/var/lib/terway-mcp", "/etc/terway-mcp/auth"):
        arguments = [argument.replace(place, str(tmp_path)) for argument in arguments]
    with served("--bundle", str(bundle), *arguments, home=tmp_path) as server:
        for name in ("startupProbe", "readinessProbe", "livenessProbe"):
            # A kubelet asks by the address of the pod.
            probe = server.root + container(found)[name]["httpGet"]["path"]
            assert httpx2.get(probe, headers={"Host": "10.0.0.7:8000"}).status_code == 200
        assert httpx2.post(server.url, json={}).status_code == 401
        headers = {"Authorization": f"Bearer {token}", "Host": "terway-mcp.ops.svc:8000"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=30) as http,
            Client(streamable_http_client(server.url, http_client=http)) as client,
        ):
            answer = await client.call_tool("inspect_cluster", {})
        assert answer.structured_content is not None
        assert answer.structured_content["status"] == "ok"
    assert (tmp_path / "investigations.sqlite").is_file()
