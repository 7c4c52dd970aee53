"""`inspect_cluster`: everything the cluster script of the SOP prints, and what it gets wrong."""

import json
import re
from typing import Any

import pytest

from terway_mcp.cluster.resources import (
    CLUSTERROLES,
    CONFIGMAPS,
    DAEMONSETS,
    DEPLOYMENTS,
    EVENTS,
    LEASES,
    MUTATING_WEBHOOKS,
)
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.config import ACCESS_KEY, ACCESS_SECRET, with_trailing_comma
from terway_mcp.cluster.scenarios.plots import DEADLINE
from terway_mcp.cluster.scenarios.pods import terminated
from terway_mcp.cluster.scenarios.terway_pods import crash_looping, stuck_in_init
from tests.tools.conftest import Capture
from tests.tools.stage import NODE, OTHER, SYSTEM, WORLD, bare, cluster, outcomes, with_web

pytestmark = pytest.mark.anyio

REGISTRY = "registry-cn-hangzhou-vpc.ack.aliyuncs.com/acs/terway"
DIGEST = f"sha256:{'0123456789abcdef' * 4}"


def proxy(text: str) -> dict[str, str]:
    return {"config.conf": text}


# Version and components.


@pytest.mark.parametrize(
    ("image", "version"),
    [
        (f"{REGISTRY}:v1.17.2", "v1.17.2"),
        (f"{REGISTRY}:v1.5.6-aliyun.3", "v1.5.6-aliyun.3"),
        (f"{REGISTRY}:v1.14.0@{DIGEST}", "v1.14.0"),
        ("registry.local:5000/acs/terway:v1.9.6", "v1.9.6"),
        (f"registry.local:5000/acs/terway:v1.9.6@{DIGEST}", "v1.9.6"),
        ("registry.local:5000/acs/terway", ""),
        (f"{REGISTRY}@{DIGEST}", ""),
        ("terway:dev", "dev"),
    ],
)
async def test_the_version_is_the_tag_of_the_daemons_image(capture: Capture, image: str, version: str) -> None:
    containers = [{"name": "policy", "image": "other:v0"}, {"name": "terway", "image": image}]
    patch: dict[str, Any] = {"spec": {"template": {"spec": {"containers": containers}}}}
    built = cluster().change(DAEMONSETS, "terway-eniip", patch, SYSTEM)
    data = (await capture(built).inspect_cluster())["data"]
    assert data["version"] == version
    assert data["daemons"][0]["image"] == image


@pytest.mark.parametrize("name", ["terway-eniip", "terway-eni", "terway"])
async def test_every_name_of_the_daemonset_is_known(capture: Capture, name: str) -> None:
    data = (await capture(cluster(daemonset=name)).inspect_cluster())["data"]
    assert [daemon["name"] for daemon in data["daemons"]] == [name]
    assert (data["daemons"][0]["desired"], data["daemons"][0]["ready"]) == (1, 1)


@pytest.mark.parametrize("mode", ["ENIMultiIP", "ENIOnly"])
async def test_the_daemons_mode_is_told(capture: Capture, mode: str) -> None:
    data = (await capture(cluster(daemon_mode=mode)).inspect_cluster())["data"]
    assert data["daemons"][0]["mode"] == mode


async def test_kubernetes_is_told_by_its_version(capture: Capture) -> None:
    assert (await capture(cluster()).inspect_cluster())["data"]["kubernetes"] == "v1.34.1-aliyun.1"


async def test_a_daemon_that_is_not_ready_everywhere_is_counted_and_named(capture: Capture) -> None:
    built = bare().node(NODE).node(OTHER)
    died = terminated("Error", 1, WORLD.ago(3), WORLD.ago(2))
    built.terway_containers(OTHER, crash_looping(built.terway_pod(OTHER), "terway", died, 7))
    data = (await capture(built).inspect_cluster())["data"]
    assert (data["daemons"][0]["desired"], data["daemons"][0]["ready"]) == (2, 1)
    (sick,) = data["unhealthy"]
    assert sick["pod"] == f"{SYSTEM}/{WORLD.daemon_pod('terway-eniip', OTHER)}"
    assert sick["node"] == OTHER
    assert "CrashLoopBackOff" in sick["why"]
    assert "7 restarts" in sick["why"]
    assert "exit 1" in sick["why"]


