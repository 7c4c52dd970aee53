"""Whatever a caller sends and whatever the bundle is: the envelope, a helpful message, and a server that goes on."""

import gzip
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.server.app import create_server
from tests.server.talk import Envelope, Talk

pytestmark = pytest.mark.anyio

NODE = "cn-hangzhou.10.0.1.21"
ACCESS_KEY, SECRET = "LTAI5tNeverShowThis00001", "access_secret=n3verSh0wThisSecret"


@pytest.fixture
async def opened(talk: Talk) -> str:
    return await talk.opened()


@pytest.fixture
async def judged(talk: Talk, opened: str, vswitch_exhausted: Scenario) -> str:
    """An investigation whose events are read and sufficient."""
    pod = {"namespace": "shop", "pod": vswitch_exhausted.pod}
    for tool in ("inspect_pod", "get_events"):
        assert (await talk.call(tool, investigation=opened, **pod))["status"] == "ok"
    return opened


async def still_works(talk: Talk, investigation: str) -> None:
    assert (await talk.call("inspect_node", investigation=investigation, node=NODE))["status"] == "ok"


async def refused(talk: Talk, tool: str, investigation: str, **arguments: Any) -> Envelope:
    """An `invalid` answer that keeps the investigation; the next call works."""
    answer = await talk.call(tool, investigation=investigation, **arguments)
    assert answer["status"] == "invalid"
    assert answer["data"] is None
    assert answer["investigation"]["id"] == investigation
    assert answer["next_steps"], "even a mistake leads on"
    await still_works(talk, investigation)
    return answer


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("inspect_node", {"node": "no-such-node"}, "there is no node no-such-node"),
        ("inspect_pod", {"namespace": "shop", "pod": "no-such-pod"}, "there is no pod shop/no-such-pod"),
        ("inspect_pod", {"namespace": "no-such-namespace", "pod": "web"}, "there is no pod no-such-namespace/web"),
    ],
)
async def test_what_does_not_exist_is_no_data_and_said_so(
    talk: Talk, opened: str, tool: str, arguments: dict[str, str], message: str
) -> None:
    answer = await talk.call(tool, investigation=opened, **arguments)
    assert answer["status"] == "no_data"
    assert message in answer["message"]
    assert answer["data"]["found"] is False
    assert "not_found" in {entry["outcome"] for entry in answer["coverage"]}
    assert answer["next_steps"][0]["arguments"].get("pod") != "no-such-pod"
    await still_works(talk, opened)


@pytest.mark.parametrize(
    "name", ["Web_0", "a/b", "../../etc/passwd", "web 0", "-web", "web;id", "$(id)", "wéb", "a" * 254]
)
async def test_a_malformed_name_is_refused_before_anything_is_read(talk: Talk, opened: str, name: str) -> None:
    for tool, arguments in (
        ("inspect_node", {"node": name}),
        ("inspect_pod", {"namespace": "shop", "pod": name}),
        ("get_events", {"namespace": "shop", "pod": name}),
        ("get_events", {"namespace": "shop", "workload": f"deployment/{name}"}),
        ("grep_terway_logs", {"node": name}),
    ):
        answer = await refused(talk, tool, opened, **arguments)
        assert "is not a valid Kubernetes name" in answer["message"]
        assert answer["coverage"] == []


async def test_a_malformed_namespace_is_refused(talk: Talk, opened: str) -> None:
    answer = await refused(talk, "inspect_pod", opened, namespace="kube.system", pod="web-0")
    assert "is not a valid Kubernetes namespace" in answer["message"]


@pytest.mark.parametrize("workload", ["web", "deployment/", "/web", "pod/web", "secret/web"])
async def test_a_workload_that_is_none_is_refused_with_the_kinds_there_are(
    talk: Talk, opened: str, workload: str
) -> None:
    answer = await refused(talk, "get_events", opened, namespace="shop", workload=workload)
    assert "deployment, replicaset, statefulset" in answer["message"]


