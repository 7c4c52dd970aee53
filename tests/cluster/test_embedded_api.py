"""What the embedded API answers, compared with bodies that a kube-apiserver 1.36 answered to the same requests."""

from pathlib import Path
from typing import Any

import pytest
from bundle_fixtures import CAPTURED, RES, client_of, crd, get, named, pod, write

from terway_mcp.cluster.bundle import Bundle
from terway_mcp.cluster.embedded.status import unauthorized
from terway_mcp.cluster.resources import NODE_CRS, PODENIS, Resource

CORE_EVENT = {
    "metadata": {"name": "n1.18ea7dcf", "namespace": "default"},
    "involvedObject": {"kind": "Node", "name": "n1", "apiVersion": "v1"},
    "reason": "CgroupV1",
    "message": "cgroup v1 detected",
    "source": {"component": "kubelet", "host": "n1"},
    "firstTimestamp": "2026-11-22T22:15:32Z",
    "lastTimestamp": CAPTURED,
    "count": 1,
    "type": "Warning",
    "eventTime": None,
    "reportingComponent": "kubelet",
    "reportingInstance": "n1",
}
CR_EVENT = {
    "metadata": {"name": "n1.18c2f0a1", "namespace": "default"},
    "involvedObject": {"kind": "Node", "name": "n1", "apiVersion": "network.alibabacloud.com/v1beta1"},
    "reason": "AllocIPFailed",
    "message": "errCode: InvalidVSwitchId.IpNotEnough",
    "source": {},
    "firstTimestamp": None,
    "lastTimestamp": None,
    "type": "Warning",
    "eventTime": "2026-11-22T22:00:52.123456Z",
    "series": {"count": 14, "lastObservedTime": "2026-11-22T22:49:52.123456Z"},
    "action": "AllocIP",
    "reportingComponent": "terway-controlplane/multi-ip-node",
    "reportingInstance": "terway-controlplane/multi-ip-node-x",
}

BANK_ERROR = 'pods is forbidden: User "support" cannot list resource "pods"'


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    files = {
        "cluster-info/cluster_version.json": {"info": {"major": "1", "gitVersion": "v1.36.2"}, "string": "v1.36.2"},
        f"{RES}/nodes.json": [named("n1", kind="Node", apiVersion="v1"), named("n2")],
        f"{RES}/pods/shop.json": {"kind": "PodList", "items": [pod("web-0", "shop")]},
        f"{RES}/pods/kube-system.json": [pod("terway-x", "kube-system", node="n2")],
        f"{RES}/pods-errors.json": {"bank": BANK_ERROR},
        f"{RES}/events/default.json": [CORE_EVENT, CR_EVENT],
        f"{RES}/daemonsets/kube-system.json": [named("terway-eniip", "kube-system")],
        f"{RES}/configmaps/kube-system.json": "{ broken",
        f"{RES}/custom-resource-definitions.json": [crd(NODE_CRS.qualified_name)],
        f"{RES}/custom-resources/nodes.network.alibabacloud.com.json": [named("n1", spec={"pool": {}})],
    }
    return Bundle.open(write(tmp_path, files))


def status(code: int, reason: str, message: str, **more: Any) -> dict[str, Any]:
    metadata = more.pop("metadata", {})
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": metadata,
        "status": "Failure",
        "message": message,
        "reason": reason,
        **more,
        "code": code,
    }


def names(answer: tuple[int, Any]) -> list[str]:
    assert answer[0] == 200, answer
    return [item["metadata"]["name"] for item in answer[1]["items"]]


def test_an_object_is_answered_with_its_kind_even_when_the_capture_left_it_out(bundle: Bundle) -> None:
    code, body = get(bundle, "/api/v1/nodes/n2")
    assert (code, body) == (200, {"kind": "Node", "apiVersion": "v1", "metadata": {"name": "n2"}})
    assert get(bundle, "/apis/apps/v1/namespaces/kube-system/daemonsets/terway-eniip")[1]["apiVersion"] == "apps/v1"


def test_items_of_a_built_in_list_carry_no_kind_and_custom_ones_do(bundle: Bundle) -> None:
    _, nodes = get(bundle, "/api/v1/nodes")
    assert nodes["kind"] == "NodeList"
    assert nodes["apiVersion"] == "v1"
    assert nodes["metadata"]["resourceVersion"].isdigit()
    assert nodes["items"] == [{"metadata": {"name": "n1"}}, {"metadata": {"name": "n2"}}]
    _, custom = get(bundle, "/apis/network.alibabacloud.com/v1beta1/nodes")
    assert custom["kind"] == "NodeList"
    assert custom["items"][0]["kind"] == "Node"
    assert custom["items"][0]["apiVersion"] == "network.alibabacloud.com/v1beta1"


