"""Server-side printing: the cells kubectl shows."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bundle_fixtures import CAPTURED, RES, get, named, pod, write

from terway_mcp.cluster.bundle import Bundle
from terway_mcp.cluster.embedded.ages import age, duration
from terway_mcp.cluster.embedded.pod_cells import pod_cells
from terway_mcp.cluster.embedded.table import wants_table

KUBECTL = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)
NOW = datetime(2026, 11, 22, 22, 53, 14, tzinfo=UTC)
HOUR, DAY, YEAR = 3600, 86400, 365 * 86400


def table(tmp_path: Path, file: str, items: list[dict[str, Any]], path: str) -> tuple[list[str], list[list[Any]]]:
    """Headers, wide ones in parentheses, and cells."""
    clock = {f"{RES}/leases/x.json": [named("l", "x", spec={"renewTime": CAPTURED})]}
    bundle = Bundle.open(write(tmp_path, {f"{RES}/{file}": items, **clock}))
    code, body = get(bundle, path, accept=KUBECTL)
    assert (code, body["kind"], body["apiVersion"]) == (200, "Table", "meta.k8s.io/v1")
    headers = [f"({c['name']})" if c["priority"] else c["name"] for c in body["columnDefinitions"]]
    return headers, [row["cells"] for row in body["rows"]]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (312, "5m12s"),
        (601, "10m"),
        (3 * HOUR - 1, "179m"),
        (3 * HOUR + 60, "3h1m"),
        (8 * HOUR + 61, "8h"),
        (2 * DAY - 1, "47h"),
        (2 * DAY + HOUR, "2d1h"),
        (8 * DAY + HOUR, "8d"),
        (2 * YEAR - 1, "729d"),
        (2 * YEAR + 3 * DAY, "2y3d"),
        (9 * YEAR, "9y"),
    ],
)
def test_durations_are_shortened_as_kubectl_shortens_them(seconds: int, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize("moment", ["", None, 5, "yesterday", "2026-99-01T00:00:00Z"])
def test_the_age_of_what_has_no_time_is_unknown(moment: object) -> None:
    assert age(moment, NOW) == "<unknown>"


def test_pods_show_readiness_status_restarts_and_where_they_run(tmp_path: Path) -> None:
    web = pod("web", "shop", podIP="10.0.0.5")
    web["metadata"]["creationTimestamp"] = "2026-11-22T22:50:58Z"
    headers, rows = table(tmp_path, "pods/shop.json", [web], "/api/v1/pods")
    assert headers == [
        "Name", "Ready", "Status", "Restarts", "Age", "(IP)", "(Node)", "(Nominated Node)", "(Readiness Gates)",
    ]  # fmt: skip
    assert rows == [["web", "1/1", "Running", "0", "2m16s", "10.0.0.5", "n1", "<none>", "<none>"]]


def state(kind: str, **fields: Any) -> dict[str, Any]:
    return {"name": "c", "state": {kind: fields}, "lastState": {}, "ready": kind == "running", "restartCount": 0}


COMPLETED = state("terminated", reason="Completed", exitCode=0)
GATED = {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}


@pytest.mark.parametrize(
    ("change", "ready", "shown"),
    [
        ({}, "1/1", "Running"),
        ({"containerStatuses": [state("waiting", reason="ContainerCreating")]}, "0/1", "ContainerCreating"),
        ({"containerStatuses": [state("waiting", reason="CrashLoopBackOff")]}, "0/1", "CrashLoopBackOff"),
        ({"containerStatuses": [state("terminated", reason="OOMKilled", exitCode=137)]}, "0/1", "OOMKilled"),
        ({"containerStatuses": [state("terminated", exitCode=3)]}, "0/1", "ExitCode:3"),
        ({"containerStatuses": [state("terminated", signal=9, exitCode=137)]}, "0/1", "Signal:9"),
        ({"containerStatuses": [], "phase": "Pending"}, "0/1", "Pending"),
        ({"containerStatuses": [], "phase": "Failed", "reason": "Evicted"}, "0/1", "Evicted"),
        ({"containerStatuses": [], "phase": "Pending", "conditions": [GATED]}, "0/1", "SchedulingGated"),
        ({"containerStatuses": [COMPLETED, state("running")]}, "1/1", "NotReady"),
        ({"initContainerStatuses": [state("running")]}, "0/1", "Init:0/1"),
        ({"initContainerStatuses": [state("waiting", reason="PodInitializing")]}, "0/1", "Init:0/1"),
        ({"initContainerStatuses": [state("waiting", reason="ErrImagePull")]}, "0/1", "Init:ErrImagePull"),
        ({"initContainerStatuses": [state("terminated", exitCode=1, reason="Error")]}, "0/1", "Init:Error"),
        ({"initContainerStatuses": [COMPLETED]}, "1/1", "Running"),
    ],
)
def test_the_status_of_a_pod_is_what_keeps_it_from_running(change: dict[str, Any], ready: str, shown: str) -> None:
    item = pod("web", "shop")
    item["spec"]["initContainers"] = [{"name": "i"}] if "initContainerStatuses" in change else []
    item["status"].update(change)
    cells = pod_cells(item, NOW)
    assert (cells.ready, cells.status) == (ready, shown)


def test_a_sidecar_counts_among_the_containers_once_it_has_started() -> None:
    item = pod("web", "shop")
    item["spec"]["initContainers"] = [{"name": "s", "restartPolicy": "Always"}]
    item["status"]["initContainerStatuses"] = [state("running") | {"name": "s", "started": True}]
    cells = pod_cells(item, NOW)
    assert (cells.ready, cells.status) == ("2/2", "Running")


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ({}, "Terminating"),
        ({"reason": "NodeLost"}, "Unknown"),
        ({"phase": "Failed", "containerStatuses": []}, "Failed"),
    ],
)
def test_a_deleted_pod_is_terminating(status: dict[str, Any], shown: str) -> None:
    item = pod("web", "shop", **status)
    item["metadata"]["deletionTimestamp"] = CAPTURED
    assert pod_cells(item, NOW).status == shown


def test_restarts_tell_when_the_last_one_was() -> None:
    item = pod("web", "shop")
    container = item["status"]["containerStatuses"][0]
    container["restartCount"] = 3
    assert pod_cells(item, NOW).restarts == "3"
    container["lastState"] = {"terminated": {"finishedAt": "2026-11-22T22:48:02Z"}}
    assert pod_cells(item, NOW).restarts == "3 (5m12s ago)"


@pytest.mark.parametrize(
    "broken", [{}, {"spec": 3, "status": []}, {"metadata": None, "status": {"containerStatuses": "x"}}]
)
def test_a_pod_of_any_shape_has_cells(broken: dict[str, Any]) -> None:
    assert pod_cells(broken, NOW).ready == "0/0"


def test_nodes_show_state_roles_version_and_addresses(tmp_path: Path) -> None:
    info = {"kubeletVersion": "v1.36.2", "osImage": "Alibaba Cloud Linux 3", "kernelVersion": "5.10"}
    node = named(
        "n1",
        labels={"node-role.kubernetes.io/worker": "", "kubernetes.io/role": "agent"},
        spec={"unschedulable": True},
        status={
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": info,
            "addresses": [{"type": "InternalIP", "address": "10.0.0.11"}],
        },
    )
    down = named("n2", status={"conditions": [{"type": "Ready", "status": "Unknown"}]})
    headers, rows = table(tmp_path, "nodes.json", [node, down, named("n3")], "/api/v1/nodes")
    assert headers[:5] == ["Name", "Status", "Roles", "Age", "Version"]
    assert headers[5:] == ["(Internal-IP)", "(External-IP)", "(OS-Image)", "(Kernel-Version)", "(Container-Runtime)"]
    assert rows[0][:3] == ["n1", "Ready,SchedulingDisabled", "agent,worker"]
    assert rows[0][4:] == ["v1.36.2", "10.0.0.11", "<none>", "Alibaba Cloud Linux 3", "5.10", "<unknown>"]
    assert [row[1] for row in rows[1:]] == ["NotReady", "Unknown"]


def test_events_show_the_newest_time_and_the_count_of_their_series(tmp_path: Path) -> None:
    series = named(
        "e1", "shop", type="Warning", reason="AllocIPFailed", message=" no IP \n",
        involvedObject={"kind": "Node", "name": "n1"}, eventTime="2026-11-22T22:00:00Z",
        series={"count": 14, "lastObservedTime": "2026-11-22T22:52:14Z"}, reportingComponent="terway",
    )  # fmt: skip
    single = named("e2", "shop", lastTimestamp="2026-11-22T22:53:04Z", source={"component": "kubelet", "host": "n1"})
    headers, rows = table(tmp_path, "events/shop.json", [series, single], "/api/v1/namespaces/shop/events")
    assert headers[:4] == ["Last Seen", "Type", "Reason", "Object"]
    assert headers[4:] == ["(Subobject)", "(Source)", "Message", "(First Seen)", "(Count)", "(Name)"]
    assert rows[0] == ["60s", "Warning", "AllocIPFailed", "node/n1", "", "terway", "no IP", "53m", 14, "e1"]
    assert rows[1][0] == "10s"
    assert rows[1][5] == "kubelet, n1"
    assert rows[1][8:] == [1, "e2"]


def test_workloads_show_their_counts(tmp_path: Path) -> None:
    spec = {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "x"}},
        "template": {"spec": {"containers": [{"name": "c", "image": "img"}], "nodeSelector": {"a": "b"}}},
    }
    status = {"desiredNumberScheduled": 5, "currentNumberScheduled": 4, "numberReady": 3, "readyReplicas": 2}
    item = named("w", "shop", spec=spec, status=status)
    _, daemons = table(tmp_path / "a", "daemonsets/shop.json", [item], "/apis/apps/v1/daemonsets")
    assert daemons == [["w", 5, 4, 3, 0, 0, "a=b", "<unknown>", "c", "img", "app=x"]]
    _, deployments = table(tmp_path / "b", "deployments/shop.json", [item], "/apis/apps/v1/deployments")
    assert deployments == [["w", "2/3", 0, 0, "<unknown>", "c", "img", "app=x"]]


def test_the_rest_shows_name_and_age_or_its_own_columns(tmp_path: Path) -> None:
    group = "/apis/network.alibabacloud.com/v1beta1"
    eni = named(
        "eni-1",
        status={"phase": "Bind", "nodeName": "n1", "eniInfo": {"type": "Secondary"}},
        spec={"podENIRef": {"name": "web", "namespace": "shop"}},
    )
    place = "custom-resources/networkinterfaces.network.alibabacloud.com.json"
    headers, rows = table(tmp_path / "a", place, [eni], f"{group}/networkinterfaces")
    assert headers == ["Name", "Phase", "InstanceID", "TrunkENIID", "NodeName", "PodNamespace", "PodName", "Type"]
    assert rows == [["eni-1", "Bind", "", "", "n1", "shop", "web", "Secondary"]]
    data = [named("c", "shop", data={"a": "1"}, binaryData={"b": ""})]
    assert table(tmp_path / "b", "configmaps/shop.json", data, "/api/v1/configmaps")[1] == [["c", 2, "<unknown>"]]
    active = [named("shop", status={"phase": "Active"})]
    assert table(tmp_path / "c", "namespaces.json", active, "/api/v1/namespaces/shop")[1] == [
        ["shop", "Active", "<unknown>"]
    ]
    assert table(tmp_path / "d", "services/shop.json", [named("s", "shop")], "/api/v1/services")[0] == ["Name", "Age"]


@pytest.mark.parametrize(
    ("include", "kind"),
    [("", "PartialObjectMetadata"), ("Metadata", "PartialObjectMetadata"), ("Object", "Pod"), ("None", None)],
)
def test_rows_carry_metadata_unless_more_or_nothing_is_asked_for(
    tmp_path: Path, include: str, kind: str | None
) -> None:
    bundle = Bundle.open(write(tmp_path, {f"{RES}/pods/shop.json": [pod("web", "shop")]}))
    _, body = get(bundle, f"/api/v1/pods?includeObject={include}", accept=KUBECTL)
    (row,) = body["rows"]
    assert row.get("object", {}).get("kind") == kind


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (KUBECTL, True),
        ("application/json", False),
        ("", False),
        ("*/*", False),
        ("application/json,application/json;as=Table;v=v1;g=meta.k8s.io", False),
        ("application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io", False),
    ],
)
def test_a_table_is_sent_only_to_who_prefers_it(accept: str, wanted: bool) -> None:
    assert wants_table(accept) is wanted