async def test_an_init_container_that_fails_is_told_from_the_daemon(capture: Capture) -> None:
    built = cluster()
    pod = built.terway_pod(NODE)
    pod.containers = stuck_in_init(pod, terminated("Error", 255, WORLD.ago(3), WORLD.ago(2)), 4)
    (sick,) = (await capture(built).inspect_cluster())["data"]["unhealthy"]
    assert "CrashLoopBackOff" in sick["why"]
    assert "exit 255" in sick["why"]


async def test_at_most_a_few_unhealthy_pods_are_named_in_a_large_cluster(capture: Capture) -> None:
    built = bare(controlplane="hosted")
    for host in range(21, 41):
        node = WORLD.node(host)
        built.node(node)
        died = terminated("Error", 1, WORLD.ago(3), WORLD.ago(2))
        built.terway_containers(node, crash_looping(built.terway_pod(node), "terway", died, 7))
    data = (await capture(built).inspect_cluster())["data"]
    assert (data["daemons"][0]["desired"], data["daemons"][0]["ready"]) == (20, 0)
    assert 1 <= len(data["unhealthy"]) <= 5


async def test_a_cluster_without_terway_has_no_daemons(capture: Capture) -> None:
    built = cluster().has(DAEMONSETS).change(DAEMONSETS, "terway-eniip", {"metadata": {"name": "flannel"}}, SYSTEM)
    data = (await capture(built).inspect_cluster())["data"]
    assert data["version"] == ""
    assert data["daemons"] == []


# The controlplane.


async def test_a_running_controlplane_is_told_with_its_leader(capture: Capture) -> None:
    built = cluster().controlplane_lease_renewed(7)
    data = (await capture(built).inspect_cluster())["data"]["controlplane"]
    assert (data["presence"], data["replicas"], data["ready"]) == ("running", 1, 1)
    assert data["version"] == "v1.17.2"
    assert data["holder"].startswith(f"{NODE}_")
    assert data["lease_age_s"] in range(12)
    assert data["webhook_failure_policy"] == "Ignore"


async def test_a_controlplane_without_ready_replicas_is_down(capture: Capture) -> None:
    patch: dict[str, Any] = {"status": {"readyReplicas": None, "availableReplicas": 0}}
    built = cluster().change(DEPLOYMENTS, "terway-controlplane", patch, SYSTEM).controlplane_lease_renewed(4_000)
    data = (await capture(built).inspect_cluster())["data"]["controlplane"]
    assert (data["presence"], data.get("ready", 0)) == ("down", 0)
    assert 3_900 < data["lease_age_s"] < 4_100


async def test_a_hosted_controlplane_is_told_from_an_absent_one(capture: Capture) -> None:
    hosted = (await capture(cluster(controlplane="hosted")).inspect_cluster())["data"]
    assert hosted["controlplane"]["presence"] == "hosted"
    assert any("hosted" in note for note in hosted["notes"])


async def test_an_absent_controlplane_is_absent(capture: Capture) -> None:
    data = (await capture(cluster(ipam="local", controlplane="absent")).inspect_cluster())["data"]
    assert data["controlplane"]["presence"] == "absent"
    assert data["controlplane_config"]["error"] == "not visible"


async def test_a_controlplane_that_may_not_be_read_is_unknown(capture: Capture) -> None:
    built = cluster().forbid(DEPLOYMENTS)
    assert (await capture(built).inspect_cluster())["data"]["controlplane"]["presence"] == "unknown"


async def test_the_controlplanes_configuration_is_shown(capture: Capture) -> None:
    values = (await capture(cluster()).inspect_cluster())["data"]["controlplane_config"]["values"]
    assert "multi-ip-node" in values["controllers"]
    assert values["centralizedIPAM"] is True
    assert values["enableTrunk"] is False
    assert values["leaderElection"] is True


async def test_broken_yaml_of_the_controlplane_is_said_to_be_broken(capture: Capture) -> None:
    built = cluster().config_map("terway-controlplane", {"ctrl-config.yaml": "a: [1\nb: 2"})
    error = (await capture(built).inspect_cluster())["data"]["controlplane_config"]["error"]
    assert "not valid YAML" in error


