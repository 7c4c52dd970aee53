"""`grep_terway_logs`: which containers are read, over which time, and what is said of their lines."""

import json
from typing import Any

import pytest

from terway_mcp.cluster.resources import EVENTS, LEASES, PODS
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.plots import DEADLINE
from terway_mcp.cluster.scenarios.pods import Container, running, terminated, waiting
from terway_mcp.cluster.scenarios.terway_pods import crash_looping, restarted, stuck_in_init
from tests.tools.conftest import Capture
from tests.tools.stage import (
    LINE_TIME,
    LOGS,
    NODE,
    OTHER,
    SYSTEM,
    WEB,
    WORLD,
    bare,
    cluster,
    daemon_log,
    klog,
    outcomes,
    read,
    with_web,
)

pytestmark = pytest.mark.anyio

DAEMON = WORLD.daemon_pod("terway-eniip", NODE)
DIED = terminated("Error", 1, WORLD.ago(30), WORLD.ago(20))
TERWAY, POLICY, INIT = daemon_log(), daemon_log(container="policy"), daemon_log(container="terway-init")
IP_SHORT = (
    '"failed" err="errCode: InvalidVSwitchId.IpNotEnough, msg: vsw-bp1abcdefgh, '
    'requestID: 5F3B7A10-1111-4222-8333-944445555666"'
)


def at(minute: int) -> str:
    """A moment before the capture, which is made at 08:35."""
    return f"2026-07-01T08:{minute:02d}:00.000000000Z"


