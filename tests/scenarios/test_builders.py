"""The builders of captured clusters, and the three demos made with them."""

import json
import re
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terway_mcp.cluster import resources
from terway_mcp.cluster.errors import InvalidInput
from terway_mcp.cluster.scenarios.background import ordinary_cluster
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.catalog import SCENARIOS, bundle_path, write_all
from terway_mcp.cluster.scenarios.clock import Seen, seconds
from terway_mcp.cluster.scenarios.cni_not_initialized import cni_not_initialized
from terway_mcp.cluster.scenarios.config import ACCESS_KEY
from terway_mcp.cluster.scenarios.events import Said, spread
from terway_mcp.cluster.scenarios.healthy import healthy
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.releases import LogFormat, reason_in, reporter_in
from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.cluster.scenarios.vswitch_exhausted import vswitch_exhausted
from terway_mcp.cluster.scenarios.world import Variation, World, vary
from tests.scenarios import consistency
from tests.scenarios.reading import ROOT, custom, logs, objects, text_of, unpacked

DEMOS = sorted(SCENARIOS)
WRITERS: list[Callable[[World], Scenario]] = [vswitch_exhausted, cni_not_initialized, healthy]
TEXTLOGGER = re.compile(r'^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ [\w.]+:\d+\] ".*"')


@pytest.mark.parametrize("name", DEMOS)
def test_a_committed_archive_holds_what_the_code_builds(name: str) -> None:
    assert unpacked(bundle_path(name)) == SCENARIOS[name].build().files()


@pytest.mark.parametrize("name", DEMOS)
def test_a_committed_archive_is_small(name: str) -> None:
    assert bundle_path(name).stat().st_size < 60_000


def test_an_unknown_demo_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="vswitch-exhausted"):
        bundle_path("no-such-demo")


def test_regenerating_writes_every_archive(tmp_path: Path) -> None:
    assert {path.name for path in write_all(tmp_path)} == {f"{name}.tar.gz" for name in SCENARIOS}


def test_an_archive_has_the_same_bytes_every_time(tmp_path: Path) -> None:
    first = SCENARIOS["healthy"].build().write(tmp_path / "first.tar.gz")
    second = SCENARIOS["healthy"].build().write(tmp_path / "second.tar.gz")
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as tar:
        entries = tar.getmembers()
    assert [entry.name for entry in entries] == sorted(entry.name for entry in entries)
    assert {entry.mtime for entry in entries} == {0}
    assert {entry.name.partition("/")[0] for entry in entries} == {"terway-mcp-healthy"}


def test_a_directory_holds_the_same_files_as_the_archive(tmp_path: Path) -> None:
    cluster = SCENARIOS["healthy"].build()
    top = cluster.write(tmp_path)
    assert top.name == "terway-mcp-healthy"
    written = {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}
    assert written == cluster.files()


@pytest.mark.parametrize("name", DEMOS)
def test_core_files_are_lists_and_custom_resources_plain_arrays(name: str) -> None:
    files = SCENARIOS[name].build().files()
    for resource in resources.ALL:
        place = re.escape(f"{ROOT}/{resource.bundle}")
        pattern = re.compile(rf"{place}/[^/]+\.json" if resource.namespaced else rf"{place}\.json")
        found = [json.loads(content) for path, content in files.items() if pattern.fullmatch(path)]
        assert found, resource.bundle
        for parsed in found:
            items = parsed if resource.is_custom else parsed["items"]
            assert all(each["kind"] == resource.kind and each["apiVersion"] == resource.api_version for each in items)
            assert resource.is_custom or parsed["kind"] == f"{resource.kind}List"


def test_the_version_file_is_troubleshoots() -> None:
    version = json.loads(SCENARIOS["healthy"].build().files()["cluster-info/cluster_version.json"])
    assert version["string"] == version["info"]["gitVersion"]


@pytest.mark.parametrize("name", DEMOS)
def test_a_capture_agrees_with_itself(name: str) -> None:
    consistency.all_of_it(SCENARIOS[name].build().files(), seconds(Variation().now))


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(min_value=1, max_value=10**9), which=st.integers(min_value=0, max_value=len(WRITERS) - 1))
def test_any_variation_agrees_with_itself(seed: int, which: int) -> None:
    variation = vary(seed)
    scenario = WRITERS[which](World(variation))
    files = scenario.build().files()
    consistency.all_of_it(files, seconds(variation.now))
    text = text_of(files).lower()
    assert all(fact.lower() in text for fact in scenario.truth.facts)


