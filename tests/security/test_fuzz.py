"""Whatever events, logs, ConfigMaps, custom resources and bundles hold: every tool answers, in its shape and budget."""

import copy
import importlib.util
import json
import re
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp_types import TextResourceContents

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.scenarios.catalog import bundle_path
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.server.app import create_server
from terway_mcp.server.envelope import MOST_BYTES
from terway_mcp.tools.contracts import CONTRACTS

from ..server.talk import Talk
from .mutation import Edits, edited, edits, mutated, odd_values, reserialized, text_edits
from .planted import RES, Documents, InMemory, documents, items, only

NODE, DAEMON, POD = "cn-hangzhou.10.0.1.21", "terway-eniip-l2kfs", "web-4scw2srtd-kw46w"
LOG = f"{RES}/pods/logs/kube-system/{DAEMON}/terway.log"
GROUP = "network.alibabacloud.com"
STATUSES = {"ok", "partial", "no_data", "out_of_order", "invalid", "unreachable", "forbidden"}

cases: Counter[str] = Counter()
survived: Counter[str] = Counter()
# No shrinking: each case is a whole investigation, and the first failure says enough.
briefly = settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@cache
def knowledge() -> Knowledge:
    return Knowledge.load(())


@cache
def _base() -> Documents:
    whole = documents(bundle_path("vswitch-exhausted"))
    found = only(whole, {POD, "web", NODE, DAEMON}, {"shop", "kube-system", "default"})
    items(found, f"custom-resources/podenis.{GROUP}/shop").append(
        {
            "metadata": {"name": POD, "namespace": "shop", "annotations": {"k8s.aliyun.com/pod-uid": "u"}},
            "spec": {"allocations": [{"eni": {"id": "eni-bp1abcdef0123456"}, "ipv4": "10.0.0.1"}]},
            "status": {"phase": "Bind", "msg": "", "trunkEniID": "eni-bp1abcdef0123457", "eniInfos": {"e": {}}},
        }
    )
    items(found, f"custom-resources/networkinterfaces.{GROUP}").append(
        {"metadata": {"name": "eni-bp1abcdef0123456"}, "status": {"phase": "Detaching"}}
    )
    items(found, f"custom-resources/podnetworkings.{GROUP}").append(
        {
            "metadata": {"name": "fixed"},
            "spec": {"selector": {"podSelector": {"matchLabels": {"app": "web"}}}, "vSwitchOptions": ["vsw-bp1x"]},
            "status": {"status": "Ready", "vSwitches": [{"id": "vsw-bp1x", "zone": "cn-hangzhou-h"}]},
        }
    )
    return found


def base() -> Documents:
    return copy.deepcopy(_base())


async def _walk(clusters: Clusters, *, anonymize: bool) -> None:
    """Every tool once; each answer is held against what all answers promise."""
    async with Client(create_server(clusters, knowledge=knowledge, anonymize=anonymize)) as client:
        talk = await Talk.begin(client)
        opened = await talk.call("inspect_cluster", symptom="pods hang")
        answers = [opened]
        if opened["investigation"] is not None:
            known = {"investigation": opened["investigation"]["id"]}
            target = {**known, "namespace": "shop", "pod": POD}
            answers += [
                await talk.call("inspect_pod", **target),
                await talk.call("inspect_node", **known, node=NODE),
                await talk.call("get_events", **target, skip_reason="fuzzed"),
                await talk.call("grep_terway_logs", **known, node=NODE, raw=True, skip_reason="fuzzed"),
                await talk.call("grep_terway_logs", **known, component="controlplane", skip_reason="fuzzed"),
                await talk.call("correlate", **known, skip_reason="fuzzed"),
            ]
            (page,) = (await client.read_resource(f"terway://investigations/{known['investigation']}/report")).contents
            assert isinstance(page, TextResourceContents)
            assert all(line.isprintable() for line in page.text.split("\n"))
        for answer in answers:
            assert answer["status"] in STATUSES
            assert "failed inside the server" not in answer.get("message", "")
            assert len(json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()) <= MOST_BYTES


def survives(parser: str, found: Documents | Path) -> None:
    """One case, every other one with pseudonyms."""
    clusters = Clusters(bundle=found) if isinstance(found, Path) else InMemory({"fuzzed": lambda: found})
    cases[parser] += 1
    anyio.run(lambda: _walk(clusters, anonymize=cases[parser] % 2 == 0))
    survived[parser] += 1