# IPAM.


@pytest.mark.parametrize(
    ("ipam_type", "mode", "because"),
    [
        ("crd", "centralized", 'eni_conf.ipam_type is "crd"'),
        (None, "local", "eni_conf.ipam_type is absent"),
        ("", "local", "eni_conf.ipam_type is absent"),
        ("default", "local", "eni_conf.ipam_type is default"),
        ("preferCRD", "unknown", "eni_conf.ipam_type has the unknown value 'preferCRD'"),
    ],
)
async def test_the_mode_is_what_ipam_type_says(
    capture: Capture, ipam_type: str | None, mode: str, because: str
) -> None:
    built = cluster(ipam="local", controlplane="absent").eni_conf(ipam_type=ipam_type)
    ipam = (await capture(built).inspect_cluster())["data"]["ipam"]
    assert ipam["mode"] == mode
    assert ipam["because"] == [because]


async def test_crds_and_a_controlplane_do_not_make_a_cluster_centralized(capture: Capture) -> None:
    ipam = (await capture(cluster(ipam="local")).inspect_cluster())["data"]["ipam"]
    assert ipam["mode"] == "local"
    assert "contradictions" not in ipam


@pytest.mark.parametrize(
    ("built", "contradiction"),
    [
        (
            cluster(controlplane="absent"),
            "ipam_type is crd but no terway-controlplane was found",
        ),
        (
            cluster().config_map(
                "terway-controlplane", {"ctrl-config.yaml": "controllers: [pod, pod-eni]\nenableTrunk: false\n"}
            ),
            "ipam_type is crd but the controlplane does not run multi-ip-node and multi-ip-pod",
        ),
        (
            cluster(ipam="local").config_map(
                "terway-controlplane", {"ctrl-config.yaml": "centralizedIPAM: true\nenableTrunk: false\n"}
            ),
            "centralizedIPAM is true in the controlplane but the daemon is not in crd mode",
        ),
        (
            cluster().config_map("terway-controlplane", {"ctrl-config.yaml": "centralizedIPAM: true\n"}),
            "trunk flags differ: controlplane enableTrunk=true (its default), eni_conf enable_eni_trunking=false",
        ),
        (
            cluster().eni_conf(enable_eni_trunking=True),
            "trunk flags differ: eni_conf enable_eni_trunking=true, controlplane enableTrunk=false",
        ),
    ],
    ids=["no controlplane", "no controllers", "plane only", "trunk default", "trunk daemon"],
)
async def test_settings_that_contradict_each_other_are_told(capture: Capture, built: Any, contradiction: str) -> None:
    ipam = (await capture(built).inspect_cluster())["data"]["ipam"]
    assert contradiction in ipam["contradictions"]


async def test_settings_that_agree_are_no_contradiction(capture: Capture) -> None:
    assert "contradictions" not in (await capture(cluster(trunk=True)).inspect_cluster())["data"]["ipam"]


# eni_conf.


async def test_a_flag_that_is_false_is_shown_as_false(capture: Capture) -> None:
    built = cluster().eni_conf(enable_eni_trunking=False, enable_erdma=False, disable_device_plugin=False)
    values = (await capture(built).inspect_cluster())["data"]["eni_conf"]["values"]
    assert values["enable_eni_trunking"] is False
    assert values["enable_erdma"] is False
    assert values["disable_device_plugin"] is False
    assert "enable_ip_prefix" not in values


async def test_every_key_that_is_set_is_shown(capture: Capture) -> None:
    data = (await capture(cluster()).inspect_cluster())["data"]["eni_conf"]
    values = data["values"]
    assert (values["max_pool_size"], values["min_pool_size"]) == (5, 0)
    assert values["vswitch_selection_policy"] == "ordered"
    assert values["vswitches"] == {WORLD.zone("h"): [WORLD.vswitch("h")]}
    assert values["security_groups"] == [WORLD.security_group()]
    assert values["ip_stack"] == "ipv4"
    assert "unknown" not in data
    assert "invalid" not in data
    assert "error" not in data


