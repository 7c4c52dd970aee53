"""Shipped knowledge is valid, and a broken user file is refused by name, entry and field."""

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import pytest

from terway_mcp.cluster.errors import KnowledgeError
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.knowledge.patterns import GROUPS, Pattern
from terway_mcp.knowledge.schema import Entry, Kind, Section
from terway_mcp.tools.correlation.verdict import NOTHING_KNOWN

_TEXT_KINDS: tuple[Kind, ...] = ("message", "log")


def _all(knowledge: Knowledge) -> list[Entry]:
    return [entry for kind in get_args(Kind) for entry in knowledge.entries(kind)]


def _write(tmp_path: Path, body: str) -> Path:
    path = tmp_path / "own.yaml"
    path.write_text(f"about: test\nentries:\n{body}", "utf-8")
    return path


def test_every_kind_has_entries(knowledge: Knowledge) -> None:
    assert all(knowledge.entries(kind) for kind in get_args(Kind))


def test_every_pattern_compiles_and_uses_known_groups(knowledge: Knowledge) -> None:
    for entry in _all(knowledge):
        for pattern in (entry.match.pattern, entry.valid_pattern):
            if pattern is not None:
                Pattern(pattern)


def test_every_cause_is_argued_for_by_something(knowledge: Knowledge) -> None:
    used = {NOTHING_KNOWN, *(entry.cause for entry in _all(knowledge))}
    assert [cause.id for cause in knowledge.entries("cause") if cause.id not in used] == []


def test_a_cause_says_what_to_do_and_how_to_see_that_it_worked(knowledge: Knowledge) -> None:
    assert [cause.id for cause in knowledge.entries("cause") if not (cause.fix and cause.verify)] == []


def test_each_next_check_is_a_whole_sentence(knowledge: Knowledge) -> None:
    """A comma in an unquoted YAML list cuts a sentence in two."""
    checks = [check for entry in _all(knowledge) for check in entry.next_checks]
    assert [check for check in checks if not check.endswith(".")] == []


def test_titles_only_use_known_placeholders(knowledge: Knowledge) -> None:
    used = {name for cause in knowledge.entries("cause") for name in re.findall(r"\{([a-z_]+)\}", cause.title)}
    assert used <= GROUPS


def test_decisive_and_strong_entries_name_a_cause(knowledge: Knowledge) -> None:
    unnamed = [e.id for e in _all(knowledge) if e.kind != "cause" and e.role in ("decisive", "strong") and not e.cause]
    assert unnamed == []


def test_symptoms_never_name_a_cause(knowledge: Knowledge) -> None:
    assert [entry.id for entry in _all(knowledge) if entry.role == "symptom" and entry.cause] == []


def test_what_an_entry_supersedes_exists(knowledge: Knowledge) -> None:
    known = {entry.id for kind in _TEXT_KINDS for entry in knowledge.entries(kind)}
    assert [(e.id, other) for e in _all(knowledge) for other in e.supersedes if other not in known] == []


def test_text_ids_are_unique_across_messages_and_log_lines(knowledge: Knowledge) -> None:
    ids = [entry.id for kind in _TEXT_KINDS for entry in knowledge.entries(kind)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("section", "key", "good", "bad"),
    [
        ("eni_conf", "ip_stack", "dual", "ipv6"),
        ("eni_conf", "max_pool_size", "5", "-1"),
        ("eni_conf", "idle_ip_reclaim_after", "1h30m", "5x"),
        ("eni_conf", "ipam_type", "crd", "preferCRD"),
        ("eni_conf", "ipv6_prefix_count", "1", "2"),
        ("eni_conf", "service_cidr", "172.21.0.0/20", "172.21.0.0"),
        ("cni", "eniip_virtual_type", "DataPathV2", "bridge"),
        ("cni", "network_policy_provider", "ebpf", "calico"),
        ("controlplane", "degradation", "l0", "l2"),
        ("controlplane", "vSwitchCacheTTL", "20m0s", "20"),
    ],
)
def test_a_scalar_is_checked_by_its_key(section: Section, key: str, good: str, bad: str, knowledge: Knowledge) -> None:
    entry = knowledge.config_key(section, key)
    assert entry is not None
    assert entry.valid_pattern is not None
    pattern = Pattern(entry.valid_pattern)
    assert pattern.fullmatch(good.encode())
    assert not pattern.fullmatch(bad.encode())