def in_place(found: Documents, place: str, made: Edits) -> None:
    name = f"{RES}/{place}.json"
    found[name] = mutated(found[name], made)


@briefly
@given(events=edits, of_node=edits)
def test_events(events: Edits, of_node: Edits) -> None:
    found = base()
    in_place(found, "events/shop", events)
    in_place(found, "events/default", of_node)
    survives("events", found)


_records = st.one_of(
    st.text(max_size=60).map(lambda text: f"2026-07-01T08:30:00Z E0701 08:30:00.000000       1 x.go:1] {text}"),
    st.text(max_size=60).map(lambda text: f'time="2026-07-01" level=error msg={json.dumps(text)}'),
    st.sampled_from(["\t" * 200, " >", "panic: x", "goroutine 1 [running]:", "level=", "2026-07-01T08:30:00Z"]),
    st.text(max_size=200),
)


@briefly
@given(lines=st.lists(_records, max_size=30), raw=st.binary(max_size=300), changes=text_edits)
def test_logs(lines: list[str], raw: bytes, changes: list[tuple[int, int, str]]) -> None:
    found = base()
    text = edited("\n".join([*lines, found[LOG]]), changes)
    found[LOG] = raw + b"\n" + text.encode("utf-8", "replace") + b"\n" + raw
    survives("logs", found)


@briefly
@given(conf=edits, changes=text_edits, whole=edits)
def test_configuration(conf: Edits, changes: list[tuple[int, int, str]], whole: Edits) -> None:
    found = base()
    for thing in items(found, "configmaps/kube-system"):
        data = thing["data"]
        if "eni_conf" in data:
            data["eni_conf"] = edited(reserialized(data["eni_conf"], conf), changes[:2])
            data["10-terway.conf"] = reserialized(data["10-terway.conf"], conf)
        if "ctrl-config.yaml" in data:
            data["ctrl-config.yaml"] = edited(data["ctrl-config.yaml"], changes)
        if "config.conf" in data:
            data["config.conf"] = edited(data["config.conf"], changes)
    if len(whole) % 2:
        in_place(found, "configmaps/kube-system", whole)
    survives("configuration", found)


@briefly
@given(node=edits, other=edits)
def test_custom_resources(node: Edits, other: Edits) -> None:
    found = base()
    in_place(found, f"custom-resources/nodes.{GROUP}", node)
    for kind in (f"podenis.{GROUP}/shop", *(f"{kind}.{GROUP}" for kind in ("podnetworkings", "networkinterfaces"))):
        in_place(found, f"custom-resources/{kind}", other)
    survives("custom resources", found)


@briefly
@given(pods=edits, nodes=edits)
def test_pods_and_nodes(pods: Edits, nodes: Edits) -> None:
    found = base()
    in_place(found, "pods/shop", pods)
    in_place(found, "pods/kube-system", pods)
    in_place(found, "nodes", nodes)
    in_place(found, "namespaces", nodes)
    survives("pods and nodes", found)


@briefly
@given(made=edits, version=odd_values)
def test_components(made: Edits, version: Any) -> None:
    found = base()
    for place in (
        "daemonsets/kube-system", "deployments/kube-system", "leases/kube-system", "clusterroles",
        "mutating-webhook-configurations", "custom-resource-definitions",
    ):  # fmt: skip
        in_place(found, place, made)
    found["cluster-info/cluster_version.json"] = version
    survives("components", found)


@briefly
@given(swap=st.permutations(range(6)), documents_=st.lists(odd_values | st.binary(max_size=60), min_size=3, max_size=3))
def test_bundles_whose_files_are_something_else(swap: list[int], documents_: list[Any]) -> None:
    found = base()
    names = [name for name in sorted(found) if name.endswith(".json") and "/default" not in name][: len(swap)]
    contents = [found[name] for name in names]
    for name, index in zip(names, swap, strict=False):
        found[name] = contents[index]
    for number, content in enumerate(documents_):
        found[sorted(found)[number * 7 % len(found)]] = content
    survives("bundle files", found)


