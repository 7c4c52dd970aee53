"""A headless Chromium, driven over its DevTools protocol: just what the tests of a page and its screenshot need."""

import base64
import itertools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_SECONDS = 30.0
_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--disable-lcd-text",
    # A sandboxed frame stays in the process of its page, so that one session sees both.
    "--disable-features=IsolateSandboxedIframes,Translate",
    "--remote-debugging-port=0",
)
_KEYS = {"Tab": 9, "Enter": 13}


def installed() -> str | None:
    """The program, if the machine has one."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


class Page:
    """A tab. `requests` are the addresses it asked for, `problems` what it or the browser complained of."""

    def __init__(self, call: Callable[..., dict[str, Any]], session: str, events: list[dict[str, Any]]) -> None:
        self._call = call
        self._session = session
        self._events = events

    def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one command of the protocol."""
        return self._call(method, params, self._session)

    @property
    def requests(self) -> list[str]:
        sent = self._all("Network.requestWillBeSent")
        return [event["request"]["url"] for event in sent]

    @property
    def problems(self) -> list[str]:
        """Exceptions, console errors, and what a content security policy refused."""
        thrown = [event["exceptionDetails"]["text"] for event in self._all("Runtime.exceptionThrown")]
        said = [str(event["args"]) for event in self._all("Runtime.consoleAPICalled") if event["type"] == "error"]
        logged = [event["entry"]["text"] for event in self._all("Log.entryAdded") if event["entry"]["level"] == "error"]
        return [*thrown, *said, *logged]

    def open(self, file: Path) -> None:
        """Load a file and wait until it has loaded."""
        before = len(self._all("Page.loadEventFired"))
        self.command("Page.navigate", url=file.as_uri())
        self._await(lambda: len(self._all("Page.loadEventFired")) > before)

    def evaluate(self, script: str, *, context: int | None = None) -> Any:
        """The value of an expression, once it is there."""
        where = {"contextId": context} if context is not None else {}
        found = self.command("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, **where)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def frame(self) -> int:
        """The script context of the one frame in the page."""
        tree = self.command("Page.getFrameTree")["frameTree"]
        frame = tree["childFrames"][0]["frame"]["id"]
        contexts = [event["context"] for event in self._all("Runtime.executionContextCreated")]
        return int([one["id"] for one in contexts if one["auxData"]["frameId"] == frame][-1])

    def sized(self, width: int, height: int = 900, *, scale: float = 1) -> None:
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False
        )

    def preferring(self, scheme: str) -> None:
        """Light or dark."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setEmulatedMedia", features=features)

    def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self.command("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=_KEYS[key])

    def point_at(self, selector: str) -> None:
        """Move the pointer over the middle of an element."""
        x, y, width, height = self.box(selector, "scrollIntoView({block: 'center'})")
        self.command("Input.dispatchMouseEvent", type="mouseMoved", x=x + width / 2, y=y + height / 2)

    def box(self, selector: str, first: str = "isConnected") -> list[float]:
        """Left, top, width and height of an element, after something was done to it."""
        found = self.evaluate(
            f"(node => {{ node.{first}; return node.getBoundingClientRect(); }})"
            f"(document.querySelector({selector!r})).toJSON()"
        )
        return [found[side] for side in ("x", "y", "width", "height")]

    def picture(self, selector: str, margin: int = 0) -> bytes:
        """A PNG of one element."""
        x, y, width, height = self.box(selector)
        place = {"x": x - margin, "y": y - margin, "width": width + 2 * margin, "height": height + 2 * margin}
        clip = {**place, "scale": 1}
        shot = self.command("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    def _all(self, method: str) -> list[dict[str, Any]]:
        return [e["params"] for e in self._events if e["method"] == method and e.get("sessionId") == self._session]

    def _await(self, come: Callable[[], bool]) -> None:
        while not come():
            self.command("Runtime.evaluate", expression="new Promise(requestAnimationFrame)", awaitPromise=True)


class Browser:
    """One running Chromium; `page` opens a tab of its own profile."""

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(address, suppress_origin=True, timeout=_SECONDS)
        self._numbers = itertools.count(1)
        self._events: list[dict[str, Any]] = []

    @contextmanager
    def page(self) -> Iterator[Page]:
        profile = self._call("Target.createBrowserContext", {})["browserContextId"]
        target = self._call("Target.createTarget", {"url": "about:blank", "browserContextId": profile})["targetId"]
        session = self._call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = Page(self._call, session, self._events)
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.command(f"{domain}.enable")
        try:
            yield page
        finally:
            self._call("Target.disposeBrowserContext", {"browserContextId": profile})

    def close(self) -> None:
        self._call("Browser.close", {})
        self._socket.close()

    def _call(self, method: str, params: dict[str, Any], session: str = "") -> dict[str, Any]:
        number = next(self._numbers)
        addressed = {"sessionId": session} if session else {}
        self._socket.send(json.dumps({"id": number, "method": method, "params": params, **addressed}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == number:
                assert "error" not in message, message
                return dict(message["result"])
            if "method" in message:
                self._events.append(message)


@contextmanager
def running(program: str, profile: Path) -> Iterator[Browser]:
    """Start the program and end it."""
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    command = [program, *_FLAGS, *root, f"--user-data-dir={profile}"]
    with (
        (profile.parent / "chromium.log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=subprocess.PIPE, text=True) as process,
    ):
        try:
            browser = Browser(_address(process))
            yield browser
            browser.close()
            process.communicate(timeout=_SECONDS)
        finally:
            process.kill()


def _address(process: subprocess.Popen[str]) -> str:
    """Where it listens, as it says itself."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if found := re.search(r"DevTools listening on (ws://\S+)", line):
            return found[1]
    raise AssertionError("".join(said))
