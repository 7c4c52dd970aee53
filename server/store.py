"""Where investigations live: append-only, keyed by caller, forgotten after a while without calls."""

import math
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import anyio.to_thread
import msgspec

from terway_mcp.cluster.errors import StoreError, TooManyInvestigations
from terway_mcp.server.state import Done, Skip, State
from terway_mcp.tools.evidence import Evidence, Fact, Noted

T = TypeVar("T")

LIFETIME_SECONDS = 4 * 3600
"""An investigation is forgotten this long after its last call."""

MOST_INVESTIGATIONS = 2000
"""Open at a time for one caller: some 30 KB each, eight a minute without end. Nobody's live investigation is given up
for another, so one more is refused until the oldest has expired."""

ID_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letter can be mistaken for a digit when an id is copied by hand."""

ID_LENGTH = 26

_MEMORY = ":memory:"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS investigation (
    id TEXT PRIMARY KEY, caller TEXT NOT NULL, context TEXT NOT NULL, symptom TEXT NOT NULL, expires REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS investigation_of ON investigation (caller, expires);
CREATE TABLE IF NOT EXISTS step (
    position INTEGER PRIMARY KEY, investigation TEXT NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS step_of ON step (investigation);
CREATE TABLE IF NOT EXISTS name (
    position INTEGER PRIMARY KEY, investigation TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
    UNIQUE (investigation, name)
);
CREATE TABLE IF NOT EXISTS evidence (
    investigation TEXT NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL,
    body BLOB NOT NULL, PRIMARY KEY (investigation, key, version)
);
"""

_FORGET = (
    "DELETE FROM step WHERE investigation IN (SELECT id FROM investigation WHERE expires <= ?)",
    "DELETE FROM name WHERE investigation IN (SELECT id FROM investigation WHERE expires <= ?)",
    "DELETE FROM evidence WHERE investigation IN (SELECT id FROM investigation WHERE expires <= ?)",
    "DELETE FROM investigation WHERE expires <= ?",
)


class Store(Protocol):
    """What the server needs of a store. Every write adds; nothing is changed in place, so writes commute."""

    async def create(self, caller: str, context: str, symptom: str) -> str:
        """Open an investigation and return its id.

        Raises:
            TooManyInvestigations: The caller has `MOST_INVESTIGATIONS` open.
        """
        ...

    async def load(self, investigation: str, caller: str) -> State | None:
        """All its steps, and a new lease of life; None for an unknown, foreign or expired id."""
        ...

    async def append(self, investigation: str, step: Done | Skip) -> None:
        """Add one step."""
        ...

    async def record(self, investigation: str, facts: Sequence[Fact]) -> list[Noted]:
        """Add facts to the evidence; ids are E1, E2, ... in order of first sight."""
        ...

    async def evidence(self, investigation: str) -> list[Evidence]:
        """The evidence in order of ids, each in its latest version."""
        ...

    async def learn(self, investigation: str, names: Mapping[str, str]) -> None:
        """Add names with their kinds; of one that is known already the kind stays."""
        ...

    async def names(self, investigation: str) -> dict[str, str]:
        """The names with their kinds, in order of first sight."""
        ...

    async def check(self) -> None:
        """Return if the store could be written now.

        Raises:
            StoreError: It could not.
        """
        ...


def default_path() -> Path:
    """Where a server that outlives its clients keeps investigations: `terway-mcp` in XDG_STATE_HOME.

    Raises:
        StoreError: The folder cannot be made, or nobody knows a home; another file can be given, or `:memory:`.
    """
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    if state.startswith("~"):
        raise StoreError("investigation store: this user has no home; name a file with --store, or set XDG_STATE_HOME")
    folder = Path(state) / "terway-mcp"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"investigation store {folder}: {error.strerror}; name another with --store") from error
    return folder / "investigations.sqlite"


