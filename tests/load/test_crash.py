"""A server that is killed in the middle of many investigations, and its successor on the same store."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import anyio
import httpx2
import pytest

from terway_mcp.server.store import SqliteStore
from tests.load.conftest import Grounds
from tests.load.test_load import lost
from tests.load.traffic import Investigation, Load
from tests.server.processes import Served, served

pytestmark = pytest.mark.anyio

INVESTIGATIONS = 24
ANSWERED_BEFORE_THE_KILL = 6
INSPECTED = 3
"""Steps taken by everyone before: cluster, pod and node."""


async def kept(path: Path, investigations: list[Investigation]) -> dict[str, dict[str, str]]:
    """What each piece of evidence in the file is about, by investigation and id.

    Reading it again, perhaps by another request, gives it a newer version; what it is about stays.
    """
    store = SqliteStore(path)
    found = {each.id: {entry.id: entry.fact.key for entry in await store.evidence(each.id)} for each in investigations}
    store.close()
    return found


async def walk_until_killed(server: Served, load: Load, investigations: list[Investigation]) -> int:
    """Read events side by side and kill the server after a few answers; how many were still waited for."""
    answered, cut_off = 0, 0

    async def events(investigation: Investigation) -> None:
        nonlocal answered, cut_off
        try:
            await load.walk(investigation, first=INSPECTED, last=INSPECTED + 1)
        except httpx2.TransportError:
            cut_off += 1
            return
        answered += 1
        if answered == ANSWERED_BEFORE_THE_KILL:
            server.process.kill()

    async with anyio.create_task_group() as group:
        for investigation in investigations:
            group.start_soon(events, investigation)
    return cut_off


async def test_a_killed_server_loses_no_evidence_and_its_successor_goes_on(
    grounds: Grounds, tmp_path: Path, show: Callable[[str], None], tally: Counter[str]
) -> None:
    path = tmp_path / "store.db"
    options = [*grounds.options, "--store", str(path)]
    investigations = grounds.investigations(INVESTIGATIONS)
    with served(*options, home=tmp_path) as server:
        async with Load(server.url, grounds.tokens) as load:
            async with anyio.create_task_group() as group:
                for investigation in investigations:
                    group.start_soon(lambda each: load.walk(each, last=INSPECTED), investigation)
            cut_off = await walk_until_killed(server, load, investigations)
        assert server.process.wait(timeout=10) == -9
    before, told = await kept(path, investigations), {each.id: each.told for each in investigations}
    assert all(told[each.id] <= set(before[each.id]) for each in investigations), "what was answered was kept"
    with served(*options, home=tmp_path) as successor:
        async with Load(successor.url, grounds.tokens) as load, anyio.create_task_group() as group:
            for investigation in investigations:
                group.start_soon(lambda each: load.walk(each, first=INSPECTED), investigation)
        store = SqliteStore(path)
        missing = [name for each in investigations for name in await lost(store, each)]
        store.close()
    after = await kept(path, investigations)
    changed = [
        (about, after[each.id].get(name))
        for each in investigations
        for name, about in before[each.id].items()
        if after[each.id].get(name) != about
    ]
    first, last = (sum(len(found) for found in found_in.values()) for found_in in (before, after))
    show(
        f"crash: {len(investigations)} investigations, killed with {cut_off} answers due, {first} pieces of evidence "
        f"before, {last} in the end, {len(missing) + len(changed)} lost or changed"
    )
    tally.update({"investigations": len(investigations), "lost": len(missing) + len(changed)})
    assert cut_off > 0, "it was killed in the middle"
    assert changed == []
    assert missing == []
    for each in investigations:
        verdict = next(answer.envelope for answer in reversed(each.answers) if answer.tool == "correlate")
        assert verdict["status"] == "ok"
        assert verdict["investigation"]["skipped"] == [], "no step had to be taken again, or was forgotten"
        assert verdict["investigation"]["done"][0] == "cluster"
        assert set(verdict["data"]["verdict"]["evidence"]) <= set(after[each.id])
        assert each.strangers(grounds.fleet) == []
