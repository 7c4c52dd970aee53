"""`inspect_pod`: everything the pod script of the SOP prints, and what the pod shares its fate with."""

from typing import Any

import pytest

from terway_mcp.cluster.resources import NAMESPACES, NETWORKINTERFACES, PODENIS, PODNETWORKINGS, PODS
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import seconds
from terway_mcp.cluster.scenarios.pod_enis import OwnEni, pod_networking
from terway_mcp.cluster.scenarios.pods import Container, running, terminated, waiting
from terway_mcp.cluster.scenarios.terway_pods import crash_looping
from tests.tools.conftest import Capture
from tests.tools.stage import NODE, OTHER, SYSTEM, WEB, WORLD, bare, cluster, outcomes, with_web

pytestmark = pytest.mark.anyio

PREFIX = "k8s.aliyun.com/"
HANGS = waiting("ContainerCreating")


def one_pod(
    built: ClusterBuilder | None = None, state: dict[str, object] | None = None, **details: Any
) -> ClusterBuilder:
    """A cluster with the pod `shop/p`."""
    made = built or cluster()
    return made.pod("shop", "p", NODE, [Container("app", "app:1", state or HANGS)], WORLD.ago(12), **details)


def own_eni(built: ClusterBuilder, **details: Any) -> ClusterBuilder:
    """The PodENI of `shop/p`."""
    told: dict[str, Any] = {
        "pod": built.pods["shop", "p"], "eni": "eni-own", "vswitch": WORLD.vswitch("h"), "zone": WORLD.zone("h"),
        "ip": "10.0.64.99", "instance": WORLD.instance(NODE), "trunk": "eni-trunk",
    }  # fmt: skip
    return built.pod_eni(OwnEni(**{**told, **details}))


def wanting_eni(**details: Any) -> ClusterBuilder:
    """`shop/p` asks for an ENI of its own."""
    asked = {f"{PREFIX}pod-eni": "true", f"{PREFIX}pod-networks": "[]", f"{PREFIX}pod-networking": "trunk"}
    return one_pod(cluster(trunk=True), annotations=asked, **details)


# The pod itself.


async def test_a_running_pod_is_told_with_owner_node_and_addresses(capture: Capture) -> None:
    built = bare(ip_stack="dual").node(NODE).deployment("shop", "web", running={NODE: 1})
    answer = await capture(built).inspect_pod()
    data = answer["data"]
    assert data["pod"] == f"shop/{WEB}"
    assert (data["phase"], data["ready"], data["healthy"], data["node"]) == ("Running", True, True, NODE)
    assert len(data["ips"]) == 2
    assert ":" in data["ips"][1]
    assert data["owner"] == f"ReplicaSet {built.replica_set_of('shop', 'web').name}"
    assert data["created"] == seconds(WORLD.ago(days=2))
    assert "waiting" not in data
    assert not data.get("host_network")
    assert "scheduling" not in data
    assert answer["status"] == "ok"


async def test_a_hanging_pod_is_told_with_why_it_waits(capture: Capture) -> None:
    data = (await capture(with_web()).inspect_pod())["data"]
    assert data["phase"] == "Pending"
    assert data["waiting"] == ["ContainerCreating"]
    assert "ips" not in data
    assert not data.get("healthy")
    assert data["containers"][0]["state"] == "waiting: ContainerCreating"


async def test_a_pod_that_crashes_behind_its_address_is_told(capture: Capture) -> None:
    last = terminated("Error", 1, WORLD.ago(3), WORLD.ago(2), "panic: no database")
    crash = Container("app", "app:1", waiting("CrashLoopBackOff", "back-off 5m0s"), last, 6)
    built = cluster().pod("shop", "p", NODE, [crash], WORLD.ago(12))
    data = (await capture(built).inspect_pod("shop", "p"))["data"]
    assert data["waiting"] == ["CrashLoopBackOff"]
    (container,) = data["containers"]
    assert container["restarts"] == 6
    assert container["last_termination"].startswith("Error (exit 1)")
    assert len(data["ips"]) == 1


