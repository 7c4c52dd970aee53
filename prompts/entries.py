"""One entry of the knowledge as Markdown: resource `terway://knowledge/{kind}/{id}`."""

from terway_mcp.knowledge.schema import Entry


def entry_page(entry: Entry) -> str:
    """Everything an entry says, in the order a reader needs it."""
    lines = [f"# {entry.title or entry.id}", "", entry.meaning, ""]
    facts = {
        "Kind": entry.kind,
        "Category": entry.category or "",
        "Weight": entry.role,
        "Root cause": entry.cause or "",
        "Applies to": entry.releases,
        "Default": entry.default,
        "Valid": entry.valid,
    }
    lines += [f"- {name}: {value}" for name, value in facts.items() if value]
    names = [*entry.match.names, *(f"{alias.name} ({alias.releases})" for alias in entry.match.aliases)]
    if names:
        lines.append(f"- Names: {', '.join(names)}")
    if entry.match.pattern:
        lines.append(f"- Text: `{entry.match.pattern}`")
    for title, items in (("Likely causes", entry.likely_causes), ("Next checks", entry.next_checks)):
        if items:
            lines += ["", f"## {title}", "", *(f"- {item}" for item in items)]
    for title, text in (("Fix", entry.fix), ("Verify", entry.verify), ("Source", entry.source)):
        if text:
            lines += ["", f"## {title}", "", text]
    return "\n".join(lines) + "\n"
