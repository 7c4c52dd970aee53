"""The blind corpora keep the rules of the first: whole, consistent clusters that hold what their answers need."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple, get_args

import pytest

from terway_mcp.cluster.scenarios.clock import seconds
from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.cluster.scenarios.world import World, vary
from terway_mcp.knowledge.schema import Category
from tests.scenarios import consistency
from tests.scenarios.fifth import FIFTH
from tests.scenarios.fourth import FOURTH
from tests.scenarios.incidents import CORPUS
from tests.scenarios.reading import ROOT, objects, text_of
from tests.scenarios.second import SECOND
from tests.scenarios.sixth import SIXTH
from tests.scenarios.third import THIRD

BLIND = {**SECOND, **THIRD, **FOURTH, **FIFTH, **SIXTH}
SEEDS = (0, 3)

# Addresses that belong to pods which are gone are the whole point of it.
DISAGREEING_ON_PURPOSE = {"leaked", "releases-not-reported"}
# Collectors that could read hardly any log.
QUIET_ON_PURPOSE = {"events-and-pods-only", "nothing-collected"}
# Collectors that could not list the nodes.
BLIND_ON_PURPOSE = {"nodes-unreadable"}
# Two pods of one name at once, or one after the other: their events are not all about the same object.
NAMESAKES_ON_PURPOSE = {"namesake", "successor-in-place"}


class Captured(NamedTuple):
    """An incident as one world tells it."""

    scenario: Scenario
    files: Mapping[str, bytes]
    now: datetime


@pytest.fixture(
    scope="module", params=[(name, seed) for name in BLIND for seed in SEEDS], ids=lambda each: f"{each[0]}-{each[1]}"
)
def captured(request: pytest.FixtureRequest) -> Captured:
    name, seed = request.param
    variation = vary(seed)
    scenario = BLIND[name](World(variation))
    return Captured(scenario, scenario.build().files(), variation.now)


def test_no_name_is_used_twice() -> None:
    several = (CORPUS, SECOND, THIRD, FOURTH, FIFTH, SIXTH)
    assert len({*CORPUS, *BLIND}) == sum(len(corpus) for corpus in several)


def test_every_category_occurs_in_the_second_corpus() -> None:
    assert {SECOND[name](World()).truth.category for name in SECOND} == set(get_args(Category))


@pytest.mark.parametrize("corpus", [THIRD, FOURTH, FIFTH, SIXTH], ids=["third", "fourth", "fifth", "sixth"])
def test_a_later_corpus_is_large_and_not_only_alarms(corpus: Mapping[str, Callable[[World], Scenario]]) -> None:
    assert len(corpus) >= 40
    unalarming = {"healthy", "not_terway", "insufficient_evidence"}
    assert sum(corpus[name](World()).truth.category in unalarming for name in corpus) >= 10


def test_a_capture_agrees_with_itself(captured: Captured) -> None:
    scenario, files, now = captured
    if scenario.name not in DISAGREEING_ON_PURPOSE:
        consistency.addresses_agree(files)
    consistency.limits_hold(files)
    if f"{ROOT}/daemonsets/kube-system.json" in files:
        consistency.events_speak_the_release(files)
    if scenario.name not in NAMESAKES_ON_PURPOSE:
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
    if scenario.name in SECOND and scenario.name not in QUIET_ON_PURPOSE:
        lines = sum(content.count(b"\n") for path, content in files.items() if path.startswith(f"{ROOT}/pods/logs/"))
        assert lines > 200
    if scenario.name not in SECOND:
        assert len(objects(files, "pods")) >= 10
    if scenario.name not in QUIET_ON_PURPOSE | BLIND_ON_PURPOSE:
        assert len(objects(files, "nodes")) >= 3


def test_a_truth_does_not_forbid_what_it_demands(captured: Captured) -> None:
    truth = captured.scenario.truth
    assert not {claim.lower() for claim in truth.forbidden} & {fact.lower() for fact in truth.facts}
    assert truth.accepts(truth.category)
    assert {truth.category, *truth.also} <= set(get_args(Category))
