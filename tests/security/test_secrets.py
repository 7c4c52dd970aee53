"""A secret in any form, lying anywhere a tool reads: it leaves by no way out, and what tells stays readable."""

import contextlib
import io
import json
import logging
import sys
import tarfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from mcp import Client, MCPError
from mcp_types import PromptReference, TextContent, TextResourceContents

from terway_mcp.cluster.capture import capture
from terway_mcp.cluster.errors import ClusterUnreachable
from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.knowledge.redaction import MASK
from terway_mcp.knowledge.sealing import masked
from terway_mcp.server import cli, diagnose, inspection
from terway_mcp.server.agent import Question
from terway_mcp.server.app import create_server
from terway_mcp.server.options import parser
from terway_mcp.server.stderr import RedactedStream

from ..server.processes import run
from .canaries import FORMS, Form, leaks, readings
from .planted import Documents, InMemory, documents, only, planted

pytestmark = pytest.mark.anyio

NODE, DAEMON = "cn-hangzhou.10.0.1.21", "terway-eniip-l2kfs"
LONGEST_ARGUMENT = 300
WAYS = (
    *(f"{tool} {half}" for half in ("text", "data") for tool in (
        "inspect_cluster", "inspect_node", "inspect_pod", "get_events", "grep_terway_logs", "correlate", "refusal"
    )),
    "report", "prompt", "protocol error", "completion", "diagnose", "diagnose --json", "diagnose --html", "inspect",
    "stderr", "capture",
)  # fmt: skip


@pytest.fixture(scope="module")
def base(bundle: Path, vswitch_exhausted: Scenario) -> Documents:
    """The demo, cut down to what the target hangs on."""
    return only(documents(bundle), {vswitch_exhausted.pod, "web", NODE, DAEMON}, {"shop", "kube-system", "default"})


@pytest.fixture(scope="module")
def clusters(base: Documents, vswitch_exhausted: Scenario) -> InMemory:
    """A context for each form, with the form planted everywhere."""
    pod = vswitch_exhausted.pod
    return InMemory({form.name: partial(planted, base, form.text, pod=pod, node=NODE, daemon=DAEMON) for form in FORMS})


@pytest.fixture(scope="module")
def stderr() -> Iterator[io.StringIO]:
    """What this process's loggers and prints would write to stderr, behind the guard of the command line."""
    behind = io.StringIO()
    handler = logging.StreamHandler(RedactedStream(behind))
    logging.getLogger().addHandler(handler)
    yield behind
    logging.getLogger().removeHandler(handler)


@pytest.fixture(scope="module")
async def client(clusters: InMemory, stderr: io.StringIO) -> AsyncIterator[Client]:
    async with Client(create_server(clusters)) as connected:
        yield connected


