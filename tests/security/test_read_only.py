"""Nothing can write: every code path is walked against a recording API server, and the code has no other way out."""

import ast
import asyncio
import inspect
import json
import tarfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types import PromptReference, ResourceTemplateReference

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.connection import Connection
from terway_mcp.cluster.grants import Grant, capture_grants, grants
from terway_mcp.cluster.scenarios.catalog import bundle_path
from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.cluster.scenarios.world import World
from terway_mcp.server.agent import Question, investigate
from terway_mcp.server.app import create_server
from tests.cluster.loopback import Request
from tests.scenarios.incidents import CORPUS
from tests.security.recorder import complaints, recorded, shape
from tests.server.processes import run
from tests.server.slow_api import kubeconfig
from tests.server.talk import Talk

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
FOLDERS = ("cluster", "knowledge", "prompts", "server", "tools")
WALKED = (
    "vswitch-exhausted", "ram-denied-trunk", "controlplane-down", "webhook-denies", "networking-without-zone",
    "policy-cannot-mount", "no-daemon-on-node", "dynamic-config-missing", "local-inhibit", "healthy",
)  # fmt: skip
HOSTILE_NAME = "../../../../api/v1/namespaces/kube-system/secrets/eni"


@asynccontextmanager
async def talking(url: str, folder: Path) -> AsyncIterator[Talk]:
    config = kubeconfig(folder / "kubeconfig", url)
    async with Client(create_server(Clusters(kubeconfig=str(config)))) as client:
        yield await Talk.begin(client)


async def every_call(talk: Talk, scenario: Scenario) -> Counter[str]:
    """Each tool with each kind of target and of argument, in and out of order; how often each status came back."""
    seen: Counter[str] = Counter()

    async def call(tool: str, **arguments: Any) -> dict[str, Any]:
        answer = await talk.call(tool, **arguments)
        seen[answer["status"]] += 1
        return answer

    opened = await call("inspect_cluster", symptom=scenario.symptom, namespace=scenario.namespace or "default")
    known = {"investigation": opened["investigation"]["id"]}
    skip = {"skip_reason": "looked at with kubectl"}
    namespace, pod = scenario.namespace or "kube-system", scenario.pod or "no-such-pod"
    node = scenario.node or "no-such-node"
    await call("inspect_cluster", **known)
    await call("inspect_cluster", context="no-such-context")
    await call("grep_terway_logs", **known, node="never-inspected")
    await call("correlate", **known)
    inspected = await call("inspect_pod", **known, namespace=namespace, pod=pod)
    node = (inspected["data"] or {}).get("node") or node
    daemon = ((inspected["data"] or {}).get("terway_on_node") or {}).get("name", "terway-eniip-x")
    await call("inspect_node", **known, node=node)
    for target in ({"namespace": "kube-system", "pod": daemon}, {"namespace": "shop", "pod": "no-such-pod"}):
        await call("inspect_pod", **known, **target)
        await call("get_events", **known, **target, **skip)
    await call("inspect_node", **known, node="no-such-node")
    for name in ("../secrets", "UPPER", "a/../b", "%2e%2e", "x?watch=1", "x&follow=true"):
        await call("inspect_pod", **known, namespace=name, pod=name)
        await call("inspect_node", **known, node=name)
        await call("get_events", **known, namespace=namespace, workload=f"deployment/{name}")
    await call("get_events", **known, namespace=namespace, pod=pod, **skip)
    await call("get_events", **known, node=node, since="2h", **skip)
    for kind in ("deployment", "replicaset", "statefulset", "daemonset", "job", "cronjob", "secret"):
        await call("get_events", **known, namespace=namespace, workload=f"{kind}/web")
    for logs in (
        {"node": node},
        {"node": node, "pattern": "error|fail", "raw": True, "since": "24h", "until": "1m"},
        {"node": node, "container": "terway", "previous": True},
        {"node": node, "container": "a&follow=true"},
        {"node": node, "confirm": "E1"},
        {"component": "controlplane"},
        {"component": "controlplane", "previous": True, "pattern": "("},
    ):
        await call("grep_terway_logs", **known, **logs, **skip)
    judged = await call("correlate", **known, **skip)
    await talk.client.read_resource(judged["data"]["report"])
    await everything_but_tools(talk.client, namespace)
    await investigate(talk.client, Question(scenario.namespace, scenario.pod, scenario.workload, scenario.node))
    await investigate(talk.client, Question(), impatient=True)
    return seen