async def test_an_unknown_argument_is_named_with_those_there_are(talk: Talk, opened: str) -> None:
    answer = await refused(talk, "inspect_node", opened, node=NODE, nodes=[NODE])
    assert "unknown argument 'nodes'" in answer["message"]
    assert "known: investigation, node" in answer["message"]


@pytest.mark.parametrize(
    ("tool", "arguments", "named"),
    [
        ("inspect_node", {"node": 7}, "node: Input should be a valid string"),
        ("inspect_node", {"node": None}, "node: Input should be a valid string"),
        ("inspect_pod", {"namespace": "shop", "pod": ["web-0"]}, "pod: Input should be a valid string"),
        ("grep_terway_logs", {"node": NODE, "raw": "perhaps"}, "raw: Input should be a valid boolean"),
        ("grep_terway_logs", {"component": "kubelet"}, "component: Input should be 'controlplane'"),
        ("inspect_node", {"node": ""}, "node: String should have at least 1 character"),
        ("inspect_node", {"node": "   "}, "node: String should have at least 1 character"),
        ("inspect_node", {}, "node: Field required"),
        ("inspect_pod", {"pod": "web-0"}, "namespace: Field required"),
        ("get_events", {"node": NODE, "since": "x" * 301}, "since: String should have at most 300 characters"),
    ],
)
async def test_a_wrong_or_missing_value_is_named(
    talk: Talk, opened: str, tool: str, arguments: dict[str, Any], named: str
) -> None:
    assert named in (await refused(talk, tool, opened, **arguments))["message"]


@pytest.mark.parametrize("tool", ["inspect_node", "inspect_pod", "get_events", "grep_terway_logs", "correlate"])
async def test_a_call_without_an_investigation_is_sent_to_the_start(talk: Talk, tool: str) -> None:
    answer = await talk.call(tool)
    assert answer["status"] == "invalid"
    assert "investigation: Field required" in answer["message"]
    assert answer["next_steps"][0]["tool"] == "inspect_cluster"
    assert answer["investigation"] is None


@pytest.mark.parametrize("forged", ["nope", "0" * 26, "' OR '1'='1", "\x00", "🙂", "x" * 300, "x" * 5000])
async def test_an_unknown_investigation_is_sent_to_the_start(talk: Talk, forged: str) -> None:
    answer = await talk.call("inspect_node", investigation=forged, node=NODE)
    assert answer["status"] == "unknown_investigation"
    assert answer["investigation"] is None
    assert answer["next_steps"][0] == {
        "tool": "inspect_cluster",
        "arguments": {},
        "why": answer["next_steps"][0]["why"],
    }


async def test_an_id_with_one_letter_changed_is_unknown(talk: Talk, opened: str) -> None:
    forged = opened[:-1] + ("0" if opened[-1] != "0" else "1")
    assert (await talk.call("inspect_node", investigation=forged, node=NODE))["status"] == "unknown_investigation"
    await still_works(talk, opened)


async def test_an_id_in_quotes_and_capitals_is_the_same_investigation(talk: Talk, opened: str) -> None:
    answer = await talk.call("inspect_node", investigation=f' "`{opened.upper()}`" ', node=NODE)
    assert answer["status"] == "ok"
    assert answer["investigation"]["id"] == opened


@pytest.mark.parametrize(
    "arguments", [{}, {"namespace": "shop"}, {"namespace": "shop", "pod": "web", "node": NODE}, {"pod": "web"}]
)
async def test_events_need_exactly_one_target(talk: Talk, opened: str, arguments: dict[str, str]) -> None:
    message = (await refused(talk, "get_events", opened, **arguments))["message"]
    assert message in ("give exactly one of pod, workload or node", "namespace is needed with pod or workload")


@pytest.mark.parametrize("arguments", [{}, {"node": NODE, "component": "controlplane"}])
async def test_logs_need_exactly_one_source(talk: Talk, opened: str, arguments: dict[str, str]) -> None:
    assert (await refused(talk, "grep_terway_logs", opened, **arguments))[
        "message"
    ] == "give exactly one of node or component"


