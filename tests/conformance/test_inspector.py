"""The MCP Inspector's command line against the server: both transports, both eras of the protocol."""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.tools.contracts import CONTRACTS
from tests.conformance.programs import INSPECTOR, Ended, needs_node, node

pytestmark = needs_node

ERAS = {"legacy": "2025-11-25", "modern": "2026-07-28"}


@dataclass
class Inspector:
    """The Inspector on one server in one era, and a transcript of what was said."""

    title: str
    target: list[str]
    home: Path
    transcript: list[str] = field(default_factory=list)

    def ask(self, method: str, *options: str) -> Ended:
        """Run one method; the answer as it was printed."""
        ended = node(INSPECTOR, *self.target, "--format", "json", "--method", method, *options, home=self.home)
        said = ended.out.strip() or ended.err.strip()
        shown = said if len(said) <= 160 else f"{said[:150]}... {len(said):,} characters"
        self.transcript.append(f"$ {method} {' '.join(options)}\n  exit code {ended.code}: {shown}")
        return ended

    def result(self, method: str, *options: str) -> dict[str, Any]:
        """Run one method that must succeed."""
        ended = self.ask(method, *options)
        assert ended.code == 0, ended.err
        return dict(json.loads(ended.out)["result"])

    def call(self, tool: str, **arguments: str) -> tuple[int, dict[str, Any]]:
        """Call a tool; the exit code and the envelope."""
        ended = self.ask("tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments))
        return ended.code, dict(json.loads(ended.out)["result"]["structuredContent"])


@pytest.fixture(params=[(transport, era) for transport in ("stdio", "http") for era in ERAS], ids="-".join)
def inspector(
    request: pytest.FixtureRequest, bundle: Path, product_url: str, tmp_path: Path, show: Callable[[str], None]
) -> Inspector:
    transport, era = request.param
    # Every question starts a stdio server of its own; the file hands the investigation on.
    store = ["--store", str(tmp_path / "investigations.db")]
    program = [sys.executable, "-m", "terway_mcp.server", "--bundle", str(bundle), "serve", *store]
    target = [*program, "--"] if transport == "stdio" else [product_url]
    return Inspector(f"{transport}, {ERAS[era]}", [*target, "--protocol-era", era], tmp_path)


def test_the_inspector_gets_tools_prompt_resources_and_answers(
    inspector: Inspector, vswitch_exhausted: Scenario, show: Callable[[str], None]
) -> None:
    agreed = inspector.result("initialize")
    assert agreed["protocolVersion"] in inspector.title

    listed = inspector.ask("tools/list", "--strict")
    assert listed.code == 0
    assert listed.err == "", "schemas that some hosts cannot use"
    assert [tool["name"] for tool in json.loads(listed.out)["result"]["tools"]] == [tool.name for tool in CONTRACTS]

    code, opened = inspector.call("inspect_cluster")
    assert (code, opened["status"]) == (0, "ok")
    target = {"namespace": vswitch_exhausted.namespace, "pod": vswitch_exhausted.pod}
    code, refused = inspector.call("get_events", investigation=opened["investigation"]["id"], **target)
    assert (code, refused["status"]) == (5, "out_of_order")
    assert refused["next_steps"][0]["tool"] == "inspect_pod"

    prompt = inspector.result("prompts/get", "--prompt-name", "troubleshoot", "--prompt-args", "namespace=shop")
    assert "- Namespace: shop" in prompt["messages"][0]["content"]["text"]
    (page,) = inspector.result("resources/read", "--uri", "terway://sop")["contents"]
    assert page["text"].startswith("# Troubleshooting Terway")

    verified = inspector.ask("skills/list", "--verify")
    assert verified.code == 0, verified.err
    assert re.search(r"Verified 1 skill and \d\d files: no conformance errors", verified.err)
    show("\n".join(["", f"MCP Inspector over {inspector.title}", *inspector.transcript]))
