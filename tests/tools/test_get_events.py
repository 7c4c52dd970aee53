"""`get_events`: the primary signal, of the target and of everything it hangs on."""

import json
from typing import Any

import pytest

from terway_mcp.cluster.resources import EVENTS, PODNETWORKINGS
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen, seconds
from terway_mcp.cluster.scenarios.events import Ref, Said
from terway_mcp.cluster.scenarios.plots import DEADLINE, NO_ENI
from terway_mcp.cluster.scenarios.pod_enis import pod_networking
from terway_mcp.cluster.scenarios.pods import Container, waiting
from tests.tools.conftest import Capture
from tests.tools.stage import NODE, OTHER, SYSTEM, WEB, WORLD, bare, cluster, event, outcomes, read, with_web

pytestmark = pytest.mark.anyio

API = "network.alibabacloud.com/v1beta1"
ABOUT_WEB = {"kind": "Pod", "namespace": "shop", "name": WEB, "apiVersion": "v1"}
QUOTA = (
    'errCode: InvalidVSwitchId.IpNotEnough, msg: The specified VSwitch "vsw-bp1abcdefgh" has not enough IpAddress, '
    "requestID: 5F3B7A10-1111-4222-8333-944445555666"
)


def telling(*events: dict[str, Any], built: ClusterBuilder | None = None) -> ClusterBuilder:
    """`shop/web` hangs and these events are stored."""
    made = built or with_web()
    made.events.extend(events)
    return made


def rows(answer: dict[str, Any], reason: str = "") -> list[dict[str, Any]]:
    return [row for row in answer["data"]["groups"] if reason in ("", row["reason"])]


# Time and count of both APIs.


async def test_a_classic_event_has_its_timestamps_and_count(capture: Capture) -> None:
    times = {"firstTimestamp": "2026-07-01T08:01:00Z", "lastTimestamp": "2026-07-01T08:30:00Z", "count": 12}
    built = telling(event("AllocIPFailed", DEADLINE, ABOUT_WEB, **times, source={"component": "terway-daemon"}))
    (row,) = rows(await capture(built).get_events(), "AllocIPFailed")
    assert (row["first"], row["last"], row["count"]) == ("2026-07-01T08:01:00Z", "2026-07-01T08:30:00Z", 12)
    assert (row["reporter"], row["type"], row["object"]) == ("terway-daemon", "Warning", f"Pod shop/{WEB}")
    assert row["api_version"] == "v1"


async def test_a_series_has_its_own_time_and_count(capture: Capture) -> None:
    built = telling(event("PodCreateFailed", "Pod create error: x", ABOUT_WEB, firstTimestamp=None, lastTimestamp=None,
                          eventTime="2026-07-01T08:02:00.250000Z", action="Reconcile", source={},
                          series={"count": 33, "lastObservedTime": "2026-07-01T08:31:00.500000Z"},
                          reportingComponent="terway-controlplane/pod"))  # fmt: skip
    (row,) = rows(await capture(built).get_events(), "PodCreateFailed")
    assert row["first"] == "2026-07-01T08:02:00.250000Z"
    assert row["last"] == "2026-07-01T08:31:00.500000Z"
    assert row["count"] == 33
    assert row["reporter"] == "terway-controlplane/pod"


async def test_a_pod_that_tried_many_times_is_a_row_per_kind_of_event(capture: Capture) -> None:
    built = with_web().no_network("shop", WEB, DEADLINE, Seen(WORLD.ago(30), WORLD.ago(2), 29))
    answer = await capture(built).get_events()
    (sandbox,) = rows(answer, "FailedCreatePodSandBox")
    (alloc,) = rows(answer, "AllocIPFailed")
    assert sandbox["count"] == alloc["count"] == 29
    assert sandbox["reporter"] == "kubelet"
    assert sandbox["last"] == seconds(WORLD.ago(2))
    assert "{sandbox}" not in sandbox["message"]
    assert answer["data"]["events_read"] > len(answer["data"]["groups"])


# What belongs to the target.


