"""The protocol's official conformance suite against the application's own factory and transport."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.conformance.conftest import fixture_server
from tests.conformance.programs import needs_node
from tests.conformance.suite import REVISIONS, complaints, failing, required, single, table

pytestmark = needs_node

EXPECTED: dict[str, dict[str, str]] = yaml.safe_load(
    (Path(__file__).parent / "expected_failures.yaml").read_text("utf-8")
)

README = Path(__file__).parents[2] / "README.md"

WITHOUT_FIXTURES = {
    "2025-11-25": (
        "server-initialize ping tools-list resources-list prompts-list completion-complete dns-rebinding-protection"
    ),
    "2026-07-28": (
        "tools-list resources-list prompts-list completion-complete sep-2164-resource-not-found caching "
        "dns-rebinding-protection server-sse-multiple-streams http-header-validation "
        "input-required-result-unsupported-methods"
    ),
}
"""Scenarios that the server as it is shipped can be put through."""


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_suite_finds_nothing_missing_but_what_is_known(
    revision: str, bundle: Path, tmp_path: Path, show: Callable[[str], None]
) -> None:
    with fixture_server(bundle, tmp_path) as url:
        found = required(revision, url, tmp_path)
    show(table(f"Official suite, {revision}, the application's factory and transport", found))
    assert failing(found) == set(EXPECTED[revision]), complaints(found)
    scored = [finding for finding in found if finding.scored]
    passed = sum(finding.verdict == "passed" for finding in scored)
    claim = f"passes all {passed} " if passed == len(scored) else f"passes {passed} of {len(scored)} "
    assert claim in " ".join(README.read_text("utf-8").split())


@pytest.mark.parametrize("revision", REVISIONS)
def test_what_is_known_to_be_missing_is_missing_in_the_sdk(revision: str, bundle: Path, tmp_path: Path) -> None:
    with fixture_server(bundle, tmp_path, "--bare") as url:
        found = required(revision, url, tmp_path)
    assert failing(found) == set(EXPECTED[revision]), complaints(found)


def test_with_a_session_per_client_nothing_that_2025_11_25_requires_is_missing(
    bundle: Path, tmp_path: Path, show: Callable[[str], None]
) -> None:
    with fixture_server(bundle, tmp_path, "--sessions") as url:
        found = required("2025-11-25", url, tmp_path)
    show(table("Official suite, 2025-11-25, the application's factory with a session per client", found))
    assert failing(found) == set(), complaints(found)
    assert all(finding.counts["SUCCESS"] for finding in found if finding.scored)


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_server_as_it_is_shipped_passes_what_needs_no_fixtures(
    revision: str, product_url: str, tmp_path: Path, show: Callable[[str], None]
) -> None:
    scenarios = WITHOUT_FIXTURES[revision].split()
    found = [finding for finding in required(revision, product_url, tmp_path) if finding.scenario in scenarios]
    show(table(f"Official suite, {revision}, the server as it is shipped", found))
    assert {finding.scenario for finding in found} == set(scenarios)
    assert failing(found) == set(), complaints(found)
    assert all(finding.counts["SUCCESS"] for finding in found)


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_skill_is_served_as_its_extension_demands(
    revision: str, product_url: str, tmp_path: Path, show: Callable[[str], None]
) -> None:
    scenarios = [f"sep-2640-skills-{part}" for part in ("enumeration", "manifest", "directory")]
    found = single(scenarios, revision, product_url, tmp_path)
    show(table(f"Official suite, {revision}, extension for skills, the server as it is shipped", found))
    assert {finding.scenario for finding in found if finding.verdict == "passed"} == set(scenarios), complaints(found)


def test_every_known_failure_has_a_reason() -> None:
    assert set(EXPECTED) == set(REVISIONS)
    assert all(reason for known in EXPECTED.values() for reason in known.values())
