"""`grep_terway_logs`: logs of Terway's daemon on a node or of the controlplane, as signatures with their meaning."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import anyio
import msgspec

from terway_mcp.cluster.coverage import Coverage
from terway_mcp.cluster.errors import InvalidInput
from terway_mcp.cluster.objects import Lease, Pod
from terway_mcp.cluster.reader import LogQuery, Query
from terway_mcp.cluster.resources import LEASES, PODS
from terway_mcp.cluster.together import Together
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.knowledge.schema import Source
from terway_mcp.tools import terway_names as names
from terway_mcp.tools.arguments import GrepTerwayLogs
from terway_mcp.tools.case import Case, Report
from terway_mcp.tools.correlation.sufficiency import sufficiency
from terway_mcp.tools.correlation.wording import entry_words
from terway_mcp.tools.event_groups import mask
from terway_mcp.tools.evidence import Evidence, Fact, Noted, Subject
from terway_mcp.tools.log_feed import feed
from terway_mcp.tools.log_filters import QUIET, pattern_filter, telling_filter
from terway_mcp.tools.log_scan import LogScan, Signature
from terway_mcp.tools.times import moment, parse, render

_ROWS = 12
_SAMPLE = 260
_LOG_SECONDS = 25.0
"""Longest time for one log."""

_ALL_LOGS_SECONDS = 40.0
"""Longest time for all logs of a call, so that what was found is answered before the call itself is given up."""

_STREAMS = 3
"""Logs read at the same time: each costs a kubelet its disk and an API server a connection."""

_WINDOW = timedelta(minutes=2)
_TAIL_LINES = 200_000
_POLICY = "policy"


class SignatureRow(msgspec.Struct, omit_defaults=True):
    """One kind of log line."""

    evidence: str
    level: str
    count: int
    first: str
    last: str
    sample: str
    container: str = ""
    where: str = ""
    meaning: str = ""
    category: str = ""
    lines: list[str] = []
    unchanged: bool = False


class LogsReport(msgspec.Struct, omit_defaults=True):
    """`data` of `grep_terway_logs`: what was scanned, and the signatures found, the telling ones first.

    `sufficiency` is judged anew with the logs.
    """

    scanned: list[str]
    signatures: list[SignatureRow]
    sufficiency: str = ""
    why: str = ""
    bytes: int = 0
    lines: int = 0
    matched: int = 0
    window: str = ""
    signatures_cut: int = 0
    unread: list[str] = []


class Stream(msgspec.Struct, frozen=True):
    """One container's log to read."""

    pod: Pod
    container: str
    previous: bool
    source: Source

    @property
    def label(self) -> str:
        """What the log is called in an answer."""
        return LogQuery(self.container, self.previous).label(self.pod.metadata.name)


class Scanned(msgspec.Struct, frozen=True):
    """One log that was scanned, or why it was not."""

    stream: Stream
    scan: LogScan | None
    unread: str = ""


class Window(msgspec.Struct, frozen=True):
    """Times to read between; "" leaves that side open."""

    since: str = ""
    until: str = ""


async def grep_terway_logs(case: Case, arguments: GrepTerwayLogs) -> Report:
    """Scan Terway's logs.

    Raises:
        InvalidInput: A malformed time or pattern, or an unknown evidence id in `confirm`.
    """
    node = arguments.node
    chosen = pattern_filter(arguments.pattern) if arguments.pattern else None
    window = await _window(case, arguments)
    pods = await (_daemon_pods(case, node) if node is not None else _controlplane_pods(case))
    report = LogsReport([], [], window=_describe(window))
    limiter, until = anyio.CapacityLimiter(_STREAMS), anyio.current_time() + _ALL_LOGS_SECONDS
    async with Together() as reads:
        scans = [
            reads.start(
                _scan(
                    case,
                    stream,
                    window,
                    LogScan(
                        chosen or telling_filter(case.knowledge, stream.source),
                        until=window.until,
                        keep_lines=5 if arguments.raw else 0,
                        keep_last=chosen is None and stream.source == "init_log",
                    ),
                    limiter,
                    until,
                )
            )
            for pod in pods
            for stream in choose_streams(pod, arguments)
        ]
    found = [pair for scan in scans for pair in _account(scan.value, report)]
    await _fill(case, report, found, node)
    all_read = all(read.is_settled for read in case.reader.coverage)
    decision = sufficiency(await case.ledger.evidence(), case.knowledge, case.setting, all_read=all_read)
    report.sufficiency, report.why = decision.state, decision.why
    marks = {"sufficiency": decision.state}
    if report.signatures:
        return Report(report, marks=marks)
    return Report(report, "no_data", marks, _why_nothing(report, case.reader.coverage))