@settings(max_examples=8, deadline=None)
@given(now=st.datetimes(min_value=datetime(2024, 1, 2), max_value=datetime(2030, 12, 30)))
def test_any_base_time_agrees_with_itself(now: datetime) -> None:
    variation = Variation(now=now.replace(microsecond=0, tzinfo=UTC))
    consistency.all_of_it(vswitch_exhausted(World(variation)).build().files(), seconds(variation.now))


@pytest.mark.parametrize("write", WRITERS)
def test_another_seed_uses_other_names_throughout(write: Callable[[World], Scenario]) -> None:
    plain, varied = write(World()), write(World(vary(7)))
    files = varied.build().files()
    assert plain.pod not in text_of(files)
    assert varied.pod in text_of(files)
    assert varied.build().files() == files


@pytest.mark.parametrize("name", DEMOS)
def test_what_must_be_named_is_in_the_capture(name: str) -> None:
    scenario = SCENARIOS[name]
    files = scenario.build().files()
    text = text_of(files).lower()
    assert [fact for fact in scenario.truth.facts if fact.lower() not in text] == []
    assert scenario.pod in [pod["metadata"]["name"] for pod in objects(files, "pods")]


def test_the_exhausted_vswitch_leaves_twelve_of_twenty_pods_waiting() -> None:
    files = SCENARIOS["vswitch-exhausted"].build().files()
    web = [pod for pod in objects(files, "pods") if pod["metadata"]["labels"].get("app") == "web"]
    assert len(web) == 20
    assert sum("podIP" not in pod["status"] for pod in web) == 12
    deployment = next(each for each in objects(files, "deployments") if each["metadata"]["name"] == "web")
    assert deployment["status"]["readyReplicas"] == 8


def test_the_broken_configuration_really_is_no_json() -> None:
    files = SCENARIOS["cni-not-initialized"].build().files()
    config = next(each for each in objects(files, "configmaps") if each["metadata"]["name"] == "eni-config")
    with pytest.raises(json.JSONDecodeError):
        json.loads(config["data"]["eni_conf"])
    assert ACCESS_KEY in config["data"]["eni_conf"]
    complaints = [line for _, text in logs(files, "terway-init") for line in text.splitlines() if "parse error" in line]
    last_line = config["data"]["eni_conf"].rstrip("\n").count("\n") + 1
    assert len(complaints) == 2
    assert all(f"at line {last_line}," in complaint for complaint in complaints)


def test_the_planted_credential_is_nowhere_but_in_the_configuration() -> None:
    for path, content in SCENARIOS["healthy"].build().files().items():
        assert (ACCESS_KEY.encode() in content) == path.endswith("configmaps/kube-system.json")


def test_log_lines_carry_a_utc_prefix_and_a_header_on_the_containers_clock() -> None:
    files = SCENARIOS["vswitch-exhausted"].build().files()
    texts = [text for container in ("terway", "terway-controlplane") for _, text in logs(files, container)]
    assert len(texts) == 4
    for text in texts:
        lines = text.splitlines()
        assert len(lines) > 100
        assert lines == sorted(lines, key=lambda line: line[:29])
        for line in lines:
            stamp, _, record = line.partition(" ")
            assert TEXTLOGGER.match(record), record
            local = datetime.fromisoformat(f"{stamp[:26]}+00:00") + timedelta(hours=8)
            assert record[1:14] == f"{local:%m%d %H:%M:%S}"[:13]


def test_logs_of_a_collector_without_timestamps_have_no_prefix() -> None:
    files = healthy(World(Variation(log_prefix=False))).build().files()
    assert all(TEXTLOGGER.match(line) for _, text in logs(files, "terway") for line in text.splitlines())