class Ways:
    """Collects what leaves about one form."""

    def __init__(self, client: Client, form: Form) -> None:
        self._client = client
        self._argument = form.text[:LONGEST_ARGUMENT]
        self.said: dict[str, str] = {}

    def hear(self, way: str, *words: str) -> None:
        self.said[way] = "\n".join([self.said.get(way, ""), *words])

    async def call(self, tool: str, arguments: dict[str, Any], *, way: str = "") -> dict[str, Any]:
        result = await self._client.call_tool(tool, arguments)
        (content,) = result.content
        assert isinstance(content, TextContent)
        envelope = dict(result.structured_content or {})
        self.hear(f"{way or tool} text", content.text)
        self.hear(f"{way or tool} data", json.dumps(envelope, ensure_ascii=False), str(envelope))
        return envelope

    async def investigate(self, context: str, pod: str) -> None:
        """Every tool about the target, out of order where that shows more."""
        symptom = self._argument
        opened = await self.call("inspect_cluster", {"context": context, "symptom": symptom, "namespace": "shop"})
        known = {"investigation": opened["investigation"]["id"]}
        target, skip = {**known, "namespace": "shop", "pod": pod}, {"skip_reason": symptom}
        await self.call("get_events", target, way="refusal")
        await self.call("inspect_pod", target)
        await self.call("inspect_node", {**known, "node": NODE})
        await self.call("get_events", {**known, "namespace": "shop", "workload": "deployment/web", **skip})
        await self.call("get_events", target)
        await self.call("grep_terway_logs", {**known, "node": NODE, "pattern": ".", "raw": True, **skip})
        await self.call("grep_terway_logs", {**known, "component": "controlplane", **skip})
        found = await self.call("correlate", {**known, **skip})
        (page,) = (await self._client.read_resource(found["data"]["report"])).contents
        assert isinstance(page, TextResourceContents)
        self.hear("report", page.text)
        await self.refusals(known)
        for name in ("pod", "node", "namespace", "context"):
            asked = {"name": name, "value": ""}
            offered = await self._client.complete(PromptReference(name="troubleshoot"), asked, {"namespace": "shop"})
            self.hear("completion", offered.model_dump_json())

    async def refusals(self, known: dict[str, str]) -> None:
        given = self._argument
        for tool, arguments in (
            ("inspect_pod", {"investigation": given, "namespace": "shop", "pod": "x"}),
            ("inspect_pod", {**known, "namespace": given, "pod": given}),
            ("inspect_node", {**known, "node": given}),
            ("get_events", {**known, "namespace": "shop", "workload": given}),
            ("get_events", {**known, "node": NODE, "since": given}),
            ("grep_terway_logs", {**known, "node": NODE, "confirm": given}),
            ("grep_terway_logs", {**known, "node": NODE, "pattern": f"({given}", "confirm": "E1"}),
            ("grep_terway_logs", {**known, "node": NODE, "container": given, "skip_reason": given}),
            ("inspect_cluster", {"context": given}),
            ("correlate", {**known, given: 1}),
        ):
            await self.call(tool, arguments, way="refusal")

    async def pages(self) -> None:
        given = self._argument
        prompt = await self._client.get_prompt("troubleshoot", {"symptom": given, "namespace": given, "pod": given})
        self.hear("prompt", prompt.model_dump_json())
        for uri in (f"terway://knowledge/cause/{quote(given, safe='')}", f"terway://{given}"):
            with contextlib.suppress(ValueError):
                with pytest.raises(MCPError) as raised:
                    await self._client.read_resource(uri)
                self.hear("protocol error", str(raised.value.error))
        with pytest.raises(MCPError) as raised:
            await self._client.get_prompt(given)
        self.hear("protocol error", str(raised.value.error))

    async def commands(self, pod: str, folder: Path) -> None:
        """What the commands print, with the client they would have started a process for."""
        question = Question("shop", pod, symptom=self._argument)
        await self._printed("diagnose", diagnose.diagnose(question, [], self._argument, as_json=False))
        page = folder / "report.html"
        await self._printed("diagnose --json", diagnose.diagnose(question, [], "", as_json=True, html=page))
        self.hear("diagnose --html", page.read_text())
        await self._printed("inspect", inspection.inspect("pod", ["shop", pod], [], as_json=False))

    async def _printed(self, way: str, command: Any) -> None:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            await command
        self.hear(way, out.getvalue())

    def complain(self, text: str, behind: io.StringIO) -> None:
        """What is written to stderr: logs, errors of commands, and errors of usage."""
        behind.seek(0)
        behind.truncate()
        with contextlib.redirect_stderr(RedactedStream(behind)):
            error = ClusterUnreachable(text)
            logging.getLogger("terway_mcp").error("reading %s failed", text, exc_info=error)
            assert cli._exit_code(error) == cli.EXIT_ERROR
            with pytest.raises(SystemExit):
                parser().parse_args(["diagnose", "--no-such-option", text])
            print(text, file=sys.stderr)
        self.hear("stderr", behind.getvalue())