def _why_nothing(report: LogsReport, coverage: list[Coverage]) -> str:
    if not all(read.is_settled for read in coverage):
        seen = "what could be scanned tells of no trouble" if report.scanned else "no log was read"
        return f"{seen}, and not everything could be read, see coverage"
    return "nothing that was scanned tells of trouble" if report.scanned else "there are no such logs to read"


def choose_streams(pod: Pod, arguments: GrepTerwayLogs) -> list[Stream]:
    """Which containers to read: the one asked for, or the ones whose state says they have something to tell.

    A crashing container is read twice, because the reason of the crash is in the log of its previous run.
    """
    is_daemon, container = arguments.node is not None, arguments.container
    if container is not None:
        runs = (True, False) if arguments.previous else (False,)
        return [Stream(pod, container, run, _source(pod, container, is_daemon=is_daemon)) for run in runs]
    chosen = []
    for status in pod.status.init_container_statuses:
        ended = status.state.terminated or status.last_state.terminated
        if status.state.waiting or (ended is not None and ended.exit_code != 0):
            chosen.append(Stream(pod, status.name, False, "init_log"))
    for status in pod.status.container_statuses:
        source = _source(pod, status.name, is_daemon=is_daemon)
        if source == "policy_log" and status.ready and not status.restart_count:
            continue
        if status.restart_count or arguments.previous:
            chosen.append(Stream(pod, status.name, True, source))
        chosen.append(Stream(pod, status.name, False, source))
    return chosen


def _source(pod: Pod, container: str, *, is_daemon: bool) -> Source:
    if not is_daemon:
        return "controlplane_log"
    if container == _POLICY:
        return "policy_log"
    return "init_log" if any(status.name == container for status in pod.status.init_container_statuses) else "log"


async def _window(case: Case, arguments: GrepTerwayLogs) -> Window:
    now, confirm = case.reader.now, arguments.confirm
    start = moment(arguments.since, now, "since") if arguments.since else ""
    end = moment(arguments.until, now, "until") if arguments.until else ""
    if confirm is None:
        return Window(start, end)
    event = await _confirmed(case, confirm)
    first, last = parse(str(event.fact.data.get("first") or "")), parse(event.fact.time)
    if first is None or last is None:
        return Window(start, end)
    return Window(start or render(first - _WINDOW), end or render(last + _WINDOW))


async def _confirmed(case: Case, confirm: str) -> Evidence:
    wanted = confirm.strip().strip("\"'`").upper()
    for evidence in await case.ledger.evidence():
        if evidence.id == wanted and evidence.fact.kind == "event":
            return evidence
    raise InvalidInput(
        f"confirm names {confirm[:20]!r}, which is not the evidence id of an event in this investigation"
    )


async def _daemon_pods(case: Case, node: str) -> list[Pod]:
    query = Query(labels=names.DAEMON_SELECTOR, fields=f"spec.nodeName={node}")
    read = await case.reader.collect(PODS, Pod, names.SYSTEM_NAMESPACE, query, what=f"Terway pods on {node}")
    return read.value or []


async def _controlplane_pods(case: Case) -> list[Pod]:
    """The leader's pod, because the other replicas log almost nothing."""
    query = Query(labels=names.CONTROLPLANE_SELECTOR)
    read = await case.reader.collect(PODS, Pod, names.SYSTEM_NAMESPACE, query, what="controlplane pods")
    lease = await case.reader.get(LEASES, Lease, names.CONTROLPLANE, names.SYSTEM_NAMESPACE)
    pods = read.value or []
    holder = lease.value.spec.holder_identity.partition("_")[0] if lease.value else ""
    leaders = [pod for pod in pods if holder and holder in (pod.metadata.name, pod.spec.node_name)]
    return leaders or pods[:2]