async def test_secrets_are_masked_everywhere(capture: Capture) -> None:
    built = cluster().eni_conf(acess_secret="typed-wrong-s3cret", more={"access_key": "LTAIhidden0123456789"})
    answer = await capture(built).inspect_cluster()
    values = answer["data"]["eni_conf"]["values"]
    assert values["access_key"] == values["access_secret"] == "******"
    text = json.dumps(answer)
    for secret in (ACCESS_KEY, ACCESS_SECRET, "typed-wrong-s3cret", "LTAIhidden0123456789"):
        assert secret not in text


async def test_an_empty_secret_is_shown_as_empty(capture: Capture) -> None:
    values = (await capture(cluster().eni_conf(access_key="")).inspect_cluster())["data"]["eni_conf"]["values"]
    assert values["access_key"] == ""


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("vswitchs", "vswitchs (did you mean vswitches?)"),
        ("max_poolsize", "max_poolsize (did you mean max_pool_size?)"),
        ("enable_eni_trunkin", "enable_eni_trunkin (did you mean enable_eni_trunking?)"),
        ("something_else", "something_else"),
    ],
)
async def test_an_unknown_key_is_named_with_the_nearest_known_one(capture: Capture, key: str, shown: str) -> None:
    data = (await capture(cluster().eni_conf(**{key: "x"})).inspect_cluster())["data"]["eni_conf"]
    assert data["unknown"] == [shown]
    assert data["values"][key] == "x"


async def test_a_suggestion_is_a_key_of_the_same_file(capture: Capture) -> None:
    built = cluster().eni_conf(enableTrunks=True)
    data = (await capture(built).inspect_cluster())["data"]["eni_conf"]
    assert data["unknown"] == ["enableTrunks"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ip_stack", "ipv6"),
        ("vswitch_selection_policy", "fastest"),
        ("max_pool_size", -1),
        ("idle_ip_reclaim_after", "5 minutes"),
        ("ipv6_prefix_count", 2),
        ("service_cidr", "172.21.0.0"),
    ],
)
async def test_a_value_terway_does_not_take_is_named_with_what_it_takes(capture: Capture, key: str, value: Any) -> None:
    data = (await capture(cluster().eni_conf(**{key: value})).inspect_cluster())["data"]["eni_conf"]
    (problem,) = data["invalid"]
    assert problem.startswith(f"{key}={value} (valid: ")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{\n  "version": "1",\n  "max_pool_size": five\n}', "line 3, column 20"),
        ('{"Überschrift": oops}', "line 1, column 17"),
        ('{\n  "version": "1"\n', "line 3, column 1"),
        ('{"a": 1} trailing', "line 1, column 10"),
    ],
)
async def test_json_that_is_none_is_located(capture: Capture, text: str, where: str) -> None:
    data = (await capture(cluster().eni_conf_text(text)).inspect_cluster())["data"]
    assert data["eni_conf"]["error"].startswith("not valid JSON: ")
    assert data["eni_conf"]["error"].endswith(where)
    assert data["ipam"]["mode"] == "unknown"


async def test_a_trailing_comma_is_found_on_its_line(capture: Capture) -> None:
    text = with_trailing_comma({"version": "1", "access_key": ACCESS_KEY})
    answer = await capture(cluster().eni_conf_text(text)).inspect_cluster()
    # Python 3.13 points at the comma, older ones at the bracket behind it.
    assert re.search(r"line 3, column 4\d|line 4, column 1", answer["data"]["eni_conf"]["error"])
    assert ACCESS_KEY not in json.dumps(answer)


async def test_json_that_is_no_object_is_said_to_be_none(capture: Capture) -> None:
    data = (await capture(cluster().eni_conf_text('["a"]')).inspect_cluster())["data"]
    assert data["eni_conf"]["error"] == "not a JSON object"


async def test_a_missing_eni_config_is_told(capture: Capture) -> None:
    answer = await capture(cluster().config_map("eni-config", None)).inspect_cluster()
    assert answer["data"]["eni_conf"]["error"] == "not read: not_found"
    assert answer["data"]["ipam"]["mode"] == "unknown"
    assert outcomes(answer) == {"configmaps kube-system/eni-config": "not_found"} | {
        name: outcome for name, outcome in outcomes(answer).items() if name != "configmaps kube-system/eni-config"
    }


