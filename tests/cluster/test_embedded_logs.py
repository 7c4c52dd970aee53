"""The pod log subresource: parameters, refusals, and flat memory."""

import re
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from bundle_fixtures import RES, client_of, get, named, pod, write
from hypothesis import given, settings
from hypothesis import strategies as st

from terway_mcp.cluster import bundle_files
from terway_mcp.cluster.bundle import Bundle
from terway_mcp.cluster.embedded import log_lines
from terway_mcp.cluster.embedded.log_lines import LogView, render

SECONDS = ("22:52:59", "22:53:04", "22:53:09", "22:53:14")
PLAIN = [f'time="2026-11-22T{at}Z" level=info msg=heartbeat\n' for at in SECONDS]
STAMPED = [f"2026-11-22T{at}.106409257Z {line}" for at, line in zip(SECONDS, PLAIN, strict=True)]
WAITING = {"waiting": {"reason": "ContainerCreating"}}


def ended(**fields: Any) -> dict[str, Any]:
    return {"terminated": {"containerID": "containerd://1", **fields}}


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    two = named(
        "two",
        "shop",
        spec={"nodeName": "n1", "containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "i"}]},
    )
    crashed = pod("crashed", "shop", state={"waiting": {"reason": "CrashLoopBackOff"}})
    crashed["status"]["containerStatuses"][0]["lastState"] = ended()
    files = {
        f"{RES}/nodes.json": [named("n1", status={"startTime": "2026-11-22T22:53:14Z"})],
        f"{RES}/pods/shop.json": [
            pod("stamped", "shop"),
            pod("plain", "shop"),
            pod("unscheduled", "shop", node=""),
            pod("waiting", "shop", state=WAITING),
            pod("pulling", "shop", state={"waiting": {"reason": "ImagePullBackOff"}}),
            pod("silent", "shop", state={"waiting": {}}),
            pod("statusless", "shop", containerStatuses=[]),
            crashed,
            two,
        ],
        f"{RES}/pods/logs/shop/stamped/c.log": "".join(STAMPED),
        f"{RES}/pods/logs/shop/plain/c.log": "".join(PLAIN),
        f"{RES}/pods/logs/shop/crashed/c-previous.log": "panic\n",
        f"{RES}/pods/logs/shop/crashed/c-logs-errors.log": "the server is currently unable to handle the request",
        f"{RES}/pods/logs/shop/two/b.log": "from b\n",
    }
    return Bundle.open(write(tmp_path, files))


def log(bundle: Bundle, name: str, **params: str | int) -> tuple[int, Any]:
    return get(bundle, f"/api/v1/namespaces/shop/pods/{name}/log?{urlencode(params)}")


def refusal(bundle: Bundle, name: str, **params: str | int) -> tuple[int, str, str]:
    code, body = log(bundle, name, **params)
    return code, body["reason"], body["message"]


def test_the_collectors_timestamps_show_only_when_they_are_asked_for(bundle: Bundle) -> None:
    assert log(bundle, "stamped") == (200, "".join(PLAIN))
    assert log(bundle, "stamped", timestamps="true") == (200, "".join(STAMPED))


def test_a_log_stored_without_timestamps_is_served_as_it_is(bundle: Bundle) -> None:
    assert log(bundle, "plain") == log(bundle, "plain", timestamps="true") == (200, "".join(PLAIN))


@pytest.mark.parametrize(("lines", "kept"), [(0, 0), (1, 1), (3, 3), (4, 4), (99, 4)])
def test_tail_lines_are_the_last_ones(bundle: Bundle, lines: int, kept: int) -> None:
    assert log(bundle, "stamped", tailLines=lines) == (200, "".join(PLAIN[4 - kept :]))


def test_limit_bytes_cuts_in_the_middle_of_a_line_and_counts_what_is_sent(bundle: Bundle) -> None:
    assert log(bundle, "stamped", limitBytes=100) == (200, "".join(PLAIN)[:100])
    assert log(bundle, "stamped", limitBytes=100, timestamps=1) == (200, "".join(STAMPED)[:100])


@pytest.mark.parametrize(
    ("params", "kept"),
    [
        ({"sinceTime": "2026-11-22T22:53:05Z"}, 2),
        ({"sinceTime": "2026-11-23T06:53:05+08:00"}, 2),
        ({"sinceTime": "2099-01-01T00:00:00Z"}, 0),
        ({"sinceSeconds": 8}, 2),
        ({"sinceSeconds": 999_999_999_999}, 4),
        ({"sinceSeconds": 8, "tailLines": 1}, 1),
    ],
)
def test_since_keeps_newer_lines_and_seconds_count_back_from_the_capture(
    bundle: Bundle, params: dict[str, str | int], kept: int
) -> None:
    assert log(bundle, "stamped", **params) == (200, "".join(PLAIN[4 - kept :]))


def test_since_keeps_lines_whose_time_is_unknown(bundle: Bundle) -> None:
    assert log(bundle, "plain", sinceTime="2099-01-01T00:00:00Z") == (200, "".join(PLAIN))


def test_the_container_may_be_left_out_when_there_is_one(bundle: Bundle) -> None:
    assert log(bundle, "two", container="b") == (200, "from b\n")
    assert refusal(bundle, "two") == (
        400,
        "BadRequest",
        "a container name must be specified for pod two, choose one of: [a b] or one of the init containers: [i]",
    )


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("stamped", {"container": "nope"}, "container nope is not valid for pod stamped"),
        ("stamped", {"previous": "true"}, 'previous terminated container "c" in pod "stamped" not found'),
        ("waiting", {}, 'container "c" in pod "waiting" is waiting to start: ContainerCreating'),
        ("pulling", {}, 'container "c" in pod "pulling" is waiting to start: trying and failing to pull image'),
        ("silent", {}, 'container "c" in pod "silent" is waiting to start - no logs yet'),
        ("statusless", {}, 'container "c" in pod "statusless" is not available'),
        (
            "stamped",
            {"sinceTime": "yesterday"},
            'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"',
        ),
        ("stamped", {"tailLines": "few"}, 'strconv.ParseInt: parsing "few": invalid syntax'),
    ],
)
def test_refusals_are_worded_as_api_server_and_kubelet_word_them(
    bundle: Bundle, name: str, params: dict[str, str], message: str
) -> None:
    assert refusal(bundle, name, **params) == (400, "BadRequest", message)