def log(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def samples(answer: dict[str, Any]) -> list[str]:
    return [row["sample"] for row in answer["data"]["signatures"]]


# Which containers.


async def test_of_a_healthy_pod_only_the_daemon_is_read(capture: Capture) -> None:
    files = {TERWAY: log(klog('"a"')), POLICY: log(klog('"b"')), INIT: log(klog('"c"'))}
    data = (await capture(cluster(), files).grep_logs())["data"]
    assert data["scanned"] == [f"{DAEMON}/terway"]
    assert [row["sample"] for row in data["signatures"]] == ['"a"']
    assert data["signatures"][0]["container"] == "terway"


async def test_of_a_crashing_daemon_the_run_that_died_is_read_too(capture: Capture) -> None:
    built = cluster()
    built.terway_containers(NODE, crash_looping(built.terway_pod(NODE), "terway", DIED, 5))
    files = {TERWAY: log(klog('"now"')), daemon_log(previous=True): log(klog('"then"', "F"))}
    data = (await capture(built, files).grep_logs())["data"]
    assert data["scanned"] == [f"{DAEMON}/terway (previous)", f"{DAEMON}/terway"]
    assert [row["sample"] for row in data["signatures"]] == ['"then"', '"now"']


async def test_a_daemon_that_runs_again_after_a_crash_is_read_twice(capture: Capture) -> None:
    built = cluster()
    built.terway_containers(NODE, restarted(built.terway_pod(NODE), "terway", DIED, WORLD.ago(9), 1))
    files = {TERWAY: log(klog('"now"')), daemon_log(previous=True): log(klog('"then"'))}
    assert len((await capture(built, files).grep_logs())["data"]["scanned"]) == 2


async def test_an_init_container_that_fails_is_read(capture: Capture) -> None:
    built = cluster()
    pod = built.terway_pod(NODE)
    pod.containers = stuck_in_init(pod, terminated("Error", 255, WORLD.ago(3), WORLD.ago(2)), 4)
    text = "error: failed process input: unsupport kernel version, require >=5.10"
    answer = await capture(built, {INIT: log(f"{LINE_TIME} {text}")}).grep_logs()
    data = answer["data"]
    assert data["scanned"] == [f"{DAEMON}/terway-init"]
    (row,) = data["signatures"]
    assert (row["container"], row["sample"]) == ("terway-init", text)
    assert row["meaning"]
    assert len(data["unread"]) == 2
    assert all("waiting to start: PodInitializing" in hole for hole in data["unread"])


async def test_a_policy_container_is_read_when_it_is_in_trouble(capture: Capture) -> None:
    built = cluster()
    built.terway_containers(NODE, crash_looping(built.terway_pod(NODE), "policy", DIED, 3))
    files = {
        TERWAY: log(klog('"a"')),
        POLICY: log(klog('"b"')),
        daemon_log(container="policy", previous=True): log(klog('"c"')),
    }
    data = (await capture(built, files).grep_logs())["data"]
    assert set(data["scanned"]) == {f"{DAEMON}/terway", f"{DAEMON}/policy", f"{DAEMON}/policy (previous)"}


async def test_the_container_asked_for_is_the_one_read(capture: Capture) -> None:
    files = {TERWAY: log(klog('"a"')), POLICY: log(klog('"b"')), INIT: log(klog('"c"'))}
    staged = capture(cluster(), files)
    for name, sample in (("policy", '"b"'), ("terway-init", '"c"'), ("terway", '"a"')):
        data = (await staged.grep_logs(container=name))["data"]
        assert data["scanned"] == [f"{DAEMON}/{name}"]
        assert [row["sample"] for row in data["signatures"]] == [sample]


async def test_previous_adds_the_run_before(capture: Capture) -> None:
    built = cluster()
    built.terway_containers(NODE, restarted(built.terway_pod(NODE), "terway", DIED, WORLD.ago(9), 1))
    files = {TERWAY: log(klog('"now"')), daemon_log(previous=True): log(klog('"then"'))}
    staged = capture(built, files)
    for arguments in ({"previous": True}, {"previous": True, "container": "terway"}):
        data = (await staged.grep_logs(**arguments))["data"]
        assert data["scanned"] == [f"{DAEMON}/terway (previous)", f"{DAEMON}/terway"]
    assert (await staged.grep_logs(container="terway"))["data"]["scanned"] == [f"{DAEMON}/terway"]


async def test_a_container_nobody_knows_is_a_hole_by_its_name(capture: Capture) -> None:
    answer = await capture(cluster()).grep_logs(container="nope")
    assert answer["status"] == "no_data"
    (hole,) = answer["data"]["unread"]
    assert "container nope is not valid for pod" in hole


async def test_only_the_terway_pod_of_the_node_is_read(capture: Capture) -> None:
    built = bare().node(NODE).node(OTHER)
    built.pod(SYSTEM, "kube-proxy-x", NODE, [Container("kube-proxy", "p:1", running(WORLD.ago(9)))], WORLD.ago(9))
    files = {TERWAY: log(klog('"here"')), daemon_log(OTHER): log(klog('"there"'))}
    data = (await capture(built, files).grep_logs(node=OTHER))["data"]
    assert data["scanned"] == [f"{WORLD.daemon_pod('terway-eniip', OTHER)}/terway"]
    assert [row["sample"] for row in data["signatures"]] == ['"there"']


# The controlplane.


def plane_log(index: int) -> str:
    return f"{LOGS}/{SYSTEM}/{WORLD.replica('terway-controlplane', index)}/terway-controlplane.log"


def two_replicas() -> tuple[ClusterBuilder, dict[str, str]]:
    built = bare().node(NODE).node(OTHER)
    return built, {plane_log(0): log(klog('"of the leader"')), plane_log(1): log(klog('"of the other"'))}


async def test_the_leader_is_the_one_that_holds_the_lease(capture: Capture) -> None:
    built, files = two_replicas()
    data = (await capture(built, files).grep_logs(component="controlplane"))["data"]
    assert data["scanned"] == [f"{WORLD.replica('terway-controlplane', 0)}/terway-controlplane"]
    built.change(LEASES, "terway-controlplane", {"spec": {"holderIdentity": f"{OTHER}_some-uid"}}, SYSTEM)
    data = (await capture(built, files).grep_logs(component="controlplane"))["data"]
    assert [row["sample"] for row in data["signatures"]] == ['"of the other"']


async def test_a_leader_known_by_its_pod_is_found(capture: Capture) -> None:
    built, files = two_replicas()
    holder = f"{WORLD.replica('terway-controlplane', 1)}_some-uid"
    built.change(LEASES, "terway-controlplane", {"spec": {"holderIdentity": holder}}, SYSTEM)
    assert samples(await capture(built, files).grep_logs(component="controlplane")) == ['"of the other"']


@pytest.mark.parametrize("holder", ["", "gone_uid"])
async def test_without_a_known_leader_both_are_read(capture: Capture, holder: str) -> None:
    built, files = two_replicas()
    built.change(LEASES, "terway-controlplane", {"spec": {"holderIdentity": holder}}, SYSTEM)
    found = samples(await capture(built, files).grep_logs(component="controlplane"))
    assert sorted(found) == ['"of the leader"', '"of the other"']


async def test_a_lease_that_may_not_be_read_is_coverage_and_both_are_read(capture: Capture) -> None:
    built, files = two_replicas()
    answer = await capture(built.omit(LEASES), files).grep_logs(component="controlplane")
    assert len(answer["data"]["scanned"]) == 2
    assert outcomes(answer) == {"leases.coordination.k8s.io kube-system/terway-controlplane": "unavailable"}


async def test_a_hosted_controlplane_has_no_logs(capture: Capture) -> None:
    answer = await capture(cluster(controlplane="hosted")).grep_logs(component="controlplane")
    assert answer["status"] == "no_data"
    assert answer["data"]["scanned"] == []


# Signatures.


async def test_lines_of_a_kind_are_a_row_with_count_first_and_last(capture: Capture) -> None:
    lines = [klog(IP_SHORT.replace("5F3B7A10", f"5F3B7A{index:02d}"), at=at(index)) for index in range(10, 30)]
    answer = await capture(cluster(), {TERWAY: log(*lines, klog('"fine"', "I"))}).grep_logs()
    (row,) = answer["data"]["signatures"]
    assert (row["level"], row["count"], row["where"]) == ("E", 20, "daemon.go:139")
    assert (row["first"], row["last"]) == (at(10), at(29))
    assert "InvalidVSwitchId.IpNotEnough" in row["sample"]
    assert row["category"] == "resource_exhaustion"
    assert row["evidence"].startswith("E")
    data = answer["data"]
    assert (data["lines"], data["matched"]) == (21, 20)
    assert data["bytes"] == sum(len(line) + 1 for line in [*lines, klog('"fine"', "I")])


async def test_the_clock_of_the_node_makes_no_difference(capture: Capture) -> None:
    lines = [klog('"x"', at="2026-07-01T16:30:00.000000000+08:00"), klog('"x"', at=at(20))]
    (row,) = (await capture(cluster(), {TERWAY: log(*lines)}).grep_logs())["data"]["signatures"]
    assert (row["first"], row["last"]) == (at(20), at(30))


async def test_a_log_without_timestamps_is_read_without_times(capture: Capture) -> None:
    (row,) = (await capture(cluster(), {TERWAY: log(klog('"x"', at=""))}).grep_logs())["data"]["signatures"]
    assert (row["count"], row["first"], row["last"]) == (1, "", "")


async def test_a_block_of_a_value_is_one_line_of_the_sample(capture: Capture) -> None:
    lines = [klog('"failed" err=<'), f"{LINE_TIME} \terrCode: Forbidden.RAM", f"{LINE_TIME}  >", klog('"next"')]
    found = samples(await capture(cluster(), {TERWAY: log(*lines)}).grep_logs())
    assert '"failed" err=< errCode: Forbidden.RAM >' in found
    assert '"next"' in found


async def test_an_error_nobody_knows_stands_above_a_known_symptom(capture: Capture) -> None:
    lines = [*[klog('"alloc ip failed" err="context deadline exceeded"')] * 9, klog('"something never seen before"')]
    found = samples(await capture(cluster(), {TERWAY: log(*lines, klog(IP_SHORT))}).grep_logs())
    assert found[0] == IP_SHORT
    assert found.index('"something never seen before"') < found.index(
        '"alloc ip failed" err="context deadline exceeded"'
    )


async def test_of_many_signatures_the_first_are_shown_and_the_rest_counted(capture: Capture) -> None:
    lines = [klog(f'"kind {chr(97 + index)}{chr(97 + index)}"', "W") for index in range(20)]
    data = (await capture(cluster(), {TERWAY: log(*lines, klog(IP_SHORT))}).grep_logs())["data"]
    assert len(data["signatures"]) == 12
    assert data["signatures_cut"] == 9
    assert data["signatures"][0]["sample"] == IP_SHORT


async def test_odd_bytes_do_no_harm(capture: Capture) -> None:
    content = (
        klog('"crlf"').encode() + b"\r\n" + klog('"bytes \xff\xfe"').encode("latin-1") + b"\n"
        + klog('"long').encode() + b"x" * 10_000_000 + b'"\n' + klog('"\x1b[31mred\x1b[0m\u200b"').encode() + b"\n"
    )  # fmt: skip
    answer = await capture(cluster(), {TERWAY: content}).grep_logs()
    found = samples(answer)
    assert '"crlf"' in found
    assert '"red"' in found
    assert any(sample.startswith('"bytes') for sample in found)
    assert any(sample.startswith('"longx') and len(sample) <= 260 for sample in found)
    assert answer["data"]["bytes"] == len(content)
    assert len(json.dumps(answer)) < 8_000


async def test_secrets_in_a_log_are_masked(capture: Capture) -> None:
    line = klog('"failed" access_key="LTAI5tHIDDENhidden01" access_secret="s3cr3t-of-the-log"')
    answer = await capture(cluster(), {TERWAY: log(line)}).grep_logs(raw=True)
    assert "LTAI5tHIDDEN" not in json.dumps(answer)
    assert "s3cr3t-of-the-log" not in json.dumps(answer)


# Patterns and raw lines.


async def test_a_pattern_replaces_the_choice_of_lines(capture: Capture) -> None:
    lines = [klog('"Pool Status" idle=0', "I"), klog('"an error"')]
    staged = capture(cluster(), {TERWAY: log(*lines)})
    assert samples(await staged.grep_logs(pattern="pool status")) == ['"Pool Status" idle=0']
    assert samples(await staged.grep_logs()) == ['"an error"']
    answer = await staged.grep_logs(pattern="nothing like it")
    assert answer["status"] == "no_data"
    assert answer["data"]["lines"] == 2


@pytest.mark.parametrize("pattern", ["(", "a{1001}", "(?=x)", "[z-a]", r"\1"])
async def test_a_pattern_that_is_no_re2_is_refused(capture: Capture, pattern: str) -> None:
    answer = await capture(cluster()).grep_logs(pattern=pattern)
    assert answer["status"] == "invalid"
    assert "pattern is not valid RE2" in answer["message"]


async def test_raw_adds_a_few_whole_lines(capture: Capture) -> None:
    lines = [klog(f'"failed" n={index}', at=at(index)) for index in range(10, 30)]
    staged = capture(cluster(), {TERWAY: log(*lines)})
    (row,) = (await staged.grep_logs(raw=True))["data"]["signatures"]
    assert row["lines"][0] == f'{at(10)} E daemon.go:139 "failed" n=10'
    assert 1 < len(row["lines"]) <= 5
    (row,) = (await staged.grep_logs())["data"]["signatures"]
    assert "lines" not in row


# Time.


def timed(capture: Capture) -> Any:
    lines = [klog(f'"at {name}"', at=at(minute)) for name, minute in (("a", 5), ("b", 15), ("c", 25))]
    return capture(cluster(), {TERWAY: log(*lines)})


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ({"since": "25m"}, {'"at b"', '"at c"'}),
        ({"since": "2026-07-01T08:20:00Z"}, {'"at c"'}),
        ({"since": "2026-07-01T16:20:00+08:00"}, {'"at c"'}),
        ({"until": "25m"}, {'"at a"'}),
        ({"until": "2026-07-01T08:20:00Z"}, {'"at a"', '"at b"'}),
        ({"since": "25m", "until": "15m"}, {'"at b"'}),
        ({}, {'"at a"', '"at b"', '"at c"'}),
    ],
)
async def test_since_and_until_bound_what_is_counted(
    capture: Capture, arguments: dict[str, str], wanted: set[str]
) -> None:
    answer = await timed(capture).grep_logs(**arguments)
    assert set(samples(answer)) == wanted
    assert bool(answer["data"].get("window")) is bool(arguments)