def test_the_two_kinds_called_node_are_served_apart(bundle: Bundle) -> None:
    assert "spec" not in get(bundle, "/api/v1/nodes/n1")[1]
    assert get(bundle, "/apis/network.alibabacloud.com/v1beta1/nodes/n1")[1]["spec"] == {"pool": {}}


def test_lists_cover_one_namespace_or_all_in_order(bundle: Bundle) -> None:
    assert names(get(bundle, "/api/v1/namespaces/shop/pods")) == ["web-0"]
    assert names(get(bundle, "/api/v1/pods")) == ["terway-x", "web-0"]


def test_a_namespace_nobody_knows_is_an_empty_list(bundle: Bundle) -> None:
    code, body = get(bundle, "/api/v1/namespaces/nowhere/pods")
    assert (code, body["kind"], body["items"]) == (200, "PodList", [])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "/api/v1/namespaces/shop/pods/nope",
            status(404, "NotFound", 'pods "nope" not found', details={"name": "nope", "kind": "pods"}),
        ),
        (
            "/apis/network.alibabacloud.com/v1beta1/nodes/nope",
            status(
                404,
                "NotFound",
                'nodes.network.alibabacloud.com "nope" not found',
                details={"name": "nope", "group": "network.alibabacloud.com", "kind": "nodes"},
            ),
        ),
        (
            "/api/v1/namespaces/kube-system/pods/nope/log?container=terway",
            status(404, "NotFound", 'pods "nope" not found', details={"name": "nope", "kind": "pods"}),
        ),
        (
            "/api/v1/namespaces/shop/pods?fieldSelector=spec.bogus%3Dx",
            status(400, "BadRequest", "field label not supported: spec.bogus"),
        ),
        (
            "/api/v1/namespaces/shop/pods?labelSelector=a%20b%20c",
            status(400, "BadRequest", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ),
        (
            "/api/v1/namespaces/shop/pods?limit=many",
            status(400, "BadRequest", 'strconv.ParseInt: parsing "many": invalid syntax'),
        ),
    ],
)
def test_refusals_are_worded_as_an_api_server_words_them(bundle: Bundle, path: str, expected: dict[str, Any]) -> None:
    code, body = get(bundle, path)
    assert body == expected
    assert code == expected["code"]


def test_credentials_are_refused_as_an_api_server_refuses_them() -> None:
    reply = unauthorized()
    assert reply.status == 401
    assert reply.body == (
        b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Unauthorized",'
        b'"reason":"Unauthorized","code":401}'
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "/api/v1/nodes",
            status(
                403,
                "Forbidden",
                'nodes is forbidden: User "viewer" cannot list resource "nodes" in API group "" at the cluster scope',
                details={"kind": "nodes"},
            ),
        ),
        (
            "/api/v1/namespaces/kube-system/pods/x/log",
            status(
                403,
                "Forbidden",
                'pods "x" is forbidden: User "viewer" cannot get resource "pods/log" in API group "" in the namespace '
                '"kube-system"',
                details={"name": "x", "kind": "pods"},
            ),
        ),
        (
            "/apis/apps/v1/namespaces/kube-system/daemonsets",
            status(
                403,
                "Forbidden",
                'daemonsets.apps is forbidden: User "viewer" cannot list resource "daemonsets" in API group "apps" in '
                'the namespace "kube-system"',
                details={"group": "apps", "kind": "daemonsets"},
            ),
        ),
    ],
)
def test_denied_reads_are_forbidden_as_rbac_forbids_them(bundle: Bundle, path: str, expected: dict[str, Any]) -> None:
    assert get(bundle, path, deny=lambda *_: True) == (403, expected)