@pytest.mark.parametrize(
    ("release", "kind", "reason", "named"),
    [
        ("v1.17.1", "Pod", "PodCreateFailed", "CniPodCreateError"),
        ("v1.17.2", "Pod", "PodCreateFailed", "PodCreateFailed"),
        ("v1.16.6", "Pod", "CreateENIFailed", "CniCreateENIError"),
        ("v1.16.6", "PodENI", "CreateENIFailed", "CreateENIFailed"),
        ("v1.16.4", "NodeCR", "CreateENIFailed", "ENICreateFailed"),
        ("v1.16.5", "NodeCR", "CreateENIFailed", "CreateENIFailed"),
        ("v1.17.1", "NodeCR", "AttachENIFailed", "ENIAttachFailed"),
        ("v1.15.0", "NodeCR", "CreateENIFailed", None),
        ("v1.11.1", "NodeCR", "AllocIPFailed", "AllocIPFailed"),
    ],
)
def test_a_reason_is_called_what_the_release_calls_it(release: str, kind: str, reason: str, named: str | None) -> None:
    assert reason_in(release, reason, kind) == named


def test_reporters_are_called_what_the_release_calls_them() -> None:
    assert reporter_in("v1.16.6", "pod-eni") == "TerwayPodENIController"
    assert reporter_in("v1.17.1", "pod-eni") == "terway-controlplane/pod-eni"


@pytest.mark.parametrize("release", ["v1.16.6", "v1.17.1", "v1.17.2"])
def test_a_controlplane_event_has_the_fields_of_its_api(release: str) -> None:
    world = World()
    cluster = ordinary_cluster(world, "any", Terway(release=release))
    node = world.node(22)
    seen = Seen(world.ago(20), world.ago(5), 4)
    said = Said("CreateENIFailed", "Failed to create ENI: requestID: {request_id}", action="CreateENI")
    cluster.event_controlplane("multi-ip-node", cluster.ref_node_cr(node), said, seen)
    files = cluster.files()
    consistency.events_speak_the_release(files)
    found = [event for event in objects(files, "events") if event["reason"] == "CreateENIFailed"]
    if release == "v1.17.2":
        (event,) = found
        assert event["series"]["count"] == 4
        assert event["source"] == {}
        assert "count" not in event
    else:
        assert [event["count"] for event in found] == [1, 1, 1, 1]
        assert len({event["message"] for event in found}) == 4


def test_without_the_right_to_write_events_only_the_log_tells() -> None:
    world = World()
    cluster = ordinary_cluster(world, "any", Terway(events_rbac=False))
    said = Said("AllocIPFailed", "errCode: X, requestID: {request_id}", action="AllocIP")
    cluster.event_controlplane("multi-ip-node", cluster.ref_node_cr(world.node(22)), said, Seen.once(world.ago(5)))
    files = cluster.files()
    assert not [event for event in objects(files, "events") if event["reportingComponent"].startswith("terway-c")]
    log = "".join(text for _, text in logs(files, "terway-controlplane"))
    assert "Server rejected event (will not retry!)" in log
    assert 'reason="AllocIPFailed" action="AllocIP" note="errCode: X' in log
    assert not any("events.k8s.io" in str(role) for role in objects(files, "clusterroles"))


def test_the_daemon_loses_its_reconcile_events_the_same_way() -> None:
    world = World()
    cluster = ordinary_cluster(world, "any", Terway(events_rbac=False))
    said = Said("ConfigError", "error get configmap kube-system/x", action="Config")
    cluster.event_reconcile(cluster.ref_node(world.node(22)), said, Seen.once(world.ago(5)))
    files = cluster.files()
    assert not [event for event in objects(files, "events") if event["reason"] == "ConfigError"]
    assert any("serviceaccount:kube-system:terway\\" in text for _, text in logs(files, "terway"))


def test_equal_messages_are_counted_and_different_ones_stand_alone() -> None:
    world = World()
    slow = Seen(world.ago(30), world.ago(10), 5)
    assert spread(world, "always the same", slow, "key") == [("always the same", slow)]
    assert [seen.count for _, seen in spread(world, "in {sandbox}", slow, "key")] == [1] * 5


def test_many_similar_messages_within_minutes_are_combined() -> None:
    world = World()
    found = spread(world, "in {sandbox}", Seen(world.ago(10), world.ago(4), 40), "key")
    assert len(found) == 11
    message, seen = found[-1]
    assert message.startswith("(combined from similar events): in ")
    assert seen.count == 30


