"""Two hundred investigations at the same time: nobody sees anything of another, and nothing is lost."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from terway_mcp.server.store import SqliteStore
from tests.load.conftest import Grounds
from tests.load.traffic import Answer, Investigation, Load, Peak, percentile, resident, table
from tests.server.processes import served

pytestmark = pytest.mark.anyio

INVESTIGATIONS = 200
AFTERWARDS = 40
SHARED = 32
PER_INVESTIGATION = 6
MOST_MEMORY = 192.0
MOST_GROWTH = 12.0
"""MiB."""


async def all_at_once(load: Load, investigations: list[Investigation], pid: int) -> float:
    """Walk every one to its report; returns the peak of the server's memory meanwhile, in MiB."""
    peak = Peak(pid)
    async with anyio.create_task_group() as group:
        group.start_soon(peak.watch)
        async with anyio.create_task_group() as walks:
            for investigation in investigations:
                walks.start_soon(load.walk, investigation)
        group.cancel_scope.cancel()
    return peak.most


async def lost(store: SqliteStore, investigation: Investigation) -> list[str]:
    """Evidence that an answer named and the store does not have, and gaps in the numbers it has."""
    kept = [entry.id for entry in await store.evidence(investigation.id)]
    gaps = {f"E{number}" for number in range(1, len(kept) + 1)} ^ set(kept)
    return sorted(gaps | (investigation.told - set(kept)))


async def met_by_strangers(load: Load, investigations: list[Investigation], callers: list[str]) -> list[Answer]:
    """What other callers get for ids that are not theirs."""
    answers = []
    for investigation in investigations[:: len(investigations) // 10]:
        other = callers[(callers.index(investigation.caller) + 1) % len(callers)]
        answers.append(await load.call(other, "correlate", {"investigation": investigation.id}))
        answers.append(await load.report(other, investigation.id))
    return answers


async def test_replicas_on_one_store_take_turns_in_every_investigation(grounds: Grounds, tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    options = [*grounds.options, "--store", str(path)]
    investigations = grounds.investigations(SHARED)
    with served(*options, home=tmp_path) as one, served(*options, home=tmp_path) as other:
        async with Load(one.url, grounds.tokens, other.url) as load, anyio.create_task_group() as group:
            for investigation in investigations:
                group.start_soon(load.walk, investigation)
        assert (one.said, other.said) == ("", "")
    store = SqliteStore(path)
    for each in investigations:
        assert [answer.tool for answer in each.answers if not answer.is_fine] == []
        assert await lost(store, each) == []
        assert each.strangers(grounds.fleet) == []
    store.close()


async def test_what_belongs_to_another_would_be_noticed(grounds: Grounds) -> None:
    mine, other, elsewhere = (grounds.investigations(4)[number] for number in (0, 3, 1))
    assert mine.cluster is other.cluster is not elsewhere.cluster
    mine.id, other.id = "0" * 26, "1" * 26
    for text, found in (
        (f'"{mine.id}" {mine.mark} {mine.target.pod}', []),
        (f'"{other.id}"', [other.id]),
        (f"symptom: {other.mark}", [other.mark]),
        (f'"{elsewhere.target.pod}"', [elsewhere.target.pod]),
    ):
        mine.answers = [Answer("inspect_pod", text, 0.0)]
        assert mine.strangers(grounds.fleet) == found


async def test_two_hundred_investigations_at_the_same_time_keep_apart_and_lose_nothing(
    grounds: Grounds, tmp_path: Path, show: Callable[[str], None], tally: Counter[str]
) -> None:
    first, then = grounds.investigations(INVESTIGATIONS), grounds.investigations(AFTERWARDS, INVESTIGATIONS)
    with served(*grounds.options, "--store", str(tmp_path / "store.db"), home=tmp_path) as server:
        begun = resident(server.process.pid)
        async with Load(server.url, grounds.tokens) as load:
            peak = await all_at_once(load, first, server.process.pid)
            later = await all_at_once(load, then, server.process.pid)
            refused = await met_by_strangers(load, first, list(grounds.tokens))
        said = server.said
    everyone = [*first, *then]
    answers = [answer for investigation in first for answer in investigation.answers]
    strangers = [word for investigation in everyone for word in investigation.strangers(grounds.fleet)]
    store = SqliteStore(tmp_path / "store.db")
    missing = [f"{each.id}: {name}" for each in everyone for name in await lost(store, each)]
    store.close()
    show(f"\n{table(answers)}")
    show(f"server memory: {begun:.0f} MiB at rest, {peak:.0f} at most, {later:.0f} in {AFTERWARDS} more of them")
    p99 = percentile([answer.seconds * 1000 for answer in answers], 99)
    show(
        f"load: {len(first)} investigations, {len(answers)} answers, {len(strangers)} foreign ids, "
        f"{len(missing)} lost evidence, p99 {p99:,.0f} ms"
    )
    tally.update({"investigations": len(first), "leaked": len(strangers), "lost": len(missing)})
    assert said == ""
    assert len({each.id for each in everyone}) == INVESTIGATIONS + AFTERWARDS
    assert len(answers) == INVESTIGATIONS * PER_INVESTIGATION
    assert [(each.tool, each.envelope["status"]) for each in answers if not each.is_fine] == []
    assert strangers == []
    assert missing == []
    assert {len(each.told) > 5 for each in everyone} == {True}, "there was evidence to lose"
    assert {_meaning(answer) for answer in refused} == {"unknown"}
    assert peak < MOST_MEMORY
    assert later < peak + MOST_GROWTH


def _meaning(answer: Answer) -> str:
    if answer.tool == "report":
        return "unknown" if answer.text == "no such investigation" else answer.text
    envelope = answer.envelope
    return "unknown" if envelope["status"] == "unknown_investigation" and not envelope["data"] else answer.text