@pytest.mark.parametrize("argument", ["since", "until"])
async def test_a_time_that_is_none_is_refused(capture: Capture, argument: str) -> None:
    answer = await timed(capture).grep_logs(**{argument: "soon"})
    assert answer["status"] == "invalid"
    assert f"{argument} must be" in answer["message"]


async def confirmed(capture: Capture, confirm: str | None, **more: Any) -> dict[str, Any]:
    """Logs around the AllocIPFailed event of `shop/web`, seen from 08:15 to 08:20."""
    built = with_web().no_network("shop", WEB, DEADLINE, Seen(WORLD.ago(20), WORLD.ago(15), 6))
    minutes = (("before", 12), ("just before", 14), ("during", 17), ("just after", 21), ("after", 23))
    files = {TERWAY: log(*(klog(f'"{name}"', at=at(minute)) for name, minute in minutes))}
    staged = capture(built, files)
    wanted = {"namespace": "shop", "pod": WEB}
    # Evidence ids are those of one investigation, and the same for every reading of the same capture.
    events = (await staged.ask(("inspect_pod", wanted), ("get_events", wanted)))[-1]
    (row,) = [row for row in events["data"]["groups"] if row["reason"] == "AllocIPFailed"]
    logs = {"node": NODE, "confirm": confirm or row["evidence"], **more}
    return (await staged.ask(("inspect_pod", wanted), ("get_events", wanted), ("grep_terway_logs", logs)))[-1]


