"""Scanning a log as it streams by: the same groups however it is cut, in bounded memory."""

import tracemalloc
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terway_mcp.knowledge.base import Knowledge
from terway_mcp.tools.log_filters import pattern_filter, telling_filter
from terway_mcp.tools.log_lines import parse_line
from terway_mcp.tools.log_scan import Filter, LogScan, Signature
from tests.tools.stage import LINE_TIME, klog

EVERYTHING = pattern_filter(".")
LINES = (
    klog('"alloc ip failed" err="no eni can handle the allocation" pod="shop/web-1"'),
    klog('"alloc ip req" pod="shop/web-1"', "I"),
    klog('"pool status" idle=0 failed=false', "I"),
    klog('"panic soon" err="x"', "F", at=""),
    'time="2026-11-22T22:10:00Z" level=warning msg="client rate limit"',
    "fatal error: concurrent map writes",
    "an ordinary line of a shell script",
    "\tgoroutine 1 [running]:",
    " > indented",
    "",
    f"{LINE_TIME} \tcontinued with its stamp",
    klog('"wide" err="\u4f59\u88d5 no ip left"', "W") + "\r",
)


def scanned(blocks: Iterable[bytes], scan: LogScan) -> LogScan:
    for block in blocks:
        scan.feed(block)
    scan.close()
    return scan


def of(text: str, wanted: str = "", **options: int | str) -> LogScan:
    made = pattern_filter(wanted) if wanted else EVERYTHING
    return scanned([text.encode()], LogScan(made, **options))  # type: ignore[arg-type]


def told(scan: LogScan) -> list[tuple[str, str, int, str, str]]:
    return sorted((g.level, g.sample, g.count, g.first, g.last) for g in scan.groups())


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(place % (len(data) + 1) for place in at)})
    return [data[start:end] for start, end in pairwise(places)]


# One line.


@pytest.mark.parametrize(
    ("line", "level", "where", "text"),
    [
        (klog('"failed" err="x"'), "E", "daemon.go:139", '"failed" err="x"'),
        (klog("plain klog", "F", source="main.go:12"), "F", "main.go:12", "plain klog"),
        ('E0701 16:30:00.000000 daemon.go:139] old logrus form', "E", "daemon.go:139", "old logrus form"),
        ('time="2026-07-01T08:00:00Z" level=error msg="x"', "E", "", 'msg="x"'),
        ("level=info msg=heartbeat", "I", "", "msg=heartbeat"),
        ("level=warning msg=slow", "W", "", "msg=slow"),
        ("panic: runtime error", "", "", "panic: runtime error"),
        ("error: unsupport kernel version", "", "", "error: unsupport kernel version"),
    ],
)  # fmt: skip
def test_every_form_of_a_header_is_read(line: str, level: str, where: str, text: str) -> None:
    record = parse_line(line.encode())
    assert record is not None
    assert (record.level, record.where, record.text.decode()) == (level, where, text)


@pytest.mark.parametrize("line", ["", "\tat main.go:1", " >", "  indented", "> quoted", f"{LINE_TIME} \tstamped", "\r"])
def test_a_line_that_goes_on_is_no_record(line: str) -> None:
    assert parse_line(line.encode()) is None


@pytest.mark.parametrize(
    ("stamp", "utc"),
    [
        ("2026-07-01T08:30:00.123456789Z", "2026-07-01T08:30:00.123456789Z"),
        ("2026-07-01T16:30:00.123456789+08:00", "2026-07-01T08:30:00.123456789Z"),
        ("2026-07-01T03:00:00-05:30", "2026-07-01T08:30:00Z"),
        ("2026-07-02T00:00:00.5+08:00", "2026-07-01T16:00:00.5Z"),
    ],
)
def test_the_kubelets_stamp_is_told_in_utc(stamp: str, utc: str) -> None:
    record = parse_line(f"{stamp} panic: x".encode())
    assert record is not None
    assert (record.time, record.text) == (utc, b"panic: x")


# Groups.


def test_lines_that_differ_in_ids_and_numbers_are_one_group() -> None:
    lines = [
        klog(
            f'"alloc ip failed" err="took {index}s" eni="eni-bp1{"abcdefghij"[index] * 8}"',
            at=f"2026-07-01T08:0{index}:00Z",
        )
        for index in range(5)
    ]
    (group,) = of("\n".join(lines)).groups()
    assert (group.count, group.first, group.last) == (5, "2026-07-01T08:00:00Z", "2026-07-01T08:04:00Z")
    assert (group.level, group.where) == ("E", "daemon.go:139")


