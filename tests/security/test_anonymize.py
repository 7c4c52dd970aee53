"""With --anonymize the answer is the same and nobody's names are in it; what was answered can be asked about again."""

import ipaddress
import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp_types import PromptReference

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.naming import names_in
from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.cluster.scenarios.world import World
from terway_mcp.knowledge.pseudonyms import Pseudonyms, is_system
from terway_mcp.server.agent import Question, Walk, investigate
from terway_mcp.server.app import create_server

from ..scenarios.incidents import CORPUS
from ..server.processes import run
from ..server.talk import Talk
from .planted import documents

pytestmark = pytest.mark.anyio

WALKED = (
    "vswitch-exhausted", "cni-not-initialized", "healthy", "ram-denied-trunk", "networking-without-zone",
    "controlplane-down", "webhook-denies", "local-inhibit",
)  # fmt: skip
SHAPES = re.compile(
    r"\b(?:eni|vsw|sg|i|vpc)-(?=[a-z]*\d)[a-z0-9]{12,}\b|\bc[0-9a-f]{32}\b|\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b"
)
IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
KINDS = {"Node", "Namespace", "Pod", "Deployment", "Replicaset", "Statefulset"}
KEY = b"k" * 32
WORDS_OF_OURS = frozenset({"api", "web", "batch", "default", "client", "worker", "node", "pod", "zone"})


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


def real_names(archive: Path) -> tuple[set[str], set[str]]:
    """Names of objects, and addresses and ids, of everything in a bundle."""
    found, shaped = set(), set()
    for name, content in documents(archive).items():
        whole = json.dumps(content)
        shaped |= set(SHAPES.findall(whole)) | {ip for ip in IPV4.findall(whole) if is_private(ip)}
        if isinstance(content, dict | list) and "custom-resource-definitions" not in name:
            kind = name.split("/")[1].removesuffix(".json").removesuffix("s").capitalize()
            listed = content["items"] if isinstance(content, dict) and "items" in content else content
            if isinstance(listed, list) and kind in KINDS:
                found |= set(names_in(json.dumps({"kind": f"{kind}List", "items": listed}).encode()))
    return {name for name in found if not is_system(name) and name not in WORDS_OF_OURS}, shaped


def is_private(ip: str) -> bool:
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return False
    nobodys = address.is_loopback or address.is_link_local or address.is_unspecified or address.is_reserved
    return address.is_private and not nobodys