async def everything_but_tools(client: Client, namespace: str) -> None:
    """Prompts, resources and completions."""
    await client.list_prompts()
    await client.get_prompt("troubleshoot", {"namespace": namespace, "pod": "web-0"})
    for resource in (await client.list_resources()).resources:
        await client.read_resource(str(resource.uri))
    await client.list_resource_templates()
    for argument in ("namespace", "pod", "node", "context"):
        reference = PromptReference(name="troubleshoot")
        await client.complete(reference, {"name": argument, "value": ""}, {"namespace": namespace})
    page = ResourceTemplateReference(uri="terway://knowledge/{kind}/{entry}")
    await client.complete(page, {"name": "entry", "value": ""}, {"kind": "state"})


def judged(requests: list[Request], table: tuple[Grant, ...], name: str) -> list[str]:
    """Every complaint about these requests; prints what was seen."""
    found = [f"{request.method} {request.path}: {said}" for request in requests for said in complaints(request, table)]
    kinds = len({shape(request) for request in requests})
    methods = dict(Counter(request.method for request in requests))
    print(f"read-only: {name}: {len(requests)} requests {methods}, {kinds} kinds of path, {len(found)} complaints")
    return found


@pytest.mark.parametrize("name", WALKED)
async def test_no_code_path_asks_for_more_than_the_table_of_reads(name: str, tmp_path: Path) -> None:
    scenario = CORPUS[name](World())
    with recorded(scenario.build().write(tmp_path / "bundle.tar.gz")) as api:
        async with talking(api.url, tmp_path) as talk:
            seen = await every_call(talk, scenario)
        print("statuses:", dict(seen))
        assert judged(api.requests, grants(dynamic_configs(api.requests)), name) == []
        assert {"ok", "no_data", "invalid", "out_of_order", "unreachable"} <= set(seen), "all kinds of answers came"
        assert len({shape(request) for request in api.requests}) >= 16, "the walk is wide"


def dynamic_configs(requests: list[Request]) -> tuple[str, ...]:
    """ConfigMaps that nodes name by label: only the cluster knows what they are called."""
    place = "/api/v1/namespaces/kube-system/configmaps/eni-config-"
    return tuple(request.path.rpartition("/")[2] for request in requests if request.path.startswith(place))


async def test_the_commands_ask_for_no_more_either(tmp_path: Path) -> None:
    scenario = CORPUS["vswitch-exhausted"](World())
    commands = [
        ["diagnose", "-n", scenario.namespace, scenario.pod, "--json"],
        ["inspect", "cluster"],
        ["inspect", "pod", scenario.namespace, scenario.pod],
        ["inspect", "node"],
        ["capture", "-n", scenario.namespace, "-o", str(tmp_path / "out.tar.gz")],
    ]
    with recorded(bundle_path("vswitch-exhausted")) as api:
        config = str(kubeconfig(tmp_path / "kubeconfig", api.url))
        for command in commands:
            api.requests.clear()
            done = await asyncio.to_thread(run, *command, "--kubeconfig", config, home=tmp_path)
            assert done.returncode == 0, done.stderr
            table = capture_grants() if command[0] == "capture" else grants()
            assert judged(api.requests, table, " ".join(command[:2])) == []
            assert len(api.requests) >= 10


def planted_names(bundle: Path, folder: Path) -> Path:
    """The demo, with pods and nodes that name objects by paths to somewhere else."""
    with tarfile.open(bundle) as archive:
        archive.extractall(folder, filter="data")
    (root,) = folder.iterdir()
    for file, metadata in (
        ("pods/shop.json", {"annotations": {"k8s.aliyun.com/pod-networking": HOSTILE_NAME}}),
        ("nodes.json", {"labels": {"terway-config": ".."}}),
    ):
        path = root / "cluster-resources" / file
        whole = json.loads(path.read_text())
        for item in whole["items"]:
            for key, planted in metadata.items():
                item["metadata"].setdefault(key, {}).update(planted)
        path.write_text(json.dumps(whole))
    return root


