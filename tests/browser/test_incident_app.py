"""The page as a guest of an MCP host: in a sandboxed frame, under the host's policy, over postMessage."""

import json
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp_types import TextResourceContents

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.scenarios.catalog import bundle_path
from terway_mcp.server.app import create_server
from tests.browser.chromium import Page
from tests.browser.told import Told, told_of

_HOST = """<!DOCTYPE html><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self' 'unsafe-inline';
 style-src 'self' 'unsafe-inline'; img-src 'self' data:; media-src 'self' data:; connect-src 'none'">
<script>
  const heard = [], awaited = [];
  const say = message => frames[0].postMessage({jsonrpc: "2.0", ...message}, "*");
  const until = test => new Promise(done => {
    const look = () => { const found = heard.find(test); if (found) done(found); else awaited.push(look); };
    look();
  });
  addEventListener("message", ({data}) => {
    heard.push(data);
    for (const look of awaited.splice(0)) look();
    if (data.method === "ui/initialize") say({id: data.id, result: HOST_ANSWER});
  });
</script>
<iframe sandbox="allow-scripts" style="width: 100%; height: 900px" srcdoc="GUEST"></iframe>"""


class Host:
    """A host that shows the page; `frame` evaluates inside of it."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def until(self, method: str, where: str = "true") -> Told:
        """The first message of a method the guest sends for which a condition holds."""
        return dict(self._page.evaluate(f"until(message => message.method === '{method}' && {where})"))

    def answer(self, number: int) -> Told:
        return dict(self._page.evaluate(f"until(message => message.id === {number} && !message.method)"))

    def say(self, **message: Any) -> None:
        """Send a message, and wait until the guest has read it: it answers in order."""
        self._page.evaluate(f"say({json.dumps(message)})")
        self._page.evaluate(f"say({{id: {id(message)}, method: 'ping'}})")
        self.answer(id(message))

    def throw(self, anything: Any) -> None:
        """Send what is no message of the protocol."""
        self._page.evaluate(f"frames[0].postMessage({json.dumps(anything)}, '*')")

    def result(self, **result: Any) -> None:
        self.say(method="ui/notifications/tool-result", params=result)

    def frame(self, script: str) -> Any:
        return self._page.evaluate(script, context=self._page.frame())

    @property
    def heard(self) -> list[str]:
        return list(self._page.evaluate("heard.map(message => message.method ?? 'answer')"))

    @property
    def requests(self) -> list[str]:
        return self._page.requests

    @property
    def problems(self) -> list[str]:
        return self._page.problems


@pytest.fixture(scope="session")
def guest() -> str:
    """The page as a host gets it: by the link of the tool, over the protocol."""

    async def read() -> str:
        async with Client(create_server(Clusters(bundle=bundle_path("vswitch-exhausted")))) as client:
            tools = (await client.list_tools()).tools
            (link,) = [tool.meta["ui"]["resourceUri"] for tool in tools if tool.meta]
            (content,) = (await client.read_resource(link)).contents
        assert isinstance(content, TextResourceContents)
        assert content.mime_type == "text/html;profile=mcp-app"
        return content.text

    return anyio.run(read)


@pytest.fixture
def attach(page: Page, guest: str, tmp_path: Path) -> Callable[..., Host]:
    def attached(**context: Any) -> Host:
        answer = {
            "protocolVersion": "2026-01-26",
            "hostInfo": {"name": "a test", "version": "1"},
            "hostCapabilities": {},
            "hostContext": context,
        }
        file = tmp_path / "host.html"
        whole = _HOST.replace("HOST_ANSWER", json.dumps(answer)).replace("GUEST", escape(guest))
        file.write_text(whole, "utf-8")
        page.open(file)
        host = Host(page)
        host.until("ui/notifications/initialized")
        return host

    return attached


def envelope() -> Told:
    return {name: part for name, part in told_of("vswitch-exhausted").items() if name not in ("calls", "symptom")}


def test_the_guest_greets_waits_and_draws_what_the_tool_answered(attach: Callable[..., Host]) -> None:
    host = attach()
    hello = host.until("ui/initialize")
    assert hello["params"]["protocolVersion"] == "2026-01-26"
    assert set(hello["params"]) == {"appInfo", "appCapabilities", "protocolVersion"}
    assert host.heard[:2] == ["ui/initialize", "ui/notifications/initialized"]
    assert "Waiting" in host.frame("document.body.innerText")
    host.say(method="ui/notifications/tool-input", params={"arguments": {"investigation": "x"}})
    host.result(content=[], structuredContent=envelope())
    assert host.frame("document.querySelector('h1').textContent") == envelope()["data"]["verdict"]["title"]
    assert host.frame("document.querySelectorAll('.row').length") == len(envelope()["data"]["timeline"])
    assert host.problems == []
    assert [url.partition(":")[0] for url in host.requests] == ["file"]


def test_a_host_that_hands_on_the_text_alone_gets_the_same_picture(attach: Callable[..., Host]) -> None:
    host = attach()
    host.result(content=[{"type": "text", "text": json.dumps(envelope())}])
    assert host.frame("document.querySelectorAll('.row').length") == len(envelope()["data"]["timeline"])


def test_the_height_is_told_when_it_changes(attach: Callable[..., Host]) -> None:
    host = attach()
    empty = host.until("ui/notifications/size-changed")["params"]["height"]
    host.result(structuredContent=envelope())
    grown = host.until("ui/notifications/size-changed", f"message.params.height > {empty + 300}")["params"]
    assert set(grown) == {"height"}
    assert grown["height"] == pytest.approx(host.frame("document.body.getBoundingClientRect().height"), abs=1)


@pytest.mark.parametrize(("theme", "shade"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(22, 24, 29)")])
def test_the_theme_of_the_host_counts_more_than_that_of_the_system(
    attach: Callable[..., Host], page: Page, theme: str, shade: str
) -> None:
    page.preferring("dark" if theme == "light" else "light")
    host = attach(theme=theme)
    assert host.frame("getComputedStyle(document.body).backgroundColor") == shade


def test_colours_and_fonts_of_the_host_are_taken_on_and_follow_it(attach: Callable[..., Host]) -> None:
    host = attach(
        theme="light", styles={"variables": {"--color-background-primary": "#fdf6e3", "color": "red", "--x": 1}}
    )
    assert host.frame("getComputedStyle(document.body).backgroundColor") == "rgb(253, 246, 227)"
    host.say(
        method="ui/notifications/host-context-changed",
        params={"theme": "dark", "styles": {"variables": {"--font-sans": "monospace"}}},
    )
    assert host.frame("getComputedStyle(document.body).fontFamily") == "monospace"
    assert host.frame("document.documentElement.style.colorScheme") == "dark"


def test_requests_of_the_host_are_answered(attach: Callable[..., Host]) -> None:
    host = attach()
    host.say(id=7001, method="ui/resource-teardown", params={})
    assert host.answer(7001)["result"] == {}
    host.say(id=7002, method="tools/list", params={})
    assert host.answer(7002)["error"]["code"] == -32601


def test_a_refusal_and_a_cancelled_call_are_said_in_words(attach: Callable[..., Host]) -> None:
    host = attach()
    refusal = {"status": "out_of_order", "data": None, "message": "Read the events first.", "next_steps": []}
    host.result(isError=True, structuredContent=refusal)
    assert "Read the events first." in host.frame("document.body.innerText")
    host.result(content=[{"type": "text", "text": "Error executing tool"}], isError=True)
    assert "Error executing tool" in host.frame("document.body.innerText")
    host.say(method="ui/notifications/tool-cancelled", params={"reason": "by the user"})
    assert "The call was cancelled. by the user" in host.frame("document.body.innerText")


def test_nobody_but_the_host_is_listened_to(attach: Callable[..., Host]) -> None:
    host = attach()
    forged = {"jsonrpc": "2.0", "method": "ui/notifications/tool-result", "params": {"structuredContent": envelope()}}
    host.frame(f"window.postMessage({json.dumps(forged)}, '*'); new Promise(done => setTimeout(done, 50))")
    host.say(method="ui/notifications/tool-input", params={})
    assert host.frame("document.querySelectorAll('.row').length") == 0
    for nonsense in (None, 5, "text", [], {"jsonrpc": "1.0", "method": "ping", "id": 1}, {"jsonrpc": "2.0"}):
        host.throw(nonsense)
    host.result(structuredContent=envelope())
    assert host.frame("document.querySelectorAll('.row').length") > 0
    assert host.problems == []
