"""The report of an investigation as Markdown, in the SOP's style: checked, concluded, why, what next."""

from collections.abc import Sequence

from terway_mcp.tools.correlate import Correlation
from terway_mcp.tools.correlation.timeline import Moment


def report_page(correlation: Correlation, *, context: str, symptom: str, checked: Sequence[str]) -> str:
    """Render a correlation; every line that claims something ends with evidence ids."""
    verdict = correlation.verdict
    lines = [f"# {verdict.title}", "", f"- Cluster: {context}"]
    if symptom:
        lines.append(f"- Reported: {symptom}")
    lines += [
        f"- Category: {verdict.category}",
        f"- Confidence: {verdict.confidence}",
        f"- Affected: {', '.join(verdict.affected)}",
        "",
        "## Checked",
        "",
        *(f"- {item}" for item in checked),
        "",
        "## Root cause",
        "",
        f"{verdict.root_cause} ({', '.join(verdict.evidence)})",
    ]
    changes = [f"{c.time}: {c.now}; before: {c.was} ({c.evidence})" for c in correlation.changed_since]
    lines += _section("Changed since it was read", changes)
    for finding in correlation.findings:
        lines += ["", f"## {finding.title} ({finding.confidence})", "", finding.meaning]
        lines += [f"- Evidence: {', '.join(finding.evidence)}"]
        lines += [f"- Against it: {', '.join(finding.against)}"] if finding.against else []
        lines += [f"- Fix: {finding.fix}"] if finding.fix else []
        lines += [f"- Verify: {finding.verify}"] if finding.verify else []
    lines += _section("Timeline", [_moment(moment) for moment in correlation.timeline])
    lines += _section("Ruled out", [f"{r.title}: {r.why} ({', '.join(r.evidence)})" for r in correlation.ruled_out])
    lines += _section("Not explained", correlation.unexplained)
    lines += _section("Missing evidence", correlation.missing_evidence)
    lines += _section("Evidence", [f"{name}: {text}" for name, text in correlation.cited.items()])
    return "\n".join(lines) + "\n"


def _moment(moment: Moment) -> str:
    when = " to ".join(filter(None, (moment.since, moment.time))) or "(no time)"
    link = f", step {moment.step} of the causal chain" if moment.step else ""
    return f"{when} {moment.object}: {moment.text} ({moment.evidence}{link})"


def _section(title: str, items: Sequence[str]) -> list[str]:
    return ["", f"## {title}", "", *(f"- {item}" for item in items)] if items else []