async def _scan(
    case: Case, stream: Stream, window: Window, scan: LogScan, limiter: anyio.CapacityLimiter, until: float
) -> Scanned:
    meta = stream.pod.metadata
    query = LogQuery(stream.container, stream.previous, window.since, 0 if window.since else _TAIL_LINES)

    def tell(received: int) -> None:
        case.progress.done += received
        case.progress.message = f"scanned {case.progress.done / 1e6:.1f} MB of Terway logs"

    async with limiter:
        until = min(until, anyio.current_time() + _LOG_SECONDS)
        async with case.reader.log(meta.namespace, meta.name, query, until=until) as blocks:
            if isinstance(blocks, Coverage):
                return Scanned(stream, None, f"{stream.label}: {blocks.outcome} {blocks.detail}".strip())
            cut = await feed(blocks, scan, tell)
    scan.close()
    case.reader.cover(query.what(meta.namespace, meta.name), "truncated" if cut else "read", cut)
    return Scanned(stream, scan)


def _account(scanned: Scanned, report: LogsReport) -> list[tuple[Stream, Signature]]:
    """Add one log to the report; its groups are ranked with those of the others."""
    if scanned.scan is None:
        report.unread.append(scanned.unread)
        return []
    report.scanned.append(scanned.stream.label)
    report.bytes += scanned.scan.bytes
    report.lines += scanned.scan.lines
    report.matched += scanned.scan.matched
    return [(scanned.stream, group) for group in scanned.scan.groups()]


async def _fill(case: Case, report: LogsReport, found: list[tuple[Stream, Signature]], node: str | None) -> None:
    ranked = sorted(found, key=lambda pair: _rank(pair[1], pair[0].source, case.knowledge))
    kept = ranked[: 3 * _ROWS]
    noted = await case.ledger.record([_fact(stream, group, node) for stream, group in kept])
    rows = [_row(stream, group, entry, case.knowledge) for (stream, group), entry in zip(kept, noted, strict=True)]
    report.signatures = rows[:_ROWS]
    report.signatures_cut = max(0, len(ranked) - _ROWS)


def _rank(group: Signature, source: Source, knowledge: Knowledge) -> tuple[int, int, int]:
    matches = knowledge.match_text(group.sample, source)
    role = matches[0].entry.role if matches else ""
    known = {"decisive": 0, "strong": 1, "": 2, "pointing": 2, "symptom": 3}.get(role, 4)
    return (known, {"F": 0, "E": 1, "": 2, "W": 3}.get(group.level, 4), -group.count)


def _fact(stream: Stream, group: Signature, node: str | None) -> Fact:
    meta = stream.pod.metadata
    data: Mapping[str, Any] = {
        "sample": group.sample,
        "level": group.level,
        "count": group.count,
        "first": group.first,
        "source": stream.source,
        "container": stream.container,
    }
    times = f" x{group.count}" if group.count > 1 else ""
    return Fact(
        "log",
        "log",
        Subject("Pod", meta.name, meta.namespace, uid=meta.uid),
        f"{stream.container} log{times}: {group.sample}"[:500],
        group.last,
        f"GET /api/v1/namespaces/{meta.namespace}/pods/{meta.name}/log?container={stream.container}",
        f"{stream.container}{'-previous' if stream.previous else ''}/{group.level}/{mask(group.sample)[:200]}",
        {**data, **({"node": node} if node else {})},
    )


def _row(stream: Stream, group: Signature, noted: Noted, knowledge: Knowledge) -> SignatureRow:
    matches = knowledge.match_text(group.sample, stream.source)
    best = next((match.entry for match in matches if match.entry.role not in QUIET), None)
    return SignatureRow(
        noted.id,
        group.level,
        group.count,
        group.first,
        group.last,
        group.sample[:_SAMPLE],
        stream.container,
        group.where,
        entry_words(best) if best else "",
        best.category or "" if best else "",
        group.lines,
        noted.unchanged,
    )


def _describe(window: Window) -> str:
    return f"{window.since or 'start'} .. {window.until or 'now'}" if window.since or window.until else ""
