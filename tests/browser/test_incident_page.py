"""The page of an incident as people meet it: in a browser, with a keyboard, light and dark, wide and narrow."""

import itertools
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from terway_mcp.cluster.scenarios.catalog import SCENARIOS
from terway_mcp.server.picture.page import report_file
from tests.browser.chromium import Page
from tests.browser.told import Told, crowded, made_up, moment, told_of

Show = Callable[[Told], Page]

_CONTRASTS = """(() => {
  const brush = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const painted = colour => {
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = colour;
    brush.fillRect(0, 0, 1, 1);
    return [...brush.getImageData(0, 0, 1, 1).data];
  };
  const linear = part => part / 255 <= 0.03928 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = node => {
    const colour = painted(getComputedStyle(node).backgroundColor);
    return colour[3] === 255 ? colour : behind(node.parentElement);
  };
  const contrast = node => {
    const pair = [light(painted(getComputedStyle(node).color)), light(behind(node))].sort((a, b) => b - a);
    return (pair[0] + 0.05) / (pair[1] + 0.05);
  };
  const asked = 'h1, .chip, .quiet, .part, .badge, .name, .name i, .text, .text b, .id, .where, .panel p, summary';
  const found = [...document.querySelectorAll(asked + ', .legend span, code')].filter(node => node.textContent);
  return Object.fromEntries(found.map(node => [node.className || node.tagName, contrast(node)]));
})()"""

_BREAK_IN = """new Promise(done => {
  document.addEventListener('securitypolicyviolation', event => {
    (window.refused ??= []).push(event.effectiveDirective);
  });
  const add = (tag, name, value) => document.body.append(Object.assign(document.createElement(tag), {[name]: value}));
  add('script', 'textContent', 'window.pwned = 1');
  add('img', 'src', 'http://127.0.0.1:PORT/x.png');
  add('style', 'textContent', 'body { background: url(http://127.0.0.1:PORT/y.png) }');
  fetch('http://127.0.0.1:PORT/z').catch(() => setTimeout(done, 50));
})"""


@pytest.fixture
def show(page: Page, tmp_path: Path) -> Show:
    """Open a report file and hold the browser's complaints against it."""

    def shown(told: Told) -> Page:
        file = tmp_path / "report.html"
        file.write_text(report_file(told, "as text"), "utf-8")
        page.open(file)
        assert page.problems == []
        return page

    return shown


def texts(page: Page, selector: str) -> list[str]:
    found: list[str] = page.evaluate(f"[...document.querySelectorAll({selector!r})].map(node => node.textContent)")
    return found


def boxes(page: Page, selector: str) -> list[list[float]]:
    """Left, top, right and bottom of each element."""
    found: list[list[float]] = page.evaluate(
        f"[...document.querySelectorAll({selector!r})].map(n => n.getBoundingClientRect())"
        ".map(r => [r.left, r.top, r.right, r.bottom])"
    )
    return found


def places(page: Page) -> dict[str, float]:
    """Where on the axis, in percent, the first mark of each row stands."""
    rows = "[...document.querySelectorAll('.row')]"
    mark = "parseFloat(row.querySelector('svg svg').getAttribute('x'))"
    found: dict[str, float] = page.evaluate(
        f"Object.fromEntries({rows}.map(row => [row.querySelector('.id').textContent, {mark}]))"
    )
    return found


