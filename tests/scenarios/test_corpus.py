"""The corpus of incidents: each is a whole, consistent cluster that holds what its answer needs."""

import json
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

NAMES = sorted(CORPUS)
SEEDS = (0, 1, 2, 3)

# A node that came back under its old name: its pods' addresses are exactly what does not agree.
DISAGREEING_ON_PURPOSE = {"enis-without-end"}


class Captured(NamedTuple):
    """An incident as one world tells it."""

    scenario: Scenario
    files: Mapping[str, bytes]
    now: datetime


# Scoped to the module, so that all tests of one capture run while it is there.
@pytest.fixture(
    scope="module", params=[(name, seed) for name in NAMES for seed in SEEDS], ids=lambda each: f"{each[0]}-{each[1]}"
)
def captured(request: pytest.FixtureRequest) -> Captured:
    name, seed = request.param
    variation = vary(seed)
    scenario = CORPUS[name](World(variation))
    return Captured(scenario, scenario.build().files(), variation.now)


def test_the_corpus_is_large_and_covers_every_category() -> None:
    assert len(CORPUS) >= 37
    found = {CORPUS[name](World()).truth.category for name in NAMES}
    assert found == set(get_args(Category))


def test_a_capture_agrees_with_itself(captured: Captured) -> None:
    scenario, files, now = captured
    if scenario.name not in DISAGREEING_ON_PURPOSE:
        consistency.addresses_agree(files)
    consistency.limits_hold(files)
    consistency.events_speak_the_release(files)
    consistency.events_name_real_objects(files)
    consistency.nothing_is_later_than_the_capture(files, seconds(now))
    consistency.names_are_unique(files)


def test_the_facts_of_an_incident_are_in_its_capture(captured: Captured) -> None:
    text = text_of(captured.files).lower()
    assert [fact for fact in captured.scenario.truth.facts if fact.lower() not in text] == []


def test_what_is_asked_about_exists(captured: Captured) -> None:
    scenario, files, _ = captured
    assert scenario.pod or scenario.workload or scenario.node
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
    assert len(objects(files, "nodes")) >= 3
    lines = sum(content.count(b"\n") for path, content in files.items() if path.startswith(f"{ROOT}/pods/logs/"))
    assert lines > 200 or scenario.name == "forbidden-reads"


def test_the_secret_of_a_capture_stays_in_its_configmap(captured: Captured) -> None:
    for path, content in captured.files.items():
        assert b"PLANTED" not in content or path.endswith("configmaps/kube-system.json")


def test_a_truth_does_not_forbid_what_it_demands(captured: Captured) -> None:
    truth = captured.scenario.truth
    assert not {claim.lower() for claim in truth.forbidden} & {fact.lower() for fact in truth.facts}
    assert truth.accepts(truth.category)
    assert {truth.category, *truth.also} <= set(get_args(Category))


@pytest.mark.parametrize("name", NAMES)
def test_an_incident_is_the_same_every_time_and_another_in_another_world(name: str) -> None:
    incident = CORPUS[name]
    first = incident(World(vary(5))).build().files()
    assert incident(World(vary(5))).build().files() == first
    assert incident(World(vary(6))).build().files() != first


def test_variations_reach_both_event_apis_and_other_regions() -> None:
    files = [CORPUS["vswitch-exhausted"](World(vary(seed))).build().files() for seed in range(12)]
    assert len({consistency.release_of(each) >= consistency.NEW_API_SINCE for each in files}) == 2
    nodes = [json.loads(each[f"{ROOT}/nodes.json"])["items"][0]["metadata"]["name"] for each in files]
    assert len({name.partition(".")[0] for name in nodes}) > 1