async def test_confirm_reads_around_the_event_and_nowhere_else(capture: Capture) -> None:
    answer = await confirmed(capture, None)
    assert set(samples(answer)) == {'"just before"', '"during"', '"just after"'}
    assert answer["data"]["window"] == "2026-07-01T08:13:00Z .. 2026-07-01T08:22:00Z"


async def test_a_window_that_is_given_comes_before_the_events(capture: Capture) -> None:
    answer = await confirmed(capture, None, since="2026-07-01T08:11:00Z")
    assert '"before"' in samples(answer)
    assert '"after"' not in samples(answer)


@pytest.mark.parametrize("confirm", ["E9999", "E1", "AllocIPFailed"])
async def test_confirm_names_an_event_of_this_investigation(capture: Capture, confirm: str) -> None:
    answer = await confirmed(capture, confirm)
    assert answer["status"] == "invalid"
    assert "not the evidence id of an event" in answer["message"]


async def test_confirm_may_come_in_quotes_and_lower_case(capture: Capture) -> None:
    built = with_web().no_network("shop", WEB, DEADLINE, Seen(WORLD.ago(20), WORLD.ago(15), 6))
    staged, wanted = capture(built), {"namespace": "shop", "pod": WEB}
    events = (await staged.ask(("inspect_pod", wanted), ("get_events", wanted)))[-1]
    cited = f"`{events['data']['groups'][0]['evidence'].lower()}`"
    answers = await staged.ask(
        ("inspect_pod", wanted), ("get_events", wanted), ("grep_terway_logs", {"node": NODE, "confirm": cited})
    )
    assert answers[-1]["status"] in ("ok", "no_data")