def test_an_entry_without_category_has_that_of_its_cause(knowledge: Knowledge) -> None:
    entry = knowledge.openapi_code("Forbidden.RAM")
    assert entry is not None
    assert entry.category == "permission"


def test_a_user_entry_replaces_a_shipped_one(tmp_path: Path) -> None:
    path = _write(
        tmp_path, "- {id: forbidden_ram, kind: openapi_code, match: {names: [Forbidden.RAM]}, meaning: ours}\n"
    )
    entry = Knowledge.load([path]).openapi_code("Forbidden.RAM")
    assert entry is not None
    assert entry.meaning == "ours"


def test_a_user_entry_adds_a_text(tmp_path: Path) -> None:
    body = "- {id: own, kind: message, cause: healthy, match: {pattern: 'blue (?P<name>\\w+)'}, meaning: m}\n"
    matches = Knowledge.load([_write(tmp_path, body)]).match_text("a Blue moon", "event")
    assert [(match.entry.id, match.groups) for match in matches] == [("own", {"name": "moon"})]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("- {id: a, kind: cause, title: t, category: healthy, meaning: m, nonsense: 1}\n", ["entry a", "nonsense"]),
        ("- {id: a, kind: cause, title: t, category: wrong, meaning: m}\n", ["entry a", "category"]),
        ("- {id: a, kind: cause, meaning: m}\n", ["entry a", "title and category"]),
        ("- {id: a, kind: message, match: {pattern: '('}, meaning: m}\n", ["entry a", "match.pattern", "RE2"]),
        ("- {id: a, kind: message, match: {pattern: '(?=x)'}, meaning: m}\n", ["entry a", "match.pattern"]),
        ("- {id: a, kind: message, match: {pattern: '(?P<colour>x)'}, meaning: m}\n", ["entry a", "colour"]),
        (
            "- {id: a, kind: label, match: {names: [x]}, valid_pattern: '[', meaning: m}\n",
            ["entry a", "valid_pattern"],
        ),
        ("- {id: a, kind: config_key, match: {names: [x]}, meaning: m}\n", ["entry a", "section"]),
        ("- {id: a, kind: state, meaning: m}\n", ["entry a", "match.names"]),
        ("- {id: a, kind: openapi_code, meaning: m}\n", ["entry a", "match.names or match.pattern"]),
        (
            "- {id: a, kind: message, match: {pattern: x}, cause: lost, meaning: m}\n",
            ["entry a", "cause", "lost"],
        ),
        ("- {id: a, kind: state, match: {names: [x]}, meaning: m}\n" * 2, ["entry a", "second"]),
        ("- {kind: state, match: {names: [x]}, meaning: m}\n", ["entry #1", "id"]),
        ("- 7\n", ["entry #1"]),
        ("- [\n", ["not YAML"]),
    ],
)
def test_a_broken_user_file_is_refused_with_file_entry_and_field(tmp_path: Path, body: str, words: list[str]) -> None:
    path = _write(tmp_path, body)
    with pytest.raises(KnowledgeError) as refused:
        Knowledge.load([path])
    assert all(word in str(refused.value) for word in words)
    assert path.name in str(refused.value) or "user file" in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "7", "entries: []"])
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(KnowledgeError, match=r"own\.yaml"):
        Knowledge.load([path])


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"absent\.yaml: cannot be read"):
        Knowledge.load([tmp_path / "absent.yaml"])


def test_loading_is_fast_enough_to_do_at_every_start() -> None:
    best = min(_seconds_to_load() for _ in range(3))
    assert best < 0.4, "about 0.06 s on a quiet machine"


def _seconds_to_load() -> float:
    start = time.perf_counter()
    Knowledge.load()
    return time.perf_counter() - start


def test_knowledge_imports_neither_the_protocol_nor_a_client() -> None:
    code = (
        "import sys, terway_mcp.knowledge.base, terway_mcp.knowledge.redaction, terway_mcp.knowledge.titles;"
        "print([m for m in ('mcp', 'httpx2', 'kubernetes') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