def test_a_forbidden_resource_leaves_an_errors_file_and_an_omitted_one_nothing() -> None:
    world = World()
    cluster = ordinary_cluster(world, "any", Terway()).forbid(resources.EVENTS).omit(resources.LEASES)
    pod = world.daemon_pod("terway-eniip", world.node(22))
    files = cluster.forbid_log("kube-system", pod, "terway").files()
    assert b"events is forbidden" in files[f"{ROOT}/events-errors.json"]
    assert not [path for path in files if "/events/" in path or "/leases/" in path]
    folder = f"{ROOT}/pods/logs/kube-system/{pod}"
    assert b"pods/log" in files[f"{folder}/terway-logs-errors.log"]
    assert f"{folder}/terway.log" not in files


def test_a_change_is_a_merge_patch_on_the_finished_object() -> None:
    world = World()
    patch = {"metadata": {"labels": {"terway-config": "gpu", "kubernetes.io/os": None}}}
    cluster = ordinary_cluster(world, "any", Terway()).change(resources.NODES, world.node(22), dict(patch))
    node = next(each for each in objects(cluster.files(), "nodes") if each["metadata"]["name"] == world.node(22))
    assert node["metadata"]["labels"]["terway-config"] == "gpu"
    assert "kubernetes.io/os" not in node["metadata"]["labels"]


def test_a_node_attaches_another_eni_when_the_first_is_full_and_refuses_one_too_many() -> None:
    world = World()
    node = world.node(30)
    cluster = ClusterBuilder(world, "any").node(node, kind="ecs.g7.large")
    cluster.deployment("shop", "web", running={node: 12})
    (shown,) = custom(cluster.files(), "nodes")
    assert [len(eni["ipv4"]) for eni in shown["status"]["networkInterfaces"].values()] == [6, 6]
    with pytest.raises(ValueError, match="no ENI slot left"):
        cluster.deployment("shop", "cart", running={node: 1})


def test_prefix_mode_draws_pod_addresses_from_prefixes() -> None:
    world = World()
    cluster = ClusterBuilder(world, "any", Terway(prefixes=2)).node(world.node(30))
    cluster.deployment("shop", "web", running={world.node(30): 20})
    files = cluster.files()
    consistency.addresses_agree(files)
    (shown,) = custom(files, "nodes")
    (eni,) = shown["status"]["networkInterfaces"].values()
    assert len(eni["ipv4Prefix"]) == 2


def test_dual_stack_pods_have_both_addresses_on_the_node() -> None:
    world = World()
    cluster = ClusterBuilder(world, "any", Terway(ip_stack="dual")).node(world.node(30))
    files = cluster.deployment("shop", "web", running={world.node(30): 2}).files()
    consistency.addresses_agree(files)
    assert all(
        len(pod["status"]["podIPs"]) == 2 for pod in objects(files, "pods") if not pod["spec"].get("hostNetwork")
    )


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("textlogger", 'E0701 16:00:10.000123       1 local.go:760] "assign ipv4 failed" err="a \\"b\\"" eni="eni-1"'),
        (
            "klogr",
            'E0701 16:00:10.000123       1 local.go:760]  "msg"="assign ipv4 failed" "eni"="eni-1" "error"="a \\"b\\""',
        ),
        ("logrus", 'E0701 16:00:10.000123 local.go:760] eni=eni-1 err=a "b" assign ipv4 failed'),
    ],
)
def test_a_log_record_is_written_in_the_style_of_the_release(style: LogFormat, expected: str) -> None:
    at = datetime(2026, 7, 1, 8, 0, 10, 123, tzinfo=UTC)
    line = Line(at, "assign ipv4 failed", "E", "local.go:760", {"eni": "eni-1", "err": 'a "b"'})
    assert line.text(style, timedelta(hours=8)) == expected


def test_a_fatal_exit_is_written_without_structure() -> None:
    line = Line(datetime(2026, 7, 1, tzinfo=UTC), "failed parse config: x", "F", "main.go:73", plain=True)
    assert line.text("textlogger", timedelta()) == "F0701 00:00:00.000000       1 main.go:73] failed parse config: x"


def test_a_value_of_several_lines_is_indented() -> None:
    line = Line(datetime(2026, 7, 1, tzinfo=UTC), "panic", "E", "main.go:73", {"err": "one\ntwo"})
    assert line.text("textlogger", timedelta()).endswith('"panic" err=<\n\tone\n\ttwo\n >')