async def test_pod_and_podeni_come_in_one_list(capture: Capture) -> None:
    about_podeni = {"kind": "PodENI", "namespace": "shop", "name": WEB, "apiVersion": API}
    built = telling(
        event("AllocIPFailed", DEADLINE, ABOUT_WEB),
        event("CreateENIFailed", QUOTA, about_podeni),
        event("Noise", "another kind of the same name", {"kind": "Service", "namespace": "shop", "name": WEB}),
    )
    answer = await capture(built).get_events()
    assert {row["object"] for row in rows(answer)} == {f"Pod shop/{WEB}", f"PodENI shop/{WEB}"}
    (row,) = rows(answer, "CreateENIFailed")
    assert row["api_version"] == API
    names = [name for name in read(answer) if name.startswith("events of")]
    assert names.count(f"events of pod and PodENI shop/{WEB}") == 1


async def test_the_two_kinds_called_node_are_told_apart(capture: Capture) -> None:
    core = {"kind": "Node", "name": NODE, "uid": WORLD.ids.uid("node", NODE)}
    custom = {"kind": "Node", "name": NODE, "apiVersion": API, "uid": WORLD.ids.uid("node cr", NODE)}
    built = telling(
        event("AllocIPFailed", "no ip left", core), event("AllocIPFailed", "no ip left", custom), built=cluster()
    )
    answer = await capture(built).get_events(node=NODE)
    assert [(row["object"], row["api_version"]) for row in sorted(rows(answer), key=lambda row: row["object"])] == [
        (f"Node {NODE}", "v1"),
        (f"NodeCR {NODE}", API),
    ]
    assert f"events of Node and Terway Node {NODE}" in read(answer)


async def test_a_pods_events_include_those_of_its_node_and_its_terway_pod(capture: Capture) -> None:
    daemon = WORLD.daemon_pod("terway-eniip", NODE)
    built = telling(
        event("AllocIPFailed", DEADLINE, ABOUT_WEB),
        event("CreateENIFailed", QUOTA, {"kind": "Node", "name": NODE, "apiVersion": API}),
        event("BackOff", "Back-off restarting failed container", {"kind": "Pod", "namespace": SYSTEM, "name": daemon}),
        event("AllocIPFailed", "elsewhere", {"kind": "Node", "name": OTHER}),
        event("AllocIPFailed", "elsewhere", {"kind": "Pod", "namespace": "shop", "name": "web-1"}),
        event("AllocIPFailed", "elsewhere", {**ABOUT_WEB, "namespace": "payments"}),
    )
    objects = {row["object"] for row in rows(await capture(built).get_events())}
    assert objects == {f"Pod shop/{WEB}", f"NodeCR {NODE}", f"Pod {SYSTEM}/{daemon}"}


async def test_a_pods_events_include_those_of_its_podnetworking(capture: Capture) -> None:
    about = {"kind": "PodNetworking", "name": "trunk", "apiVersion": API}
    built = cluster().pod(
        "shop", "p", NODE, [Container("app", "app:1", waiting("ContainerCreating"))], WORLD.ago(9),
        annotations={"k8s.aliyun.com/pod-networking": "trunk"},
    ).has(PODNETWORKINGS, pod_networking(WORLD, "trunk", {}, failure="vsw-a not found"))  # fmt: skip
    built.events.append(event("SyncPodNetworkingFailed", "vsw-a not found", about))
    answer = await capture(built).get_events(namespace="shop", pod="p")
    (row,) = rows(answer, "SyncPodNetworkingFailed")
    assert row["object"] == "PodNetworking trunk"


