"""One tool call from raw arguments to the envelope: validate, admit, run, record, answer.

The only broad `except` of the project is here: whatever a tool raises becomes an answer of the usual shape.
"""

import logging
import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import msgspec
from pydantic import ValidationError

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.coverage import Coverage
from terway_mcp.cluster.errors import InvalidInput, StoreError, TerwayMcpError, TooManyInvestigations
from terway_mcp.cluster.reader import CALL_SECONDS, Reader
from terway_mcp.cluster.recent import Asker, RecentAnswers
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.knowledge.sealing import masked
from terway_mcp.server import gate, plan
from terway_mcp.server.envelope import (
    REFUSALS,
    Envelope,
    Status,
    checked,
    condensed,
    info,
    sealed,
    status_of,
    why_unread,
)
from terway_mcp.server.investigation import InvestigationLedger, no_longer_so, setting
from terway_mcp.server.question import choice
from terway_mcp.server.state import Done, Skip, State
from terway_mcp.server.store import Store
from terway_mcp.server.tracing import describe_call
from terway_mcp.tools.arguments import Arguments
from terway_mcp.tools.case import Case, Progress, Report
from terway_mcp.tools.contracts import Contract
from terway_mcp.tools.evidence import coverage_fact, normalized

if TYPE_CHECKING:
    from terway_mcp.server.anonymity import Anonymity

logger = logging.getLogger(__name__)

_CALL_SECONDS = 60.0
"""A tool call never takes longer; reads have their own, shorter limits."""

_LEAST_SECONDS = 1.0

_MOST_STEPS = 500
"""Calls that one investigation keeps; each call reads all of them. The procedure takes six."""

_FULL = f"This investigation has {_MOST_STEPS} calls, and no more are kept. Open another one with inspect_cluster."

_UNKNOWN = "This investigation is unknown or has expired. Call inspect_cluster to open one, and pass the id it returns."


