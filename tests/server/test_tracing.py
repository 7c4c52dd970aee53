"""Traces: a span per call and a child per request, in the caller's trace, telling no names and no content."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.request_spans import described
from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.server.app import create_server
from tests.server.processes import PROGRAM, clean_environment, stdio
from tests.server.slow_api import NODE, Plot, drip_a_log, kubeconfig, say_nothing, slow_api
from tests.server.talk import Talk

pytestmark = pytest.mark.anyio

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = {"traceparent": f"00-{TRACE}-{PARENT}-01"}


class Spans:
    """What has been recorded in this process."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    def calls(self) -> list[ReadableSpan]:
        """Spans of tool calls, in order."""
        return [span for span in self._exporter.get_finished_spans() if span.name.startswith("tools/call ")]

    def requests(self, call: ReadableSpan) -> list[ReadableSpan]:
        """The children of a call: requests to the API server."""
        return [span for span in self._exporter.get_finished_spans() if span.parent == call.context]

    def all(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()


@pytest.fixture(scope="module")
def recording() -> Iterator[InMemorySpanExporter]:
    """A provider may be set once in a process; what follows these tests is recorded by nobody."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    yield exporter
    provider.shutdown()


@pytest.fixture
def spans(recording: InMemorySpanExporter) -> Spans:
    recording.clear()
    return Spans(recording)


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_call_is_one_span_with_its_steps_its_status_and_its_sizes(
    mode: str, spans: Spans, bundle: Path
) -> None:
    async with Client(create_server(Clusters(bundle=bundle)), mode=mode) as client:
        talk = await Talk.begin(client)
        result = await client.call_tool("inspect_cluster", {}, meta=TRACEPARENT if mode == "auto" else None)
        investigation = talk.checked("inspect_cluster", result)["investigation"]["id"]
        await talk.call("correlate", investigation=investigation)
    opened, refused = spans.calls()
    told = attributes(opened)
    assert opened.kind is SpanKind.SERVER
    assert told["mcp.method.name"] == "tools/call"
    assert told["gen_ai.tool.name"] == "inspect_cluster"
    assert told["terway_mcp.steps"] == ("cluster", "components")
    assert told["terway_mcp.status"] == "ok"
    assert told["terway_mcp.bytes"] == len(result.content[0].text.encode())  # type: ignore[union-attr]
    assert told["terway_mcp.investigation.hash"] == sha256(investigation.encode()).hexdigest()[:16]
    assert told["terway_mcp.requests"] == len([s for s in spans.requests(opened) if s.name != "GET version"]) > 5
    assert attributes(refused)["terway_mcp.status"] == "out_of_order"
    assert attributes(refused)["error.type"] == "tool_error"
    assert attributes(refused)["terway_mcp.requests"] == 0
    if mode == "auto":
        assert opened.context is not None
        assert opened.parent is not None
        assert (f"{opened.context.trace_id:032x}", f"{opened.parent.span_id:016x}") == (TRACE, PARENT)


async def test_each_request_is_a_child_with_its_kind_and_its_status(spans: Spans, bundle: Path) -> None:
    async with Client(create_server(Clusters(bundle=bundle))) as client:
        await (await Talk.begin(client)).call("inspect_cluster")
    (call,) = spans.calls()
    by_template = {attributes(span)["url.template"]: span for span in spans.requests(call)}
    listed = by_template["/apis/apps/v1/namespaces/{namespace}/daemonsets"]
    assert (listed.name, listed.kind) == ("GET daemonsets.apps", SpanKind.CLIENT)
    told = attributes(listed)
    assert told.pop("terway_mcp.api.bytes") > 100
    assert told == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "terway_mcp.api.verb": "list",
        "terway_mcp.api.resource": "daemonsets.apps",
        "url.template": "/apis/apps/v1/namespaces/{namespace}/daemonsets",
    }
    absent = by_template["/api/v1/namespaces/{namespace}/configmaps/{name}"]
    assert attributes(absent)["terway_mcp.api.verb"] == "get"
    assert not [span.name for span in spans.requests(call) if not span.status.is_unset]


async def test_no_span_tells_a_name_an_id_or_a_text_of_the_cluster(
    spans: Spans, bundle: Path, vswitch_exhausted: Scenario
) -> None:
    pod = {"namespace": "shop", "pod": vswitch_exhausted.pod}
    node = "cn-hangzhou.10.0.1.21"
    async with Client(create_server(Clusters(bundle=bundle)), mode="legacy") as client:
        talk = await Talk.begin(client)
        handle = {"investigation": await talk.opened(symptom="replicas hang")}
        await talk.call("inspect_pod", **handle, **pod)
        await talk.call("inspect_node", **handle, node=node)
        await talk.call("get_events", **handle, **pod)
        await talk.call("grep_terway_logs", **handle, node=node, confirm="E1")
        verdict = await talk.call("correlate", **handle)
        await client.read_resource(verdict["data"]["report"])
        await talk.call("inspect_node", **handle, node="no-such-node")
        await talk.call("inspect_pod", **handle, namespace="shop", pod="../../secrets")
    told = " ".join(span.to_json() for span in spans.all())
    assert "tools/call correlate" in told
    secret = [handle["investigation"], "shop", vswitch_exhausted.pod, node, "no-such-node", "secrets", "hang", "vsw-"]
    secret += ["kube-system", "eni-config", "vswitch-exhausted", "IpNotEnough"]
    assert [word for word in secret if word in told] == []


async def test_a_request_without_an_answer_says_why_in_a_word(spans: Spans, tmp_path: Path) -> None:
    silent = Plot(lambda path: path.startswith("/api/v1/nodes/"), say_nothing)
    async with slow_api(silent) as api:
        server = create_server(Clusters(kubeconfig=str(kubeconfig(tmp_path / "config", api.url))))
        async with Client(server) as client:
            talk = await Talk.begin(client)
            await talk.call("inspect_node", investigation=await talk.opened(), node=NODE)
    call = spans.calls()[-1]
    failed = {span.name: span for span in spans.requests(call) if not span.status.is_unset}
    assert list(failed) == ["GET nodes"]
    assert attributes(failed["GET nodes"])["error.type"] == "TimeoutError"
    assert failed["GET nodes"].status.description is None
    assert "http.response.status_code" not in attributes(failed["GET nodes"])


async def test_the_span_of_a_log_lasts_as_long_as_it_is_read(spans: Spans, tmp_path: Path) -> None:
    async with slow_api(Plot(lambda path: "/log?" in path, drip_a_log)) as api:
        server = create_server(Clusters(kubeconfig=str(kubeconfig(tmp_path / "config", api.url))))
        async with Client(server) as client:
            talk = await Talk.begin(client)
            arguments = {"investigation": await talk.opened(), "node": NODE, "skip_reason": "tested alone"}
            call = asyncio.create_task(client.call_tool("grep_terway_logs", arguments))
            await api.begun.wait()
            await asyncio.sleep(0.3)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            await api.abandoned.wait()
    (log,) = [span for span in spans.all() if span.name == "GET pods/log"]
    told = attributes(log)
    assert told["url.template"] == "/api/v1/namespaces/{namespace}/pods/{name}/log"
    assert told["http.response.status_code"] == 200
    assert told["error.type"] == "CancelledError"
    assert (log.end_time or 0) - (log.start_time or 0) >= 0.25e9


@pytest.mark.parametrize(
    ("path", "resource", "verb", "template"),
    [
        ("/version", "version", "get", "/version"),
        ("/api/v1/nodes/n1", "nodes", "get", "/api/v1/nodes/{name}"),
        ("/api/v1/namespaces/shop", "namespaces", "get", "/api/v1/namespaces/{name}"),
        ("/api/v1/namespaces", "namespaces", "list", "/api/v1/namespaces"),
        ("/api/v1/events", "events", "list", "/api/v1/events"),
        ("/api/v1/namespaces/shop/pods/a", "pods", "get", "/api/v1/namespaces/{namespace}/pods/{name}"),
        (
            "/apis/network.alibabacloud.com/v1beta1/nodes/n1",
            "nodes.network.alibabacloud.com",
            "get",
            "/apis/network.alibabacloud.com/v1beta1/nodes/{name}",
        ),
        (
            "/api/v1/namespaces/shop/pods/a/log",
            "pods/log",
            "get",
            "/api/v1/namespaces/{namespace}/pods/{name}/log",
        ),
    ],
)
def test_a_path_is_told_as_a_template(path: str, resource: str, verb: str, template: str) -> None:
    found = described(path)
    assert (found.resource, found.verb, found.template) == (resource, verb, template)


class Collector:
    """An OpenTelemetry collector on a loopback port."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[ExportTraceServiceRequest] = []

    @property
    def spans(self) -> list[Any]:
        """Spans of every batch."""
        scopes = [each for batch in self.received for one in batch.resource_spans for each in one.scope_spans]
        return [span for scope in scopes for span in scope.spans]


@contextmanager
def collector() -> Iterator[Collector]:
    class Receive(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receive) as server:
        found = Collector(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def exporting(parameters: StdioServerParameters, url: str) -> StdioServerParameters:
    """The same server with a collector in its environment; its standard variables do not compress."""
    env = {**(parameters.env or {}), "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
    return parameters.model_copy(update={"env": env})


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_server_sends_its_spans_to_the_collector_that_its_environment_names(
    mode: str, spans: Spans, bundle: Path, tmp_path: Path
) -> None:
    with collector() as found:
        parameters = exporting(stdio("--bundle", str(bundle), home=tmp_path), found.url)
        async with Client(parameters, mode=mode) as client:
            await client.call_tool("inspect_cluster", {})
    (sent,) = [span for span in spans.all() if span.name == "MCP send tools/call inspect_cluster"]
    (batch, *_) = found.received
    named = {each.key: each.value.string_value for each in batch.resource_spans[0].resource.attributes}
    assert named["service.name"] == "terway-mcp"
    (call,) = [span for span in found.spans if span.name == "tools/call inspect_cluster"]
    assert sent.context is not None
    assert call.trace_id.hex() == f"{sent.context.trace_id:032x}"
    assert call.parent_span_id.hex() == f"{sent.context.span_id:016x}"
    requests = [span for span in found.spans if span.parent_span_id == call.span_id]
    assert len(requests) > 5
    assert {span.trace_id for span in requests} == {call.trace_id}


async def test_a_collector_that_is_away_neither_fails_a_call_nor_keeps_the_server_from_ending(
    bundle: Path, tmp_path: Path
) -> None:
    parameters = exporting(stdio("--bundle", str(bundle), home=tmp_path), "http://127.0.0.1:9")
    async with Client(parameters) as client:
        talk = await Talk.begin(client)
        assert (await talk.call("inspect_cluster"))["status"] == "ok"
        left = time.monotonic()
    assert time.monotonic() - left < 4


def test_without_a_collector_the_sdk_of_opentelemetry_is_not_imported(bundle: Path, tmp_path: Path) -> None:
    script = f"""
import anyio, sys
from mcp import Client
from terway_mcp.server.cli import _stdio_server
from terway_mcp.server.options import parser

async def investigate():
    async with Client(_stdio_server(parser().parse_args(["--bundle", {str(bundle)!r}]))) as client:
        await client.call_tool("inspect_cluster", {{}})

anyio.run(investigate)
print([name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter", "requests"))])
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_a_collector_without_the_means_to_reach_it_is_said_and_the_server_works(bundle: Path, tmp_path: Path) -> None:
    blocked = "import sys; sys.modules['opentelemetry.sdk.resources'] = None; "
    command = f"{blocked}from terway_mcp.server.cli import main; sys.exit(main({['--bundle', str(bundle)]!r}))"
    done = subprocess.run(
        [PROGRAM[0], "-c", command],
        env={**clean_environment(tmp_path), "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
        input="",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0
    assert "install terway-mcp[otel]" in done.stderr