async def test_a_host_network_pod_is_none_of_terways(capture: Capture) -> None:
    data = (await capture(one_pod(state=running(WORLD.ago(3)), host_network=True)).inspect_pod("shop", "p"))["data"]
    assert data["host_network"] is True
    assert data["config_source"] == "none"
    assert "hostNetwork" in data["config_source_why"]
    assert any("hostNetwork" in note for note in data["notes"])
    assert data["ips"] == [WORLD.node_ip(21)]


async def test_a_pod_without_node_says_why_it_is_not_scheduled(capture: Capture) -> None:
    why = "0/3 nodes are available: 3 Insufficient aliyun/member-eni."
    built = cluster().pod("shop", "p", "", [Container("app", "app:1", HANGS)], WORLD.ago(5), unschedulable=why)
    data = (await capture(built).inspect_pod("shop", "p"))["data"]
    assert data["scheduling"] == f"Unschedulable: {why}"
    assert "node" not in data
    assert "terway_on_node" not in data
    assert "terway_known" not in data


async def test_a_pod_that_is_being_deleted_is_told_since_when(capture: Capture) -> None:
    built = one_pod(state=running(WORLD.ago(9)), deleted=WORLD.ago(7))
    assert (await capture(built).inspect_pod("shop", "p"))["data"]["deleting_since"] == seconds(WORLD.ago(7))


async def test_a_pod_that_terway_is_told_to_ignore_is_told(capture: Capture) -> None:
    for value, ignored in (("true", True), ("false", None)):
        built = one_pod(labels={f"{PREFIX}ignore-by-terway": value})
        data = (await capture(built).inspect_pod("shop", "p"))["data"]
        assert data.get("ignored_by_terway") is ignored


# Which configuration applies.


@pytest.mark.parametrize(
    ("annotations", "source", "why"),
    [
        ({}, "eni-config", "no pod network annotation"),
        ({"pod-networking": "trunk"}, "pod-networking", "matched PodNetworking trunk"),
        ({"pod-networks-request": "[]"}, "pod-networks-request", "pod-networks-request annotation"),
        ({"pod-networks": "{}"}, "pod-networks", "explicit pod-networks"),
        ({"pod-networks": "{}", "pod-networking": "trunk"}, "pod-networks", "explicit pod-networks"),
        ({"pod-networks": "{}", "pod-networks-request": "[]"}, "pod-networks", "explicit pod-networks"),
        (
            {"pod-networks-request": "[]", "pod-networking": "trunk"},
            "pod-networks-request",
            "pod-networks-request annotation",
        ),
        ({"pod-networking": ""}, "eni-config", "no pod network annotation"),
    ],
)
async def test_the_source_is_chosen_in_the_webhooks_order(
    capture: Capture, annotations: dict[str, str], source: str, why: str
) -> None:
    built = one_pod(annotations={f"{PREFIX}{key}": value for key, value in annotations.items()})
    data = (await capture(built).inspect_pod("shop", "p"))["data"]
    assert data["config_source"] == source
    assert why in data["config_source_why"]


async def test_a_namespace_that_opted_out_bypasses_the_webhook(capture: Capture) -> None:
    built = one_pod(annotations={f"{PREFIX}pod-networking": "trunk"}).namespace("shop", {f"{PREFIX}pod-eni": "false"})
    data = (await capture(built).inspect_pod("shop", "p"))["data"]
    assert data["namespace_opted_out"] is True
    assert data["config_source"] == "eni-config"
    assert "bypasses the webhook" in data["config_source_why"]


@pytest.mark.parametrize("value", ["true", "", "no"])
async def test_another_value_of_the_label_is_no_opting_out(capture: Capture, value: str) -> None:
    built = one_pod().namespace("shop", {f"{PREFIX}pod-eni": value})
    assert "namespace_opted_out" not in (await capture(built).inspect_pod("shop", "p"))["data"]