def names_told(said: str, names: set[str]) -> set[str]:
    words = set(re.findall(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?", said))
    return names & words | {name for name in names if "." in name and name in said}


async def walk(scenario: Scenario, archive: Path, *, anonymize: bool) -> tuple[Walk, str]:
    question = Question(scenario.namespace, scenario.pod, scenario.workload, scenario.node, scenario.symptom)
    async with Client(create_server(Clusters(bundle=archive), anonymize=anonymize)) as client:
        walked = await investigate(client, question, impatient=True)
    said = [walked.report, *(text for call in walked.calls for text in texts(call.envelope))]
    return walked, "\n".join(said)


@pytest.mark.parametrize("name", WALKED)
async def test_the_verdict_is_the_same_and_no_name_is_told(name: str, tmp_path: Path) -> None:
    scenario = CORPUS[name](World())
    archive = scenario.build().write(tmp_path / "bundle.tar.gz")
    plain, openly = await walk(scenario, archive, anonymize=False)
    walked, said = await walk(scenario, archive, anonymize=True)
    assert plain.correlation is not None
    assert walked.correlation is not None
    assert walked.correlation["verdict"]["category"] == plain.correlation["verdict"]["category"]
    assert walked.correlation["verdict"]["confidence"] == plain.correlation["verdict"]["confidence"]
    names, shaped = real_names(archive)
    told = names_told(said, names) | {value for value in shaped if value in said}
    would_have = names_told(openly, names) | {value for value in shaped if value in openly}
    print(f"{name}: of {len(names)} names and {len(shaped)} ids {len(would_have)} told openly, {len(told)} told")
    assert would_have
    assert told == set()


@pytest.fixture
async def discreet(bundle: Path) -> Any:
    async with Client(create_server(Clusters(bundle=bundle), anonymize=True)) as client:
        yield await Talk.begin(client)


async def test_a_pseudonym_can_be_asked_about_like_the_name_it_stands_for(
    discreet: Talk, vswitch_exhausted: Scenario
) -> None:
    opened = await discreet.call("inspect_cluster", symptom=vswitch_exhausted.symptom)
    known = {"investigation": opened["investigation"]["id"]}
    suspect = opened["data"]["suspects"][0]
    assert suspect["namespace"].startswith("ns-")
    by_pseudonym = await discreet.call("inspect_pod", **known, namespace=suspect["namespace"], pod=suspect["name"])
    by_name = await discreet.call("inspect_pod", **known, namespace="shop", pod=vswitch_exhausted.pod)
    assert by_pseudonym["data"]["pod"] == f"{suspect['namespace']}/{suspect['name']}"
    assert by_name["data"]["pod"].startswith(f"{suspect['namespace']}/")
    node = await discreet.call("inspect_node", **known, node=by_name["data"]["node"])
    assert node["status"] == "ok"
    vswitch = node["data"]["accounting"]["interfaces"][0]["vswitch"]
    events = await discreet.call("get_events", **known, namespace=suspect["namespace"], pod=suspect["name"])
    assert vswitch in json.dumps(events), "an id is the same in every answer"
    logs = await discreet.call(
        "grep_terway_logs", **known, node=node["data"]["name"], pattern=suspect["name"], skip_reason="find it again"
    )
    assert logs["status"] == "ok"
    assert suspect["name"] in json.dumps(logs["data"])


async def test_a_replica_begins_with_the_pseudonym_of_its_workload(discreet: Talk) -> None:
    opened = await discreet.call("inspect_cluster")
    known = {"investigation": opened["investigation"]["id"]}
    pods = [suspect for suspect in opened["data"]["suspects"] if suspect["kind"] == "Pod"]
    workload = "-".join(pods[0]["name"].split("-")[:2])
    assert all(pod["name"].startswith(f"{workload}-") for pod in pods)
    asked = {"namespace": pods[0]["namespace"], "workload": f"deployment/{workload}"}
    answer = await discreet.call("get_events", **known, **asked)
    assert "found" not in answer["data"], "the server knows which Deployment is meant"
    assert answer["data"]["target"] == f"deployment {pods[0]['namespace']}/{workload}"


async def test_two_investigations_have_no_pseudonym_in_common(discreet: Talk) -> None:
    first, second = [(await discreet.call("inspect_cluster"))["data"]["suspects"] for _ in range(2)]
    assert {s["name"] for s in first} & {s["name"] for s in second} == set()


async def test_repeating_a_call_gives_the_same_pseudonyms(discreet: Talk) -> None:
    opened = await discreet.call("inspect_cluster")
    again = await discreet.call("inspect_cluster", investigation=opened["investigation"]["id"])
    assert again["data"]["suspects"][0]["name"] == opened["data"]["suspects"][0]["name"]
    assert again["investigation"]["context"] == opened["investigation"]["context"]


async def test_refusals_and_completions_tell_no_name_either(discreet: Talk, vswitch_exhausted: Scenario) -> None:
    opened = await discreet.call("inspect_cluster")
    known = {"investigation": opened["investigation"]["id"]}
    refusal = await discreet.call("get_events", **known, namespace="shop", pod=vswitch_exhausted.pod)
    assert refusal["status"] == "out_of_order"
    assert vswitch_exhausted.pod not in json.dumps(refusal)
    missing = await discreet.call("inspect_pod", **known, namespace="shop", pod="no-such-pod-x2x4z")
    assert "no-such-pod" not in json.dumps(missing)
    for name in ("node", "namespace", "pod", "context"):
        offered = await discreet.client.complete(
            PromptReference(name="troubleshoot"), {"name": name, "value": ""}, {"namespace": "shop"}
        )
        assert offered.completion.values == []


def test_the_command_line_tells_no_name(bundle: Path, vswitch_exhausted: Scenario, tmp_path: Path) -> None:
    names, shaped = real_names(bundle)
    asked = ("--anonymize", "diagnose", "--bundle", str(bundle), "-n", "shop", vswitch_exhausted.pod)
    page = tmp_path / "report.html"
    for extra in ((), ("--json",), ("--html", str(page))):
        done = run(*asked, "--symptom", "web of shop hangs", *extra, home=tmp_path)
        assert done.returncode == 0, done.stderr
        assert names_told(done.stdout + done.stderr, names) == set()
        assert [value for value in shaped if value in done.stdout] == []
    assert names_told(page.read_text(), names) == set()
    env = {"TERWAY_MCP_ANONYMIZE": "1"}
    done = run("diagnose", "--bundle", str(bundle), "--json", home=tmp_path, env=env)
    assert names_told(done.stdout, names) == set()
    assert run("demo", "list", home=tmp_path, env={"TERWAY_MCP_ANONYMIZE": "maybe"}).returncode == 1


def test_an_anonymous_bundle_holds_no_name_and_leads_to_the_same_verdict(
    bundle: Path, vswitch_exhausted: Scenario, tmp_path: Path
) -> None:
    output = tmp_path / "out.tar.gz"
    done = run("capture", "--anonymize", "--bundle", str(bundle), "-n", "shop", "-o", str(output), home=tmp_path)
    assert done.returncode == 0, done.stderr
    names, shaped = real_names(bundle)
    with tarfile.open(output) as tar:
        inside = [member.name for member in tar.getmembers()]
        inside += [file.read().decode() for member in tar.getmembers() if (file := tar.extractfile(member))]
    said = "\n".join(inside)
    assert names_told(said, names) == set()
    assert [value for value in shaped if value in said] == []
    found = json.loads(run("diagnose", "--bundle", str(output), "--json", home=tmp_path).stdout)
    assert found["verdict"]["category"] == vswitch_exhausted.truth.category
    assert found["verdict"]["confidence"] == "confirmed"


_names = st.from_regex(r"[a-z][a-z0-9]{2,8}(-[a-z0-9]{2,6}){0,2}", fullmatch=True).filter(
    lambda name: not is_system(name)
)
_kinds = st.sampled_from(["namespace", "node", "app"])


@settings(max_examples=100, deadline=None)
@given(known=st.dictionaries(_names, _kinds, min_size=1, max_size=12), ips=st.lists(st.ip_addresses(), max_size=3))
def test_what_is_disguised_can_be_understood_again(known: dict[str, str], ips: list[Any]) -> None:
    pseudonyms = Pseudonyms(KEY, known)
    text = " ".join([f"pod {name} of {name}/{name}-b2c4d," for name in known] + [f"at {ip}" for ip in ips])
    disguised = pseudonyms.text(text)
    assert pseudonyms.real(disguised) == text
    assert pseudonyms.text(disguised) == disguised
    for name in known:
        assert re.search(rf"(?<![a-z0-9.-]){re.escape(name)}(?![a-z0-9.-])", disguised) is None
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", pseudonyms.text(name)), "a name Kubernetes accepts"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("errCode: InvalidVSwitchId.IpNotEnough, requestID: B7EDE492-4361-4689-9DD8-F5A7A59DC3BE", True),
        ("terway-eniip-l2kfs in kube-system, coredns-9847n6rb6-q5jdt", True),
        ("cn-hangzhou-h cn-hangzhou 2026-07-01T08:30:00Z 5.10.134-18.al8.x86_64 v1.17.2", True),
        ("dial tcp 127.0.0.1:6443 and 100.100.100.200 and 169.254.20.10/32 and ::1", True),
        ("10.0.64.10/21 of eni-bp11n4rsp3wtfb7djo62, 00:16:3e:ea:cb:13 and fd00:0:1::a", False),
        ("cn-hangzhou.10.0.1.21 is i-bp1dkqf1r9g2z03ab8hl of 1234567890123456", False),
        ("provider cn-hangzhou.i-bp1dkqf1r9g2z03ab8hl, c0123456789abcdef0123456789abcdef", False),
    ],
)
def test_ids_and_addresses_are_known_by_their_form_and_facts_stay(text: str, kept: bool) -> None:
    disguised = Pseudonyms(KEY, {}).text(text)
    assert (disguised == text) is kept
    if not kept:
        telling = [word for word in re.findall(r"[\w.:-]{8,}", text) if any(map(str.isdigit, word))]
        assert [word for word in telling if word in disguised] == []


def test_a_name_that_is_also_a_word_is_replaced_only_where_it_is_a_name() -> None:
    pseudonyms = Pseudonyms(KEY, {"node": "namespace"}, frozenset({"node"}))
    assert pseudonyms.text("the node is full") == "the node is full"
    assert pseudonyms.text("pod node/x") != "pod node/x"
    assert pseudonyms.text("node") != "node"


def test_a_name_that_was_cut_off_is_not_told_either() -> None:
    pseudonyms = Pseudonyms(KEY, {"payments-gateway": "app"})
    assert "payments" not in pseudonyms.text("the pod payments-gat…")
    assert "payments" not in pseudonyms.text("x" * 100 + " payments-gate")
