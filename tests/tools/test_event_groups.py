"""Events of both APIs in one shape, and which of them are the same story told again."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from terway_mcp.cluster.decode import decode_object
from terway_mcp.cluster.objects import Event
from terway_mcp.tools.event_groups import (
    EventGroups,
    effective_count,
    effective_time,
    first_time,
    mask,
    reporter,
    subject_of,
)

POD = {"kind": "Pod", "namespace": "shop", "name": "web-0", "uid": "u1", "apiVersion": "v1"}
SANDBOX = 'failed to setup network for sandbox "{}": plugin type="terway" failed (add)'


def made(message: str = "no ip left", **fields: Any) -> Event:
    known = {"metadata": {"creationTimestamp": "2026-07-01T08:00:00Z"}, "involvedObject": POD, "type": "Warning"}
    return decode_object(msgspec.json.encode({**known, "reason": "AllocIPFailed", "message": message, **fields}), Event)


def grouped(*events: Event, since: str = "", limit: int = 2000) -> EventGroups:
    groups = EventGroups(since=since, limit=limit)
    for event in events:
        groups.add(event)
    return groups


def at(minute: int, second: float = 0) -> str:
    moment = datetime(2026, 7, 1, 8, tzinfo=UTC) + timedelta(minutes=minute, seconds=second)
    return moment.isoformat().replace("+00:00", "Z")


# Time and count.


@pytest.mark.parametrize(
    ("fields", "last"),
    [
        ({}, at(0)),
        ({"firstTimestamp": at(1)}, at(1)),
        ({"firstTimestamp": at(1), "lastTimestamp": at(9)}, at(9)),
        ({"firstTimestamp": None, "lastTimestamp": None, "eventTime": "2026-07-01T08:07:00.123456Z"},
         "2026-07-01T08:07:00.123456Z"),
        ({"eventTime": at(7), "series": {"count": 4, "lastObservedTime": at(31)}}, at(31)),
        ({"eventTime": at(7), "series": {"count": 4, "lastObservedTime": at(3)}}, at(7)),
        ({"lastTimestamp": at(9), "eventTime": at(7), "series": {"lastObservedTime": at(8)}}, at(9)),
        ({"lastTimestamp": "2026-07-01T08:00:10Z", "eventTime": "2026-07-01T08:00:10.500000Z"},
         "2026-07-01T08:00:10.500000Z"),
    ],
)  # fmt: skip
def test_the_effective_time_is_the_latest_the_event_speaks_of(fields: dict[str, Any], last: str) -> None:
    assert effective_time(made(**fields)) == last


@given(st.lists(st.integers(0, 5000), min_size=5, max_size=5))
def test_no_field_that_speaks_of_a_later_time_is_overlooked(minutes: list[int]) -> None:
    times = [at(minute) for minute in minutes]
    event = made(
        metadata={"creationTimestamp": times[0]},
        firstTimestamp=times[1],
        lastTimestamp=times[2],
        eventTime=times[3],
        series={"count": 2, "lastObservedTime": times[4]},
    )
    assert effective_time(event) == max(times)


def test_an_event_without_any_time_has_none() -> None:
    event = made(metadata={})
    assert (effective_time(event), first_time(event)) == ("", "")


@pytest.mark.parametrize(
    ("fields", "first"),
    [({"firstTimestamp": at(3), "eventTime": at(2)}, at(3)), ({"eventTime": at(2)}, at(2)), ({}, at(0))],
)
def test_the_first_time_is_that_of_the_first_occurrence(fields: dict[str, Any], first: str) -> None:
    assert first_time(made(**fields)) == first


@pytest.mark.parametrize(
    ("fields", "count"),
    [({}, 1), ({"count": 7}, 7), ({"count": None}, 1), ({"count": 0}, 1), ({"series": {"count": 12}}, 12),
     ({"count": 3, "series": {"count": 12}}, 12), ({"count": 3, "series": {}}, 3), ({"series": None, "count": 2}, 2)],
)  # fmt: skip
def test_the_effective_count_is_the_series_or_the_classic_one(fields: dict[str, Any], count: int) -> None:
    assert effective_count(made(**fields)) == count


def test_the_reporter_is_whichever_field_was_filled() -> None:
    assert reporter(made(source={"component": "kubelet"})) == "kubelet"
    assert reporter(made(reportingComponent="terway-controlplane/node", source={})) == "terway-controlplane/node"
    assert reporter(made()) == ""


def test_an_empty_api_version_is_a_core_object() -> None:
    node = {"kind": "Node", "name": "n1"}
    assert subject_of(made(involvedObject=node)).kind_name == "Node"
    assert subject_of(made(involvedObject={**node, "apiVersion": "v1"})).kind_name == "Node"
    terway = {**node, "apiVersion": "network.alibabacloud.com/v1beta1"}
    assert subject_of(made(involvedObject=terway)).kind_name == "NodeCR"


# Masking.


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SANDBOX.format("a" * 64), SANDBOX.format("0123456789abcdef" * 4)),
        (f"RequestId: {uuid.UUID(int=1)}", f"RequestId: {str(uuid.UUID(int=2**127)).upper()}"),
        ("vsw-bp1abcdefgh has no ip left", "vsw-bp1zyxwvuts has no ip left"),
        ("eni-bp1aaaaaaa on i-bp1bbbbbbb", "eni-bp1ccccccc on i-bp1ddddddd"),
        ("dial tcp 10.0.0.1:6443", "dial tcp 172.16.255.254:443"),
        ("took 1.500s", "took 22s"),
        ("mac 00:16:3e:0a:0b:0c", "mac 00:16:3e:ff:ee:dd"),
        ("at 2026-07-01T08:00:00Z", "at 2026-07-02T18:30:01.123Z"),
        ("at 2026-07-01 08:00:00.123 +0800 CST", "at 2026-07-09 18:11:00.4 +0000 UTC"),
        ("10.0.64.0/28", "10.0.65.16/28"),
    ],
)
def test_what_differs_between_repeats_is_masked(one: str, other: str) -> None:
    assert mask(one) == mask(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("errCode: InvalidVSwitchId.IpNotEnough", "errCode: QuotaExceeded.PrivateIpAddress"),
        ("code = DeadlineExceeded", "code = Unavailable"),
        ("connection refused", "no such file or directory"),
    ],
)
def test_what_tells_failures_apart_is_not_masked(one: str, other: str) -> None:
    assert mask(one) != mask(other)


# Groups.


def test_a_new_sandbox_each_time_is_one_group() -> None:
    events = [
        made(SANDBOX.format(f"{index:064x}"), firstTimestamp=at(index), lastTimestamp=at(index)) for index in range(9)
    ]
    (group,) = grouped(*events).newest_first()
    assert (group.count, group.first, group.last) == (9, at(0), at(8))
    assert group.message == SANDBOX.format(f"{8:064x}")


def test_combined_events_join_the_group_they_were_cut_from() -> None:
    single = made(SANDBOX.format("a" * 64), lastTimestamp=at(1), count=1)
    combined = made(f"(combined from similar events): {SANDBOX.format('b' * 64)}", lastTimestamp=at(30), count=41)
    (group,) = grouped(single, combined).newest_first()
    assert group.count == 42
    assert group.message == SANDBOX.format("b" * 64)


def test_the_order_of_arrival_makes_no_difference() -> None:
    events = [
        made(SANDBOX.format(f"{i:064x}"), firstTimestamp=at(i), lastTimestamp=at(i + 2), count=i) for i in (1, 2, 3)
    ]
    assert grouped(*events).newest_first() == grouped(*reversed(events)).newest_first()


@pytest.mark.parametrize(
    "different",
    [
        {"reason": "AllocIPSucceed"},
        {"type": "Normal"},
        {"involvedObject": {**POD, "name": "web-1"}},
        {"involvedObject": {**POD, "namespace": "other"}},
        {"involvedObject": {**POD, "kind": "PodENI", "apiVersion": "network.alibabacloud.com/v1beta1"}},
        {"involvedObject": {**POD, "uid": "u2"}},
        {"message": "something else"},
    ],
)
def test_another_object_reason_type_or_text_is_another_group(different: dict[str, Any]) -> None:
    assert len(grouped(made(), made(**different)).newest_first()) == 2


def test_both_kinds_called_node_are_never_one_group() -> None:
    core = made(involvedObject={"kind": "Node", "name": "n1", "apiVersion": "v1"})
    custom = made(involvedObject={"kind": "Node", "name": "n1", "apiVersion": "network.alibabacloud.com/v1beta1"})
    assert {group.subject.kind_name for group in grouped(core, custom).newest_first()} == {"Node", "NodeCR"}


def test_groups_come_newest_first() -> None:
    events = [made(f"text {name}", lastTimestamp=at(minute)) for name, minute in (("a", 5), ("b", 50), ("c", 20))]
    assert [group.message for group in grouped(*events).newest_first()] == ["text b", "text c", "text a"]


def test_fractions_of_a_second_sort_behind_the_whole_second() -> None:
    whole = made("whole", lastTimestamp="2026-07-01T08:00:10Z")
    later = made("later", eventTime="2026-07-01T08:00:10.500000Z")
    assert [group.message for group in grouped(whole, later).newest_first()] == ["later", "whole"]


def test_since_leaves_out_what_ended_before_it_and_counts_it() -> None:
    old = made("old", firstTimestamp=at(1), lastTimestamp=at(9))
    lasting = made("lasting", firstTimestamp=at(1), lastTimestamp=at(11))
    groups = grouped(old, lasting, since=at(10))
    assert [group.message for group in groups.newest_first()] == ["lasting"]
    assert (groups.seen, groups.dropped) == (2, 1)
    assert groups.oldest == at(9)


def test_an_event_without_time_is_not_left_out() -> None:
    assert len(grouped(made(metadata={}), since=at(10)).newest_first()) == 1


def test_the_oldest_event_is_known_whatever_its_group() -> None:
    assert grouped(made(lastTimestamp=at(9)), made(lastTimestamp=at(3)), made(lastTimestamp=at(5))).oldest == at(3)
    assert grouped().oldest == ""


def test_memory_is_bounded_by_the_number_of_groups() -> None:
    names = [f"pod-{chr(97 + index)}" for index in range(9)]
    groups = grouped(*(made(involvedObject={**POD, "name": name}) for name in names), limit=4)
    assert len(groups.newest_first()) == 4
    assert groups.dropped == 5


def test_a_list_that_begins_anew_forgets_the_old_one() -> None:
    groups = grouped(made())
    groups.clear()
    assert (groups.newest_first(), groups.seen, groups.oldest) == ([], 0, "")


def test_the_related_object_is_kept() -> None:
    (group,) = grouped(made(related={"kind": "PodENI", "name": "web-0"})).newest_first()
    assert group.related_kind == "PodENI"
