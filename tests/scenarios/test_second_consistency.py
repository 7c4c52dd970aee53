"""The second corpus keeps the rules of the first: whole, consistent clusters that hold what their answers need."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, get_args

import pytest

from terway_mcp.cluster.scenarios.clock import seconds
from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.cluster.scenarios.world import World, vary
from terway_mcp.knowledge.schema import Category
from tests.scenarios import consistency
from tests.scenarios.incidents import CORPUS
from tests.scenarios.reading import ROOT, objects, text_of
from tests.scenarios.second import SECOND

SEEDS = (0, 3)

# Addresses that belong to pods which are gone are the whole point of it.
DISAGREEING_ON_PURPOSE = {"leaked"}
# Collectors that could read hardly any log.
QUIET_ON_PURPOSE = {"events-and-pods-only", "nothing-collected"}


class Captured(NamedTuple):
    """An incident as one world tells it."""

    scenario: Scenario
    files: Mapping[str, bytes]
    now: datetime


@pytest.fixture(
    scope="module",
    params=[(name, seed) for name in sorted(SECOND) for seed in SEEDS],
    ids=lambda each: f"{each[0]}-{each[1]}",
)
def captured(request: pytest.FixtureRequest) -> Captured:
    name, seed = request.param
    variation = vary(seed)
    scenario = SECOND[name](World(variation))
    return Captured(scenario, scenario.build().files(), variation.now)


def test_no_name_is_used_twice_and_every_category_occurs() -> None:
    assert not set(SECOND) & set(CORPUS)
    assert {SECOND[name](World()).truth.category for name in SECOND} == set(get_args(Category))


def test_a_capture_agrees_with_itself(captured: Captured) -> None:
    scenario, files, now = captured
    if scenario.name not in DISAGREEING_ON_PURPOSE:
        consistency.addresses_agree(files)
    consistency.limits_hold(files)
    if f"{ROOT}/daemonsets/kube-system.json" in files:
        consistency.events_speak_the_release(files)
    consistency.events_name_real_objects(files)
    consistency.nothing_is_later_than_the_capture(files, seconds(now))
    consistency.names_are_unique(files)


def test_the_facts_of_an_incident_are_in_its_capture(captured: Captured) -> None:
    text = text_of(captured.files).lower()
    assert [fact for fact in captured.scenario.truth.facts if fact.lower() not in text] == []


def test_what_is_asked_about_exists(captured: Captured) -> None:
    scenario, files, _ = captured
    if scenario.pod:
        pods = {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in objects(files, "pods")}
        assert (scenario.namespace, scenario.pod) in pods
    if scenario.node:
        assert scenario.node in {each["metadata"]["name"] for each in objects(files, "nodes")}
    if scenario.workload:
        kind, _, workload = scenario.workload.partition("/")
        found = {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in objects(files, f"{kind}s")}
        assert (scenario.namespace, workload) in found


def test_an_incident_has_a_haystack(captured: Captured) -> None:
    scenario, files, _ = captured
    if scenario.name in QUIET_ON_PURPOSE:
        return
    assert len(objects(files, "nodes")) >= 3
    lines = sum(content.count(b"\n") for path, content in files.items() if path.startswith(f"{ROOT}/pods/logs/"))
    assert lines > 200


def test_a_truth_does_not_forbid_what_it_demands(captured: Captured) -> None:
    truth = captured.scenario.truth
    assert not {claim.lower() for claim in truth.forbidden} & {fact.lower() for fact in truth.facts}
    assert truth.accepts(truth.category)
    assert {truth.category, *truth.also} <= set(get_args(Category))
