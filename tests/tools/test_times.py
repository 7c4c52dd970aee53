"""Times come from clusters and callers: any of them can be reckoned with, or is none."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terway_mcp.cluster.errors import InvalidInput
from terway_mcp.tools.times import age_seconds, moment, parse, render

NOW = datetime(2026, 7, 1, 8, 30, tzinfo=UTC)
ANY_TIME = st.datetimes(timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))))


@given(ANY_TIME)
def test_every_time_that_can_be_written_is_reckoned_with_or_is_none(written: datetime) -> None:
    found = parse(written.isoformat())
    assert (found is None) == (not 1970 <= written.year <= 2100)
    if found:
        assert parse(render(found + timedelta(days=1))) or found.year == 2100
        assert age_seconds(written.isoformat(), NOW) == (NOW - written).total_seconds()


@given(st.one_of(ANY_TIME.map(datetime.isoformat), st.text(), st.from_regex(r"\d{1,5}[smhd]", fullmatch=True)))
def test_a_callers_time_is_understood_or_refused(text: str) -> None:
    with suppress(InvalidInput):
        assert datetime.fromisoformat(moment(text, NOW, "since")).tzinfo


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-08:00", "0000-00-00T00:00:00Z"])
def test_what_a_careless_program_writes_instead_of_nothing_is_no_time(text: str) -> None:
    assert parse(text) is None
