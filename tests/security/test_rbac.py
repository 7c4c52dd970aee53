"""Least privilege: the manifest is made from the table of reads, and the table is all the tools need."""

from pathlib import Path

import pytest
import yaml
from mcp import Client

from terway_mcp.cluster.coverage import Grantable
from terway_mcp.cluster.grants import grants, manifests
from terway_mcp.cluster.resources import Resource
from terway_mcp.cluster.scenarios.world import World
from terway_mcp.server.agent import Question, Walk, investigate
from terway_mcp.server.app import create_server
from terway_mcp.server.cli import main

from ..scenarios.incidents import CORPUS
from .restricted import Allowed, RestrictedClusters

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
WALKED = (
    "vswitch-exhausted", "cni-not-initialized", "healthy", "ram-denied-trunk", "networking-without-zone",
    "controlplane-down", "webhook-denies", "local-inhibit", "policy-cannot-mount", "enis-without-end",
)  # fmt: skip


def granted(verb: str, resource: Resource, namespace: str | None, name: str | None) -> bool:
    return any(grant.allows(verb, resource.plural, resource.group, namespace, name) for grant in grants())


def pods_and_events(_verb: str, resource: Resource, _namespace: str | None, _name: str | None) -> bool:
    return resource.plural in ("pods", "events")


async def walk(name: str, folder: Path, allowed: Allowed) -> tuple[Walk, RestrictedClusters]:
    scenario = CORPUS[name](World())
    clusters = RestrictedClusters(scenario.build().write(folder / "bundle.tar.gz"), allowed)
    question = Question(scenario.namespace, scenario.pod, scenario.workload, scenario.node)
    async with Client(create_server(clusters)) as client:
        return await investigate(client, question, impatient=True), clusters


def test_the_committed_manifest_is_what_the_table_says() -> None:
    committed = list(yaml.safe_load_all((ROOT / "deploy/rbac.yaml").read_text()))
    assert committed == manifests(grants()), "run: terway-mcp rbac > deploy/rbac.yaml"


def test_nothing_but_named_reads_is_granted() -> None:
    rules = [rule for document in manifests(grants()) for rule in document.get("rules", [])]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list"}
    resources = {resource for rule in rules for resource in rule["resources"]}
    assert not resources & {"secrets", "nodes/proxy", "pods/exec", "pods/attach", "pods/portforward", "*"}
    assert all("*" not in rule["apiGroups"] for rule in rules)


@pytest.mark.parametrize("name", WALKED)
async def test_with_this_manifest_no_tool_is_ever_refused(name: str, tmp_path: Path) -> None:
    walked, clusters = await walk(name, tmp_path, granted)
    assert clusters.refused == []
    assert walked.correlation is not None
    assert CORPUS[name](World()).truth.accepts(walked.correlation["verdict"]["category"])


@pytest.mark.parametrize("name", ["vswitch-exhausted", "ram-denied-trunk", "wrong-security-group", "no-cpu-left"])
async def test_with_pods_and_events_alone_the_verdict_stands_and_says_what_to_grant(name: str, tmp_path: Path) -> None:
    walked, clusters = await walk(name, tmp_path, pods_and_events)
    assert walked.correlation is not None
    assert CORPUS[name](World()).truth.accepts(walked.correlation["verdict"]["category"])
    assert clusters.refused
    assert all(call.status != "unreachable" for call in walked.calls)
    told = {entry["detail"] for call in walked.calls for entry in call.envelope["coverage"]}
    missing = [Grantable.of(line.replace("forbidden", "RBAC")) for line in walked.correlation["missing_evidence"]]
    print(name, *walked.correlation["missing_evidence"], sep="\n  ")
    for verb, resource, namespace, _ in clusters.refused:
        wanted = Grantable(verb, resource, namespace or "")
        assert wanted.words in told, "the answer to the call names the permission"
        assert any(
            (verb, wanted.namespace) == (line.verb, line.namespace) and resource in line.resource.split(", ")
            for line in missing
            if line
        ), f"the verdict lacks {wanted}"


@pytest.mark.parametrize(("capture", "lists_services"), [((), False), (("--capture",), True)])
def test_the_command_prints_what_capturing_needs_when_asked_to(
    capture: tuple[str, ...], capsys: pytest.CaptureFixture[str], *, lists_services: bool
) -> None:
    assert main(["rbac", *capture]) == 0
    rules = [rule for page in yaml.safe_load_all(capsys.readouterr().out) for rule in page.get("rules", [])]
    assert any(rule["resources"] == ["services"] and rule["verbs"] == ["list"] for rule in rules) is lists_services
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list"}
    assert not any("secrets" in rule["resources"] or "*" in rule["resources"] for rule in rules)