async def test_events_of_a_workload_without_pods_include_its_replicasets(capture: Capture) -> None:
    built = cluster().deployment("shop", "web").deployment("shop", "web-api")
    mine, other = built.replica_set_of("shop", "web"), built.replica_set_of("shop", "web-api")
    denied = 'Error creating: admission webhook "terway.mutating.k8s.io" denied the request'
    for owner in (mine, other):
        ref = Ref("ReplicaSet", owner.name, "shop", owner.uid, "apps/v1")
        built.event_controller("replicaset-controller", ref, Said("FailedCreate", denied), Seen.once(WORLD.ago(3)))
    deployment = Ref("Deployment", "web", "shop", "", "apps/v1")
    scaled = Said("ScalingReplicaSet", "Scaled up replica set web to 3", warning=False)
    built.event_controller("deployment-controller", deployment, scaled, Seen.once(WORLD.ago(4)))
    staged = capture(built)
    answer = await staged.get_events(namespace="shop", workload="deployment/web")
    assert [row["object"] for row in rows(answer)] == [f"ReplicaSet shop/{mine.name}", "Deployment shop/web"]
    assert answer["data"]["target"] == "deployment shop/web"
    for spelling in ("Deployment/web", "deployments/web"):
        again = await staged.get_events(namespace="shop", workload=spelling)
        assert [row["object"] for row in rows(again)] == [row["object"] for row in rows(answer)]


async def test_events_of_a_statefulset_are_its_own(capture: Capture) -> None:
    built = cluster().stateful_set("shop", "db", 3)
    ref = Ref("StatefulSet", "db", "shop", "", "apps/v1")
    built.event_controller(
        "statefulset-controller",
        ref,
        Said("FailedCreate", "create Pod db-0 failed: forbidden"),
        Seen.once(WORLD.ago(3)),
    )
    answer = await capture(built).get_events(namespace="shop", workload="statefulset/db")
    assert [row["object"] for row in rows(answer)] == ["StatefulSet shop/db"]


# What is said about each row.


async def test_codes_and_ids_are_taken_out_of_the_message(capture: Capture) -> None:
    (row,) = rows(await capture(telling(event("CreateENIFailed", QUOTA, ABOUT_WEB))).get_events())
    assert row["ids"]["code"] == ["InvalidVSwitchId.IpNotEnough"]
    assert row["ids"]["request_id"] == ["5F3B7A10-1111-4222-8333-944445555666"]
    assert row["ids"]["vswitch"] == ["vsw-bp1abcdefgh"]
    assert row["category"] == "resource_exhaustion"
    assert row["meaning"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("CniPodCreateError", "PodCreateFailed"), ("CniPodDeleteError", "PodDeleteFailed"),
     ("CniCreateENIError", "CreateENIFailed"), ("CniPodENIDeleteErr", "DeletePodENIFailed")],
)  # fmt: skip
async def test_an_old_reason_is_shown_with_todays_name(capture: Capture, old: str, new: str) -> None:
    (row,) = rows(await capture(telling(event(old, "x", ABOUT_WEB))).get_events())
    assert (row["reason"], row["same_as"]) == (old, new)


async def test_a_reason_nobody_knows_is_shown_and_said_to_be_unknown(capture: Capture) -> None:
    (row,) = rows(await capture(telling(event("SomethingNew", "never heard of", ABOUT_WEB))).get_events())
    assert row["meaning"] == "not known; read the message"
    for absent in ("same_as", "category", "ids"):
        assert absent not in row


async def test_normal_events_carry_no_meaning(capture: Capture) -> None:
    built = telling(event("AllocIPSucceed", "Alloc IP 10.0.0.7/32 took 0.1s", ABOUT_WEB, type="Normal"))
    (row,) = rows(await capture(built).get_events())
    assert row["type"] == "Normal"
    assert "meaning" not in row


# Order and cut.


async def test_telling_rows_come_first_and_the_unknown_beside_them(capture: Capture) -> None:
    built = telling(
        event("AllocIPSucceed", "Alloc IP 10.0.0.7/32 took 0.1s", ABOUT_WEB, type="Normal",
              lastTimestamp="2026-07-01T08:34:59Z"),
        event("FailedCreatePodSandBox", DEADLINE, ABOUT_WEB, lastTimestamp="2026-07-01T08:34:00Z"),
        event("NeverHeardOf", "nobody knows this", ABOUT_WEB, lastTimestamp="2026-07-01T08:02:00Z"),
        event("CreateENIFailed", QUOTA, ABOUT_WEB, lastTimestamp="2026-07-01T08:01:00Z"),
    )  # fmt: skip
    reasons = [row["reason"] for row in rows(await capture(built).get_events())]
    assert reasons == ["CreateENIFailed", "NeverHeardOf", "FailedCreatePodSandBox", "AllocIPSucceed"]


