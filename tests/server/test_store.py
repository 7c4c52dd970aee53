"""The store: append-only, keyed by caller, shared by processes, forgetful only by its clock."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from terway_mcp.cluster.errors import StoreError, TooManyInvestigations
from terway_mcp.server import store as store_module
from terway_mcp.server.state import Done, Skip
from terway_mcp.server.store import LIFETIME_SECONDS, SqliteStore, default_path
from terway_mcp.tools.evidence import Fact, Subject

pytestmark = pytest.mark.anyio


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Iterator[SqliteStore]:
    opened = SqliteStore(clock=clock)
    yield opened
    opened.close()


def fact(name: str, text: str = "as it was", group: str = "") -> Fact:
    return Fact("event", "event", Subject("Pod", name, "shop"), text, group=group)


async def test_steps_come_back_as_they_were_appended(store: SqliteStore) -> None:
    opened = await store.create("me", "ctx", "pods hang")
    step = Done("inspect_pod", "pod/shop/web-0", {"node": "n1", "enis": ["eni-1"], "healthy": False})
    skip = Skip("grep_terway_logs", "events", "read by hand")
    for entry in (step, skip, step):
        await store.append(opened, entry)
    state = await store.load(opened, "me")
    assert state is not None
    assert (state.context, state.symptom, state.done, state.skips) == ("ctx", "pods hang", [step, step], [skip])


async def test_ids_are_long_and_hold_no_letter_that_looks_like_another(store: SqliteStore) -> None:
    ids = {await store.create("me", "ctx", "") for _ in range(50)}
    assert len(ids) == 50
    assert {len(opened) for opened in ids} == {26}  # 26 letters of 32: 130 bits
    assert not set("".join(ids)) & set("ilouILOU")


async def test_an_investigation_of_another_caller_is_unknown(store: SqliteStore) -> None:
    opened = await store.create("me", "ctx", "")
    assert await store.load(opened, "you") is None
    assert await store.load(opened, "me") is not None


@pytest.mark.parametrize("unknown", ["", "nope", "' OR 1=1 --", "0" * 26])
async def test_an_id_that_was_never_given_is_unknown(store: SqliteStore, unknown: str) -> None:
    await store.create("me", "ctx", "")
    assert await store.load(unknown, "me") is None


async def test_evidence_ids_count_from_one_within_each_investigation(store: SqliteStore) -> None:
    first, second = await store.create("me", "ctx", ""), await store.create("me", "ctx", "")
    assert [noted.id for noted in await store.record(first, [fact("a"), fact("b")])] == ["E1", "E2"]
    assert [noted.id for noted in await store.record(second, [fact("b")])] == ["E1"]
    assert [noted.id for noted in await store.record(first, [fact("c")])] == ["E3"]


async def test_the_same_fact_keeps_its_id_and_is_marked_unchanged(store: SqliteStore) -> None:
    opened = await store.create("me", "ctx", "")
    (before,) = await store.record(opened, [fact("a")])
    (again,) = await store.record(opened, [fact("a")])
    assert (before.id, before.unchanged, again.id, again.unchanged) == ("E1", False, "E1", True)


async def test_a_fact_that_changed_keeps_its_id_and_shows_its_latest_text(store: SqliteStore) -> None:
    opened = await store.create("me", "ctx", "")
    await store.record(opened, [fact("a", "seen once"), fact("b")])
    (changed,) = await store.record(opened, [fact("a", "seen twice")])
    assert (changed.id, changed.unchanged) == ("E1", False)
    assert [(entry.id, entry.fact.text) for entry in await store.evidence(opened)] == [
        ("E1", "seen twice"),
        ("E2", "as it was"),
    ]


async def test_a_fact_that_changes_back_is_shown_as_it_is_now(store: SqliteStore) -> None:
    opened = await store.create("me", "ctx", "")
    for text in ("down", "up", "down"):
        await store.record(opened, [fact("a", text)])
    assert [entry.fact.text for entry in await store.evidence(opened)] == ["down"]


async def test_the_same_fact_twice_in_one_answer_is_one_piece_of_evidence(store: SqliteStore) -> None:
    opened = await store.create("me", "ctx", "")
    assert [noted.id for noted in await store.record(opened, [fact("a"), fact("a")])] == ["E1", "E1"]
    assert len(await store.evidence(opened)) == 1


async def test_groups_keep_facts_of_one_object_apart(store: SqliteStore) -> None:
    opened = await store.create("me", "ctx", "")
    noted = await store.record(opened, [fact("a", group="x"), fact("a", group="y")])
    assert [entry.id for entry in noted] == ["E1", "E2"]


async def test_every_call_gives_an_investigation_a_new_lease_of_life(store: SqliteStore, clock: Clock) -> None:
    opened = await store.create("me", "ctx", "")
    for _ in range(3):
        clock.now += LIFETIME_SECONDS - 1
        assert await store.load(opened, "me") is not None


async def test_an_investigation_without_calls_is_forgotten_with_all_that_belongs_to_it(
    tmp_path: Path, clock: Clock
) -> None:
    store = SqliteStore(tmp_path / "store.db", clock=clock)
    opened = await store.create("me", "ctx", "")
    await store.append(opened, Done("inspect_cluster", "cluster"))
    await store.record(opened, [fact("a")])
    clock.now += LIFETIME_SECONDS
    assert await store.load(opened, "me") is None
    await store.create("me", "ctx", "")
    assert await store.evidence(opened) == []
    clock.now -= LIFETIME_SECONDS
    assert await store.load(opened, "me") is None
    store.close()


async def test_a_caller_with_too_many_investigations_loses_none_and_keeps_nobody_out(
    store: SqliteStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MOST_INVESTIGATIONS", 3)
    opened = []
    for _ in range(3):
        opened.append(await store.create("me", "ctx", ""))
        clock.now += 60
    for _ in range(2):
        with pytest.raises(TooManyInvestigations, match=r"3 investigations are open.* another in 237 min"):
            await store.create("me", "ctx", "")
    assert await store.create("you", "ctx", "")
    clock.now += LIFETIME_SECONDS - 3 * 60
    assert await store.create("me", "ctx", ""), "the first one has expired"
    assert await store.load(opened[0], "me") is None
    assert await store.load(opened[1], "me") is not None


async def test_a_foreign_call_does_not_prolong_an_investigation(store: SqliteStore, clock: Clock) -> None:
    opened = await store.create("me", "ctx", "")
    clock.now += LIFETIME_SECONDS - 1
    assert await store.load(opened, "you") is None
    clock.now += 1
    assert await store.load(opened, "me") is None


async def test_two_servers_on_one_file_see_each_others_writes(tmp_path: Path) -> None:
    one, other = SqliteStore(tmp_path / "store.db"), SqliteStore(tmp_path / "store.db")
    opened = await one.create("me", "ctx", "")
    await other.append(opened, Done("inspect_cluster", "cluster"))
    assert [noted.id for noted in await one.record(opened, [fact("a")])] == ["E1"]
    assert [noted.id for noted in await other.record(opened, [fact("b"), fact("a")])] == ["E2", "E1"]
    state = await one.load(opened, "me")
    assert state is not None
    assert state.has("inspect_cluster")
    assert [entry.fact.subject.name for entry in await one.evidence(opened)] == ["a", "b"]
    one.close()
    other.close()


async def test_an_investigation_survives_a_restart_of_the_server(tmp_path: Path) -> None:
    before = SqliteStore(tmp_path / "store.db")
    opened = await before.create("me", "ctx", "pods hang")
    before.close()
    after = SqliteStore(tmp_path / "store.db")
    state = await after.load(opened, "me")
    assert state is not None
    assert state.symptom == "pods hang"
    after.close()


@pytest.mark.parametrize("servers", [1, 2])
async def test_facts_recorded_at_once_get_ids_without_gaps_or_doubles(servers: int, tmp_path: Path) -> None:
    stores = [SqliteStore(tmp_path / "store.db") for _ in range(servers)]
    opened = await stores[0].create("me", "ctx", "")
    given: list[str] = []

    async def record(number: int) -> None:
        facts = [fact(f"own-{number}"), fact("common"), fact(f"own-{number}-b")]
        given.extend(noted.id for noted in await stores[number % servers].record(opened, facts))

    async with anyio.create_task_group() as group:
        for number in range(30):
            group.start_soon(record, number)
    kept = [entry.id for entry in await stores[-1].evidence(opened)]
    assert kept == [f"E{number}" for number in range(1, 62)]
    assert set(given) == set(kept)
    for store in stores:
        store.close()


async def test_many_threads_may_write_at_once(store: SqliteStore) -> None:
    opened = await store.create("me", "ctx", "")
    seen: set[int] = set()

    async def append(number: int) -> None:
        await store.append(opened, Done("inspect_node", f"node/{number}"))
        seen.add(threading.active_count())

    async with anyio.create_task_group() as group:
        for number in range(40):
            group.start_soon(append, number)
    state = await store.load(opened, "me")
    assert state is not None
    assert {done.target for done in state.done} == {f"node/{number}" for number in range(40)}


@pytest.mark.parametrize("content", [b"not a database, but long enough to be one" * 40, b"SQLite format 3\0rest"])
def test_a_file_that_is_no_store_is_explained(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"investigation store .*store\.db"):
        SqliteStore(path)


def test_a_place_where_no_file_can_be_is_explained(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file or directory"):
        SqliteStore(tmp_path / "no" / "such" / "folder" / "store.db")


async def test_a_store_damaged_while_in_use_is_a_store_error_and_not_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store, vandal = SqliteStore(path), SqliteStore(path)
    opened = await store.create("me", "ctx", "")
    vandal._db.execute("INSERT INTO step (investigation, kind, body) VALUES (?, 'done', 'not JSON')", (opened,))
    with pytest.raises(StoreError):
        await store.load(opened, "me")
    vandal._db.execute("DELETE FROM step")
    assert await store.load(opened, "me") is not None
    store.close()
    vandal.close()


async def test_a_call_that_fails_in_any_way_leaves_the_store_usable(store: SqliteStore) -> None:
    with pytest.raises(UnicodeEncodeError):
        await store.load("\ud800", "me")
    assert await store.load(await store.create("me", "ctx", ""), "me") is not None


def test_a_user_without_a_home_is_told_to_name_a_store(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    with pytest.raises(StoreError, match="--store"):
        default_path()


def test_a_store_is_made_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = SqliteStore(tmp_path / "store.db")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    store.close()
    assert set(modes.values()) == {0o600}, modes
