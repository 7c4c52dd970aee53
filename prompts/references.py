"""The knowledge as the reference pages of the skill, for those who look things up where no server is attached."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from terway_mcp.knowledge.base import Knowledge
from terway_mcp.knowledge.schema import Entry

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")

_SECTIONS = {
    "eni_conf": "`eni_conf` in ConfigMap `kube-system/eni-config`, JSON; a node's own ConfigMap may override keys",
    "cni": "`10-terway.conf` in the same ConfigMap, JSON",
    "controlplane": "`ctrl-config.yaml` in ConfigMap `kube-system/terway-controlplane`, YAML",
    "configmap": "Keys of the ConfigMaps themselves",
    "feature_gate": "Gates of the daemon's `--feature-gates`",
}

_CATEGORIES = {
    "configuration": "somebody must correct a value",
    "permission": "somebody must correct a role or a key",
    "resource_exhaustion": "something must be freed or enlarged",
    "quota": "a limit of the account must be raised",
    "throttling": "the cloud answers no further calls for a while",
    "component_down": "Terway's own pods do not run",
    "node_runtime": "the node itself must be repaired",
    "datapath": "the address is there, wiring it into the pod failed",
    "terway_bug": "a defect of Terway",
    "not_terway": "the fault lies beyond Terway",
    "insufficient_evidence": "something must be read first",
}


def reference_pages(knowledge: Knowledge) -> dict[str, str]:
    """Every page by its path below the skill's folder."""
    pages = {
        "references/events.md": _events(knowledge),
        "references/openapi-codes.md": _codes(knowledge),
        "references/configuration.md": _configuration(knowledge.entries("config_key")),
        "references/labels.md": _labels(knowledge.entries("label")),
    }
    for category, words in _CATEGORIES.items():
        causes = [cause for cause in knowledge.entries("cause") if cause.category == category]
        pages[f"references/causes/{category}.md"] = _causes(f"Root causes: {category} ({words})", causes)
    return pages


def _events(knowledge: Knowledge) -> str:
    columns: Mapping[str, Callable[[Entry], str]] = {
        "Reason": _code_names,
        "Earlier names": lambda entry: ", ".join(f"`{old.name}` {old.releases}".strip() for old in entry.match.aliases),
        "On": lambda entry: ", ".join(entry.match.object_kinds),
        "Means": lambda entry: entry.meaning,
        "Check next": lambda entry: "; ".join(check.rstrip(".") for check in entry.next_checks),
    }
    about = "Reasons that Terway, its controlplane, kubelet and others write where a pod gets no network."
    return _page("Event reasons", about, _table(columns, knowledge.entries("event_reason")))


def _codes(knowledge: Knowledge) -> str:
    def root_cause(entry: Entry) -> str:
        cause = knowledge.cause(entry.cause or "")
        return f"{_plain(cause.title)} (causes/{cause.category}.md)" if cause else ""

    columns: Mapping[str, Callable[[Entry], str]] = {
        "Code": _code_names,
        "Means": lambda entry: entry.meaning,
        "Root cause": root_cause,
    }
    about = "Codes of the cloud's OpenAPI as they appear in event messages, conditions and logs."
    return _page("OpenAPI codes", about, _table(columns, knowledge.entries("openapi_code")))


def _configuration(entries: Sequence[Entry]) -> str:
    columns: Mapping[str, Callable[[Entry], str]] = {
        "Key": _code_names,
        "Default": lambda entry: f"`{entry.default}`" if entry.default else "",
        "Valid": lambda entry: entry.valid,
        "Means": _meaning_since,
    }
    parts = []
    for section, where in _SECTIONS.items():
        keys = [entry for entry in entries if entry.section == section]
        parts += [f"## {where}", "", *_table(columns, keys), ""]
    about = "The keys that Terway is known to read, and what they mean. Values of secret keys must not reach a chat."
    return _page("Configuration keys", about, parts[:-1])


def _labels(entries: Sequence[Entry]) -> str:
    columns: Mapping[str, Callable[[Entry], str]] = {
        "Key": _code_names,
        "On": lambda entry: ", ".join(entry.match.object_kinds),
        "Valid": lambda entry: entry.valid,
        "Means": lambda entry: entry.meaning,
    }
    return _page(
        "Labels and annotations", "What Terway reads from pods, nodes and namespaces.", _table(columns, entries)
    )


def _causes(title: str, causes: Iterable[Entry]) -> str:
    lines = [f"# {title}"]
    for cause in causes:
        lines += ["", f"## {_plain(cause.title)}", "", _plain(cause.meaning)]
        for name, text in (
            ("Tell it apart", " ".join(cause.next_checks)),
            ("Fix", cause.fix),
            ("Verify", cause.verify),
        ):
            if text:
                lines += ["", f"{name}: {_plain(text)}"]
    return "\n".join(lines) + "\n"


def _page(title: str, about: str, lines: Iterable[str]) -> str:
    return "\n".join([f"# {title}", "", about, "", *lines]) + "\n"


def _table(columns: Mapping[str, Callable[[Entry], str]], entries: Iterable[Entry]) -> list[str]:
    rows = [[_cell(tell(entry)) for tell in columns.values()] for entry in entries]
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return head + [f"| {' | '.join(row)} |" for row in rows]


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")


def _plain(text: str) -> str:
    """Placeholders that an investigation would fill become words in capitals."""
    return _PLACEHOLDER.sub(lambda found: found[1].upper(), text)


def _code_names(entry: Entry) -> str:
    return ", ".join(f"`{name}`" for name in entry.match.names)


def _meaning_since(entry: Entry) -> str:
    return f"{entry.meaning} ({entry.releases})" if entry.releases else entry.meaning
