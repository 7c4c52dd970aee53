"""Reading a captured cluster: layouts that collectors write, and bundles that are none."""

import gzip
import json
import os
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bundle_fixtures import RES, archive, crd, named, write

from terway_mcp.cluster import bundle_files
from terway_mcp.cluster.bundle import Bundle
from terway_mcp.cluster.errors import BundleCorrupt, BundleError
from terway_mcp.cluster.resources import CONFIGMAPS, CRDS, NAMESPACES, NODE_CRS, NODES, PODENIS, PODS, SERVICES

NODE_FILE = {f"{RES}/nodes.json": [named("n1")]}


def names(items: list[dict[str, dict[str, str]]] | None) -> list[str]:
    assert items is not None
    return [item["metadata"]["name"] for item in items]


@pytest.mark.parametrize("prefix", ["", "support-bundle-2026-11-22T22_53_14/", "a/b/c/"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_bundle_is_found_wherever_cluster_resources_lies_up_to_three_folders_deep(
    tmp_path: Path, prefix: str, packed: bool
) -> None:
    files = {prefix + name: content for name, content in NODE_FILE.items()}
    path = archive(tmp_path / "b.tar.gz", files) if packed else write(tmp_path / "b", files)
    assert names(Bundle.open(path).items(NODES)) == ["n1"]


def test_a_bundle_four_folders_deep_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not a support bundle"):
        Bundle.open(write(tmp_path, {"a/b/c/d/cluster-resources/nodes.json": []}))


def test_two_bundles_side_by_side_must_be_told_apart_by_the_user(tmp_path: Path) -> None:
    write(tmp_path, {f"one/{RES}/nodes.json": [], f"two/{RES}/nodes.json": []})
    with pytest.raises(BundleError, match="several bundles, name one of them: one, two"):
        Bundle.open(tmp_path)
    assert Bundle.open(tmp_path / "one").items(NODES) == []


def test_archive_names_that_begin_with_dot_slash_are_the_same_names(tmp_path: Path) -> None:
    path = archive(tmp_path / "b.tar.gz", {f"./x/{RES}/nodes.json": [named("n1")]})
    assert names(Bundle.open(path).items(NODES)) == ["n1"]


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "NodeList", "apiVersion": "v1", "items": [named("n1")]},
        [named("n1")],
        [named("n1"), None, "text", 3],
        named("n1", kind="Node"),
    ],
    ids=["List", "array", "array with strangers", "single object"],
)
def test_a_list_an_array_and_a_single_object_read_the_same(tmp_path: Path, document: object) -> None:
    assert names(Bundle.open(write(tmp_path, {f"{RES}/nodes.json": document})).items(NODES)) == ["n1"]


@pytest.mark.parametrize("document", ["null", "[]", '{"items": null}', '{"items": []}'])
def test_an_empty_capture_is_an_empty_list_and_not_a_missing_one(tmp_path: Path, document: str) -> None:
    assert Bundle.open(write(tmp_path, {f"{RES}/nodes.json": document})).items(NODES) == []


def test_namespaced_files_are_merged_and_can_be_read_one_by_one(tmp_path: Path) -> None:
    files = {f"{RES}/pods/{ns}.json": [named(f"web-{ns}", ns)] for ns in ("shop", "bank")}
    bundle = Bundle.open(write(tmp_path, files))
    assert sorted(names(bundle.items(PODS))) == ["web-bank", "web-shop"]
    assert names(bundle.namespaced_items(PODS, "shop")) == ["web-shop"]
    assert bundle.namespaced_items(PODS, "nowhere") == []


def test_a_type_without_any_file_was_not_captured(tmp_path: Path) -> None:
    bundle = Bundle.open(write(tmp_path, NODE_FILE))
    assert bundle.items(SERVICES) is None
    assert bundle.namespaced_items(SERVICES, "shop") is None
    assert bundle.version() is None


def test_container_logs_beside_pod_files_are_not_taken_for_pods(tmp_path: Path) -> None:
    files = {f"{RES}/pods/shop.json": [named("web", "shop")], f"{RES}/pods/logs/shop/web/c.json": [named("no", "shop")]}
    assert names(Bundle.open(write(tmp_path, files)).items(PODS)) == ["web"]


def test_a_namespace_that_the_collector_could_not_read_is_not_empty(tmp_path: Path) -> None:
    files = {
        f"{RES}/pods/shop.json": [],
        f"{RES}/pods-errors.json": {"kube-system": 'pods is forbidden: User "x"'},
    }
    bundle = Bundle.open(write(tmp_path, files))
    assert bundle.namespaced_items(PODS, "kube-system") is None
    assert bundle.namespaced_items(PODS, "shop") == []
    assert bundle.capture_error(PODS, "kube-system") == 'pods is forbidden: User "x"'
    assert bundle.capture_error(PODS, "shop") is None
    assert bundle.capture_error(PODS) == 'pods is forbidden: User "x"'