def test_denial_sees_verb_resource_namespace_and_name(bundle: Bundle) -> None:
    seen: list[tuple[str, str, str | None, str | None]] = []

    def deny(verb: str, resource: Resource, namespace: str | None, name: str | None) -> bool:
        seen.append((verb, resource.qualified_name, namespace, name))
        return resource == NODE_CRS

    assert get(bundle, "/api/v1/namespaces/shop/pods/web-0", deny=deny)[0] == 200
    assert get(bundle, "/api/v1/namespaces/shop/pods/web-0/log", deny=deny)[0] != 403
    assert get(bundle, "/apis/network.alibabacloud.com/v1beta1/nodes", deny=deny)[0] == 403
    assert seen == [
        ("get", "pods", "shop", "web-0"),
        ("get", "pods/log", "shop", "web-0"),
        ("list", "nodes.network.alibabacloud.com", None, None),
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/apis/network.example.com/v1/things",
        "/apis/network.alibabacloud.com/v1beta1/namespaces/shop/podenis",
        "/apis/network.alibabacloud.com/v1beta1/podenis",
        "/apis/network.alibabacloud.com/v1alpha1/nodes",
        "/openapi/v2",
        "/apis/network.example.com",
        "/apis/network.example.com/v1",
    ],
)
def test_a_path_no_api_serves_is_plain_text(bundle: Bundle, path: str) -> None:
    assert get(bundle, path) == (404, "404 page not found\n")


def test_without_a_captured_list_of_crds_an_unknown_custom_type_is_not_captured(tmp_path: Path) -> None:
    bundle = Bundle.open(write(tmp_path, {f"{RES}/nodes.json": []}))
    code, body = get(bundle, "/apis/network.alibabacloud.com/v1beta1/podenis")
    assert (code, body["reason"]) == (404, "NotCaptured")
    assert body["details"] == {"group": PODENIS.group, "kind": "podenis"}


@pytest.mark.parametrize(
    "path", ["/api/v1/secrets", "/api/v1/pods/web-0", "/api/v1/nodes/n1/log", "/api/v1/namespaces/shop/nodes"]
)
def test_a_type_or_scope_that_is_not_served_is_a_status_of_the_group(bundle: Bundle, path: str) -> None:
    expected = status(404, "NotFound", "the server could not find the requested resource", details={})
    assert get(bundle, path) == (404, expected)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/api/v1/namespaces/shop/services", "the bundle does not hold cluster-resources/services/shop.json"),
        ("/api/v1/services", "the bundle does not hold cluster-resources/services/"),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/terway",
            "the bundle does not hold cluster-resources/clusterroles.json",
        ),
        (
            "/api/v1/namespaces/bank/pods",
            f"the bundle does not hold cluster-resources/pods/bank.json: {BANK_ERROR}",
        ),
    ],
)
def test_what_was_not_captured_says_which_file_is_missing_and_why(bundle: Bundle, path: str, message: str) -> None:
    code, body = get(bundle, path)
    assert (code, body["reason"], body["message"]) == (404, "NotCaptured", message)


def test_the_reason_for_a_missing_capture_is_bounded(tmp_path: Path) -> None:
    bundle = Bundle.open(write(tmp_path, {f"{RES}/nodes-errors.json": ["x" * 5000]}))
    assert len(get(bundle, "/api/v1/nodes")[1]["message"]) < 400


