"""`inspect_node`: everything the node script of the SOP prints, and the books that no event speaks of."""

import json
from typing import Any

import pytest

from terway_mcp.cluster.resources import CONFIGMAPS, NODE_CRS, NODERUNTIMES, NODES, PODS
from terway_mcp.cluster.scenarios.accounting import Eni
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import seconds
from terway_mcp.cluster.scenarios.config import config_map
from terway_mcp.cluster.scenarios.pods import Container, terminated, waiting
from terway_mcp.cluster.scenarios.terway_pods import crash_looping, stuck_in_init
from terway_mcp.tools.eni_conf import merge_patch
from terway_mcp.tools.node_facts import kernel_too_old
from tests.tools.conftest import Capture
from tests.tools.stage import NODE, OTHER, SYSTEM, WORLD, bare, cluster, outcomes, read

pytestmark = pytest.mark.anyio

EXCLUSIVE = "k8s.aliyun.com/exclusive-mode-eni-type"
IGNORE = "k8s.aliyun.com/ignore-by-terway"


def full(built: ClusterBuilder, used: int, kind: str = "ecs.g7.large") -> ClusterBuilder:
    """A node of a small type with so many pods on it."""
    return built.node(NODE, kind=kind, idle=0).deployment("shop", "web", running={NODE: used})


def dynamic(built: ClusterBuilder, text: str | None) -> ClusterBuilder:
    """A node with a dynamic configuration of this text; None: there is no such ConfigMap."""
    built.node(NODE, labels={"terway-config": "special"})
    return (
        built if text is None else built.has(CONFIGMAPS, config_map(WORLD, "special", {"eni_conf": text}, WORLD.ago(1)))
    )


# Labels and annotations.


@pytest.mark.parametrize(
    ("labels", "mode"),
    [({}, "shared"), ({EXCLUSIVE: "default"}, "shared"), ({EXCLUSIVE: "eniOnly"}, "exclusive"),
     ({EXCLUSIVE: "ENIONLY"}, "exclusive")],
)  # fmt: skip
async def test_the_eni_mode_is_what_the_label_says(capture: Capture, labels: dict[str, str], mode: str) -> None:
    data = (await capture(bare().node(NODE, labels=labels)).inspect_node())["data"]
    assert data["eni_mode"] == mode


async def test_a_node_is_told_by_zone_type_kernel_and_readiness(capture: Capture) -> None:
    data = (await capture(bare().node(NODE, zone="k", kind="ecs.g7.2xlarge")).inspect_node())["data"]
    assert data["name"] == NODE
    assert (data["zone"], data["instance_type"]) == (WORLD.zone("k"), "ecs.g7.2xlarge")
    assert data["kernel"].startswith("5.10.134")
    assert data["ready"] == "True"
    assert data["datapath"] == "datapathv2"
    assert data["last_openapi_sync"].endswith("Z")
    for absent in ("lingjun", "ignore_by_terway", "no_kube_proxy", "eno_api", "dynamic_config", "taints"):
        assert absent not in data


async def test_a_lingjun_node_is_told(capture: Capture) -> None:
    data = (await capture(bare().node(NODE, labels={"alibabacloud.com/lingjun-worker": "true"})).inspect_node())["data"]
    assert data["lingjun"] is True


@pytest.mark.parametrize(("value", "ignored"), [("true", True), ("false", False), ("", False), ("True", False)])
async def test_only_the_value_true_makes_terway_ignore_a_node(capture: Capture, value: str, ignored: bool) -> None:
    built = bare().node(OTHER).node(NODE, labels={IGNORE: value}).without_terway_pod(NODE)
    staged = capture(built)
    answers = await staged.ask(("inspect_node", {"node": NODE}))
    data = answers[-1]["data"]
    assert data.get("ignore_by_terway", "") == value
    missing = any("no Terway pod" in state for state in data.get("states", []))
    assert missing is not ignored


async def test_the_no_kube_proxy_label_is_shown_as_it_is(capture: Capture) -> None:
    data = (await capture(bare().node(NODE, labels={"k8s.aliyun.com/no-kube-proxy": "true"})).inspect_node())["data"]
    assert data["no_kube_proxy"] == "true"


