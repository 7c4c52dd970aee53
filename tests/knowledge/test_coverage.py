"""Everything Terway can show has an entry, and the right entry speaks first."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from terway_mcp.knowledge.base import Knowledge

MUST_COVER: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("must_cover.yaml").read_text("utf-8"))


@pytest.mark.parametrize("row", MUST_COVER["reasons"], ids=lambda row: f"{row[0]}-{row[1]}-{row[2]}")
def test_an_event_reason_is_known_by_object_and_reporter(row: list[str], knowledge: Knowledge) -> None:
    reason, object_kind, reporter, related_kind, entry_id, canonical, role = row
    entry = knowledge.event_reason(reason, object_kind=object_kind, reporter=reporter, related_kind=related_kind)
    assert entry is not None
    assert (entry.id, entry.match.names[0], entry.role) == (entry_id, canonical, role)


@pytest.mark.parametrize("row", MUST_COVER["codes"], ids=lambda row: row[0])
def test_an_openapi_code_is_known(row: list[str], knowledge: Knowledge) -> None:
    code, entry_id, role, cause, category = row
    entry = knowledge.openapi_code(code)
    assert entry is not None
    assert (entry.id, entry.role, entry.cause, entry.category) == (entry_id, role, cause, category)


@pytest.mark.parametrize("row", MUST_COVER["event_texts"] + MUST_COVER["log_lines"], ids=lambda row: row[-1][-70:])
def test_the_expected_entry_speaks_for_a_text(row: list[Any], knowledge: Knowledge) -> None:
    source, entry_id, role, cause, category, text = row
    matches = knowledge.match_text(text, source)
    assert matches, text
    entry = matches[0].entry
    assert (entry.id, entry.role, entry.cause, entry.category) == (entry_id, role, cause, category)


@pytest.mark.parametrize("row", MUST_COVER["event_texts"] + MUST_COVER["log_lines"], ids=lambda row: row[-1][-70:])
def test_quotes_escaped_by_a_log_line_change_nothing(row: list[Any], knowledge: Knowledge) -> None:
    source, entry_id, text = row[0], row[1], row[-1]
    if source == "event":
        matches = knowledge.match_text(text.replace('"', '\\"'), "event")
        assert matches[0].entry.id == entry_id


@pytest.mark.parametrize("section", sorted(MUST_COVER["config_keys"]))
def test_every_configuration_key_is_known(section: Any, knowledge: Knowledge) -> None:
    assert [key for key in MUST_COVER["config_keys"][section] if knowledge.config_key(section, key) is None] == []


def test_every_label_and_annotation_is_known(knowledge: Knowledge) -> None:
    assert [key for key in MUST_COVER["labels"] if knowledge.label(key) is None] == []


def test_every_state_is_known(knowledge: Knowledge) -> None:
    assert [name for name in MUST_COVER["states"] if knowledge.state(name) is None] == []


def test_every_cause_is_known(knowledge: Knowledge) -> None:
    assert [cause for cause in MUST_COVER["causes"] if knowledge.cause(cause) is None] == []


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("eni_conf", "access_key"),
        ("eni_conf", "access_secret"),
        ("controlplane", "accessKey"),
        ("controlplane", "accessSecret"),
        ("controlplane", "otelToken"),
    ],
)
def test_a_credential_key_is_marked_secret(section: Any, key: str, knowledge: Knowledge) -> None:
    entry = knowledge.config_key(section, key)
    assert entry is not None
    assert entry.secret