def test_errors_of_a_cluster_scoped_type_are_joined(tmp_path: Path) -> None:
    bundle = Bundle.open(write(tmp_path, {f"{RES}/nodes-errors.json": ["timed out", "forbidden"]}))
    assert bundle.items(NODES) is None
    assert bundle.capture_error(NODES) == "timed out; forbidden"


def test_custom_resources_are_read_from_one_file_or_one_per_namespace(tmp_path: Path) -> None:
    folder = f"{RES}/custom-resources"
    files = {
        f"{folder}/nodes.network.alibabacloud.com.json": [named("n1")],
        f"{folder}/podenis.network.alibabacloud.com.json": [named("a", "shop"), named("b", "bank")],
        f"{folder}/podenis.network.alibabacloud.com/shop.json": [named("c", "shop")],
    }
    bundle = Bundle.open(write(tmp_path, files))
    assert names(bundle.items(NODE_CRS)) == ["n1"]
    assert sorted(names(bundle.items(PODENIS))) == ["a", "b", "c"]
    assert sorted(names(bundle.namespaced_items(PODENIS, "shop"))) == ["a", "c"]


def test_a_known_custom_type_without_a_file_is_empty_when_other_custom_types_were_collected(tmp_path: Path) -> None:
    crds = [crd(PODENIS.qualified_name), crd(NODE_CRS.qualified_name)]
    bundle = Bundle.open(
        write(
            tmp_path,
            {
                f"{RES}/custom-resource-definitions.json": crds,
                f"{RES}/custom-resources/nodes.network.alibabacloud.com.json": [named("n1")],
            },
        )
    )
    assert bundle.items(PODENIS) == []
    assert bundle.namespaced_items(PODENIS, "shop") == []
    assert not bundle.lacks_type(PODENIS)


def test_a_custom_type_whose_collection_failed_is_not_empty(tmp_path: Path) -> None:
    bundle = Bundle.open(
        write(
            tmp_path,
            {
                f"{RES}/custom-resource-definitions.json": [crd(PODENIS.qualified_name)],
                f"{RES}/custom-resources/custom-resources-errors.json": {PODENIS.qualified_name: "forbidden"},
            },
        )
    )
    assert bundle.items(PODENIS) is None
    assert bundle.capture_error(PODENIS, "shop") == "forbidden"


def test_without_collected_custom_resources_a_listed_type_counts_as_not_captured(tmp_path: Path) -> None:
    bundle = Bundle.open(write(tmp_path, {f"{RES}/custom-resource-definitions.json": [crd(PODENIS.qualified_name)]}))
    assert bundle.items(PODENIS) is None


def test_only_a_captured_list_of_crds_proves_that_a_type_is_absent(tmp_path: Path) -> None:
    with_list = Bundle.open(write(tmp_path / "a", {f"{RES}/custom-resource-definitions.json": []}))
    without = Bundle.open(write(tmp_path / "b", NODE_FILE))
    damaged = Bundle.open(write(tmp_path / "c", {f"{RES}/custom-resource-definitions.json": "{"}))
    assert with_list.lacks_type(PODENIS)
    assert not without.lacks_type(PODENIS)
    assert not damaged.lacks_type(PODENIS)
    assert not with_list.lacks_type(PODS)


@pytest.mark.parametrize(
    ("document", "git_version"),
    [
        ({"info": {"major": "1", "gitVersion": "v1.36.2"}, "string": "v1.36.2"}, "v1.36.2"),
        ({"major": "1", "gitVersion": "v1.31.1-aliyun.1"}, "v1.31.1-aliyun.1"),
        ({"info": None, "string": "v1.28.3"}, "v1.28.3"),
    ],
)
def test_the_version_is_unwrapped_from_what_the_collector_writes(
    tmp_path: Path, document: object, git_version: str
) -> None:
    files = {"cluster-info/cluster_version.json": document, **NODE_FILE}
    version = Bundle.open(write(tmp_path, files)).version()
    assert version is not None
    assert version["gitVersion"] == git_version


