"""Every tool against every fault: an answer in time, exact about what it could not read, and nothing lost after it."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from mcp import Client

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.server.app import create_server
from tests.faults.catalog import FAULTS, Fault
from tests.faults.proxy import Captured
from tests.faults.rig import Rig, close_all, kubeconfig
from tests.faults.walking import LONGEST_SECONDS, TOOLS, Answered, Walker
from tests.server.talk import Talk

pytestmark = pytest.mark.anyio

NODE = "cn-hangzhou.10.0.1.21"
NAMES = [fault.name for fault in FAULTS]
_RETRIED_AT_ONCE = 3
"""More would take the processor from each other, and then time out where they should fail."""

ALL_READ = {"read", "not_found"}


@dataclass(frozen=True)
class Outcome:
    """The answers under a fault, and after it."""

    during: list[Answered]
    afterwards: list[Answered]


Outcomes = dict[str, "asyncio.Task[Outcome]"]


async def suffer(fault: Fault, walker: Walker, rig: Rig) -> Outcome:
    """Walk under the fault, then once more without it, in the same investigation."""
    walker.begin()
    await fault.begin(rig)
    during = await walker.walk(fault.reads, fault.logs)
    await fault.end(rig)
    return Outcome(during, await walker.walk(frozenset(), frozenset()))


@pytest.fixture(scope="module")
async def outcomes(
    bundle: Path, vswitch_exhausted: Scenario, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Outcomes]:
    """One server for all these clusters. Faults that wait do so side by side, most others come one after the other."""
    folder = tmp_path_factory.mktemp("faults")
    captured = Captured(bundle)
    common = Rig("common", folder / "common", captured)
    apart = [fault for fault in FAULTS if fault.waits or fault.retried or fault.alone]
    own = {fault.name: Rig(f"own-{place}", folder / str(place), captured) for place, fault in enumerate(apart)}
    rigs = [common, *own.values()]
    for rig in rigs:
        await rig.open()
    clusters = Clusters(kubeconfig=str(kubeconfig(folder / "kubeconfig", rigs)))
    in_turn, some = asyncio.Semaphore(1), asyncio.Semaphore(_RETRIED_AT_ONCE)

    async def run(fault: Fault, talk: Talk) -> Outcome:
        rig = own.get(fault.name, common)
        walker = Walker(talk, rig, vswitch_exhausted, NODE)
        if fault.waits:
            return await suffer(fault, walker, rig)
        async with some if fault.retried else in_turn:
            return await suffer(fault, walker, rig)

    async with Client(create_server(clusters)) as client:
        talk = await Talk.begin(client)
        for rig in rigs:
            await clusters.resolve(rig.name)
        tasks = {fault.name: asyncio.create_task(run(fault, talk)) for fault in FAULTS}
        yield tasks
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
    await close_all(rigs)


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
async def test_a_fault_is_answered_in_time_and_told_exactly(outcomes: Outcomes, fault: Fault) -> None:
    outcome = await outcomes[fault.name]
    for answered in outcome.during:
        print(f"{fault.name:32} {answered.tool:17} {answered.status:12} {answered.seconds:5.2f} s {answered.outcomes}")
        assert answered.differences == []
        assert answered.seconds < LONGEST_SECONDS
        assert "failed inside the server" not in answered.envelope.get("message", "")
        if answered.tool == "correlate" or not answered.envelope["coverage"]:
            continue
        if answered.outcomes <= ALL_READ:
            assert answered.status in ("ok", "no_data")
        elif answered.outcomes & ALL_READ:
            assert answered.status in ("partial", "no_data"), "what was read is kept"
        elif "forbidden" in answered.outcomes:
            assert answered.status == "forbidden"
        elif not answered.outcomes & {"truncated"}:
            assert answered.status == "unreachable"


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
async def test_after_a_fault_the_same_investigation_finds_the_cause(
    outcomes: Outcomes, fault: Fault, vswitch_exhausted: Scenario
) -> None:
    *reading, judged = (await outcomes[fault.name]).afterwards
    for answered in reading:
        assert answered.differences == []
        assert answered.outcomes <= ALL_READ
        assert answered.status in ("ok", "no_data"), answered.envelope
    assert vswitch_exhausted.truth.accepts(judged.envelope["data"]["verdict"]["category"])
    missing = judged.envelope["data"].get("missing_evidence", [])
    unread = [line for line in missing if not line.startswith("skipped")]
    assert unread == [], "what has been read since is missing no longer"


async def test_no_fault_is_an_error_of_the_server(outcomes: Outcomes, caplog: pytest.LogCaptureFixture) -> None:
    await asyncio.wait(outcomes.values())
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_the_table_of_faults_and_tools(
    outcomes: Outcomes, show: Callable[[str], None], tally: Counter[str]
) -> None:
    done = {name: await task for name, task in outcomes.items()}
    show(f"\n{'fault':32}" + "".join(f"{tool:>20}" for tool in TOOLS))
    for name, outcome in done.items():
        show(f"{name:32}" + "".join(f"{one.status:>13} {one.seconds:5.2f}s" for one in outcome.during))
    answers = [one for outcome in done.values() for one in outcome.during]
    invalid = sum(bool(one.differences) for one in answers)
    lost = sum(any(one.status not in ("ok", "no_data") for one in outcome.afterwards) for outcome in done.values())
    slowest = max(one.seconds for one in answers)
    show(
        f"faults: {len(done)} faults × {len(TOOLS)} tools = {len(answers)} answers, "  # noqa: RUF001 - times
        f"slowest {slowest:.1f} s, "
        f"{invalid} invalid, {lost} lost"
    )
    tally.update({"faults": len(done), "answers to faults": len(answers), "lost": lost})
    assert (len(answers), invalid, lost) == (len(FAULTS) * len(TOOLS), 0, 0)
