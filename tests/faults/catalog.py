"""Every fault: how it begins and ends, and what the reads it touches may be said to have come to."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from terway_mcp.cluster.resources import TERWAY_GROUP
from tests.cluster.certificates import Authority
from tests.faults import plots
from tests.faults.proxy import Concerns, Exchange, Play, Plot, failure
from tests.faults.rig import Rig

Act = Callable[[Rig], Awaitable[None]]
Outcomes = frozenset[str]

UNAVAILABLE = frozenset({"unavailable"})
TRUNCATED = frozenset({"truncated"})
FORBIDDEN = frozenset({"forbidden"})
LATE = frozenset({"timed_out"})
NEVER: Outcomes = frozenset()


@dataclass(frozen=True)
class Fault:
    """`reads` and `logs` are the outcomes that a touched read or log may have.

    On a cluster of its own is what waits for nothing (`waits`), what is tried again after a pause (`retried`), and what
    changes more than answers (`alone`).
    """

    name: str
    begin: Act
    end: Act
    reads: Outcomes
    logs: Outcomes
    waits: bool = False
    retried: bool = False
    alone: bool = False


def everything(_: Exchange) -> bool:
    return True


def events(exchange: Exchange) -> bool:
    return exchange.path.endswith("/events")


def logs(exchange: Exchange) -> bool:
    return exchange.is_log


def custom(exchange: Exchange) -> bool:
    return TERWAY_GROUP in exchange.path


def configuration(exchange: Exchange) -> bool:
    return "/configmaps/" in exchange.path


def but_pods_and_events(exchange: Exchange) -> bool:
    return not exchange.path.endswith(("/events", "/pods")) and "/pods/" not in exchange.path


def long_lists(exchange: Exchange) -> bool:
    """Not events: of these one large page is read, whatever follows."""
    return not events(exchange)


def plotted(
    name: str,
    play: Play,
    reads: Outcomes,
    logs: Outcomes | None = None,
    *,
    concerns: Concerns = everything,
    waits: bool = False,
    retried: bool = False,
) -> Fault:
    """A fault of single answers."""

    async def begin(rig: Rig) -> None:
        rig.proxy.behave(Plot(concerns, play))

    async def end(rig: Rig) -> None:
        rig.proxy.behave(None)

    return Fault(name, begin, end, reads, reads if logs is None else logs, waits, retried)


async def sound(rig: Rig) -> None:
    """As on the first day."""
    rig.trust(rig.authority)
    await rig.restart(rig.certificate())


async def refuse_connections(rig: Rig) -> None:
    await rig.proxy.close()


async def certified_by_a_stranger(rig: Rig) -> None:
    await rig.restart(rig.certificate(Authority(rig.folder, "stranger")))


async def certificate_expired(rig: Rig) -> None:
    await rig.restart(rig.certificate(age=timedelta(days=30)))


async def certificate_of_another_host(rig: Rig) -> None:
    await rig.restart(rig.certificate(address="10.1.2.3"))


async def plain_http(rig: Rig) -> None:
    await rig.restart(None)


async def token_rotated(rig: Rig) -> None:
    rig.rotate_token("second")


async def token_revoked(rig: Rig) -> None:
    rig.proxy.token = "of somebody else"


async def token_restored(rig: Rig) -> None:
    rig.proxy.token = rig.token_file.read_text()


async def authority_rotated(rig: Rig) -> None:
    authority = Authority(rig.folder, "successor")
    rig.trust(authority)
    await rig.restart(rig.certificate(authority))


async def nothing(rig: Rig) -> None:
    """What was rotated stays so."""


def without_items(document: Any) -> Any:
    return {**document, "items": None} if document and "items" in document else document


HTML = b"<!doctype html><html><title>Sign in</title></html>"
NOT_SERVED = plots.say(404, b"404 page not found\n", content_type="text/plain; charset=utf-8")
BUSY = plots.refuse(429, "TooManyRequests", "try later", retry_after="1")
BUSY_FOR_LONG = plots.refuse(429, "TooManyRequests", "try later", retry_after="120")
EXPIRED = plots.refuse(410, "Expired", "The provided continue parameter is too old")
A_STATUS = json.dumps(failure(200, "", "not what was asked for")).encode()
CUT_OFF = TRUNCATED | UNAVAILABLE

FAULTS = (
    Fault("connections refused", refuse_connections, sound, UNAVAILABLE, UNAVAILABLE, retried=True),
    plotted("reset", plots.reset, UNAVAILABLE, retried=True),
    plotted("reset in the body", plots.reset_half_way, UNAVAILABLE, CUT_OFF, retried=True),
    plotted("end in the body", plots.end_half_way, UNAVAILABLE, CUT_OFF, retried=True),
    plotted("reset, then sound", plots.at_first(plots.reset), NEVER, retried=True),
    plotted("end after each answer", plots.one_answer_a_connection, NEVER),
    plotted("stall", plots.stall, LATE, waits=True),
    plotted("stall in the body", plots.stall_half_way, LATE, TRUNCATED, waits=True),
    plotted("slow drip", plots.drip, LATE, TRUNCATED, waits=True),
    plotted("stall of events", plots.stall, LATE, concerns=events, waits=True),
    plotted("stall of logs", plots.stall, LATE, concerns=logs, waits=True),
    plotted("stall in the logs", plots.stall_half_way, TRUNCATED, concerns=logs, waits=True),
    plotted("stall of Terway's resources", plots.stall, LATE, concerns=custom, waits=True),
    plotted("slow", plots.slowly, NEVER, waits=True),
    Fault("token rotated", token_rotated, nothing, NEVER, NEVER, alone=True),
    Fault("token revoked", token_revoked, token_restored, FORBIDDEN, FORBIDDEN, alone=True),
    plotted("403", plots.refuse(403, "Forbidden"), FORBIDDEN),
    plotted("403 of all but pods and events", plots.refuse(403, "Forbidden"), FORBIDDEN, concerns=but_pods_and_events),
    plotted("403 of events", plots.refuse(403, "Forbidden"), FORBIDDEN, concerns=events),
    plotted("403 of logs", plots.refuse(403, "Forbidden"), FORBIDDEN, concerns=logs),
    plotted("403 of configuration", plots.refuse(403, "Forbidden"), FORBIDDEN, concerns=configuration),
    plotted("404 of CRDs", NOT_SERVED, frozenset({"not_found"}), concerns=custom),
    plotted("404 of all, in HTML", plots.say(404, HTML, content_type="text/html"), UNAVAILABLE),
    plotted("410 on going on, twice", plots.first_pages_only(EXPIRED, times=2), NEVER, concerns=long_lists),
    plotted("410 on going on", plots.first_pages_only(EXPIRED), TRUNCATED, concerns=long_lists),
    plotted("403 on going on", plots.first_pages_only(plots.refuse(403)), TRUNCATED, concerns=long_lists),
    plotted("429, wait 1 s", plots.at_first(BUSY), NEVER, retried=True),
    plotted("429, wait 120 s", BUSY_FOR_LONG, UNAVAILABLE),
    plotted("500, then sound", plots.at_first(plots.refuse(500, "InternalError"), 2), NEVER, retried=True),
    plotted("503, then sound", plots.at_first(plots.refuse(503, "ServiceUnavailable")), NEVER, retried=True),
    plotted("500", plots.refuse(500, "InternalError", "etcdserver: no leader"), UNAVAILABLE, retried=True),
    plotted("502 in HTML", plots.say(502, HTML, content_type="text/html"), UNAVAILABLE, retried=True),
    plotted("503 of events", plots.refuse(503, "ServiceUnavailable"), UNAVAILABLE, concerns=events, retried=True),
    plotted("truncated JSON", plots.truncate, UNAVAILABLE, frozenset({"read"})),
    plotted("malformed JSON", plots.say(200, b'{"items": [}, "metadata": '), UNAVAILABLE, frozenset({"read"})),
    plotted("HTML", plots.say(200, HTML, content_type="text/html"), UNAVAILABLE, frozenset({"read"})),
    plotted("nothing at all", plots.say(200, b""), UNAVAILABLE, frozenset({"read"})),
    plotted("an array", plots.say(200, b"[1, 2]"), UNAVAILABLE, frozenset({"read"})),
    plotted("a Status that says 200", plots.say(200, A_STATUS), UNAVAILABLE, frozenset({"read"})),
    plotted("items: null", plots.bent(without_items), frozenset({"read"})),
    plotted("bytes that are no HTTP", plots.garbage, UNAVAILABLE, retried=True),
    plotted("redirect to another host", plots.say(307, b"", location="https://127.0.0.2/"), UNAVAILABLE),
    plotted("compressed", plots.compressed, NEVER),
    plotted("gzip bomb", plots.say(200, plots.BOMB, content_encoding="gzip"), UNAVAILABLE),
    plotted("gzip that is none", plots.say(200, b"plain", content_encoding="gzip"), UNAVAILABLE, retried=True),
    plotted("a body without end", plots.without_end, UNAVAILABLE, concerns=lambda exchange: not exchange.is_log),
    plotted("a date beyond reason", plots.dated("Fri, 31 Dec 9999 23:59:59 GMT"), NEVER),
    Fault("unknown authority", certified_by_a_stranger, sound, UNAVAILABLE, UNAVAILABLE, retried=True),
    Fault("certificate expired", certificate_expired, sound, UNAVAILABLE, UNAVAILABLE, retried=True),
    Fault("certificate of another host", certificate_of_another_host, sound, UNAVAILABLE, UNAVAILABLE, retried=True),
    Fault("plain HTTP on the TLS port", plain_http, sound, UNAVAILABLE, UNAVAILABLE, retried=True),
    Fault("authority rotated", authority_rotated, nothing, NEVER, NEVER, alone=True),
)  # fmt: skip