def test_a_damaged_file_is_answered_as_not_captured(bundle: Bundle) -> None:
    code, body = get(bundle, "/api/v1/namespaces/kube-system/configmaps/eni-config")
    assert (code, body["reason"]) == (404, "NotCaptured")
    assert "configmaps/kube-system.json is not JSON" in body["message"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_only_reading_is_allowed(bundle: Bundle, method: str) -> None:
    code, body = get(bundle, "/api/v1/namespaces/shop/pods/web-0", method=method)
    assert (code, body["reason"]) == (405, "MethodNotAllowed")


def test_a_capture_cannot_be_watched(bundle: Bundle) -> None:
    assert get(bundle, "/api/v1/pods?watch=true")[0] == 405


def test_events_of_both_node_kinds_are_found_by_name_and_told_apart_by_version(bundle: Bundle) -> None:
    path = "/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Dn1,type%3DWarning"
    assert get(bundle, path)[1]["items"] == [CR_EVENT, CORE_EVENT]
    of_core = f"{path},involvedObject.apiVersion%3Dv1"
    assert get(bundle, of_core)[1]["items"] == [CORE_EVENT]


def test_events_k8s_io_shows_the_same_events_under_its_own_names(bundle: Bundle) -> None:
    path = "/apis/events.k8s.io/v1/namespaces/default/events"
    _, body = get(bundle, f"{path}?fieldSelector=regarding.name%3Dn1")
    assert (body["kind"], body["apiVersion"]) == ("EventList", "events.k8s.io/v1")
    assert body["items"] == [
        {
            "metadata": CR_EVENT["metadata"],
            "eventTime": "2026-11-22T22:00:52.123456Z",
            "series": CR_EVENT["series"],
            "reportingController": "terway-controlplane/multi-ip-node",
            "reportingInstance": "terway-controlplane/multi-ip-node-x",
            "action": "AllocIP",
            "reason": "AllocIPFailed",
            "regarding": CR_EVENT["involvedObject"],
            "note": "errCode: InvalidVSwitchId.IpNotEnough",
            "type": "Warning",
            "deprecatedSource": {},
            "deprecatedFirstTimestamp": None,
            "deprecatedLastTimestamp": None,
        },
        {
            "metadata": CORE_EVENT["metadata"],
            "eventTime": None,
            "reportingController": "kubelet",
            "reportingInstance": "n1",
            "reason": "CgroupV1",
            "regarding": CORE_EVENT["involvedObject"],
            "note": "cgroup v1 detected",
            "type": "Warning",
            "deprecatedSource": CORE_EVENT["source"],
            "deprecatedFirstTimestamp": "2026-11-22T22:15:32Z",
            "deprecatedLastTimestamp": CAPTURED,
            "deprecatedCount": 1,
        },
    ]
    assert get(bundle, f"{path}/n1.18c2f0a1")[1]["kind"] == "Event"
    assert get(bundle, f"{path}?fieldSelector=involvedObject.name%3Dn1")[0] == 400


def test_discovery_lists_what_is_served_with_the_verbs_that_work(bundle: Bundle) -> None:
    _, core = get(bundle, "/api/v1")
    assert (core["kind"], core["groupVersion"]) == ("APIResourceList", "v1")
    listed = {entry["name"]: entry for entry in core["resources"]}
    assert listed["pods"] == {
        "name": "pods",
        "singularName": "pod",
        "namespaced": True,
        "kind": "Pod",
        "verbs": ["get", "list"],
        "shortNames": ["po"],
    }
    assert listed["pods/log"]["verbs"] == ["get"]
    groups = [group["name"] for group in get(bundle, "/apis")[1]["groups"]]
    assert {"apps", "events.k8s.io", "network.alibabacloud.com"} <= set(groups)
    assert len(groups) == len(set(groups))
    assert get(bundle, "/apis/apps")[1]["preferredVersion"] == {"groupVersion": "apps/v1", "version": "v1"}


def test_discovery_leaves_out_custom_types_the_cluster_does_not_have(bundle: Bundle) -> None:
    _, body = get(bundle, "/apis/network.alibabacloud.com/v1beta1")
    assert (body["kind"], body["apiVersion"]) == ("APIResourceList", "v1")
    assert [entry["name"] for entry in body["resources"]] == ["nodes"]


def test_version_is_the_captured_one_or_not_captured(bundle: Bundle, tmp_path: Path) -> None:
    assert get(bundle, "/version") == (200, {"major": "1", "gitVersion": "v1.36.2"})
    other = Bundle.open(write(tmp_path / "other", {f"{RES}/nodes.json": []}))
    assert get(other, "/version")[1]["reason"] == "NotCaptured"
    damaged = Bundle.open(
        write(tmp_path / "third", {f"{RES}/nodes.json": [], "cluster-info/cluster_version.json": "{"})
    )
    assert "is not JSON" in get(damaged, "/version")[1]["message"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/livez"])
def test_health_probes_succeed(bundle: Bundle, path: str) -> None:
    assert get(bundle, path) == (200, "ok")


def test_percent_encoded_ways_out_of_the_bundle_lead_nowhere(bundle: Bundle) -> None:
    path = "/api/v1/namespaces/%2e%2e%2f%2e%2e/pods"
    assert get(bundle, path)[1]["items"] == []
    assert get(bundle, f"{path}/..%2f..%2fnodes")[0] == 404


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/version", "/api/v1/nodes", "/nowhere", "/api/v1/nodes?watch=1"])
async def test_every_answer_is_dated_at_the_capture(bundle: Bundle, path: str) -> None:
    async with client_of(bundle) as client:
        answer = await client.get(path)
    assert answer.headers["date"] == "Sun, 22 Nov 2026 22:53:14 GMT"


@pytest.mark.anyio
async def test_content_types_are_those_of_an_api_server(bundle: Bundle) -> None:
    async with client_of(bundle) as client:
        assert (await client.get("/api/v1/nodes")).headers["content-type"] == "application/json"
        assert (await client.get("/nowhere")).headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.anyio
async def test_a_list_over_all_namespaces_warns_of_those_that_could_not_be_captured(bundle: Bundle) -> None:
    async with client_of(bundle) as client:
        everywhere = await client.get("/api/v1/pods")
        in_shop = await client.get("/api/v1/namespaces/shop/pods")
    assert everywhere.headers["warning"].startswith('299 - "not everything was captured: pods is forbidden')
    assert "warning" not in in_shop.headers


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