class Refused(Exception):  # noqa: N818 - control flow inside this module, never seen outside
    """A call that is answered without running."""

    def __init__(self, status: Status, message: str, steps: list[plan.NextStep] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.steps = steps


@dataclass
class Underway:
    """A call while it is answered: its investigation, "" until one is known, and what has been read."""

    investigation: str
    state: State
    begun: float
    ledger: InvestigationLedger | None = None
    reader: Reader | None = None

    @property
    def coverage(self) -> list[Coverage]:
        """Every read so far."""
        return self.reader.coverage if self.reader else []

    @property
    def answered(self) -> Set[str]:
        """Requests that were answered whole, as evidence cites them; "" among them when all were."""
        sources = self.reader.answered - {""} if self.reader else set()
        return {"", *sources} if all(read.is_settled for read in self.coverage) else sources

    @property
    def requests(self) -> int:
        """How often the API server has been asked."""
        return self.reader.requests if self.reader else 0

    def seconds_left(self) -> float:
        """For reads: a credential plugin may have used up most of the call's time."""
        return max(_LEAST_SECONDS, CALL_SECONDS - (anyio.current_time() - self.begun))


class Calls:
    """Answers tool calls from clusters, store and knowledge; its own is only what was read a moment ago."""

    def __init__(
        self,
        clusters: Clusters,
        store: Store,
        knowledge: Callable[[], Knowledge],
        anonymity: "Anonymity | None" = None,
    ) -> None:
        self._anonymity = anonymity
        self._clusters = clusters
        self._store = store
        self._knowledge = knowledge
        self._recent = RecentAnswers()

    async def answer(self, contract: Contract, raw: Mapping[str, Any], caller: str, progress: Progress) -> Envelope:
        """Run one call and wrap whatever happens."""
        call = Underway("", State(""), anyio.current_time())
        envelope = await self._answered(contract, raw, caller, progress, call)
        describe_call(contract.name, envelope.status, call.investigation, call.requests)
        return envelope

    async def _answered(
        self, contract: Contract, raw: Mapping[str, Any], caller: str, progress: Progress, call: Underway
    ) -> Envelope:
        try:
            raw = received(raw)
            await self._recall(raw, caller, call)
            if self._anonymity and call.investigation:
                raw = await self._anonymity.real(call.investigation, raw)
            arguments = _parse(contract, raw)
            await self._admit(contract.name, arguments, call)
            if contract.name == "inspect_cluster":
                await self._open(arguments, caller, call)
            if self._anonymity:
                await self._anonymity.hear_of(call.investigation, call.state.context, arguments.model_dump())
            waiting = anyio.current_time()
            async with self._clusters.turn(call.state.context):
                call.begun += anyio.current_time() - waiting
                with anyio.fail_after(_CALL_SECONDS):
                    report = await self._run(contract, arguments, call, progress)
            status = status_of(call.coverage, report.status)
            await self._remember(contract.name, arguments, report, call, unread=status in REFUSALS)
            return self._wrap(call, status, report.data, report.message or why_unread(status, call.coverage))
        except Refused as refused:
            return self._wrap(call, refused.status, None, refused.message, refused.steps)
        except InvalidInput as error:
            return self._wrap(call, "invalid", None, str(error))
        except TooManyInvestigations as error:
            # The usual first step would be refused again.
            return self._wrap(call, "invalid", None, str(error), [])
        except TerwayMcpError as error:
            return self._wrap(call, "unreachable", None, str(error))
        except TimeoutError:
            return self._wrap(call, "unreachable", None, f"{contract.name} did not finish in {_CALL_SECONDS:.0f} s")
        except Exception:
            logger.exception("%s failed", contract.name)
            return self._wrap(call, "unreachable", None, f"{contract.name} failed inside the server; see its log")

    async def leaving(self, envelope: Envelope) -> dict[str, Any]:
        """The answer as plain data, sealed, and with pseudonyms where those are wanted."""
        plain = sealed(envelope)
        if self._anonymity is None:
            return plain
        investigation = (plain["investigation"] or {}).get("id", "")
        try:
            plain = await self._anonymity.disguised(investigation, plain)
        except TerwayMcpError as error:
            plain = sealed(self._wrap(Underway("", State(""), anyio.current_time()), "unreachable", None, str(error)))
        return plain

    async def begin_with(self, envelope: Envelope, caller: str, chosen: str) -> Envelope:
        """The same answer of `inspect_cluster`, leading first to the suspect that the user chose, if there is one."""
        chosen_one = choice(envelope.data, chosen)
        if chosen_one is None or envelope.investigation is None:
            return envelope
        investigation = envelope.investigation.id
        try:
            await self._store.append(investigation, chosen_one)
            state = await self._store.load(investigation, caller)
        except StoreError:
            return envelope
        if state is None:
            return envelope
        return msgspec.structs.replace(
            envelope, checked=checked(state), next_steps=plan.next_steps(investigation, state)
        )

    async def _recall(self, raw: Mapping[str, Any], caller: str, call: Underway) -> None:
        """Load the investigation before the arguments are judged: a mistyped one must not send the caller back."""
        given = raw.get("investigation")
        if isinstance(given, str) and given.strip():
            await self._load(given, caller, call)

    async def _admit(self, tool: str, arguments: Arguments, call: Underway) -> None:
        if call.investigation:
            self._pin(arguments, call)
        values = arguments.model_dump()
        refusal = gate.check(tool, values, call.state)
        if refusal is None:
            return
        reason = values.get("skip_reason")
        if not reason:
            steps = plan.next_steps(call.investigation, call.state, refusal)
            raise Refused("out_of_order", refusal.message, steps)
        skip = Skip(tool, refusal.missing, reason)
        # Logs beyond what the events settled leave nothing out, so the verdict is none the weaker for them.
        if refusal.missing == "correlate" or skip in call.state.skips:
            return
        await self._store.append(call.investigation, skip)
        call.state.skips.append(skip)

    async def _load(self, given: str, caller: str, call: Underway) -> None:
        investigation = normalized(given)
        # Ids are ASCII; half a surrogate pair could not even be looked up.
        state = await self._store.load(investigation, caller) if investigation.isascii() else None
        if state is None:
            raise Refused("unknown_investigation", _UNKNOWN, plan.start())
        call.investigation, call.state = investigation, state
        if len(state.done) + len(state.skips) >= _MOST_STEPS:
            raise Refused("invalid", _FULL, plan.start())

    async def _open(self, arguments: Arguments, caller: str, call: Underway) -> None:
        if call.investigation:
            return
        context = await self._clusters.resolve(getattr(arguments, "context", None))
        symptom = getattr(arguments, "symptom", None) or ""
        call.investigation = await self._store.create(caller, context, symptom)
        call.state = State(context, symptom)

    def _pin(self, arguments: Arguments, call: Underway) -> None:
        wanted = getattr(arguments, "context", None)
        if wanted and wanted != call.state.context:
            raise Refused(
                "invalid", "This investigation is pinned to another context; open a new one with inspect_cluster."
            )

    async def _run(self, contract: Contract, arguments: Arguments, call: Underway, progress: Progress) -> Report:
        target = gate.target_of(contract.name, arguments.model_dump())
        asker = Asker(self._recent, call.investigation, f"{contract.name} {target}")
        if self._anonymity is None:
            return await self._read(contract, arguments, call, progress, asker)
        async with self._anonymity.listening(asker) as listening:
            return await self._read(contract, arguments, call, progress, listening)

    async def _read(
        self, contract: Contract, arguments: Arguments, call: Underway, progress: Progress, asker: Asker
    ) -> Report:
        target = gate.target_of(contract.name, arguments.model_dump())
        reader = await self._clusters.reader(call.state.context, seconds=call.seconds_left(), asker=asker)
        call.reader = reader
        call.ledger = InvestigationLedger(self._store, call.investigation, call.state.withdrawn)
        state = call.state.with_step(Done(contract.name, target))
        case = Case(
            reader,
            self._knowledge(),
            call.ledger,
            setting(state),
            state.related(target),
            progress,
            time.time() - call.state.focus_read_at if call.state.focus_read_at else 0.0,
        )
        return await contract.body(case, arguments)

    async def _remember(self, tool: str, arguments: Arguments, report: Report, call: Underway, *, unread: bool) -> None:
        target = gate.target_of(tool, arguments.model_dump())
        ledger = call.ledger or InvestigationLedger(self._store, call.investigation)
        evidence = await ledger.evidence()
        before = [known for known in call.state.noted_before(tool, target) if known not in call.state.withdrawn]
        gone = no_longer_so(before, ledger.noted, evidence, call.answered)
        stands = list(dict.fromkeys([*ledger.noted, *(known for known in before if known not in gone)]))
        done = Done(tool, target, dict(report.marks), unread, time.time(), stands, gone)
        await self._store.append(call.investigation, done)
        call.state.done.append(done)
        noted = {entry.fact.subject.name for entry in evidence if entry.fact.kind == "coverage"}
        # What has been read by now is worth a note only where it had failed before.
        telling = [read for read in call.coverage if not read.is_settled or read.what in noted]
        await ledger.record([coverage_fact(read) for read in telling])

    def _wrap(
        self,
        call: Underway,
        status: Status,
        data: msgspec.Struct | None,
        message: str = "",
        steps: list[plan.NextStep] | None = None,
    ) -> Envelope:
        known = bool(call.investigation)
        if steps is None:
            steps = plan.next_steps(call.investigation, call.state) if known else plan.start()
        return Envelope(
            status,
            info(call.investigation, call.state) if known else None,
            checked(call.state),
            data,
            condensed(call.coverage),
            steps,
            message,
        )


def received(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments without the secrets a caller put into them: what is cut from a text cannot be recognised later.

    A pattern stays as it is: it says what secrets look like, and is never repeated.
    """
    plain: dict[str, Any] = masked({name: value for name, value in raw.items() if name != "pattern"})
    return plain | {name: value for name, value in raw.items() if name == "pattern"}


def _parse(contract: Contract, raw: Mapping[str, Any]) -> Arguments:
    """Validate arguments.

    Raises:
        InvalidInput: Some are missing, unknown or malformed; the message names at most five of them.
    """
    try:
        return contract.arguments.model_validate(raw)
    except ValidationError as error:
        problems = []
        for found in error.errors(include_url=False, include_input=False):
            name = ".".join(str(part) for part in found["loc"])[:60]
            if found["type"] == "extra_forbidden":
                known = ", ".join(contract.arguments.model_fields)
                problems.append(f"unknown argument {name!r} (known: {known})")
            else:
                problems.append(f"{name}: {found['msg']}")
        raise InvalidInput("; ".join(problems[:5])) from error
