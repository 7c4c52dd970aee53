"""What a run is held to: counts and ratios, never milliseconds, which are the machine's."""

from collections.abc import Iterator

from bench.result import Result

_REQUESTS = {"inspect_cluster": 12, "inspect_node": 8, "inspect_pod": 6, "get_events": 4}
_HANDSHAKE = 1.2
_GROWTH = 1.5
_SCAN_MIB = 130
_SCAN_SHARE = 0.4
"""By the processor's time, which says the same on a busy machine, or nearly."""


def exceeded(result: Result) -> list[str]:
    """One sentence for each limit a job did not keep."""
    check = {"handshake": _handshake, "clusters": _clusters, "events": _requests, "logs": _logs}.get(result.job)
    return list(check(result)) if check and result.rows else []


def _handshake(result: Result) -> Iterator[str]:
    ratio = next(row.values["x bare"] for row in result.rows if row.case == "terway-mcp")
    if ratio > _HANDSHAKE:
        yield f"the handshake took {ratio:.2f} times that of a bare server, at most {_HANDSHAKE} is allowed"


def _clusters(result: Result) -> Iterator[str]:
    yield from _requests(result)
    small, large = result.rows[0], result.rows[-1]
    for tool in ("inspect_node", "inspect_pod"):
        ratio = large.values[f"{tool} ms"] / small.values[f"{tool} ms"]
        if ratio > _GROWTH:
            yield f"{tool} took {ratio:.2f} times as long with {large.case} as with {small.case}, not {_GROWTH}"


def _requests(result: Result) -> Iterator[str]:
    for row in result.rows:
        for tool, most in _REQUESTS.items():
            if (asked := row.values[f"{tool} requests"]) > most:
                yield f"{tool} sent {asked:.0f} requests with {row.case}, at most {most} are allowed"


def _logs(result: Result) -> Iterator[str]:
    largest = result.rows[-1]
    if (peak := largest.values["scan peak MiB"]) > _SCAN_MIB:
        yield f"scanning {largest.case} took {peak:.0f} MiB, at most {_SCAN_MIB} are allowed"
    if (share := largest.values["processor ratio"]) < _SCAN_SHARE:
        yield f"scanning {largest.case} reached {share:.2f} of reading it, at least {_SCAN_SHARE} is wanted"
