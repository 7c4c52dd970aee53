"""Logs that stall or never end, through the tool: what came in time is in the answer, and the answer comes in time."""

import json
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.server import calls
from terway_mcp.server.app import create_server
from terway_mcp.tools import grep_terway_logs
from tests.server.slow_api import NODE, Exchange, Plot, drip_a_log, kubeconfig, ordinary, slow_api
from tests.server.talk import Talk

pytestmark = pytest.mark.anyio

LINE = b'2026-07-01T08:30:00Z level=error msg="alloc ip failed"\n'


async def grepped(plot: Plot, home: Path) -> dict[str, Any]:
    """What the tool answers about such logs."""
    async with slow_api(plot) as api:
        clusters = Clusters(kubeconfig=str(kubeconfig(home / "config", api.url)))
        async with Client(create_server(clusters)) as client:
            talk = await Talk.begin(client)
            investigation = await talk.opened()
            return await talk.call(
                "grep_terway_logs", investigation=investigation, node=NODE, skip_reason="events were read with kubectl"
            )


async def test_a_log_that_stalls_until_its_time_is_over_is_scanned_as_far_as_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grep_terway_logs, "_LOG_SECONDS", 0.5)
    answer = await grepped(Plot(lambda path: "/log?" in path, lambda exchange: exchange.stall(LINE)), tmp_path)
    assert answer["status"] == "partial"
    assert (answer["data"]["lines"], answer["data"]["bytes"]) == (1, len(LINE))
    (cut,) = [entry["detail"] for entry in answer["coverage"] if entry["outcome"] == "truncated"]
    assert cut == "the log broke off: no more of it was read after 0 s"


async def test_many_endless_logs_are_answered_before_the_call_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grep_terway_logs, "_LOG_SECONDS", 0.5)
    monkeypatch.setattr(grep_terway_logs, "_ALL_LOGS_SECONDS", 0.8)
    monkeypatch.setattr(calls, "_CALL_SECONDS", 3.0)
    daemons, status = ordinary("/api/v1/namespaces/kube-system/pods")
    (daemon,) = daemons["items"]
    many = [{**daemon, "metadata": {**daemon["metadata"], "name": f"terway-eniip-{index}"}} for index in range(24)]

    async def play(exchange: Exchange) -> None:
        if "/log?" in exchange.path:
            await drip_a_log(exchange)
        else:
            await exchange.reply({**daemons, "items": many}, status)

    answer = await grepped(Plot(lambda path: "kube-system/pods" in path, play), tmp_path)
    assert answer["status"] == "partial", json.dumps(answer)[:500]
    assert len(answer["data"]["scanned"]) >= 3
    assert len(answer["data"]["unread"]) >= 6
    assert all("not asked: the time of this call was used up" in unread for unread in answer["data"]["unread"])
