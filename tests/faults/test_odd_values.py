"""Answers whose values are of the wrong kind: every tool answers, and a sound cluster is judged rightly again."""

import logging

import pytest

from terway_mcp.cluster.scenarios.scenario import Scenario
from tests.faults.plots import bent, oddly
from tests.faults.proxy import Plot
from tests.faults.rig import Rig
from tests.faults.walking import LONGEST_SECONDS, Walker
from tests.server.talk import Talk

pytestmark = pytest.mark.anyio

NODE = "cn-hangzhou.10.0.1.21"
SEEDS = range(30)
ANY = frozenset({"read", "truncated", "unavailable", "not_found"})


async def test_no_odd_value_breaks_a_tool(
    talk: Talk, rig: Rig, vswitch_exhausted: Scenario, caplog: pytest.LogCaptureFixture
) -> None:
    walker = Walker(talk, rig, vswitch_exhausted, NODE)
    statuses: dict[str, int] = {}
    for seed in SEEDS:
        walker.begin()
        rig.proxy.behave(Plot(lambda exchange: exchange.path != "/version", bent(oddly(seed))))
        for answered in await walker.walk(ANY, ANY):
            assert "failed inside the server" not in answered.envelope.get("message", ""), (seed, caplog.text)
            assert answered.seconds < LONGEST_SECONDS
            statuses[answered.status] = statuses.get(answered.status, 0) + 1
    rig.proxy.behave(None)
    walker.begin()
    *_, judged = await walker.walk(frozenset(), frozenset())
    print(f"faults: odd values in {len(SEEDS)} walks: {statuses}, no tool broke")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert vswitch_exhausted.truth.accepts(judged.envelope["data"]["verdict"]["category"])
