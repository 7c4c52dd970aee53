"""The same incidents, asked about the node: what fails for its pods fails on it, whatever its conditions say."""

from pathlib import Path

import msgspec
import pytest

from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.cluster.scenarios.world import World

from .corpus import ask
from .incidents import CORPUS
from .test_blind import BLIND

_NOT_OF_THE_NODE = {"healthy", "not_terway", "insufficient_evidence"}

# The pod alone shows it, and it has its address: it starts, listens or was admitted otherwise than wanted.
SEEN_ON_THE_POD_ALONE = {"bonded-host-route", "on-the-shared-path", "fell-back-to-veth", "selector-misses"}
# A resource that the pod asks for, or its hostNetwork, is not among what is read of a node.
NOT_READ_OF_A_NODE = {"erdma-asked-of-local-ipam", "host-network-service"}


def _asked_of_the_node() -> dict[str, Scenario]:
    found = {}
    for name, incident in {**CORPUS, **BLIND}.items():
        scenario = incident(World())
        if not scenario.pod or scenario.truth.category in _NOT_OF_THE_NODE:
            continue
        pod = scenario.build().pods.get((scenario.namespace, scenario.pod))
        if pod is not None and pod.node and name not in SEEN_ON_THE_POD_ALONE | NOT_READ_OF_A_NODE:
            found[name] = msgspec.structs.replace(scenario, namespace="", pod="", workload="", node=pod.node)
    return found


QUESTIONS = _asked_of_the_node()


def test_most_incidents_can_be_asked_of_a_node() -> None:
    assert len(QUESTIONS) > 200


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_node_whose_pods_wait_is_never_called_healthy(name: str, tmp_path: Path) -> None:
    outcome = ask(QUESTIONS[name], tmp_path)
    assert outcome.category not in ("healthy", "none"), outcome.row()