async def captured(clusters: InMemory, context: str, folder: Path) -> str:
    """Everything inside a bundle that was captured from a context, and what was said about it."""
    output = folder / "out.tar.gz"
    only = InMemory({context: clusters.made(context)})
    said = [str(masked(await capture(only, output, ("shop",), masked)))]
    with tarfile.open(output) as tar:
        for member in tar.getmembers():
            file = tar.extractfile(member)
            said += [member.name, file.read().decode() if file else ""]
    return "\n".join(said)


@pytest.fixture(scope="module")
async def heard(
    client: Client, clusters: InMemory, stderr: io.StringIO, vswitch_exhausted: Scenario, tmp_path_factory: Any
) -> dict[str, dict[str, str]]:
    """All that left, by form and way."""

    @asynccontextmanager
    async def connected(options: list[str]) -> AsyncIterator[Client]:
        yield client

    everything = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diagnose, "connected", connected)
        patch.setattr(inspection, "connected", connected)
        for form in FORMS:
            clusters.turn_to(form.name)
            ways = Ways(client, form)
            await ways.investigate(form.name, vswitch_exhausted.pod)
            await ways.pages()
            await ways.commands(vswitch_exhausted.pod, tmp_path_factory.mktemp("report"))
            ways.complain(form.text, stderr)
            ways.hear("capture", await captured(clusters, form.name, tmp_path_factory.mktemp("captured")))
            everything[form.name] = ways.said
    return everything


async def test_no_form_of_a_secret_leaves_by_any_way(
    heard: dict[str, dict[str, str]], show: Callable[[str], None], tally: Counter[str]
) -> None:
    leaked = {
        (form.name, way): found
        for form in FORMS
        for way, said in heard[form.name].items()
        if (found := leaks(form, readings(said)))
    }
    lines = [f"{number:>2} {way}" for number, way in enumerate(WAYS)]
    lines.append(" " * 34 + " ".join(f"{number:>2}" for number in range(len(WAYS))))
    marks = {form.name: [" X" if (form.name, way) in leaked else " ." for way in WAYS] for form in FORMS}
    lines += [f"{name:<34}{' '.join(row)}" for name, row in marks.items()]
    for (name, way), (piece, *_) in leaked.items():
        at = heard[name][way].find(piece)
        lines.append(f"{name}, {way}: {heard[name][way][max(0, at - 120) : at + 60]!r}")
    show("\n".join([*lines, f"secrets: {len(FORMS)} forms, {len(WAYS)} ways out, {len(leaked)} leaked"]))
    tally.update({"secret forms": len(FORMS), "ways out": len(WAYS), "leaked": len(leaked)})
    assert all(set(said) == set(WAYS) for said in heard.values())
    assert leaked == {}


@pytest.mark.parametrize("way", [way for way in WAYS if way not in ("completion", "protocol error")])
async def test_a_secret_came_as_far_as_every_way_out(heard: dict[str, dict[str, str]], way: str) -> None:
    """Without this the table could be empty because nothing was said."""
    stopped = [form.name for form in FORMS if MASK not in heard[form.name][way]]
    assert stopped == []


def test_every_form_of_the_table_is_found_where_nothing_masks_it() -> None:
    assert len(FORMS) >= 40
    assert [form.name for form in FORMS if not leaks(form, readings(form.text))] == []


def test_the_standard_error_of_a_real_process_is_guarded(tmp_path: Path) -> None:
    form = next(form for form in FORMS if form.name == "signed-url")
    (tmp_path / "kubeconfig").write_text(f"users:\n- name: a\n  user: {{token: {form.secrets[0]}\n\t- bad: [\n")
    known = ("--kubeconfig", str(tmp_path / "kubeconfig"))
    said = [
        run("diagnose", f"--{form.text}", home=tmp_path),
        run("diagnose", *known, "--context", form.text, home=tmp_path),
        run("capture", *known, "-o", str(tmp_path / "out.tar.gz"), "-n", form.text, home=tmp_path),
    ]
    for done in said:
        assert done.returncode != 0
        assert leaks(form, readings(done.stdout + done.stderr)) == []
    assert sum(MASK in done.stdout + done.stderr for done in said) >= 2