def test_logs_and_the_reason_for_a_missing_log_are_found_by_container(tmp_path: Path) -> None:
    folder = f"{RES}/pods/logs/kube-system/terway-x"
    files = {
        f"{folder}/terway.log": "now\n",
        f"{folder}/terway-previous.log": "before\n",
        f"{folder}/policy-logs-errors.log": "container not found\n",
    }
    bundle = Bundle.open(archive(tmp_path / "b.tar.gz", files))
    now, before = (bundle.log("kube-system", "terway-x", "terway", previous=previous) for previous in (False, True))
    assert now is not None
    assert before is not None
    assert (now.read_at(0, 100), before.read_at(3, 3)) == (b"now\n", b"ore")
    assert bundle.log("kube-system", "terway-x", "policy") is None
    assert bundle.log_error("kube-system", "terway-x", "policy") == "container not found"
    assert bundle.log_error("kube-system", "terway-x", "terway") is None
    assert bundle.log_error("kube-system", "terway-x", "policy", previous=True) == "container not found"


def test_the_capture_time_is_the_newest_moment_that_objects_mention(tmp_path: Path) -> None:
    files = {
        f"{RES}/nodes.json": [named("n1", status={"conditions": [{"lastHeartbeatTime": "2026-11-22T22:50:03Z"}]})],
        f"{RES}/leases/kube-node-lease.json": [
            named("n1", "kube-node-lease", spec={"renewTime": "2026-11-22T22:53:13.500001Z"})
        ],
        f"{RES}/events/shop.json": [named("e", "shop", lastTimestamp="2026-11-22T22:53:08Z", eventTime=None)],
    }
    captured = Bundle.open(write(tmp_path, files)).captured_at
    assert captured == datetime(2026, 11, 22, 22, 53, 14, tzinfo=UTC), "rounded up, so that nothing lies ahead of it"


def test_times_that_lie_ahead_or_stand_in_quoted_text_do_not_move_the_capture_time(tmp_path: Path) -> None:
    manifest = json.dumps({"metadata": {"creationTimestamp": "2031-01-01T00:00:00Z"}})
    metadata = {
        "name": "a",
        "namespace": "shop",
        "creationTimestamp": "2026-11-22T22:00:00Z",
        "deletionTimestamp": "2026-11-22T23:59:59Z",
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": manifest},
    }
    bundle = Bundle.open(write(tmp_path, {f"{RES}/configmaps/shop.json": [{"metadata": metadata}]}))
    assert bundle.captured_at == datetime(2026, 11, 22, 22, tzinfo=UTC)


def test_a_moment_across_two_blocks_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_files, "BLOCK", 7)
    item = named("n1", status={"conditions": [{"lastHeartbeatTime": "2026-11-22T22:50:03Z"}]})
    bundle = Bundle.open(write(tmp_path, {f"{RES}/nodes.json": [item]}))
    assert bundle.captured_at == datetime(2026, 11, 22, 22, 50, 3, tzinfo=UTC)


@pytest.mark.parametrize("packed", [False, True])
def test_without_any_moment_the_newest_file_tells_the_capture_time(tmp_path: Path, packed: bool) -> None:
    path = archive(tmp_path / "b.tar.gz", NODE_FILE) if packed else write(tmp_path / "b", NODE_FILE)
    if not packed:
        os.utime(path / RES / "nodes.json", (0, 1_700_000_000))
    assert Bundle.open(path).captured_at == datetime.fromtimestamp(1_700_000_000, UTC)