def test_first_and_last_do_not_depend_on_the_order_of_lines() -> None:
    lines = [klog('"x"', at=f"2026-07-01T08:0{minute}:00Z") for minute in (3, 1, 2)]
    (group,) = of("\n".join(lines)).groups()
    assert (group.first, group.last) == ("2026-07-01T08:01:00Z", "2026-07-01T08:03:00Z")


def test_another_level_is_another_group() -> None:
    assert [group.level for group in of(klog("same", "W") + "\n" + klog("same", "E")).groups()] == ["E", "W"]


def test_the_worst_level_comes_first_then_the_most_frequent() -> None:
    text = "\n".join([klog("a", "I"), klog("b", "E"), klog("c", "E"), klog("c", "E"), klog("d", "F"), klog("e", "W")])
    assert [group.sample for group in of(text).groups()] == ["d", "c", "b", "e", "a"]


def test_groups_are_bounded_and_the_rest_is_counted() -> None:
    text = "\n".join(klog(f'"kind {chr(97 + index)}"') for index in range(9))
    scan = of(text, limit=4)
    assert (len(scan.groups()), scan.matched, scan.dropped) == (4, 9, 5)


def test_raw_lines_are_kept_up_to_the_number_asked_for() -> None:
    text = "\n".join(klog(f'"x" n={index}') for index in range(9))
    (group,) = of(text, keep_lines=3).groups()
    assert [line.rpartition("=")[2] for line in group.lines] == ["0", "1", "2"]
    assert group.lines[0].startswith(f"{LINE_TIME} E daemon.go:139")
    assert of(text).groups()[0].lines == []


@pytest.mark.parametrize(("keep_last", "told_of"), [(False, []), (True, ["sysctl: cannot stat x"])])
def test_the_last_record_counts_whatever_it_says_where_that_is_asked_for(keep_last: bool, told_of: list[str]) -> None:
    wanted = Filter(EVERYTHING.coarse, lambda record: b"error" in record.text)
    log = f"{LINE_TIME} + mount\n{LINE_TIME} sysctl: cannot stat x\n".encode()
    scan = scanned([log], LogScan(wanted, keep_last=keep_last))
    assert [group.sample for group in scan.groups()] == told_of


def test_a_last_record_that_is_wanted_anyway_counts_once() -> None:
    assert [group.count for group in of(f"{LINE_TIME} error: x\n", keep_last=True).groups()] == [1]


def test_until_leaves_out_what_came_later() -> None:
    lines = [klog(f'"at {name}"', at=f"2026-07-01T08:{minute}:00Z") for name, minute in (("a", 10), ("b", 20))]
    lines.append(klog('"at c"', at="2026-07-01T16:15:00+08:00"))
    scan = of("\n".join(lines), until="2026-07-01T08:15:00Z")
    assert [group.sample for group in scan.groups()] == ['"at a"', '"at c"']
    assert scan.lines == 3


def test_a_line_without_time_is_not_left_out_by_until() -> None:
    assert of(klog('"x"', at=""), until="2026-07-01T08:15:00Z").matched == 1


# What is wanted.


def test_without_a_pattern_trouble_at_any_level_is_kept(knowledge: Knowledge) -> None:
    lines = [
        klog('"a warning"', "W"), klog('"an error"', "E"), klog('"it failed at info"', "I"), klog('"all is well"', "I"),
        "error: unsupport kernel version", "an ordinary line", "level=error msg=x", "level=info msg=heartbeat",
    ]  # fmt: skip
    scan = scanned(["\n".join(lines).encode()], LogScan(telling_filter(knowledge, "log")))
    assert {group.sample for group in scan.groups()} == {
        '"a warning"', '"an error"', '"it failed at info"', "error: unsupport kernel version", "msg=x",
    }  # fmt: skip


def test_a_pattern_ignores_case_and_may_be_anchored() -> None:
    text = "\n".join([klog('"Pool Status" idle=0', "I"), klog('"other"', "I"), "pool status at the beginning"])
    assert len(of(text, "pool status").groups()) == 2
    assert [group.level for group in of(text, "^pool status").groups()] == [""]
    assert [group.sample for group in of(text, "other.$").groups()] == ['"other"']


def test_a_pattern_is_matched_against_continuations_too() -> None:
    text = klog('"failed" err=<', "I") + "\n\terrCode: Forbidden.RAM\n >"
    assert of(text, "Forbidden.RAM").matched == 1


# Continuations.


def test_a_block_of_a_value_belongs_to_its_record() -> None:
    text = "\n".join([klog('"failed" err=<'), "\tfirst line", "\tsecond line", " >", klog('"next"')])
    one, other = sorted(group.sample for group in of(text).groups())
    assert (one, other) == ('"failed" err=< first line second line >', '"next"')