async def test_a_missing_key_is_told(capture: Capture) -> None:
    built = cluster().config_map("eni-config", {"10-terway.conf": "{}"})
    assert (await capture(built).inspect_cluster())["data"]["eni_conf"]["error"] == "the key is missing"


async def test_the_cni_configuration_is_checked_too(capture: Capture) -> None:
    conf = {"type": "terway", "eniip_virtual_type": "IPVlan", "network_policy_provider": "calico", "mtuu": 1400}
    built = cluster().config_map("eni-config", {"eni_conf": "{}", "10-terway.conf": json.dumps(conf)})
    cni = (await capture(built).inspect_cluster())["data"]["cni"]
    assert cni["values"]["eniip_virtual_type"] == "IPVlan"
    assert cni["invalid"] == ["network_policy_provider=calico (valid: iptables, ebpf)"]
    assert cni["unknown"] == ["mtuu (did you mean mtu?)"]


async def test_a_broken_cni_configuration_is_located(capture: Capture) -> None:
    built = cluster().config_map("eni-config", {"eni_conf": "{}", "10-terway.conflist": '{"a": }'})
    assert "line 1, column 7" in (await capture(built).inspect_cluster())["data"]["cni"]["error"]


async def test_the_other_switches_are_shown(capture: Capture) -> None:
    data = (await capture(cluster()).inspect_cluster())["data"]
    assert data["other_settings"] == {"disable_network_policy": "false", "in_cluster_loadbalance": "true"}


# Network of the cluster.


async def test_service_range_and_stack_come_from_the_clusters_profile(capture: Capture) -> None:
    profile = {"serviceCIDR": "10.96.0.0/12,fd00:10:96::/112", "ipStack": "dual"}
    network = (await capture(cluster().config_map("ack-cluster-profile", profile)).inspect_cluster())["data"]["network"]
    assert network["service_cidr"] == "10.96.0.0/12,fd00:10:96::/112"
    assert network["ip_stack"] == "dual"


async def test_outside_ack_they_come_from_eni_conf(capture: Capture) -> None:
    data = (await capture(cluster().config_map("ack-cluster-profile", None)).inspect_cluster())["data"]
    assert data["network"]["service_cidr"] == "172.21.0.0/20"
    assert data["network"]["ip_stack"] == "ipv4"
    assert any("ack-cluster-profile" in note for note in data["notes"])


@pytest.mark.parametrize(
    ("worker", "plain", "mode", "cidr"),
    [
        (proxy("mode: ipvs\nclusterCIDR: 10.0.0.0/8\n"), None, "ipvs", "10.0.0.0/8"),
        (proxy("mode: nftables\n"), proxy("mode: ipvs\nclusterCIDR: 10.0.0.0/8\n"), "nftables", None),
        (None, proxy("mode: ipvs\nclusterCIDR: 10.1.0.0/16\n"), "ipvs", "10.1.0.0/16"),
        (None, proxy('mode: ""\nclusterCIDR: ""\n'), "iptables", None),
        (proxy("clusterCIDR: 10.2.0.0/16\n"), None, "iptables", "10.2.0.0/16"),
        (None, None, None, None),
        (proxy("mode: [ipvs\n"), None, None, None),
    ],
)
async def test_kube_proxy_is_read_from_either_configmap(
    capture: Capture,
    worker: dict[str, str] | None,
    plain: dict[str, str] | None,
    mode: str | None,
    cidr: str | None,
) -> None:
    built = cluster().config_map("kube-proxy-worker", worker).config_map("kube-proxy", plain)
    network = (await capture(built).inspect_cluster())["data"]["network"]
    assert (network.get("kube_proxy_mode"), network.get("cluster_cidr")) == (mode, cidr)


# Events of Terway.


async def test_a_missing_right_to_write_new_events_is_told(capture: Capture) -> None:
    data = (await capture(cluster(events_rbac=False)).inspect_cluster())["data"]
    assert data["events_rbac_gap"] == {"terway": "missing", "terway-controlplane": "missing"}
    data = (await capture(cluster(controlplane="absent", ipam="local")).inspect_cluster())["data"]
    assert data["events_rbac_gap"]["terway"] == "granted"