async def test_of_many_groups_the_quiet_ones_are_cut_and_counted(capture: Capture) -> None:
    built = telling(
        *(
            event(f"Normal{chr(97 + index)}", "hello", ABOUT_WEB, type="Normal", lastTimestamp="2026-07-01T08:34:00Z")
            for index in range(15)
        ),
        event("CreateENIFailed", QUOTA, ABOUT_WEB, lastTimestamp="2026-07-01T08:00:01Z"),
    )
    data = (await capture(built).get_events())["data"]
    assert len(data["groups"]) == 12
    assert data["groups_cut"] == 4
    assert data["groups"][0]["reason"] == "CreateENIFailed"


async def test_the_same_fact_read_twice_keeps_its_id_and_is_marked(capture: Capture) -> None:
    wanted = {"namespace": "shop", "pod": WEB}
    built = telling(event("CreateENIFailed", QUOTA, ABOUT_WEB))
    answers = await capture(built).ask(("inspect_pod", wanted), ("get_events", wanted), ("get_events", wanted))
    (first,), (second,) = rows(answers[-2]), rows(answers[-1])
    assert first["evidence"] == second["evidence"]
    assert not first.get("unchanged")
    assert second["unchanged"] is True


# Since.


@pytest.mark.parametrize("since", ["20m", "2026-07-01T08:15:00Z", "2026-07-01T16:15:00+08:00", " 1200s "])
async def test_since_is_an_age_or_a_time(capture: Capture, since: str) -> None:
    built = telling(
        event("Old", "before", ABOUT_WEB, lastTimestamp="2026-07-01T08:10:00Z"),
        event("New", "after", ABOUT_WEB, firstTimestamp="2026-07-01T08:05:00Z", lastTimestamp="2026-07-01T08:20:00Z"),
    )
    data = (await capture(built).get_events(namespace="shop", pod=WEB, since=since))["data"]
    assert [row["reason"] for row in data["groups"]] == ["New"]
    assert data["older_than_since"] == 1
    assert data["oldest"] == "2026-07-01T08:10:00Z"


@pytest.mark.parametrize("since", ["yesterday", "30", "-5m", "5 minutes", "2026-13-01T00:00:00Z"])
async def test_another_since_is_refused(capture: Capture, since: str) -> None:
    answer = await capture(with_web()).get_events(namespace="shop", pod=WEB, since=since)
    assert answer["status"] == "invalid"
    assert "since must be" in answer["message"]


# Sufficiency and silence.


async def test_no_events_are_absence_and_never_no_problem(capture: Capture) -> None:
    answer = await capture(with_web()).get_events()
    assert answer["status"] == "no_data"
    assert answer["data"]["groups"] == []
    assert answer["data"]["sufficiency"] == "absent"
    assert "expired" in answer["data"]["why"]
    assert outcomes(answer) == {}


async def test_a_cause_in_the_events_is_sufficient(capture: Capture) -> None:
    built = with_web().no_network("shop", WEB, DEADLINE, Seen(WORLD.ago(30), WORLD.ago(2), 29))
    said = Said("CreateENIFailed", QUOTA, action="CreateENI")
    built.event_controlplane("multi-ip-node", built.ref_node_cr(NODE), said, Seen(WORLD.ago(28), WORLD.ago(3), 9))
    data = (await capture(built).get_events())["data"]
    assert data["sufficiency"] == "sufficient"
    (row,) = [row for row in data["groups"] if row["reason"] == "CreateENIFailed"]
    assert row["evidence"] in data["why"]


async def test_a_failure_without_a_cause_is_insufficient(capture: Capture) -> None:
    built = with_web(ipam="local", controlplane="absent")
    built.no_network("shop", WEB, NO_ENI, Seen(WORLD.ago(30), WORLD.ago(2), 29))
    data = (await capture(built).get_events())["data"]
    assert data["sufficiency"] == "insufficient"


