"""How often and how much at a time one caller may ask; the others do not notice."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import httpx2
import pytest

from terway_mcp.server.http.admission import Allowance
from tests.server.http.callers import HEADERS, clients, post
from tests.server.processes import Served, served
from tests.server.slow_api import Exchange, Plot, kubeconfig, ordinary, slow_api


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_worth_may_be_asked_at_once_and_then_evenly() -> None:
    clock = Clock()
    allowance = Allowance(60, clock=clock)
    assert [allowance.take("a") for _ in range(60)] == [0.0] * 60
    assert allowance.take("a") == pytest.approx(1.0)
    clock.now += 0.5
    assert allowance.take("a") == pytest.approx(0.5)
    clock.now += 0.5
    assert allowance.take("a") == 0.0
    assert allowance.take("a") > 0
    clock.now += 3600
    waits = [allowance.take("a") for _ in range(61)]
    assert waits[-2:] == [0.0, pytest.approx(1.0)], "never more than a minute's worth"


def test_callers_have_allowances_of_their_own() -> None:
    allowance = Allowance(1, clock=Clock())
    assert [allowance.take(caller) > 0 for caller in ("a", "a", "b", "b")] == [False, True, False, True]


def test_without_a_limit_nothing_is_counted() -> None:
    allowance = Allowance(0)
    assert {allowance.take("a") for _ in range(1000)} == {0.0}


def test_the_memory_of_callers_is_bounded() -> None:
    allowance = Allowance(1, clock=Clock())
    for number in range(20_000):
        allowance.take(f"address 2001:db8::{number:x}")
    assert len(allowance._left) == 10_000


@contextmanager
def limited(bundle: Path, home: Path, *options: str) -> Iterator[tuple[Served, dict[str, str]]]:
    made, lines = clients("alice", "bob")
    (home / "tokens").touch(0o600)
    (home / "tokens").write_text(lines)
    with served("--bundle", str(bundle), "--token-file", str(home / "tokens"), *options, home=home) as server:
        yield server, made


def test_a_caller_who_asks_too_often_is_told_when_to_come_back(bundle: Path, tmp_path: Path) -> None:
    with limited(bundle, tmp_path, "--rate-limit", "4") as (server, token):
        answers = [post(server.url, token["alice"]) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 2
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 15
        assert answers[-1].json()["error"]["message"] == "too many requests in a minute"
        assert post(server.url, token["bob"]).status_code == 200, "another caller does not notice"
        assert [post(server.url, f"guess-{n}").status_code for n in range(5)] == [401] * 4 + [429]
        assert [httpx2.get(f"{server.root}/healthz").status_code for _ in range(8)] == [200] * 8


@pytest.mark.anyio
async def test_a_caller_may_have_only_so_many_requests_under_way(tmp_path: Path) -> None:
    released = asyncio.Event()

    async def wait(exchange: Exchange) -> None:
        await released.wait()
        await exchange.reply(*ordinary(exchange.path))

    made, lines = clients("alice", "bob")
    (tmp_path / "tokens").touch(0o600)
    (tmp_path / "tokens").write_text(lines)
    async with slow_api(Plot(lambda path: True, wait)) as api:
        config = kubeconfig(tmp_path / "config", api.url)
        options = ["--kubeconfig", str(config), "--token-file", str(tmp_path / "tokens"), "--concurrency", "2"]
        server = served(*options, home=tmp_path)
        running = await asyncio.to_thread(server.__enter__)
        try:
            await _three_at_a_time(running.url, made, released)
        finally:
            await asyncio.to_thread(server.__exit__, None, None, None)


async def _three_at_a_time(url: str, tokens: dict[str, str], released: asyncio.Event) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "inspect_cluster", "arguments": {}}}
    answers: list[httpx2.Response] = []
    async with httpx2.AsyncClient(headers=HEADERS, timeout=30) as http:

        async def ask(who: str) -> None:
            answers.append(await http.post(url, json=call, headers={"authorization": f"Bearer {tokens[who]}"}))
            # Only one can have been answered while the cluster keeps the others waiting.
            released.set()

        async with anyio.create_task_group() as group:
            for who in ("alice", "alice", "alice", "bob"):
                group.start_soon(ask, who)
        assert [answer.status_code for answer in answers] == [429, 200, 200, 200]
        assert answers[0].headers["retry-after"] == "1"
        assert answers[0].json()["error"]["message"] == "too many requests at a time"
        await ask("alice")
    assert answers[-1].status_code == 200, "what has ended counts no more"