def test_a_pod_that_no_node_runs_yet_has_no_content(bundle: Bundle) -> None:
    assert log(bundle, "unscheduled", container="c") == (204, "")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"tailLines": -1}, "tailLines: Invalid value: -1: must be greater than or equal to 0"),
        ({"limitBytes": 0}, "limitBytes: Invalid value: 0: must be greater than 0"),
        ({"sinceSeconds": 0}, "sinceSeconds: Invalid value: 0: must be greater than 0"),
        ({"sinceSeconds": 1, "sinceTime": "2026-11-22T22:53:05Z"}, "at most one of `sinceTime` or `sinceSeconds`"),
    ],
)
def test_impossible_options_are_invalid(bundle: Bundle, params: dict[str, int], message: str) -> None:
    code, reason, text = refusal(bundle, "stamped", **params)
    assert (code, reason) == (422, "Invalid")
    assert text.startswith('PodLogOptions "stamped" is invalid: ')
    assert message in text


def test_a_log_that_existed_but_was_not_captured_says_why(bundle: Bundle) -> None:
    assert refusal(bundle, "crashed") == (
        404,
        "NotCaptured",
        "the bundle does not hold the log of container c: the server is currently unable to handle the request",
    )
    assert log(bundle, "crashed", previous="true") == (200, "panic\n")


def reference(lines: list[bytes], view: LogView) -> bytes:
    """What `render` must give, written for clarity on a whole log in memory."""
    stamp = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) ")
    if view.tail is not None:
        lines = lines[len(lines) - min(view.tail, len(lines)) :]
    out = b""
    for line in lines:
        found = stamp.match(line)
        if found and view.since and datetime.fromisoformat(found.group(1).decode()) < view.since:
            continue
        out += line if view.timestamps or not found else line[found.end() :]
    return out[: view.limit]


class InMemory:
    def __init__(self, data: bytes) -> None:
        self.data, self.size = data, len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


texts = st.text(alphabet="ab \r2:T", max_size=30).map(str.encode)
stamps = st.integers(0, 59).map(lambda second: f"2026-11-22T22:53:{second:02d}.123456789Z ".encode())
lines_of_a_log = st.lists(
    st.builds(lambda stamp, line: stamp + line + b"\n", st.just(b"") | stamps, texts), max_size=12
)
views = st.builds(
    LogView,
    tail=st.none() | st.integers(0, 14),
    since=st.none() | st.integers(0, 59).map(lambda second: datetime(2026, 11, 22, 22, 53, second, tzinfo=UTC)),
    limit=st.none() | st.integers(1, 300),
    timestamps=st.booleans(),
)


@settings(deadline=None, max_examples=400)
@given(lines=lines_of_a_log, cut_end=st.booleans(), view=views, size=st.integers(40, 200))
def test_a_log_read_in_blocks_of_any_size_is_the_log(
    lines: list[bytes], cut_end: bool, view: LogView, size: int
) -> None:
    if cut_end and lines and len(lines[-1]) > 1:
        lines = [*lines[:-1], lines[-1][:-1]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle_files, "BLOCK", size)
        patch.setattr(log_lines, "BLOCK", size)
        assert b"".join(render(InMemory(b"".join(lines)), view)) == reference(lines, view)


@settings(deadline=None)
@given(size=st.integers(40, 80), length=st.integers(0, 500), old=st.booleans())
def test_a_line_longer_than_a_block_is_kept_or_dropped_whole(size: int, length: int, old: bool) -> None:
    lines = [b"2026-11-22T22:53:%02d.123456789Z " % (1 if old else 50) + b"x" * length + b"\n", b"end\n"]
    view = LogView(since=datetime(2026, 11, 22, 22, 53, 30, tzinfo=UTC))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle_files, "BLOCK", size)
        patch.setattr(log_lines, "BLOCK", size)
        assert b"".join(render(InMemory(b"".join(lines)), view)) == reference(lines, view)


@pytest.mark.anyio
@pytest.mark.parametrize("params", ["", "&tailLines=100000", "&sinceTime=2026-11-22T22:00:00Z"])
async def test_memory_stays_flat_however_long_a_log_is(tmp_path: Path, params: str) -> None:
    line = b'2026-11-22T22:53:04.106409257Z time="2026-11-22T22:53:04Z" level=info msg=heartbeat\n'
    files = {f"{RES}/pods/shop.json": [pod("web", "shop")], f"{RES}/pods/logs/shop/web/c.log": line * 120_000}
    bundle = Bundle.open(write(tmp_path, files))
    received = 0
    async with client_of(bundle) as client:
        tracemalloc.start()
        async with client.stream("GET", f"/api/v1/namespaces/shop/pods/web/log?container=c{params}") as answer:
            async for block in answer.aiter_bytes():
                received += len(block)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert received > 5_000_000
    assert peak < 4_000_000


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