@settings(briefly, max_examples=25)
@given(flips=st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 255)), max_size=8), kept=st.integers(1, 10**6))
def test_bundle_archives(tmp_path: Path, flips: list[tuple[int, int]], kept: int) -> None:
    data = bytearray(bundle_path("vswitch-exhausted").read_bytes())
    for place, value in flips:
        data[place % len(data)] = value
    path = tmp_path / "fuzzed.tar.gz"
    path.write_bytes(data[: max(1, len(data) - kept % 500)] if len(flips) % 2 else data)
    survives("bundle archives", path)


@settings(briefly, max_examples=30)
@given(tool=st.sampled_from([contract.name for contract in CONTRACTS]), sent=st.data())
def test_arguments(tool: str, sent: st.DataObject) -> None:
    contract = next(contract for contract in CONTRACTS if contract.name == tool)
    fields = st.sampled_from([*contract.arguments.model_fields, "other"])
    arguments = sent.draw(st.dictionaries(fields, odd_values, max_size=6))

    async def send() -> None:
        async with Client(create_server(InMemory({"fuzzed": base}), knowledge=knowledge)) as client:
            talk = await Talk.begin(client)
            known = {"investigation": await talk.opened()}
            plain = json.loads(json.dumps(arguments).encode("utf-8", "replace"))
            for given_ in (plain, {**plain, **known}):
                answer = await talk.call(tool, **given_)
                assert "failed inside the server" not in answer.get("message", "")
                assert len(json.dumps(answer).encode()) <= 2 * MOST_BYTES

    cases["arguments"] += 1
    anyio.run(send)
    survived["arguments"] += 1


def test_no_member_of_an_archive_is_written_to_the_disk_or_read_from_it(tmp_path: Path) -> None:
    """A bundle whose members would leave it: what they point to is neither read nor touched."""
    secret = tmp_path / "outside" / "nodes.json"
    secret.parent.mkdir()
    secret.write_text(json.dumps([{"metadata": {"name": "outside-node"}}]))
    path = tmp_path / "bundle.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, kind, target in (
            (f"b/{RES}/nodes.json", tarfile.SYMTYPE, str(secret)),
            (f"b/{RES}/namespaces.json", tarfile.LNKTYPE, "../outside/nodes.json"),
            (f"b/../../outside/{RES}/nodes.json", tarfile.REGTYPE, ""),
            (f"/{RES}/nodes.json", tarfile.REGTYPE, ""),
            (f"b/{RES}/pods", tarfile.FIFOTYPE, ""),
            ("b/cluster-info/cluster_version.json", tarfile.REGTYPE, ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            tar.addfile(info)
    before = sorted(tmp_path.rglob("*"))
    survives("bundle links", path)
    assert sorted(tmp_path.rglob("*")) == before


ATHERIS = importlib.util.find_spec("atheris")
_WITHOUT = "the fuzzer is not installed: pip install --group fuzz"


@pytest.mark.skipif(ATHERIS is None, reason=_WITHOUT)
@pytest.mark.parametrize("target", ["redaction", "logs", "configuration", "names", "json"])
def test_guided_by_coverage(target: str, tmp_path: Path) -> None:
    """libFuzzer looks for inputs that reach new code; bounded in runs and in seconds."""
    command = [sys.executable, "-m", "tests.security.fuzz_target", target, "-runs=1500", "-max_total_time=5", "-seed=7"]
    options = ["-max_len=400", "-verbosity=1", f"-artifact_prefix={tmp_path}/"]
    root = Path(__file__).parents[2]
    done = subprocess.run([*command, *options], cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    runs = re.search(r"Done (\d+) runs", done.stderr)
    assert runs, done.stderr[-500:]
    print(f"{target}: {runs[1]} runs guided by coverage")
    for counter in (cases, survived):
        counter[f"{target} (guided)"] += int(runs[1])


def test_what_was_tried(show: Callable[[str], None], tally: Counter[str]) -> None:
    """Runs last, so that what the others tried can be told; fails when that was nothing."""
    failed = sum(cases.values()) - sum(survived.values())
    by_name = ", ".join(f"{name} {count}" for name, count in cases.items())
    show(f"fuzz: {sum(cases.values()):,} cases over {len(cases)} parsers, {failed} failures ({by_name})")
    tally["fuzz cases"] += sum(cases.values())
    assert cases