async def test_a_role_that_may_not_be_read_is_unknown(capture: Capture) -> None:
    data = (await capture(cluster().forbid(CLUSTERROLES)).inspect_cluster())["data"]
    assert set(data["events_rbac_gap"]) == {"terway", "terway-controlplane"}
    assert all(value.startswith("unknown") for value in data["events_rbac_gap"].values())


async def test_the_worst_suspects_are_few_and_those_asked_for_come_first(capture: Capture) -> None:
    built = cluster()
    for namespace in ("shop", "payments"):
        for index in range(6):
            app = f"app-{index}"
            built.deployment(namespace, app, creating={NODE: 1}, since=WORLD.ago(20))
            seen = Seen(WORLD.ago(15 - index), WORLD.ago(10 - index), 3)
            built.no_network(namespace, built.world.replica(app), DEADLINE, seen)
    staged = capture(built)
    everywhere = (await staged.inspect_cluster())["data"]["suspects"]
    assert len(everywhere) == 6
    lasts = [suspect["last"] for suspect in everywhere]
    assert lasts == sorted(lasts, reverse=True)
    mine = (await staged.inspect_cluster(namespace="payments"))["data"]["suspects"]
    assert {suspect["namespace"] for suspect in mine} == {"payments"}
    first = mine[0]
    assert first["kind"] == "Pod"
    assert first["name"] == WORLD.replica("app-5")
    assert "AllocIPFailed" in first["reasons"]
    assert first["count"] >= 6
    assert "DeadlineExceeded" in first["message"]


async def test_warnings_that_are_not_terways_make_no_suspect(capture: Capture) -> None:
    built = cluster().deployment("shop", "web", running={NODE: 1})
    built.keeps_crashing("shop", WORLD.replica("web"), "web", Seen(WORLD.ago(30), WORLD.ago(1), 12))
    assert "suspects" not in (await capture(built).inspect_cluster())["data"]


async def test_without_events_there_are_no_suspects_and_the_answer_says_why(capture: Capture) -> None:
    answer = await capture(with_web().forbid(EVENTS)).inspect_cluster()
    assert any("could not be listed" in note for note in answer["data"]["notes"])
    assert "recent warning events of all namespaces" in outcomes(answer)
    assert answer["status"] == "partial"


# Evidence and coverage.


async def test_each_part_of_the_report_cites_its_evidence(capture: Capture) -> None:
    built = with_web()
    built.no_network("shop", WORLD.replica("web"), DEADLINE, Seen(WORLD.ago(9), WORLD.ago(1), 4))
    data = (await capture(built).inspect_cluster())["data"]
    parts = [data["ipam"], data["daemons"][0], data["controlplane"], data["eni_conf"], *data["suspects"]]
    cited = [part["evidence"] for part in parts]
    assert all(evidence.startswith("E") for evidence in cited)
    assert len(set(cited)) == len(cited)


async def test_a_healthy_cluster_was_read_whole(capture: Capture) -> None:
    answer = await capture(cluster()).inspect_cluster()
    assert answer["status"] == "ok"
    assert outcomes(answer) == {}


@pytest.mark.parametrize(
    ("resource", "missing"),
    [
        (LEASES, {"leases.coordination.k8s.io kube-system/terway-controlplane"}),
        (MUTATING_WEBHOOKS, {"mutatingwebhookconfigurations.admissionregistration.k8s.io terway-controlplane"}),
        (DAEMONSETS, {"daemonsets.apps in kube-system"}),
        (DEPLOYMENTS, {"deployments.apps kube-system/terway-controlplane"}),
        (EVENTS, {"recent warning events of all namespaces"}),
        (
            CONFIGMAPS,
            {
                "configmaps kube-system/eni-config",
                "configmaps kube-system/terway-controlplane",
                "configmaps kube-system/ack-cluster-profile",
                "configmaps kube-system/kube-proxy-worker",
            },
        ),
    ],
    ids=lambda value: value.plural if hasattr(value, "plural") else "",
)
async def test_what_the_capture_lacks_is_exactly_what_coverage_names(
    capture: Capture, resource: Any, missing: set[str]
) -> None:
    answer = await capture(cluster().omit(resource)).inspect_cluster()
    assert outcomes(answer) == dict.fromkeys(missing, "unavailable")
    assert answer["status"] == "partial"
    assert answer["data"]["kubernetes"] == "v1.34.1-aliyun.1"