async def test_events_that_may_not_be_read_are_coverage(capture: Capture) -> None:
    answer = await capture(with_web().forbid(EVENTS)).get_events()
    missing = outcomes(answer)
    assert missing[f"events of pod and PodENI shop/{WEB}"] == "unavailable"
    assert missing[f"events of Node and Terway Node {NODE}"] == "unavailable"
    assert len(missing) == 3
    assert answer["status"] == "unreachable" or answer["data"]["groups"] == []


async def test_events_of_one_namespace_that_were_not_captured_are_named(capture: Capture) -> None:
    built = telling(event("AllocIPFailed", DEADLINE, ABOUT_WEB))
    errors = json.dumps({"default": "events is forbidden"})
    files = {
        "cluster-resources/events/default.json": None,
        "cluster-resources/events-errors.json": errors,
    }
    answer = await capture(built, files).get_events()
    assert outcomes(answer) == {f"events of Node and Terway Node {NODE}": "unavailable"}
    assert [row["reason"] for row in rows(answer)] == ["AllocIPFailed"]
    assert answer["status"] == "partial"


# Hostile text and odd events.


async def test_text_of_the_cluster_is_disarmed(capture: Capture) -> None:
    message = "\x1b[31mred\x1b[0m\u200b line\nbreak access_key=LTAI5tHIDDENhidden01 " + "x" * 5000
    answer = await capture(telling(event("AllocIPFailed", message, ABOUT_WEB))).get_events()
    (row,) = rows(answer)
    assert row["message"].startswith("red line break access_key=")
    assert len(row["message"]) <= 300
    assert "LTAI5tHIDDEN" not in json.dumps(answer)


async def test_odd_events_lose_nothing_but_themselves(capture: Capture) -> None:
    odd = [
        event("AllocIPFailed", DEADLINE, ABOUT_WEB, count="many", firstTimestamp=7, series=[]),
        event("Odd", "no times", ABOUT_WEB, created=None),
        {"metadata": {"name": "x", "namespace": "shop"}, "involvedObject": ABOUT_WEB, "reason": None, "message": None},
    ]
    answer = await capture(telling(*odd)).get_events()
    assert {"AllocIPFailed", "Odd"} <= {row["reason"] for row in rows(answer)}
    (row,) = rows(answer, "AllocIPFailed")
    assert row["count"] == 1


# Arguments.


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"namespace": "shop"}, "exactly one of pod, workload or node"),
        ({"namespace": "shop", "workload": "deployment/web", "node": NODE}, "exactly one of pod, workload or node"),
        ({"workload": "deployment/web"}, "namespace is needed"),
        ({"namespace": "shop", "workload": "web"}, "workload must read kind/name"),
        ({"namespace": "shop", "workload": "pod/web"}, "workload must read kind/name"),
        ({"namespace": "shop", "workload": "deployment/"}, "workload must read kind/name"),
        ({"namespace": "shop", "workload": "deployment/We b"}, "not a valid Kubernetes name"),
        ({"namespace": "Shop", "workload": "deployment/web"}, "not a valid Kubernetes namespace"),
    ],
)
async def test_a_target_that_is_none_is_refused(capture: Capture, arguments: dict[str, str], problem: str) -> None:
    step = ("get_events", {**arguments, "skip_reason": "tested alone"})
    answer = (await capture(with_web()).ask(step))[-1]
    assert answer["status"] == "invalid"
    assert problem in answer["message"]


async def test_the_requests_behind_the_rows_are_few(capture: Capture) -> None:
    answer = await capture(telling(event("AllocIPFailed", DEADLINE, ABOUT_WEB))).get_events()
    assert len([name for name in read(answer) if name.startswith("events of")]) == 3


async def test_a_cluster_without_nodes_answers_too(capture: Capture) -> None:
    answer = await capture(bare(controlplane="absent")).get_events(namespace="shop", workload="deployment/web")
    assert answer["status"] == "no_data"