@pytest.mark.parametrize("pattern", ["(", "[a-", r"(?=look)", r"(a)\1", "a{100000}"])
async def test_a_pattern_that_is_no_re2_is_explained(talk: Talk, judged: str, pattern: str) -> None:
    answer = await refused(talk, "grep_terway_logs", judged, node=NODE, pattern=pattern, skip_reason="a test")
    assert answer["message"].startswith("pattern is not valid RE2: ")
    assert len(answer["message"]) > len("pattern is not valid RE2: ")


@pytest.mark.parametrize("since", ["yesterday", "30 m", "-5m", "2026-13-01T00:00:00Z", "99999999999d", "1e3s"])
async def test_a_time_that_is_none_is_explained(talk: Talk, judged: str, since: str) -> None:
    for tool in ("get_events", "grep_terway_logs"):
        answer = await talk.call(tool, investigation=judged, node=NODE, since=since, skip_reason="a test")
        assert answer["status"] == "invalid"
        assert "RFC 3339 time or an age such as 30m" in answer["message"]
    await still_works(talk, judged)


@pytest.mark.parametrize("confirm", ["E999", "e0", "nonsense", "E1", "E1; DROP TABLE evidence"])
async def test_only_an_event_of_this_investigation_can_be_confirmed(talk: Talk, judged: str, confirm: str) -> None:
    answer = await refused(talk, "grep_terway_logs", judged, node=NODE, confirm=confirm)
    assert "not the evidence id of an event in this investigation" in answer["message"]


async def test_evidence_of_another_investigation_cannot_be_confirmed(
    talk: Talk, judged: str, vswitch_exhausted: Scenario
) -> None:
    other = await talk.opened()
    pod = {"namespace": "shop", "pod": vswitch_exhausted.pod}
    events = await talk.call("get_events", investigation=judged, **pod)
    foreign = max((row["evidence"] for row in events["data"]["groups"]), key=lambda name: int(name[1:]))
    answer = await refused(
        talk, "grep_terway_logs", other, node=NODE, confirm=foreign, skip_reason="the events were read elsewhere"
    )
    assert foreign in answer["message"]


async def test_a_confirmed_event_sets_the_window_of_the_logs(talk: Talk, judged: str) -> None:
    await talk.call("inspect_node", investigation=judged, node=NODE)
    events = await talk.call("get_events", investigation=judged, node=NODE)
    event = events["data"]["groups"][0]
    answer = await talk.call(
        "grep_terway_logs", investigation=judged, node=NODE, confirm=f"`{event['evidence'].lower()}`"
    )
    assert answer["status"] in ("ok", "no_data")
    assert event["first"][:10] in answer["data"]["window"]


async def test_an_investigation_stays_with_its_cluster(talk: Talk, opened: str) -> None:
    answer = await talk.call("inspect_cluster", investigation=opened, context="another")
    assert answer["status"] == "invalid"
    assert "pinned to another context" in answer["message"]
    same = await talk.call("inspect_cluster", investigation=opened, context="bundle:vswitch-exhausted")
    assert same["status"] == "ok"
    assert same["investigation"]["id"] == opened


async def test_a_context_that_the_bundle_is_not_is_refused(talk: Talk) -> None:
    answer = await talk.call("inspect_cluster", context="production")
    assert answer["status"] == "invalid"
    assert "bundle:vswitch-exhausted" in answer["message"]