# Holes.


async def test_a_daemon_no_node_runs_yet_is_a_hole(capture: Capture) -> None:
    built = cluster()
    pod = built.terway_pod(NODE)
    pod.containers = [Container(each.name, each.image, waiting("ContainerCreating")) for each in pod.main_containers]
    answer = await capture(built, {TERWAY: None, POLICY: None}).grep_logs()
    assert answer["status"] == "no_data"
    assert answer["data"]["scanned"] == []
    assert [hole for hole in answer["data"]["unread"] if "waiting to start: ContainerCreating" in hole]
    assert "not_found" in set(outcomes(answer).values())


async def test_a_previous_log_that_is_gone_is_a_hole_and_the_rest_is_read(capture: Capture) -> None:
    answer = await capture(cluster(), {TERWAY: log(klog('"a"'))}).grep_logs(previous=True)
    data = answer["data"]
    assert data["scanned"] == [f"{DAEMON}/terway"]
    assert any("previous terminated container" in hole and "not found" in hole for hole in data["unread"])
    assert samples(answer) == ['"a"']


async def test_a_log_the_collector_could_not_read_is_a_hole_with_its_reason(capture: Capture) -> None:
    answer = await capture(cluster().forbid_log(SYSTEM, DAEMON, "terway")).grep_logs()
    (hole,) = answer["data"]["unread"]
    assert hole.startswith(f"{DAEMON}/terway: unavailable")
    assert outcomes(answer) == {f"log of {SYSTEM}/{DAEMON}/terway": "unavailable"}