def overlap(one: list[float], other: list[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_demo_is_drawn_from_its_answer_and_asks_the_network_for_nothing(show: Show, name: str) -> None:
    told = told_of(name)
    page = show(told)
    data = told["data"]
    assert texts(page, "h1") == [data["verdict"]["title"]]
    assert len(texts(page, ".row")) == len(data["timeline"])
    assert sorted(texts(page, ".id")) == sorted(moment["evidence"] for moment in data["timeline"])
    assert len(texts(page, "tr")) == len(told["calls"]) + 1
    whole = page.evaluate("document.body.innerText")
    for part in (*data["cited"].values(), *told["checked"]):
        assert re.sub(r"\s+", " ", part) in re.sub(r"\s+", " ", whole)
    assert [url.partition(":")[0] for url in page.requests] == ["file"]


def test_the_lanes_of_the_causal_chain_stand_in_its_order_and_are_numbered(show: Show) -> None:
    told = told_of("cni-not-initialized")
    page = show(told)
    steps = {moment["step"]: moment["object"] for moment in told["data"]["timeline"] if moment.get("step")}
    assert texts(page, ".leads .name, .leads + .lane .name") == [steps[step] for step in sorted(steps)]
    assert texts(page, ".badge") == ["1", "2", "3", "4"]
    assert texts(page, ".part") == ["cause", "effect", "effect", "symptom"]


def test_without_a_chain_nothing_claims_one(show: Show) -> None:
    page = show(told_of("healthy"))
    assert texts(page, ".part") == []
    assert set(texts(page, ".badge")) == {""}
    assert texts(page, "figcaption b") == ["What happened"]


def test_the_keyboard_walks_the_rows_from_cause_to_symptom_and_each_shows_its_evidence(show: Show) -> None:
    told = told_of("vswitch-exhausted")
    page = show(told)
    cited = told["data"]["cited"]
    walked = []
    for _ in told["data"]["timeline"]:
        page.press("Tab")
        evidence, label, outline = page.evaluate(
            "(row => [row.querySelector('.id').textContent, row.textContent, getComputedStyle(row).outlineStyle])"
            "(document.activeElement)"
        )
        assert outline == "solid", "the focus can be seen"
        panel = page.evaluate("document.querySelector('.panel').innerText")
        assert panel.startswith(f"{evidence} · ")
        assert cited.get(evidence, "") in panel
        walked.append((evidence, label))
    assert [evidence for evidence, _ in walked] == texts(page, ".id")
    assert "cause, step 1 of 3; event, 2026-07-01 08:01:12 to 08:31:12 UTC" in walked[0][1]
    assert "symptom, step 3 of 3" in walked[3][1]
    page.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


@pytest.mark.parametrize("width", [360, 1000])
def test_in_a_low_window_the_evidence_stays_in_sight_and_hides_no_focused_row(
    show: Show, page: Page, width: int
) -> None:
    page.sized(width, 420)
    show(crowded(30))
    for _ in range(30):
        page.press("Tab")
        page.evaluate("new Promise(requestAnimationFrame)")
        (row,), (panel,) = boxes(page, ".row:focus"), boxes(page, ".panel")
        assert 0 <= row[1] < row[3] <= panel[1] + 1
        assert panel[3] <= 421


def test_the_evidence_is_shown_under_the_pointer_and_the_verdicts_own_at_first(show: Show) -> None:
    told = told_of("vswitch-exhausted")
    page = show(told)
    first = told["data"]["verdict"]["evidence"][0]
    assert texts(page, ".row[aria-current] .id") == [first]
    page.point_at(".lane:last-child li:last-child .row")
    assert texts(page, ".row[aria-current] .id") == texts(page, ".panel b") == [texts(page, ".id")[-1]]


def test_what_is_drawn_is_named_for_those_who_do_not_see_it(show: Show) -> None:
    page = show(told_of("vswitch-exhausted"))
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate("[...document.querySelectorAll('svg:not(svg svg)')].every(one => one.ariaHidden === 'true')")
    panel = "document.querySelector('.panel')"
    assert page.evaluate(f"[{panel}.getAttribute('aria-live'), {panel}.getAttribute('aria-label')]") == [
        "polite",
        "Evidence",
    ]
    assert page.evaluate("document.title") == "vSwitch vsw-bp1qpbdi9stty91ojli7 has no free IP address - terway-mcp"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_text_stands_out_from_what_is_behind_it(show: Show, page: Page, name: str, scheme: str) -> None:
    page.preferring(scheme)
    contrasts: dict[str, float] = show(told_of(name)).evaluate(_CONTRASTS)
    print(scheme, {what: round(contrast, 1) for what, contrast in contrasts.items()})
    assert {what: contrast for what, contrast in contrasts.items() if contrast < 4.5} == {}


def test_light_and_dark_follow_the_reader(show: Show, page: Page) -> None:
    shades = []
    for scheme in ("light", "dark"):
        page.preferring(scheme)
        show(told_of("healthy"))
        shades.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert shades == ["rgb(255, 255, 255)", "rgb(22, 24, 29)"]


@pytest.mark.parametrize("width", [320, 600, 1000, 1900])
@pytest.mark.parametrize("name", [*SCENARIOS, "crowded"])
def test_no_labels_overlap_and_nothing_is_cut_off_at_any_width(show: Show, page: Page, name: str, width: int) -> None:
    page.sized(width)
    show(crowded(30) if name == "crowded" else told_of(name))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for selector in (".axis text", ".badge, .name, .part", ".text, .id", ".legend > span, figcaption > b"):
        found = [box for box in boxes(page, selector) if box[2] > box[0]]
        assert [pair for pair in itertools.combinations(found, 2) if overlap(*pair)] == [], selector
    left, _, right, _ = boxes(page, "figure")[0]
    assert all(left <= box[0] and box[2] <= right for box in boxes(page, ".axis text, .name, .part, .id"))
    assert all(box[2] - box[0] >= 60 for box in boxes(page, ".text")), "room enough to tell the rows apart"


def test_a_crowded_answer_is_drawn_up_to_a_bound_and_says_so(show: Show) -> None:
    page = show(crowded(400))
    assert len(texts(page, ".row")) == 60
    assert texts(page, "figcaption b") == ["What happened, and what led to what, the first 60 of 400"]


def test_what_lies_far_before_all_else_does_not_press_the_rest_together(show: Show) -> None:
    early = {"time": "2026-06-11T08:00:00Z", "object": "Node n", "text": "an old status", "evidence": "E9"}
    told = made_up([moment("E1", "08:00:00"), moment("E2", "08:30:00"), early])
    page = show(told)
    assert texts(page, ".axis text")[0] == "08:00"
    assert [places(page)[one] for one in ("E9", "E1", "E2")] == [
        0,
        pytest.approx(3.7, abs=1),
        pytest.approx(96.3, abs=1),
    ]


def test_moments_at_one_time_and_without_any_are_drawn(show: Show) -> None:
    assert len(texts(show(made_up([moment("E1", "08:00:00"), moment("E2", "08:00:00")])), ".row")) == 2
    page = show(made_up([moment("E1", "", kind="config", step=1)]))
    assert len(texts(page, ".untimed")) == 2, "in the row and in the legend"
    assert "no time" in texts(page, ".panel .where")[0]


HOSTILE = [
    "</script><script>window.pwned = 1</script>",
    "<!--<script>window.pwned = 2</script>",
    "<img src=x onerror='window.pwned = 3'><svg onload='window.pwned = 4'>",
    "\x1b[2J\x1b]0;owned\x07\u202egnol\u200b\u2066",
    "]]>\"'`${window.pwned = 5}`${'{'}",
    "javascript:window.pwned=6//<a href=javascript:window.pwned=7>",
    "n" * 1_000_000,
]


def spoilt(value: Any, text: str) -> Any:
    """The same shape with a text put into every text of it, names of evidence and objects included."""
    if isinstance(value, dict):
        return {name: spoilt(part, text) for name, part in value.items()}
    if isinstance(value, list):
        return [spoilt(part, text) for part in value]
    if isinstance(value, str) and not re.match(r"\d{4}-\d\d-\d\dT", value):
        return f"{value[:8]}{text}"
    return value


@pytest.mark.parametrize(
    "text", HOSTILE, ids=["script", "comment", "handlers", "controls", "quotes", "links", "megabyte"]
)
def test_hostile_text_is_shown_as_text_and_bounded(show: Show, text: str) -> None:
    told = spoilt(told_of("vswitch-exhausted"), text)
    told["data"]["cited"] = {f"E1{text}": text, "__proto__": text}
    page = show(told)
    assert page.evaluate("typeof window.pwned") == "undefined"
    assert page.evaluate("document.querySelectorAll('img, a, iframe, form, script:not(#told)').length") == 1
    whole = page.evaluate("document.body.innerText")
    assert len(whole) < 60_000
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", whole)
    if "pwned" in text:
        assert "pwned" in whole


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"data": None, "message": "the cluster cannot be reached"},
        {"data": {"verdict": {}}},
        {"data": {"verdict": {"title": 7, "affected": "all", "evidence": {}}, "timeline": [None, 3, {}], "cited": []}},
        {"data": {"verdict": {"title": "T"}, "findings": [None, {}], "ruled_out": [{}], "timeline": {"a": 1}}},
        {"data": {"verdict": {"title": "T"}, "timeline": [{"time": "never", "since": 5, "step": -2, "kind": "??"}]}},
        {
            "data": {"verdict": {"title": "T"}, "timeline": [{"time": "9999-12-31T23:59:59Z", "object": ""}]},
            "calls": [{}],
        },
        {
            "data": {
                "verdict": {"title": "T"},
                "timeline": [{"time": "+275760-09-13T00:00:00Z"}, {"time": "0000-01-01T00:00:00Z"}],
            }
        },
    ],
)
def test_an_answer_of_any_shape_is_drawn_without_an_error(show: Show, told: Told) -> None:
    page = show(told)
    assert texts(page, "h1")
    assert (told.get("message") or "") in page.evaluate("document.body.innerText")


def test_the_pages_own_policy_lets_no_script_of_others_run_and_nothing_be_fetched(show: Show) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        page = show(told_of("healthy"))
        page.evaluate(_BREAK_IN.replace("PORT", str(listener.getsockname()[1])))
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert page.evaluate("typeof window.pwned") == "undefined"
    refused = set(page.evaluate("window.refused"))
    assert refused == {"script-src-elem", "img-src", "style-src-elem", "connect-src"}