async def test_the_eno_api_comes_from_terways_own_node(capture: Capture) -> None:
    patch: dict[str, Any] = {"metadata": {"annotations": {"k8s.aliyun.com/eno-api": "ecs-hdeni"}}}
    data = (await capture(cluster().change(NODE_CRS, NODE, patch)).inspect_node())["data"]
    assert data["eno_api"] == "ecs-hdeni"


async def test_trunk_taints_and_extended_resources_are_shown(capture: Capture) -> None:
    built = bare(trunk=True).node(
        NODE,
        annotations={"k8s.aliyun.com/trunk-on": WORLD.eni(NODE, 0)},
        capacity={"aliyun/member-eni": "12", "aliyun/eni": "3"},
        taints=[{"key": "node.kubernetes.io/not-ready", "value": "", "effect": "NoSchedule"}],
    )
    data = (await capture(built).inspect_node())["data"]
    assert data["trunk_on"] == WORLD.eni(NODE, 0)
    assert data["aliyun_resources"] == {"aliyun/member-eni": "12", "aliyun/eni": "3"}
    assert data["taints"] == ["node.kubernetes.io/not-ready=:NoSchedule"]


# Conditions.


async def test_sufficient_ip_is_read_from_the_core_node(capture: Capture) -> None:
    data = (await capture(bare().node(NODE, sufficient_ip=False)).inspect_node())["data"]
    assert data["conditions"]["SufficientIP"] == "False InsufficientIP"
    assert any("SufficientIP=False" in state for state in data["states"])
    data = (await capture(bare().node(NODE)).inspect_node())["data"]
    assert data["conditions"]["SufficientIP"] == "True SufficientIP"


async def test_an_older_terway_has_no_such_condition(capture: Capture) -> None:
    data = (await capture(bare(release="v1.5.6", ipam="local").node(NODE)).inspect_node())["data"]
    assert "SufficientIP" not in data["conditions"]


async def test_a_node_that_is_not_ready_says_why(capture: Capture) -> None:
    why = "container runtime network not ready: NetworkReady=false message:cni plugin not initialized"
    data = (await capture(bare().node(NODE, ready=False, not_ready_message=why)).inspect_node())["data"]
    assert data["ready"] == "False"
    assert "cni plugin not initialized" in data["conditions"]["Ready"]


# The dynamic configuration.


async def test_the_effective_configuration_is_the_merge_of_both(capture: Capture) -> None:
    patch = {"vswitches": {WORLD.zone("k"): ["vsw-special"]}, "max_pool_size": 20, "enable_erdma": False,
             "security_groups": ["sg-special"], "vswitch_selection_policy": None}  # fmt: skip
    built = dynamic(bare(), json.dumps(patch)).eni_conf(security_groups=["sg-1", "sg-2"])
    data = (await capture(built).inspect_node())["data"]
    effective = data["effective_config"]
    assert data["dynamic_config"] == "special"
    assert effective["vswitches"] == {WORLD.zone("h"): [WORLD.vswitch("h")], WORLD.zone("k"): ["vsw-special"]}
    assert effective["security_groups"] == ["sg-special"]
    assert (effective["max_pool_size"], effective["min_pool_size"]) == (20, 0)
    assert effective["enable_erdma"] is False
    assert effective["ipam_type"] == "crd"
    assert "vswitch_selection_policy" not in effective
    assert "access_secret" not in effective


