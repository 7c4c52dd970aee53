"""The picture of an incident where no browser is needed: its link, its page, and the report file of `diagnose`."""

import json
import os
import pty
import re
import select
import subprocess
from base64 import b64encode
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types import TextResourceContents

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.server.app import create_server
from terway_mcp.server.picture.page import app_page, report_file
from tests.server.processes import PROGRAM, clean_environment, run

EXTENSION, PAGE = "io.modelcontextprotocol/ui", "ui://terway/timeline.html"
SVG = "http://www.w3.org/2000/svg"


def told_in(page: str) -> dict[str, Any]:
    """The answer a report file was given."""
    (found,) = re.findall(r'<script type="application/json" id="told">(.*?)</script>', page, flags=re.DOTALL)
    return dict(json.loads(found))


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_only_correlate_is_linked_to_the_page_and_the_page_can_be_read_in_both_eras(
    bundle: Path, mode: str
) -> None:
    async with Client(create_server(Clusters(bundle=bundle)), mode=mode) as client:
        assert (client.server_capabilities.extensions or {})[EXTENSION] == {}
        linked = {tool.name: tool.meta for tool in (await client.list_tools()).tools if tool.meta}
        (content,) = (await client.read_resource(PAGE)).contents
    assert linked == {"correlate": {"ui": {"resourceUri": PAGE}}}
    assert isinstance(content, TextResourceContents)
    assert (content.mime_type, content.meta) == ("text/html;profile=mcp-app", {"ui": {"prefersBorder": True}})
    assert content.text == app_page()


def test_the_page_names_no_address_and_its_policy_allows_just_its_own_script_and_style() -> None:
    page = app_page()
    assert set(re.findall(r"\w+://[^\s\"'<)`]+", page)) == {SVG}
    (style,) = re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    allowed = [f"'sha256-{b64encode(sha256(part.encode()).digest()).decode()}'" for part in (script, style)]
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.split("; ") == [
        "default-src 'none'", f"script-src {allowed[0]}", f"style-src {allowed[1]}",
        "base-uri 'none'", "form-action 'none'",
    ]  # fmt: skip
    assert not re.search(r"(inner|outer)HTML|insertAdjacent|document\.write|\beval\b|new Function|\.on\w+ =", page)
    print(f"the page: {len(page.encode()):,} bytes")
    assert len(page.encode()) < 40_000


@pytest.mark.parametrize(
    "text", ["</script><script>x()</script>", "<!--<script>", "</noscript><b>", "]]>", "\u2028&amp;"]
)
def test_no_text_ends_the_element_it_is_in(text: str) -> None:
    page = report_file({"data": {text: [text]}}, text)
    assert page.count("<script") == page.count("</script") == app_page().count("<script")
    assert page.count("<!--") == 0
    assert told_in(page) == {"data": {text: [text]}}
    (plain,) = re.findall(r"<noscript><pre>(.*?)</pre></noscript>", page, flags=re.DOTALL)
    assert unescape(plain) == text


def test_diagnose_writes_a_report_that_holds_everything(
    bundle: Path, vswitch_exhausted: Scenario, empty_home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    asked = ["--bundle", str(bundle), "-n", "shop", vswitch_exhausted.pod, "--symptom", "12 pods hang"]
    done = run("diagnose", *asked, "--json", "--html", str(file), home=empty_home)
    assert (done.returncode, done.stderr) == (0, "")
    found, page = json.loads(done.stdout), file.read_text("utf-8")
    told = told_in(page)
    for part in ("verdict", "findings", "timeline"):
        assert told["data"][part] == found[part]
    assert told["calls"] == found["calls"]
    assert told["symptom"] == "12 pods hang"
    assert {"cited", "report"} <= set(told["data"])
    (plain,) = re.findall(r"<noscript><pre>(.*?)</pre></noscript>", page, flags=re.DOTALL)
    assert unescape(plain) == found["report_markdown"]


def test_a_report_is_also_written_when_no_verdict_was_reached(bundle: Path, empty_home: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    done = run("diagnose", "--bundle", str(bundle), "-n", "shop", "no-such-pod", "--html", str(file), home=empty_home)
    assert done.returncode == 1
    told = told_in(file.read_text("utf-8"))
    assert not told["data"] or "verdict" not in told["data"]
    assert [call["tool"] for call in told["calls"]] == ["inspect_cluster", "inspect_pod"]


def test_a_report_that_cannot_be_written_is_said_after_the_verdict(empty_home: Path, tmp_path: Path) -> None:
    done = run("demo", "healthy", "--html", str(tmp_path / "no" / "report.html"), home=empty_home)
    assert done.returncode == 1
    assert "No failure found" in done.stdout
    assert done.stderr.startswith("terway-mcp: cannot write ")
    assert len(done.stderr.splitlines()) == 1


def seen_on_a_terminal(*arguments: str, home: Path) -> tuple[str, str]:
    """What a command writes to stdout, a pipe, and to stderr, a terminal."""
    reading, terminal = pty.openpty()
    environment = {**clean_environment(home), "TERM": "xterm"}
    with subprocess.Popen([*PROGRAM, *arguments], env=environment, stdout=subprocess.PIPE, stderr=terminal) as process:
        os.close(terminal)
        assert process.stdout is not None
        parts: dict[int, bytes] = {reading: b"", process.stdout.fileno(): b""}
        waiting = set(parts)
        while waiting:
            for ready in select.select(waiting, [], [], 60)[0]:
                try:
                    piece = os.read(ready, 65536)
                except OSError:  # how a terminal says that nobody holds its other end any more
                    piece = b""
                parts[ready] += piece
                waiting -= set() if piece else {ready}
    os.close(reading)
    assert process.returncode == 0
    shown, told = parts.values()
    return told.decode(), shown.decode()


def test_a_terminal_sees_which_call_runs_and_results_go_to_stdout_alone(empty_home: Path) -> None:
    told, shown = seen_on_a_terminal("demo", "vswitch-exhausted", home=empty_home)
    for tool in ("the server starts", "inspect_cluster", "inspect_pod", "get_events", "correlate"):
        assert tool in shown
    assert shown.count("0:00:0") >= 6
    assert re.search(r"\x1b\[2K[^\w]*$", shown), "the line is gone in the end"
    assert "resource_exhaustion" in told
    assert "resource_exhaustion" not in shown


def test_without_a_terminal_and_as_json_there_is_no_progress(bundle: Path, empty_home: Path) -> None:
    assert run("demo", "healthy", home=empty_home).stderr == ""
    _, shown = seen_on_a_terminal("diagnose", "--bundle", str(bundle), "--json", home=empty_home)
    assert shown == ""
