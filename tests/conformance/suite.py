"""Runs of the protocol's official suite, and what they found."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.conformance.programs import SUITE, node

REVISIONS = ("2025-11-25", "2026-07-28")


@dataclass(frozen=True)
class Finding:
    """One scenario of the suite: how many checks came out how, and what the failed ones said."""

    scenario: str
    counts: Counter[str]
    scored: bool
    complaints: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """True when a check failed; a warning is none."""
        return self.counts["FAILURE"] > 0

    @property
    def verdict(self) -> str:
        """One word for the table."""
        if self.failed:
            return "FAILED"
        if self.counts["SUCCESS"]:
            return "warned" if self.counts["WARNING"] else "passed"
        return "not exercised"


def required(revision: str, url: str, folder: Path) -> list[Finding]:
    """Run what a revision of the protocol requires, and what the suite runs beside it without counting it."""
    outcome = node(
        SUITE / "dist" / "index.js",
        *("server", "--url", url, "--requirements", revision, "--output-dir", str(folder / "found")),
        home=folder,
    )
    found = _read(folder / "found", _scored(revision))
    assert found, f"{outcome.out}\n{outcome.err}"
    return found


def single(scenarios: Iterable[str], revision: str, url: str, folder: Path) -> list[Finding]:
    """Run scenarios one by one, also those that no revision requires."""
    for scenario in scenarios:
        node(
            SUITE / "dist" / "index.js",
            *("server", "--url", url, "--scenario", scenario, "--spec-version", revision, "--force"),
            *("--output-dir", str(folder / "found")),
            home=folder,
        )
    return _read(folder / "found", _scored(revision))


def failing(found: Iterable[Finding]) -> set[str]:
    return {finding.scenario for finding in found if finding.failed}


def complaints(found: Iterable[Finding]) -> str:
    return "\n".join(f"{finding.scenario}: {line}" for finding in found for line in finding.complaints)


def table(title: str, found: list[Finding]) -> str:
    """The findings as a table, with a line of sums under it."""
    lines = ["", title, f"  {'scenario':<48}{'checks':>7}{'failed':>7}{'warned':>7}  verdict"]
    for finding in found:
        checks = sum(finding.counts[kind] for kind in ("SUCCESS", "FAILURE", "WARNING"))
        lines.append(
            f"  {finding.scenario:<48}{checks:>7}{finding.counts['FAILURE']:>7}{finding.counts['WARNING']:>7}"
            f"  {finding.verdict}{'' if finding.scored else ' (not scored)'}"
        )
    scored = [finding for finding in found if finding.scored]
    total: Counter[str] = sum((finding.counts for finding in scored), Counter())
    failed = len(failing(scored))
    lines.append(f"  {len(scored)} scored scenarios, {failed} failed; {total['SUCCESS']} scored checks succeeded")
    return "\n".join(lines)


def _scored(revision: str) -> set[str]:
    rules: dict[str, Any] = yaml.safe_load((SUITE / "requirements" / f"{revision}.yaml").read_text("utf-8"))
    return set(rules["server"])


def _read(folder: Path, scored: set[str]) -> list[Finding]:
    """Findings in the order in which the scenarios ran; their folders are called server-NAME-TIME."""
    files = sorted(folder.glob("server-*/checks.json"), key=lambda path: path.parent.name[-24:])
    found = []
    for path in files:
        scenario = path.parent.name.removeprefix("server-")[:-25]
        checks = json.loads(path.read_text("utf-8"))
        told = tuple(
            f"{check['id']}: {check.get('errorMessage') or check.get('description')}"
            for check in checks
            if check["status"] in ("FAILURE", "WARNING")
        )
        found.append(Finding(scenario, Counter(check["status"] for check in checks), scenario in scored, told))
    return found