@pytest.mark.parametrize(
    ("annotations", "conflict"),
    [
        ({"pod-networks": "{}", "pod-networking": "trunk", "pod-eni": "true"}, None),
        ({"pod-eni": "false"}, None),
        ({"pod-eni": "true", "pod-networking": "trunk"}, None),
        ({"pod-networks-request": "[]", "pod-networking": "trunk"}, "mutually exclusive"),
        ({"pod-eni": "yes"}, "pod-eni='yes' is not a boolean and counts as false"),
        ({"pod-eni": "true"}, "the mutating webhook did not run"),
    ],
)
async def test_annotations_that_conflict_are_told_and_the_webhooks_own_are_not(
    capture: Capture, annotations: dict[str, str], conflict: str | None
) -> None:
    built = one_pod(annotations={f"{PREFIX}{key}": value for key, value in annotations.items()})
    data = (await capture(built).inspect_pod("shop", "p"))["data"]
    assert data.get("pod_eni") == annotations.get("pod-eni")
    conflicts = data.get("annotation_conflicts", [])
    assert len(conflicts) == (conflict is not None)
    assert conflict is None or conflict in conflicts[0]


# PodENI, NetworkInterface and PodNetworking.


async def test_a_bound_podeni_is_told_with_its_eni(capture: Capture) -> None:
    built = own_eni(wanting_eni(state=running(WORLD.ago(9))))
    row = (await capture(built).inspect_pod("shop", "p"))["data"]["podeni"]
    assert (row["phase"], row["enis"], row["trunk_eni"]) == ("Bind", ["eni-own"], "eni-trunk")
    assert row["instance"] == WORLD.instance(NODE)
    assert row["interfaces"] == {"eni-own": "Bind"}
    assert row["evidence"].startswith("E")
    for absent in ("deleting", "uid_mismatch", "message"):
        assert absent not in row


@pytest.mark.parametrize("phase", ["", "Binding", "Unbind", "Detaching", "Deleting"])
async def test_a_podeni_that_is_not_bound_is_told_by_its_phase(capture: Capture, phase: str) -> None:
    built = own_eni(wanting_eni(), phase=phase, message="attach eni failed")
    row = (await capture(built).inspect_pod("shop", "p"))["data"]["podeni"]
    assert row["phase"] == phase
    assert row["message"] == "attach eni failed"
    assert row["interfaces"] == {"eni-own": phase or "new"}


async def test_a_podeni_of_an_earlier_pod_is_told(capture: Capture) -> None:
    built = own_eni(wanting_eni(), pod_uid="11111111-2222-4333-8444-555555555555")
    assert (await capture(built).inspect_pod("shop", "p"))["data"]["podeni"]["uid_mismatch"] is True


async def test_a_podeni_whose_finalizer_stands_is_told(capture: Capture) -> None:
    built = own_eni(wanting_eni(), deleted=WORLD.ago(40), phase="Detaching")
    assert (await capture(built).inspect_pod("shop", "p"))["data"]["podeni"]["deleting"] is True


async def test_a_pod_without_podeni_shows_none(capture: Capture) -> None:
    answer = await capture(wanting_eni()).inspect_pod("shop", "p")
    assert "podeni" not in answer["data"]
    assert outcomes(answer)["podenis.network.alibabacloud.com shop/p"] == "not_found"


async def test_the_podnetworking_is_told_with_its_vswitches(capture: Capture) -> None:
    networking = pod_networking(WORLD, "trunk", {"vsw-a": WORLD.zone("h"), "vsw-b": WORLD.zone("k")})
    built = own_eni(wanting_eni()).has(PODNETWORKINGS, networking)
    found = (await capture(built).inspect_pod("shop", "p"))["data"]["podnetworking"]
    assert found["name"] == "trunk"
    assert found["status"] == "Ready"
    assert found["vswitches"] == {"vsw-a": WORLD.zone("h"), "vsw-b": WORLD.zone("k")}


async def test_a_podnetworking_that_failed_is_told(capture: Capture) -> None:
    networking = pod_networking(WORLD, "trunk", {"vsw-a": WORLD.zone("h")}, failure="vsw-a not found")
    built = own_eni(wanting_eni()).has(PODNETWORKINGS, networking)
    assert (await capture(built).inspect_pod("shop", "p"))["data"]["podnetworking"]["status"] == "Fail"