def test_stamps_inside_a_block_are_not_part_of_the_value() -> None:
    lines = [klog('"failed" err=<'), f"{LINE_TIME} \tfirst line", f"{LINE_TIME} >"]
    (group,) = of("\n".join(lines)).groups()
    assert group.sample == '"failed" err=< first line >'


def test_a_dump_is_cut_but_does_not_swallow_what_follows() -> None:
    text = "\n".join([klog('"panic"'), *(f"\tframe {index}" for index in range(500)), klog('"after"')])
    samples = {group.sample[:8] for group in of(text).groups()}
    assert '"after"' in samples
    assert all(len(group.sample) < 1500 for group in of(text).groups())


# Odd bytes.


def test_carriage_returns_are_no_part_of_a_line() -> None:
    (group,) = of(f"{klog('x')}\r\n{klog('x')}\r\n").groups()
    assert (group.sample, group.count) == ("x", 2)


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    (group,) = scanned([klog("bad ").encode() + b"\xff\xfe bytes\n"], LogScan(EVERYTHING)).groups()
    assert group.sample == "bad \ufffd\ufffd bytes"


def test_a_log_without_a_last_newline_is_read_to_its_end() -> None:
    assert of(klog("a") + "\n" + klog("b")).matched == 2
    assert of(klog("a")).lines == 1


@pytest.mark.parametrize("text", ["", "\n", "\n\n\n", "\t\n", " >\n"])
def test_nothing_yields_nothing(text: str) -> None:
    scan = of(text)
    assert (scan.groups(), scan.matched) == ([], 0)


def test_a_line_of_ten_megabytes_is_cut_and_the_next_one_is_read() -> None:
    block = b"x" * 65_536
    scan = LogScan(EVERYTHING)
    scan.feed(klog("before").encode() + b"\n" + klog("long ").encode())
    tracemalloc.start()
    for _ in range(160):
        scan.feed(block)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    scan.feed(b" end\n" + klog("after").encode() + b"\n")
    scan.close()
    samples = {group.sample[:6] for group in scan.groups()}
    assert samples == {"before", "long x", "after"}
    assert scan.bytes > 10 * 1024 * 1024
    assert scan.lines == 3
    assert peak < 1024 * 1024


def test_memory_stays_flat_over_a_long_log() -> None:
    block = "\n".join(klog(f'"failed" n={index}') for index in range(600)).encode() + b"\n"
    scan = LogScan(EVERYTHING)
    scan.feed(block)
    tracemalloc.start()
    for _ in range(6):
        scan.feed(block)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert scan.matched >= 4_000
    assert peak < 8 * len(block)


# However it is cut.


@settings(max_examples=120, deadline=None)
@given(lines=st.lists(st.sampled_from(LINES), max_size=30), places=st.lists(st.integers(0, 10_000), max_size=12))
def test_how_a_log_is_cut_into_blocks_makes_no_difference(lines: list[str], places: list[int]) -> None:
    data = "\n".join(lines).encode()
    whole = scanned([data], LogScan(EVERYTHING))
    pieces = scanned(cut(data, places), LogScan(EVERYTHING))
    assert told(pieces) == told(whole)
    assert (pieces.lines, pieces.matched, pieces.bytes) == (whole.lines, whole.matched, len(data))


@settings(max_examples=60, deadline=None)
@given(lines=st.lists(st.sampled_from(LINES), max_size=30), places=st.lists(st.integers(0, 10_000), max_size=12))
def test_what_is_telling_does_not_depend_on_the_blocks(
    knowledge: Knowledge, lines: list[str], places: list[int]
) -> None:
    data = "\n".join(lines).encode()
    wanted = telling_filter(knowledge, "log")
    assert told(scanned(cut(data, places), LogScan(wanted))) == told(scanned([data], LogScan(wanted)))


@settings(max_examples=120, deadline=None)
@given(lines=st.lists(st.sampled_from(LINES), max_size=30))
def test_every_record_is_found_once(lines: list[str]) -> None:
    records = [record for record in (parse_line(line.rstrip("\r").encode()) for line in lines) if record is not None]
    scan = scanned(["\n".join(lines).encode()], LogScan(EVERYTHING))
    assert scan.matched == len(records)
    assert Counter(record.level for record in records) == levels(scan.groups())


def levels(groups: list[Signature]) -> Counter[str]:
    found: Counter[str] = Counter()
    for group in groups:
        found[group.level] += group.count
    return found


@settings(max_examples=60, deadline=None)
@given(blocks=st.lists(st.binary(max_size=300), max_size=8))
def test_any_bytes_are_survived(blocks: list[bytes]) -> None:
    scan = scanned(blocks, LogScan(EVERYTHING, keep_lines=1))
    assert scan.bytes == sum(map(len, blocks))
    assert all(group.count >= 1 for group in scan.groups())