def test_an_impossible_time_does_not_count(tmp_path: Path) -> None:
    item = named("n1", status={"startTime": "2026-13-45T99:99:99Z"})
    path = archive(tmp_path / "b.tar.gz", {f"{RES}/nodes.json": [item]})
    assert Bundle.open(path).captured_at == datetime.fromtimestamp(1_700_000_000, UTC)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path / "nothing", "cannot read bundle"),
        (lambda path: write(path, {"x/readme.txt": "hello"}) / "x", "not a support bundle"),
        (lambda path: write(path, {"b.tar.gz": "hello, I am text"}) / "b.tar.gz", "not a .tar.gz"),
        (lambda path: write(path, {"b.tar.gz": b""}) / "b.tar.gz", "not a support bundle|not a tar|truncated"),
        (lambda path: Path("/dev/null"), "neither a directory nor"),
        (lambda path: Path("a\0b"), "not a path"),
    ],
)
def test_a_path_that_is_no_bundle_is_explained(tmp_path: Path, make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(BundleError, match=message):
        Bundle.open(make(tmp_path))


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_archive_is_corrupt(tmp_path: Path, kept: float) -> None:
    path = archive(tmp_path / "b.tar.gz", {f"{RES}/nodes.json": os.urandom(20_000)})
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(BundleCorrupt, match="truncated"):
        Bundle.open(path)


def test_an_archive_whose_collector_died_half_way_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "b.tar.gz"
    info = tarfile.TarInfo(f"{RES}/nodes.json")
    path.write_bytes(gzip.compress(info.tobuf()))
    with pytest.raises(BundleCorrupt, match="no end mark"):
        Bundle.open(path)


@pytest.mark.parametrize("document", ["{", "not json", b"\xff\xfe", "[" * 100_000, '"text"', "7", '{"items": {}}'])
def test_a_damaged_file_is_named_and_spoils_nothing_else(tmp_path: Path, document: str | bytes) -> None:
    bundle = Bundle.open(write(tmp_path, {f"{RES}/pods/shop.json": document, **NODE_FILE}))
    assert names(bundle.items(NODES)) == ["n1"]
    with pytest.raises(BundleCorrupt, match=r"cluster-resources/pods/shop\.json"):
        bundle.items(PODS)


def test_a_damaged_version_is_named(tmp_path: Path) -> None:
    bundle = Bundle.open(write(tmp_path, {"cluster-info/cluster_version.json": "[]", **NODE_FILE}))
    with pytest.raises(BundleCorrupt, match="cluster_version"):
        bundle.version()


def test_links_devices_and_ways_out_of_an_archive_are_not_part_of_the_bundle(tmp_path: Path) -> None:
    def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        return info

    outside = {f"../{RES}/services/shop.json": [named("s", "shop")], f"/{RES}/services/bank.json": [named("s", "bank")]}
    extra = [
        special(f"{RES}/configmaps/shop.json", tarfile.SYMTYPE, "/etc/passwd"),
        special(f"{RES}/configmaps/bank.json", tarfile.LNKTYPE, f"{RES}/nodes.json"),
        special(f"{RES}/namespaces.json", tarfile.CHRTYPE),
        special(f"{RES}/custom-resource-definitions.json", tarfile.FIFOTYPE),
    ]
    bundle = Bundle.open(archive(tmp_path / "b.tar.gz", {**NODE_FILE, **outside}, extra))
    assert names(bundle.items(NODES)) == ["n1"]
    assert [bundle.items(kind) for kind in (SERVICES, CONFIGMAPS, NAMESPACES, CRDS)] == [None] * 4


def test_links_out_of_a_directory_are_not_followed_and_links_within_are(tmp_path: Path) -> None:
    secret = write(tmp_path / "outside", {"shop.json": [named("secret", "shop")]})
    root = write(tmp_path / "bundle", {f"{RES}/pods/bank.json": [named("p", "bank")], **NODE_FILE})
    (root / RES / "configmaps").symlink_to(secret)
    (root / RES / "pods" / "shop.json").symlink_to(secret / "shop.json")
    (root / RES / "pods" / "copy.json").symlink_to("bank.json")
    os.mkfifo(root / RES / "namespaces.json")
    bundle = Bundle.open(root)
    assert bundle.items(CONFIGMAPS) is None
    assert bundle.items(NAMESPACES) is None
    assert names(bundle.items(PODS)) == ["p", "p"]


def test_an_archive_that_inflates_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_files, "MAX_BYTES", 1_000_000)
    with pytest.raises(BundleError, match="inflates to more than 1000000 bytes"):
        Bundle.open(archive(tmp_path / "b.tar.gz", {f"{RES}/nodes.json": b" " * 5_000_000}))


@pytest.mark.parametrize("packed", [False, True])
def test_a_bundle_of_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    monkeypatch.setattr(bundle_files, "MAX_MEMBERS", 3)
    files: dict[str, list[object]] = {f"{RES}/pods/{number}.json": [] for number in range(5)}
    path = archive(tmp_path / "b.tar.gz", files) if packed else write(tmp_path / "b", files)
    with pytest.raises(BundleError, match="more than 3 files"):
        Bundle.open(path)


def test_a_long_but_honest_name_is_read_from_an_extended_header(tmp_path: Path) -> None:
    folder = f"support-bundle/{RES}/pods/logs/{'n' * 63}/{'p' * 200}"
    bundle = Bundle.open(
        archive(tmp_path / "b.tar.gz", {f"{folder}/c.log": "here", f"support-bundle/{RES}/nodes.json": []})
    )
    assert bundle.log("n" * 63, "p" * 200, "c") is not None


def test_a_file_that_vanishes_after_opening_is_a_bundle_error(tmp_path: Path) -> None:
    bundle = Bundle.open(write(tmp_path, NODE_FILE))
    (tmp_path / RES / "nodes.json").unlink()
    with pytest.raises(BundleError, match=r"nodes\.json"):
        bundle.items(NODES)
