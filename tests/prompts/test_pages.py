"""Pages of the knowledge and reports of investigations as Markdown."""

from terway_mcp.knowledge.base import Knowledge
from terway_mcp.prompts.entries import entry_page
from terway_mcp.prompts.report import report_page
from terway_mcp.tools.correlate import Correlation
from terway_mcp.tools.correlation.judgement import Finding, RuledOut, Verdict
from terway_mcp.tools.correlation.timeline import Moment

VERDICT = Verdict("quota", "likely", "Too many ENIs", "The account has no ENI left.", ["pod shop/web-0"], ["E3"])
FINDING = Finding(
    "eni_quota", "quota", "likely", "Too many ENIs", "No ENI is left.", ["E3"], ["E9"], "Ask for more", "Look"
)


def report(correlation: Correlation, symptom: str = "it hangs") -> str:
    return report_page(correlation, context="prod", symptom=symptom, checked=["the cluster", "pod shop/web-0"])


def test_the_page_of_any_entry_begins_with_its_title_and_ends_with_one_line_feed() -> None:
    knowledge = Knowledge.load()
    for kind in ("event_reason", "openapi_code", "cause"):
        for entry in knowledge.entries(kind):
            text = entry_page(entry)
            assert text.startswith(f"# {entry.title or entry.id}\n")
            assert text.endswith("\n")
            assert "\n\n\n" not in text
            assert "None" not in text


def test_a_report_says_what_was_checked_concluded_and_what_to_do() -> None:
    text = report(Correlation(VERDICT, [FINDING], cited={"E3": "OpenAPI said no"}))
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == ["# Too many ENIs", "## Checked", "## Root cause", "## Too many ENIs (likely)", "## Evidence"]
    for part in (
        "- Cluster: prod",
        "- Reported: it hangs",
        "- pod shop/web-0",
        "The account has no ENI left. (E3)",
        "- Against it: E9",
        "- Fix: Ask for more",
        "- Verify: Look",
        "- E3: OpenAPI said no",
    ):
        assert part in text


def test_sections_without_content_are_left_out() -> None:
    text = report(Correlation(VERDICT), symptom="")
    assert "Reported" not in text
    for heading in ("Timeline", "Ruled out", "Not explained", "Missing evidence", "## Evidence"):
        assert heading not in text


def test_every_claim_ends_with_its_evidence() -> None:
    found = Correlation(
        VERDICT,
        timeline=[Moment("2026-07-01T08:00:00Z", "Pod shop/web-0", "AllocIPFailed", "E3")],
        ruled_out=[RuledOut("Throttling", "it has passed", ["E4", "E5"])],
        unexplained=["E7: something new"],
        missing_evidence=["logs of the controlplane"],
    )
    text = report(found)
    assert "- 2026-07-01T08:00:00Z Pod shop/web-0: AllocIPFailed (E3)" in text
    assert "- Throttling: it has passed (E4, E5)" in text
    assert "## Not explained\n\n- E7: something new" in text
    assert "## Missing evidence\n\n- logs of the controlplane" in text
