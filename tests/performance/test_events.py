"""Events cost little to decode, and what is kept of them does not grow with their number."""

import json
import tracemalloc
from collections.abc import Iterator
from time import perf_counter

import pytest

from bench.decoding import body
from terway_mcp.cluster.decode import decode_each, decode_page
from terway_mcp.cluster.objects import Event
from terway_mcp.tools.event_groups import EventGroups

TURNS = 15


@pytest.fixture(scope="module")
def page() -> bytes:
    return body()


def grouped(page: bytes, groups: EventGroups) -> None:
    for event in decode_each(decode_page(page).items, Event):
        groups.add(event)


def test_typed_decoding_is_faster_than_dictionaries(page: bytes) -> None:
    def seconds(work: object) -> float:
        begun = perf_counter()
        assert callable(work)
        work()
        return perf_counter() - begun

    def typed() -> int:
        return sum(1 for _ in decode_each(decode_page(page).items, Event))

    def plain() -> int:
        return len(json.loads(page)["items"])

    assert typed() == plain() == 5_000
    # The best of some turns: whoever else uses the machine can only slow a turn down.
    best = [min(seconds(work) for _ in range(TURNS)) for work in (typed, plain)]
    assert best[0] < best[1]


def test_memory_does_not_grow_with_the_pages(page: bytes) -> None:
    def peaks() -> Iterator[int]:
        groups = EventGroups()
        for _ in range(4):
            tracemalloc.reset_peak()
            grouped(page, groups)
            yield tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    first, *others = peaks()
    tracemalloc.stop()
    assert max(others) < 1.2 * first


def test_distinct_events_are_kept_up_to_a_limit_over_all_lists(page: bytes) -> None:
    one, other, together = EventGroups(limit=30), EventGroups(limit=30), EventGroups(limit=40)
    grouped(page, one)
    grouped(page.replace(b'"name":"web', b'"name":"app'), other)
    together.absorb(one)
    together.absorb(other)
    assert len(together.newest_first()) == 40
    assert together.seen == 10_000
    assert together.dropped == one.dropped + other.dropped + 20
    assert together.oldest == one.oldest == other.oldest