async def test_a_podnetworking_that_does_not_exist_is_coverage(capture: Capture) -> None:
    answer = await capture(own_eni(wanting_eni())).inspect_pod("shop", "p")
    assert outcomes(answer) == {"podnetworkings.network.alibabacloud.com trunk": "not_found"}
    assert "podnetworking" not in answer["data"]


# Terway on the node.


async def test_terway_running_on_the_node_is_told_in_a_line(capture: Capture) -> None:
    data = (await capture(with_web()).inspect_pod())["data"]
    assert data["terway_known"] is True
    assert data["terway_on_node"]["name"] == WORLD.daemon_pod("terway-eniip", NODE)
    assert (data["terway_on_node"]["running"], data["terway_on_node"]["ready"]) == (True, True)
    assert "containers" not in data["terway_on_node"]


async def test_terway_crashing_on_the_node_is_told_with_its_containers(capture: Capture) -> None:
    built = with_web()
    died = terminated("Error", 1, WORLD.ago(3), WORLD.ago(2))
    built.terway_containers(NODE, crash_looping(built.terway_pod(NODE), "terway", died, 5))
    data = (await capture(built).inspect_pod())["data"]
    assert data["terway_on_node"]["running"] is False
    assert any(container["state"] == "waiting: CrashLoopBackOff" for container in data["terway_on_node"]["containers"])
    assert any("not running" in note for note in data["notes"])


async def test_no_terway_on_the_node_is_told(capture: Capture) -> None:
    built = bare().node(OTHER).node(NODE).deployment("shop", "web", creating={NODE: 1}).without_terway_pod(NODE)
    data = (await capture(built).inspect_pod())["data"]
    assert data["terway_known"] is False
    assert "terway_on_node" not in data
    assert any("Terway does not run" in note for note in data["notes"])


# Names, absence and coverage.


async def test_an_unknown_pod_is_no_data(capture: Capture) -> None:
    answer = await capture(with_web()).inspect_pod("shop", "nope")
    assert answer["status"] == "no_data"
    assert answer["data"]["found"] is False
    assert outcomes(answer)["pods shop/nope"] == "not_found"


@pytest.mark.parametrize(("namespace", "pod"), [("Shop", "p"), ("shop", "a/b"), ("..", "p"), ("kube.system", "p")])
async def test_a_name_that_is_none_is_refused(capture: Capture, namespace: str, pod: str) -> None:
    answer = await capture(with_web()).inspect_pod(namespace, pod)
    assert answer["status"] == "invalid"
    assert "not a valid Kubernetes name" in answer["message"]


@pytest.mark.parametrize(
    ("resource", "missing"),
    [
        (NAMESPACES, "namespaces shop"),
        (PODENIS, "podenis.network.alibabacloud.com shop/p"),
        (NETWORKINTERFACES, "networkinterfaces.network.alibabacloud.com eni-own"),
        (PODNETWORKINGS, "podnetworkings.network.alibabacloud.com trunk"),
    ],
    ids=lambda value: getattr(value, "plural", ""),
)
async def test_what_could_not_be_read_is_named_and_the_rest_goes_on(
    capture: Capture, resource: Any, missing: str
) -> None:
    networking = pod_networking(WORLD, "trunk", {"vsw-a": WORLD.zone("h")})
    built = own_eni(wanting_eni()).has(PODNETWORKINGS, networking).forbid(resource)
    answer = await capture(built).inspect_pod("shop", "p")
    assert outcomes(answer) == {missing: "unavailable"}
    assert answer["status"] == "partial"
    assert answer["data"]["waiting"] == ["ContainerCreating"]


async def test_pods_that_may_not_be_read_are_no_data_that_says_so(capture: Capture) -> None:
    answer = await capture(with_web().forbid(PODS)).inspect_pod()
    assert answer["data"]["found"] is False
    assert f"pods shop/{WEB}" in outcomes(answer)


async def test_a_terway_pod_can_be_inspected_like_any_other(capture: Capture) -> None:
    data = (await capture(cluster()).inspect_pod(SYSTEM, WORLD.daemon_pod("terway-eniip", NODE)))["data"]
    assert data["owner"] == "DaemonSet terway-eniip"
    assert data["host_network"] is True