@pytest.mark.parametrize(
    ("target", "patch", "merged"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_is_that_of_rfc_7396(target: Any, patch: Any, merged: Any) -> None:
    assert merge_patch(target, patch) == merged


async def test_a_dynamic_configuration_that_does_not_exist_is_told(capture: Capture) -> None:
    answer = await capture(dynamic(bare(), None)).inspect_node()
    assert answer["data"]["dynamic_config"] == "special"
    assert any("special, which does not exist" in state for state in answer["data"]["states"])
    assert "effective_config" not in answer["data"]
    assert outcomes(answer) == {"configmaps kube-system/special": "not_found"}


async def test_a_dynamic_configuration_that_is_no_json_is_told(capture: Capture) -> None:
    data = (await capture(dynamic(bare(), "{max_pool_size: 5}")).inspect_node())["data"]
    assert any("special has no valid JSON" in state for state in data["states"])


async def test_a_node_without_the_label_shows_no_configuration_of_its_own(capture: Capture) -> None:
    data = (await capture(cluster()).inspect_node())["data"]
    assert "dynamic_config" not in data
    assert "effective_config" not in data


# The books.


async def test_slots_and_addresses_are_counted(capture: Capture) -> None:
    built = bare().node(NODE, kind="ecs.g7.xlarge", idle=3).deployment("shop", "web", running={NODE: 7})
    data = (await capture(built).inspect_node())["data"]
    books = data["accounting"]
    assert (books["eni_slots"], books["enis"], books["ips_per_eni"], books["ip_capacity"]) == (3, 1, 15, 45)
    assert (books["ips"], books["ips_used"], books["ips_free"]) == (10, 7, 3)
    assert books["ips_invalid"] == 0
    (eni,) = books["interfaces"]
    assert (eni["eni"], eni["status"], eni["type"]) == (WORLD.eni(NODE, 0), "InUse", "Secondary")
    assert eni["vswitch"] == WORLD.vswitch("h")
    assert (eni["ips"], eni["used"], eni["free"]) == (10, 7, 3)
    assert data["pods"]["with_pod_network"] == 7
    assert "without_ip" not in data["pods"] or data["pods"]["without_ip"] == 0


async def test_a_full_node_is_called_full(capture: Capture) -> None:
    data = (await capture(full(bare(), 12)).inspect_node())["data"]
    books = data["accounting"]
    assert (books["enis"], books["eni_slots"], books["ips_used"], books["ip_capacity"]) == (2, 2, 12, 12)
    assert books["ips_free"] == 0
    assert any("all 2 ENI slots" in state and "12 of 12" in state for state in data["states"])


async def test_a_node_with_room_for_another_eni_is_not_called_full(capture: Capture) -> None:
    data = (await capture(full(bare(), 6)).inspect_node())["data"]
    assert not any("all 2 ENI slots" in state for state in data["states"])
    assert any("1 ENI slots left" in state for state in data["states"])


async def test_an_address_that_is_gone_from_the_cloud_counts_as_invalid(capture: Capture) -> None:
    built = bare().node(NODE, idle=2).deployment("shop", "web", running={NODE: 3})
    gone = built.nodes[NODE].enis[0].slots[1]
    gone.status = "Invalid"
    data = (await capture(built).inspect_node())["data"]
    books = data["accounting"]
    assert books["ips_invalid"] == 1
    assert books["ips_used"] == 2
    assert any(f"1 IPs of {WORLD.eni(NODE, 0)} are gone from the cloud, e.g. {gone.ip}" == s for s in data["states"])


async def test_an_address_that_is_being_deleted_is_neither_used_nor_free(capture: Capture) -> None:
    built = bare().node(NODE, idle=2).deployment("shop", "web", running={NODE: 1})
    built.nodes[NODE].fill_pool()
    built.nodes[NODE].enis[0].slots[1].status = "Deleting"
    books = (await capture(built).inspect_node())["data"]["accounting"]
    assert (books["ips_used"], books["ips_free"]) == (1, books["ips"] - 2)


async def test_conditions_of_an_eni_are_shown_and_told(capture: Capture) -> None:
    built = bare().node(NODE, idle=0).deployment("shop", "web", running={NODE: 2})
    eni = built.nodes[NODE].enis[0]
    at = seconds(WORLD.ago(5))
    eni.conditions = {
        "InsufficientIP": {"message": f"{eni.vswitch.id} ip is not enough", "observedTime": at},
        "OperationErr": {"message": "errCode: Throttling.User", "observedTime": at},
    }
    data = (await capture(built).inspect_node())["data"]
    (shown,) = data["accounting"]["interfaces"]
    assert shown["conditions"]["InsufficientIP"] == f"{eni.vswitch.id} ip is not enough"
    assert shown["conditions"]["OperationErr"] == "errCode: Throttling.User"
    assert any(f"InsufficientIP on {eni.id} ({eni.vswitch.id})" in state for state in data["states"])
    assert any("Throttling.User" in state for state in data["states"])


@pytest.mark.parametrize("status", ["Attaching", "Detaching", "Deleting", "Create Failed", "Attach Failed"])
async def test_an_eni_that_is_stuck_is_told(capture: Capture, status: str) -> None:
    built = cluster().deployment("shop", "web", running={NODE: 1})
    built.nodes[NODE].enis[0].status = status
    data = (await capture(built).inspect_node())["data"]
    assert f"{WORLD.eni(NODE, 0)} is {status}" in data["states"]


async def test_an_eni_that_attaches_on_a_brand_new_node_is_not_stuck(capture: Capture) -> None:
    built = bare().node(NODE, age_days=1.5 / 1440).deployment("shop", "web", running={NODE: 1}, since=WORLD.ago(0.5))
    built.nodes[NODE].enis[0].status = "Attaching"
    data = (await capture(built).inspect_node())["data"]
    assert not any("Attaching" in state for state in data.get("states", []))


async def test_in_prefix_mode_prefixes_are_counted(capture: Capture) -> None:
    built = bare(prefixes=2).node(NODE).deployment("shop", "web", running={NODE: 3})
    data = (await capture(built).inspect_node())["data"]
    books = data["accounting"]
    assert books["prefix_mode"] is True
    assert books["interfaces"][0]["prefixes"] == 1
    assert any("1 of 2 prefixes are assigned" in state for state in data["states"])


async def test_prefix_mode_without_prefixes_is_told(capture: Capture) -> None:
    patch: dict[str, Any] = {"spec": {"eni": {"enableIPPrefix": True, "ipv4PrefixCount": 0}}}
    data = (await capture(cluster().change(NODE_CRS, NODE, patch)).inspect_node())["data"]
    assert any("prefix count is 0" in state for state in data["states"])


async def test_a_large_node_shows_some_of_its_enis_and_counts_all(capture: Capture) -> None:
    built = bare().node(NODE, kind="ecs.g7.8xlarge", idle=0)
    node = built.nodes[NODE]
    for index in range(60):
        node.enis.append(Eni(WORLD.eni(NODE, index), node.vswitch, WORLD.ids.mac(index)))
    books = (await capture(built).inspect_node())["data"]["accounting"]
    assert books["enis"] == 60
    assert len(books["interfaces"]) <= 8


@pytest.mark.parametrize("field", ["regionID", "instanceType", "instanceID", "zoneID"])
async def test_metadata_that_stops_the_pool_controller_is_told(capture: Capture, field: str) -> None:
    patch: dict[str, Any] = {"spec": {"nodeMetadata": {field: ""}}}
    data = (await capture(cluster().change(NODE_CRS, NODE, patch)).inspect_node())["data"]
    assert any(f"spec.nodeMetadata lacks {field}" in state for state in data["states"])


async def test_unknown_limits_of_the_instance_are_told(capture: Capture) -> None:
    data = (await capture(cluster().change(NODE_CRS, NODE, {"spec": {"nodeCap": {"adapters": 0}}})).inspect_node())[
        "data"
    ]
    assert any("adapters is 0" in state for state in data["states"])


async def test_a_warm_up_that_is_not_done_is_told(capture: Capture) -> None:
    patch: dict[str, Any] = {"status": {"warmUpTarget": 10, "warmUpAllocatedCount": 4, "warmUpCompleted": False}}
    data = (await capture(cluster().change(NODE_CRS, NODE, patch)).inspect_node())["data"]
    assert any("4 of 10" in state for state in data["states"])


async def test_both_stacks_on_an_instance_with_unequal_limits_are_told(capture: Capture) -> None:
    built = bare(ip_stack="dual").node(NODE, kind="ecs.sn1ne.xlarge").deployment("shop", "web", running={NODE: 1})
    data = (await capture(built).inspect_node())["data"]
    assert any("IPv4" in state and "IPv6" in state for state in data["states"] + data.get("contradictions", []))


# The Terway pod.


async def test_the_terway_pod_is_told_with_all_its_containers(capture: Capture) -> None:
    daemon = (await capture(cluster()).inspect_node())["data"]["terway_pod"]
    assert daemon["name"] == WORLD.daemon_pod("terway-eniip", NODE)
    assert (daemon["running"], daemon["ready"], daemon["version"]) == (True, True, "v1.17.2")
    assert [container["name"] for container in daemon["containers"]] == ["terway-init", "terway", "policy"]
    assert daemon["containers"][0]["init"] is True
    assert daemon["containers"][0]["state"].startswith("terminated: Completed (exit 0)")
    assert daemon["containers"][1]["state"] == "running"


async def test_restarts_and_the_last_termination_are_told(capture: Capture) -> None:
    built = cluster()
    died = terminated("OOMKilled", 137, WORLD.ago(30), WORLD.ago(20))
    built.terway_containers(NODE, crash_looping(built.terway_pod(NODE), "terway", died, 9))
    data = (await capture(built).inspect_node())["data"]
    daemon = data["terway_pod"]
    assert (daemon["running"], daemon["ready"]) == (False, False)
    terway = next(container for container in daemon["containers"] if container["name"] == "terway")
    assert terway["state"] == "waiting: CrashLoopBackOff"
    assert terway["restarts"] == 9
    assert terway["last_termination"] == f"OOMKilled (exit 137) at {seconds(WORLD.ago(20))}"
    assert "back-off 5m0s" in terway["message"]
    assert any("OOMKilled" in state for state in data["states"])


async def test_an_init_container_that_fails_is_told_by_name(capture: Capture) -> None:
    built = cluster()
    pod = built.terway_pod(NODE)
    pod.containers = stuck_in_init(pod, terminated("Error", 255, WORLD.ago(3), WORLD.ago(2)), 4)
    data = (await capture(built).inspect_node())["data"]
    assert data["terway_pod"]["running"] is False
    assert any("terway-init" in state and "exit 255" in state for state in data["states"])


async def test_a_node_without_terway_is_told(capture: Capture) -> None:
    built = bare().node(OTHER).node(NODE).without_terway_pod(NODE)
    data = (await capture(built).inspect_node())["data"]
    assert "terway_pod" not in data
    assert any(f"no Terway pod exists on node {NODE}" in state for state in data["states"])


async def test_what_an_eviction_left_behind_is_not_taken_for_the_daemon(capture: Capture) -> None:
    built = cluster()
    ended = terminated("Evicted", 137, WORLD.ago(50), WORLD.ago(49))
    left = [Container("terway", "terway:v1.17.2", ended)]
    built.pod(SYSTEM, "terway-eniip-00000", NODE, left, WORLD.ago(90), labels={"app": "terway-eniip"})
    data = (await capture(built).inspect_node())["data"]
    assert data["terway_pod"]["name"] == WORLD.daemon_pod("terway-eniip", NODE)
    assert data["terway_pod"]["running"] is True
    assert not any("Terway pods run on" in state for state in data.get("states", []))


async def test_of_two_terway_pods_the_one_that_serves_is_told_and_both_are_named(capture: Capture) -> None:
    built = cluster()
    coming = [Container("terway", "terway:v1.17.2", waiting("ContainerCreating"))]
    built.pod(SYSTEM, "terway-eniip-00000", NODE, coming, WORLD.ago(1), labels={"app": "terway-eniip"})
    data = (await capture(built).inspect_node())["data"]
    assert data["terway_pod"]["name"] == WORLD.daemon_pod("terway-eniip", NODE)
    assert any(f"2 Terway pods run on {NODE}" in state for state in data["states"])


# Kernel and Terway.


@pytest.mark.parametrize(
    ("kernel", "version", "old"),
    [
        ("4.19.91-27.al7.x86_64", "v1.14.0", True),
        ("4.19.91-27.al7.x86_64", "v1.17.2", True),
        ("4.19.91-27.al7.x86_64", "v1.13.7", False),
        ("4.19.91-27.al7.x86_64", "v2.0.0", True),
        ("5.4.0", "v1.14.0", True),
        ("5.9.16", "v1.14.0", True),
        ("5.10.0", "v1.14.0", False),
        ("5.10.134-18.al8.x86_64", "v1.17.2", False),
        ("5.15.0-1", "v1.17.2", False),
        ("6.6.30-5.al8", "v1.17.2", False),
        ("3.10.0-1160", "v1.14.0-beta.1", True),
        ("4.19.91", "", False),
        ("4.19.91", "latest", False),
        ("", "v1.17.2", False),
        ("unknown", "v1.17.2", False),
    ],
)
def test_terway_from_v1_14_needs_kernel_5_10(kernel: str, version: str, old: bool) -> None:
    assert kernel_too_old(kernel, version) is old


async def test_a_kernel_that_is_too_old_is_a_contradiction(capture: Capture) -> None:
    data = (await capture(bare().node(NODE, kernel="4.19.91-27.al7.x86_64")).inspect_node())["data"]
    (told,) = data["contradictions"]
    assert "4.19.91-27.al7.x86_64" in told
    assert "5.10" in told
    assert "v1.17.2" in told


# Contradictions.


async def test_a_healthy_node_contradicts_nothing(capture: Capture) -> None:
    built = cluster().deployment("shop", "web", running={NODE: 3})
    data = (await capture(built).inspect_node())["data"]
    assert "contradictions" not in data


async def test_centralized_ipam_without_terways_node_is_a_contradiction(capture: Capture) -> None:
    data = (await capture(bare().node(NODE, custom_resource="absent")).inspect_node())["data"]
    assert any("Terway's Node for this node does not exist" in told for told in data["contradictions"])
    assert "accounting" not in data


async def test_local_ipam_without_terways_node_is_none(capture: Capture) -> None:
    answer = await capture(bare(ipam="local", controlplane="absent").node(NODE)).inspect_node()
    assert "contradictions" not in answer["data"]


async def test_a_daemon_that_never_filled_its_node_is_a_contradiction(capture: Capture) -> None:
    data = (await capture(bare().node(NODE, custom_resource="capabilities")).inspect_node())["data"]
    assert any("has not filled spec.eni" in told for told in data["contradictions"])


async def test_free_addresses_beside_waiting_pods_are_a_contradiction(capture: Capture) -> None:
    built = bare().node(NODE, idle=3).deployment("shop", "web", creating={NODE: 2}, running={NODE: 1})
    data = (await capture(built).inspect_node())["data"]
    assert any("3 IPs are free while 2 pods wait" in told for told in data["contradictions"])
    assert data["pods"]["without_ip"] == 2


async def test_a_label_changed_after_the_fact_is_a_contradiction(capture: Capture) -> None:
    built = bare().node(NODE, exclusive=True)
    data = (await capture(built).inspect_node())["data"]
    assert any("exclusive label is unset but was eniOnly" in told for told in data["contradictions"])
    assert data["eni_mode"] == "exclusive"


# Names, absence and coverage.


async def test_an_unknown_node_is_no_data(capture: Capture) -> None:
    answer = await capture(cluster()).inspect_node("cn-hangzhou.10.9.9.9")
    assert answer["status"] == "no_data"
    assert answer["data"]["found"] is False
    assert outcomes(answer)["nodes cn-hangzhou.10.9.9.9"] == "not_found"


@pytest.mark.parametrize("name", ["../../secrets", "Node", "a b", "n1/status", "-"])
async def test_a_name_that_is_none_is_refused(capture: Capture, name: str) -> None:
    answer = await capture(cluster()).inspect_node(name)
    assert answer["status"] == "invalid"
    assert "not a valid Kubernetes name" in answer["message"]


async def test_a_node_was_read_whole(capture: Capture) -> None:
    answer = await capture(cluster()).inspect_node()
    assert answer["status"] == "ok"
    assert outcomes(answer) == {}
    assert f"nodes.network.alibabacloud.com {NODE}" in read(answer)


@pytest.mark.parametrize(
    ("resource", "missing"),
    [
        (NODES, [f"nodes {NODE}"]),
        (NODE_CRS, [f"nodes.network.alibabacloud.com {NODE}"]),
        (NODERUNTIMES, [f"noderuntimes.network.alibabacloud.com {NODE}"]),
        (PODS, [f"Terway pods on {NODE}", f"pods on node {NODE}"]),
        (CONFIGMAPS, ["configmaps kube-system/eni-config"]),
    ],
    ids=lambda value: getattr(value, "bundle", ""),
)
async def test_what_could_not_be_read_is_named_and_the_rest_goes_on(
    capture: Capture, resource: Any, missing: list[str]
) -> None:
    answer = await capture(cluster().forbid(resource)).inspect_node()
    assert outcomes(answer) == dict.fromkeys(missing, "unavailable")
    assert answer["status"] == "partial"
    assert answer["data"]["name"] == NODE
    assert "contradictions" not in answer["data"]


async def test_the_report_cites_its_evidence(capture: Capture) -> None:
    data = (await capture(cluster()).inspect_node())["data"]
    cited = {data["evidence"], data["accounting_evidence"], data["terway_pod"]["evidence"]}
    assert len(cited) == 3
    assert all(evidence.startswith("E") for evidence in cited)


async def test_another_daemonset_on_the_node_is_not_taken_for_terway(capture: Capture) -> None:
    built = cluster()
    built.pod(SYSTEM, "kube-proxy-abcde", NODE, [built.app_container("kube-proxy", WORLD.ago(9))], WORLD.ago(9))
    data = (await capture(built).inspect_node())["data"]
    assert data["terway_pod"]["name"] == WORLD.daemon_pod("terway-eniip", NODE)