@pytest.mark.parametrize("planted", [ACCESS_KEY, SECRET])
async def test_no_answer_repeats_a_secret_or_a_control_character_it_was_sent(
    talk: Talk, judged: str, planted: str
) -> None:
    hostile = f"{planted}\x1b[31m\u202e"
    answers = [
        await talk.call("inspect_cluster", symptom=hostile),
        await talk.call("inspect_cluster", context=hostile),
        await talk.call("inspect_node", investigation=hostile, node=NODE),
        await talk.call("inspect_node", investigation=judged, node=hostile),
        await talk.call("inspect_node", investigation=judged, **{"node": NODE, hostile: 1}),
        await talk.call("get_events", investigation=judged, node=NODE, since=hostile, skip_reason=hostile),
        await talk.call("grep_terway_logs", investigation=judged, node=NODE, pattern=f"({hostile}"),
        await talk.call("grep_terway_logs", investigation=judged, node=NODE, confirm=hostile),
        await talk.call("grep_terway_logs", investigation=judged, node=NODE, skip_reason=hostile),
        await talk.call("correlate", investigation=judged, skip_reason=hostile),
    ]
    text = json.dumps(answers, ensure_ascii=False)
    assert planted.removeprefix("access_secret=") not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    report = await talk.client.read_resource(answers[-1]["data"]["report"])
    assert planted.removeprefix("access_secret=") not in str(report)


def as_missing(_bundle: Path, folder: Path) -> Path:
    return folder / "nothing-here.tar.gz"


def as_garbage(_bundle: Path, folder: Path) -> Path:
    path = folder / "garbage.tar.gz"
    path.write_bytes(b"this is neither a folder nor an archive" * 100)
    return path


def as_truncated(bundle: Path, folder: Path) -> Path:
    path = folder / "truncated.tar.gz"
    path.write_bytes(bundle.read_bytes()[: bundle.stat().st_size // 2])
    return path


def as_gzip_of_garbage(_bundle: Path, folder: Path) -> Path:
    path = folder / "zipped.tar.gz"
    path.write_bytes(gzip.compress(b"not a tar" * 1000))
    return path


def as_empty_folder(_bundle: Path, folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def as_empty_file(_bundle: Path, folder: Path) -> Path:
    (folder / "empty.tar.gz").touch()
    return folder / "empty.tar.gz"


@pytest.mark.parametrize(
    "spoil", [as_missing, as_garbage, as_truncated, as_gzip_of_garbage, as_empty_folder, as_empty_file]
)
async def test_a_bundle_that_is_none_is_unreachable_and_named(
    bundle: Path, tmp_path: Path, spoil: Callable[[Path, Path], Path]
) -> None:
    path = spoil(bundle, tmp_path)
    async with Client(create_server(Clusters(bundle=path))) as client:
        talk = await Talk.begin(client)
        for _ in range(2):
            answer = await talk.call("inspect_cluster")
            assert answer["status"] == "unreachable"
            assert path.name in answer["message"]
            assert "inside the server" not in answer["message"]


async def test_a_bundle_that_appears_later_is_read_by_the_next_call(bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "late.tar.gz"
    async with Client(create_server(Clusters(bundle=path))) as client:
        talk = await Talk.begin(client)
        assert (await talk.call("inspect_cluster"))["status"] == "unreachable"
        shutil.copy(bundle, path)
        assert (await talk.call("inspect_cluster"))["status"] == "ok"


@pytest.fixture
def half_broken(bundle: Path, tmp_path: Path) -> Path:
    """The bundle as a folder in which one file is cut off."""
    with tarfile.open(bundle) as archive:
        archive.extractall(tmp_path, filter="data")
    (root,) = tmp_path.iterdir()
    (root / "cluster-resources" / "daemonsets" / "kube-system.json").write_text("{half a docu")
    return root


async def test_a_file_of_the_bundle_that_is_no_json_costs_only_what_it_held(half_broken: Path) -> None:
    async with Client(create_server(Clusters(bundle=half_broken))) as client:
        talk = await Talk.begin(client)
        answer = await talk.call("inspect_cluster")
        assert answer["status"] == "partial"
        assert any("daemonsets" in entry["what"] for entry in answer["coverage"] if entry["outcome"] != "read")
        assert answer["data"]["ipam"]["mode"] == "centralized"
        await still_works(talk, answer["investigation"]["id"])


async def test_an_id_that_is_no_text_is_an_unknown_one(talk: Talk, opened: str) -> None:
    answer = await talk.call("inspect_node", investigation="\ud800", node=NODE)
    assert answer["status"] == "unknown_investigation"
    await still_works(talk, opened)