async def test_a_log_that_was_not_captured_is_a_hole(capture: Capture) -> None:
    answer = await capture(cluster(), {TERWAY: None}).grep_logs()
    assert outcomes(answer) == {f"log of {SYSTEM}/{DAEMON}/terway": "unavailable"}
    assert answer["data"]["scanned"] == []


async def test_pods_that_were_not_captured_are_coverage(capture: Capture) -> None:
    answer = await capture(cluster().omit(PODS)).grep_logs()
    assert outcomes(answer) == {f"Terway pods on {NODE}": "unavailable"}


async def test_a_node_without_terway_has_no_logs(capture: Capture) -> None:
    answer = await capture(bare().node(OTHER).node(NODE).without_terway_pod(NODE)).grep_logs()
    assert answer["status"] == "no_data"
    assert outcomes(answer) == {}


async def test_what_was_read_is_named(capture: Capture) -> None:
    answer = await capture(cluster().omit(EVENTS), {TERWAY: log(klog('"a"'))}).grep_logs()
    assert f"log of {SYSTEM}/{DAEMON}/terway" in read(answer)
    assert outcomes(answer) == {}


# The ledger and the arguments.


async def test_a_signature_read_twice_keeps_its_id(capture: Capture) -> None:
    call = ("grep_terway_logs", {"node": NODE, "skip_reason": "tested alone"})
    answers = await capture(cluster(), {TERWAY: log(klog(IP_SHORT))}).ask(call, call)
    (first,), (second,) = (answer["data"]["signatures"] for answer in answers[-2:])
    assert first["evidence"] == second["evidence"]
    assert not first.get("unchanged")
    assert second["unchanged"] is True


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "exactly one of node or component"),
        ({"node": NODE, "component": "controlplane"}, "exactly one of node or component"),
        ({"node": "No de"}, "not a valid Kubernetes name"),
        ({"component": "kubelet"}, "component"),
    ],
)
async def test_a_source_that_is_none_is_refused(capture: Capture, arguments: dict[str, str], problem: str) -> None:
    answer = (await capture(cluster()).ask(("grep_terway_logs", {**arguments, "skip_reason": "x"})))[-1]
    assert answer["status"] == "invalid"
    assert problem in answer["message"]


async def test_the_ordinary_chatter_of_a_healthy_cluster_yields_little(capture: Capture) -> None:
    built = cluster().deployment("shop", "web", running={NODE: 2})
    built.daemon_says(NODE, Line(WORLD.ago(3), "failed", "E", "pool.go:1", {"err": "errCode: Throttling.User"}))
    answer = await capture(built).grep_logs()
    assert "Throttling.User" in samples(answer)[0]
    assert len(json.dumps(answer)) < 6_000
