"""The one way out: whatever is put into an answer, no secret and no hostile character leaves with it."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from terway_mcp.cluster.coverage import Coverage, Outcome
from terway_mcp.knowledge.redaction import MASK
from terway_mcp.server.envelope import (
    Envelope,
    InvestigationInfo,
    Status,
    checked,
    condensed,
    info,
    safe_text,
    sealed,
    status_of,
    why_unread,
)
from terway_mcp.server.plan import NextStep
from terway_mcp.server.state import Done, Skip, State

ACCESS_KEY = "LTAI5tNeverShowThis00001"
SECRET = "n3verSh0wThisSecretEither"
HOSTILE = "\x1b[31mred\x1b[0m \x1b]0;title\x07 zero\u200bwidth \u202eleft-to-right\u202c nul\x00 bell\x07 \ufeff"
INVISIBLE = ("\x1b", "\u200b", "\u202e", "\u202c", "\x00", "\x07", "\ufeff")


def answer(text: str) -> Envelope:
    """An envelope that carries a text wherever one can stand."""
    return Envelope(
        "partial",
        InvestigationInfo("0" * 26, text, [text], [text], [text]),
        [text],
        {"message": text, "rows": [{"sample": text, "ids": {text: [text]}}], "pair": (text, 1)},
        [Coverage(text, "forbidden", text)],
        [NextStep("inspect_pod", {"pod": text}, text)],
        text,
    )


def both_halves(envelope: Envelope) -> str:
    """Text half and structured half of an answer, one behind the other."""
    plain = sealed(envelope)
    return msgspec.json.encode(plain).decode() + json.dumps(plain, ensure_ascii=False)


def test_hostile_characters_leave_in_neither_half() -> None:
    halves = both_halves(answer(HOSTILE))
    assert [character for character in INVISIBLE if character in halves] == []
    assert "\\u" not in halves
    assert "zerowidth" in halves


@pytest.mark.parametrize(
    "planted",
    [
        f"access_key={ACCESS_KEY}",
        f"signed by {ACCESS_KEY} today",
        f'{{"access_key": "{ACCESS_KEY}", "access_secret": "{SECRET}"}}',
        f"access_secret: {SECRET}",
        f"AccessKeySecret={SECRET}&Signature={SECRET}",
        f"Authorization: Bearer {SECRET}",
        f'msg="{{\\"access_secret\\":\\"{SECRET}\\"}}"',
        f"access_\u200bsecret: {SECRET}",
        f"access_secret\x1b[0m: {SECRET}",
        f'msg="\\u001b[36maccess_secret\\u001b[0m=\\u001b[1m{SECRET}"',
    ],
)
def test_a_secret_leaves_in_neither_half(planted: str) -> None:
    halves = both_halves(answer(planted))
    assert ACCESS_KEY not in halves
    assert SECRET not in halves


@pytest.mark.parametrize(
    "key", ["access_key", "access_secret", "AccessKeySecret", "token", "password", "x-acs-security-token"]
)
def test_the_value_under_a_key_that_names_a_secret_is_masked(key: str) -> None:
    envelope = msgspec.structs.replace(
        answer("calm"), data={"values": {key: "opaque", "zone": "h", "empty": {key: ""}}}
    )
    values = sealed(envelope)["data"]["values"]
    assert values == {key: MASK, "zone": "h", "empty": {key: ""}}


@given(st.text())
def test_any_text_leaves_as_one_printable_line_of_bounded_length(text: str) -> None:
    safe = safe_text(text)
    assert safe.isprintable()
    assert len(safe) <= 1200
    assert safe_text(safe) == safe


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda leaf: st.lists(leaf) | st.dictionaries(st.text(), leaf),
    )
)
def test_sealing_keeps_the_shape_of_any_data(data: Any) -> None:
    envelope = msgspec.structs.replace(answer("calm"), data=data)
    plain = sealed(envelope)
    assert msgspec.json.decode(msgspec.json.encode(plain)) == json.loads(json.dumps(plain))


def test_a_message_is_left_out_when_there_is_nothing_to_say() -> None:
    assert "message" not in sealed(msgspec.structs.replace(answer("calm"), message=""))
    assert sealed(answer("calm"))["message"] == "calm"


@pytest.mark.parametrize(
    ("outcomes", "report", "status"),
    [
        (["read", "read"], "ok", "ok"),
        (["read", "not_found"], "ok", "ok"),
        (["read", "forbidden"], "ok", "partial"),
        (["read", "timed_out"], "ok", "partial"),
        (["read", "truncated"], "ok", "partial"),
        (["not_found"], "no_data", "no_data"),
        (["read"], "no_data", "no_data"),
        (["forbidden", "forbidden"], "no_data", "forbidden"),
        (["forbidden", "read"], "no_data", "no_data"),
        (["unavailable", "timed_out"], "no_data", "unreachable"),
        ([], "no_data", "no_data"),
    ],
)
def test_what_could_not_be_read_decides_the_status(outcomes: list[Outcome], report: Any, status: Status) -> None:
    assert status_of([Coverage("x", outcome) for outcome in outcomes], report) == status


def test_a_refusal_by_the_cluster_says_which_read_failed_and_why() -> None:
    coverage = [Coverage("a", "not_found"), Coverage("events", "forbidden", "RBAC: grant verb list on events")]
    assert why_unread("forbidden", coverage) == "events: forbidden (RBAC: grant verb list on events)"
    assert why_unread("partial", coverage) == ""


def test_successful_reads_share_one_entry_and_every_other_read_has_its_own() -> None:
    coverage = [Coverage(f"read {number}", "read") for number in range(20)]
    coverage += [Coverage("denied", "forbidden", "RBAC"), Coverage("denied", "forbidden", "RBAC")]
    first, *rest = condensed(coverage)
    assert first.what.startswith("read 0; read 1;")
    assert first.what.endswith("and 6 more")
    assert rest == [Coverage("denied", "forbidden", "RBAC")]
    assert condensed(rest) == rest


def test_what_has_been_checked_is_told_once_each_in_order_and_at_most_ten() -> None:
    done = [
        Done("inspect_cluster", "cluster"),
        Done("inspect_pod", "pod/shop/web-0"),
        Done("inspect_pod", "pod/shop/web-0"),
    ]
    done += [Done("get_events", "pod/shop/web-0", {"sufficiency": "absent"}), Done("grep_terway_logs", "node/n1")]
    assert checked(State("ctx", done=done)) == [
        "cluster configuration and component health",
        "pod shop/web-0",
        "events of pod shop/web-0: absent",
        "Terway logs of node n1",
    ]
    many = [Done("inspect_node", f"node/n{number}") for number in range(30)]
    assert checked(State("ctx", done=many)) == [f"node n{number}" for number in range(20, 30)]


def test_what_nobody_could_read_is_not_said_to_be_done() -> None:
    failed = Done("get_events", "pod/shop/web-0", {"sufficiency": "absent"}, unread=True)
    state = State("ctx", done=[Done("inspect_cluster", "cluster"), failed])
    assert checked(state)[-1] == "events of pod shop/web-0: could not be read"
    assert info("id", state).done == ["cluster", "components"]


def test_every_field_of_the_investigation_is_in_every_answer() -> None:
    assert set(sealed(answer("calm"))["investigation"]) == set(InvestigationInfo.__struct_fields__)


def test_a_skipped_step_is_shown_with_the_reason_and_whose_claim_it_is() -> None:
    shown = info("id", State("ctx", skips=[Skip("correlate", "logs", "read on the node")]))
    assert shown.skipped == ["logs before correlate (the caller says: read on the node)"]
