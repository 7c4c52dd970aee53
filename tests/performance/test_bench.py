"""The benchmark runs, and what it writes can be read and looked at."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import __main__ as bench
from bench.limits import exceeded
from bench.page import page
from bench.result import Result, Row, side_by_side
from bench.svg import draw

SIZES = Result(
    "sizes",
    "By <size>",
    "nodes",
    "ms",
    ["a", "b"],
    [Row("10", {"a": 1, "b": 2.5}, 10), Row("99", {"a": 2, "b": 3}, 99)],
)
KINDS = Result("kinds", "By kind", "", "ms", ["a"], [Row("one", {"a": 1234}), Row("two", {"a": 0})], ["a note"])


def test_a_job_writes_its_numbers_and_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--quick", "--job", "decoding", "--results", str(tmp_path)]) == 0
    written = json.loads((tmp_path / "decoding.json").read_text())
    assert [row["case"] for row in written["rows"]] == ["typed, msgspec", "json of the standard library"]
    assert ElementTree.parse(tmp_path / "decoding.svg").getroot().tag.endswith("svg")  # noqa: S314 - our own file
    assert "typed, msgspec" in capsys.readouterr().out


@pytest.mark.parametrize("result", [SIZES, KINDS], ids=["curves", "bars"])
def test_a_picture_is_well_formed_and_names_every_case(result: Result) -> None:
    texts = {element.text for element in ElementTree.fromstring(draw(result)).iter()}  # noqa: S314 - our own text
    assert {result.title, *(row.case for row in result.rows), *result.drawn} <= texts


def test_the_page_shows_every_table_and_picture() -> None:
    text = page([SIZES, KINDS], "full")
    assert "![By <size>](../bench/results/sizes.svg)" in text
    assert "| one | 1,234 |" in text
    assert "- a note" in text
    assert "./scripts/bench`" in text


def test_works_take_turns() -> None:
    order: list[str] = []
    one, two = side_by_side(3, lambda: order.append("a"), lambda: order.append("b"))
    assert order == ["a", "b"] * 3
    assert one[0] >= 0
    assert two[1] is None


def test_both_modes_measure_the_same() -> None:
    assert list(bench._QUICK) == list(bench._FULL)


def test_a_count_beyond_its_limit_is_named() -> None:
    requests = {f"{tool} requests": 4.0 for tool in ("inspect_cluster", "inspect_node", "inspect_pod", "get_events")}
    kept = Result("events", "", "events", "ms", [], [Row("10 events", requests, 10)])
    broken = Result("events", "", "events", "ms", [], [Row("10 events", {**requests, "get_events requests": 5}, 10)])
    assert exceeded(kept) == []
    assert exceeded(broken) == ["get_events sent 5 requests with 10 events, at most 4 are allowed"]


@pytest.mark.parametrize(("ratio", "code"), [(1.1, 0), (1.3, 1)])
def test_a_run_fails_when_a_ratio_stays_beyond_its_limit(
    ratio: float, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [Row("terway-mcp", {"ms": 900.0, "x bare": ratio})]
    monkeypatch.setitem(bench._QUICK, "handshake", lambda: Result("handshake", "", "", "ms", [], rows))
    assert bench.main(["--quick", "--job", "handshake", "--results", str(tmp_path)]) == code
    assert ("NOT KEPT: the handshake took 1.30 times" in capsys.readouterr().out) is bool(code)
