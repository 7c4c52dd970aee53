"""The fourth corpus keeps the rules of the others: whole, consistent clusters that hold what their answers need."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, get_args

import pytest

from terway_mcp.cluster.scenarios.clock import seconds
from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.cluster.scenarios.world import World, vary
from terway_mcp.knowledge.schema import Category
from tests.scenarios import consistency
from tests.scenarios.fourth import FOURTH
from tests.scenarios.incidents import CORPUS
from tests.scenarios.reading import ROOT, objects, text_of
from tests.scenarios.second import SECOND
from tests.scenarios.third import THIRD

SEEDS = (0, 3)


class Captured(NamedTuple):
    """An incident as one world tells it."""

    scenario: Scenario
    files: Mapping[str, bytes]
    now: datetime


@pytest.fixture(
    scope="module",
    params=[(name, seed) for name in sorted(FOURTH) for seed in SEEDS],
    ids=lambda each: f"{each[0]}-{each[1]}",
)
def captured(request: pytest.FixtureRequest) -> Captured:
    name, seed = request.param
    variation = vary(seed)
    scenario = FOURTH[name](World(variation))
    return Captured(scenario, scenario.build().files(), variation.now)


def test_no_name_is_used_twice_and_the_corpus_is_large() -> None:
    assert not set(FOURTH) & (set(CORPUS) | set(SECOND) | set(THIRD))
    assert len(FOURTH) >= 40
    unalarming = {"healthy", "not_terway", "insufficient_evidence"}
    assert sum(FOURTH[name](World()).truth.category in unalarming for name in FOURTH) >= 10


def test_a_capture_agrees_with_itself(captured: Captured) -> None:
    _, files, now = captured
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
    _, files, _ = captured
    assert len(objects(files, "pods")) >= 10
    assert len(objects(files, "nodes")) >= 3


def test_a_truth_does_not_forbid_what_it_demands(captured: Captured) -> None:
    truth = captured.scenario.truth
    assert not {claim.lower() for claim in truth.forbidden} & {fact.lower() for fact in truth.facts}
    assert truth.accepts(truth.category)
    assert {truth.category, *truth.also} <= set(get_args(Category))