class SqliteStore:
    """The default store: SQLite in memory or in a file that several processes may share.

    Raises:
        StoreError: The file cannot be opened or is not a store.
    """

    def __init__(self, path: Path | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        try:
            if path and str(path) != _MEMORY:
                # SQLite would make it as the umask lets it, and its companions like it.
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(path or _MEMORY, check_same_thread=False, isolation_level=None, timeout=10)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"investigation store {path}: {getattr(error, 'strerror', None) or error}") from error

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    async def create(self, caller: str, context: str, symptom: str) -> str:
        """See `Store`."""
        investigation = "".join(secrets.choice(ID_ALPHABET) for _ in range(ID_LENGTH))

        def write() -> None:
            now = self._clock()
            self._forget(now)
            self._make_sure_of_room(caller, now)
            row = (investigation, caller, context, symptom, now + LIFETIME_SECONDS)
            self._db.execute("INSERT INTO investigation VALUES (?, ?, ?, ?, ?)", row)

        await self._transact(write)
        return investigation

    async def load(self, investigation: str, caller: str) -> State | None:
        """See `Store`."""

        def read() -> State | None:
            now = self._clock()
            found = self._db.execute(
                "SELECT context, symptom FROM investigation WHERE id = ? AND caller = ? AND expires > ?",
                (investigation, caller, now),
            ).fetchone()
            if found is None:
                return None
            self._db.execute(
                "UPDATE investigation SET expires = ? WHERE id = ?", (now + LIFETIME_SECONDS, investigation)
            )
            return self._state(investigation, *found)

        return await self._transact(read)

    async def append(self, investigation: str, step: Done | Skip) -> None:
        """See `Store`."""
        kind = "done" if isinstance(step, Done) else "skip"
        body = msgspec.json.encode(step)
        await self._transact(
            lambda: self._db.execute(
                "INSERT INTO step (investigation, kind, body) VALUES (?, ?, ?)", (investigation, kind, body)
            )
        )

    async def record(self, investigation: str, facts: Sequence[Fact]) -> list[Noted]:
        """See `Store`."""
        if not facts:
            return []
        return await self._transact(lambda: [self._note(investigation, fact) for fact in facts])

    async def learn(self, investigation: str, names: Mapping[str, str]) -> None:
        """See `Store`."""
        rows = [(investigation, name, kind) for name, kind in names.items()]
        insert = "INSERT OR IGNORE INTO name (investigation, name, kind) VALUES (?, ?, ?)"
        await self._transact(lambda: self._db.executemany(insert, rows))

    async def names(self, investigation: str) -> dict[str, str]:
        """See `Store`."""
        select = "SELECT name, kind FROM name WHERE investigation = ? ORDER BY position"
        return dict(await self._transact(lambda: self._db.execute(select, (investigation,)).fetchall()))

    async def evidence(self, investigation: str) -> list[Evidence]:
        """See `Store`."""
        rows = await self._transact(
            lambda: self._db.execute(
                "SELECT number, body, MAX(version) FROM evidence WHERE investigation = ? GROUP BY key ORDER BY number",
                (investigation,),
            ).fetchall()
        )
        return [Evidence(f"E{number}", msgspec.json.decode(body, type=Fact)) for number, body, _ in rows]

    async def check(self) -> None:
        """See `Store`; the transaction that reads one row holds the lock of a writer.

        Who gives up waiting is let go at once, whatever SQLite still waits for.
        """

        def read() -> object:
            return self._db.execute("SELECT id FROM investigation LIMIT 1").fetchone()

        await anyio.to_thread.run_sync(self._locked, read, abandon_on_cancel=True)

    def _state(self, investigation: str, context: str, symptom: str) -> State:
        state = State(context, symptom)
        rows = self._db.execute(
            "SELECT kind, body FROM step WHERE investigation = ? ORDER BY position", (investigation,)
        )
        for kind, body in rows:
            if kind == "done":
                state.done.append(msgspec.json.decode(body, type=Done))
            else:
                state.skips.append(msgspec.json.decode(body, type=Skip))
        return state

    def _note(self, investigation: str, fact: Fact) -> Noted:
        body = msgspec.json.encode(fact)
        found = self._db.execute(
            "SELECT number, version, body FROM evidence WHERE investigation = ? AND key = ? ORDER BY version DESC",
            (investigation, fact.key),
        ).fetchone()
        if found is not None and bytes(found[2]) == body:
            return Noted(f"E{found[0]}", unchanged=True)
        if found is not None:
            number, version = found[0], found[1] + 1
        else:
            highest = self._db.execute(
                "SELECT MAX(number) FROM evidence WHERE investigation = ?", (investigation,)
            ).fetchone()[0]
            number, version = (highest or 0) + 1, 1
        row = (investigation, number, fact.key, version, body)
        self._db.execute("INSERT INTO evidence VALUES (?, ?, ?, ?, ?)", row)
        return Noted(f"E{number}", unchanged=False)

    def _make_sure_of_room(self, caller: str, now: float) -> None:
        select = "SELECT COUNT(*), MIN(expires) FROM investigation WHERE caller = ?"
        held, first = self._db.execute(select, (caller,)).fetchone()
        if held >= MOST_INVESTIGATIONS:
            minutes = math.ceil((first - now) / 60)
            raise TooManyInvestigations(
                f"{held} investigations are open, as many as one caller may have: go on with one of them, or open "
                f"another in {minutes} min, when the first one expires unless it is called again"
            )

    def _forget(self, now: float) -> None:
        for statement in _FORGET:
            self._db.execute(statement, (now,))

    async def _transact(self, work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(self._locked, work)

    def _locked(self, work: Callable[[], T]) -> T:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                result = work()
                self._db.execute("COMMIT")
            except (sqlite3.Error, msgspec.MsgspecError) as error:
                raise StoreError(f"investigation store: {error}") from error
            finally:
                # Whatever went wrong: an open transaction would fail every later call.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
        return result