async def test_a_name_that_the_cluster_plants_leads_nowhere(
    bundle: Path, vswitch_exhausted: Scenario, tmp_path: Path
) -> None:
    planted = planted_names(bundle, tmp_path)
    with recorded(planted) as api:
        async with talking(api.url, tmp_path) as talk:
            known = {"investigation": await talk.opened()}
            pod = await talk.call("inspect_pod", **known, namespace="shop", pod=vswitch_exhausted.pod)
            node = await talk.call("inspect_node", **known, node=pod["data"]["node"])
        assert judged(api.requests, grants(), "planted names") == []
    for answer in (pod, node):
        assert answer["status"] == "partial"
        assert "not a valid Kubernetes name" in json.dumps(answer["coverage"])


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Request("POST", "/api/v1/namespaces/shop/pods", {}, {}, 0), "method POST"),
        (Request("GET", "/version", {}, {"content-length": "2"}, 0, b"{}"), "a body"),
        (Request("GET", "/api/v1/namespaces/shop/pods/web/exec", {}, {}, 0), "segment exec"),
        (Request("GET", "/api/v1/nodes/n1/proxy/pods", {}, {}, 0), "segment proxy"),
        (Request("GET", "/api/v1/namespaces/shop/secrets", {}, {}, 0), "segment secrets"),
        (Request("GET", "/api/v1/namespaces/shop/configmaps/eni-config", {}, {}, 0), "get of configmaps"),
        (Request("GET", "/api/v1/namespaces/shop/pods/web-0/log", {}, {}, 0), "get of pods/log"),
        (Request("GET", "/api/v1/pods", {"watch": "true"}, {}, 0), "parameter watch"),
        (Request("GET", "/metrics", {}, {}, 0), "a path that is not in the table of reads"),
        (Request("GET", "/version", {}, {"upgrade": "websocket"}, 0), "an upgrade of the connection"),
    ],
)
def test_the_recorder_complains_of_what_it_is_there_for(request_: Request, said: str) -> None:
    assert any(said in complaint for complaint in complaints(request_, grants()))


# The code.

STARTS_PROCESSES = {
    "subprocess", "pty", "multiprocessing", "ctypes", "_posixsubprocess", "concurrent.futures.process",
}  # fmt: skip
CALLS_THAT_DO = {
    "system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp", "create_subprocess_exec",
    "create_subprocess_shell", "run_process", "open_process", "eval", "exec",
    *(f"{family}{how}" for family in ("exec", "spawn") for how in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
}  # fmt: skip
PROGRAMS_STARTED = {
    # `diagnose`, `demo` and `inspect` are MCP clients of this very server, started as a host starts it.
    "server/agent.py": "sys.executable",
}


def modules() -> dict[str, ast.Module]:
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def called(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    return {node.module or ""} if isinstance(node, ast.ImportFrom) else set()


def test_no_module_starts_a_program_but_this_server() -> None:
    started = {}
    for name, module in modules().items():
        for node in ast.walk(module):
            assert not imported(node) & STARTS_PROCESSES, f"{name}:{getattr(node, 'lineno', 0)}"
            assert called(node) not in CALLS_THAT_DO, f"{name}:{getattr(node, 'lineno', 0)} calls {called(node)}"
            if called(node) == "StdioServerParameters" and isinstance(node, ast.Call):
                given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                started[name] = given["command"]
                assert given["args"].startswith("['-m', 'terway_mcp.server'")
    assert started == PROGRAMS_STARTED
    print(f"read-only: {len(modules())} modules start nothing but {started}")


def test_of_the_kubernetes_client_only_its_configuration_is_used() -> None:
    """No API class of it, which could write, is ever named; its credential plugins run as kubectl runs them."""
    names = set()
    for name, module in modules().items():
        for node in ast.walk(module):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "kubernetes":
                assert name == "cluster/credentials.py"
                names |= {alias.name for alias in node.names}
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "client":
                assert name != "cluster/credentials.py" or node.attr == "Configuration"
    assert names == {"client", "config", "kube_config"}


def test_a_connection_offers_reading_and_nothing_else() -> None:
    public = {name for name, _ in inspect.getmembers(Connection) if not name.startswith("_")}
    assert public == {"get", "stream", "aclose", "now"}
