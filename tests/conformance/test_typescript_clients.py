"""Investigations through the TypeScript SDKs, which reject an answer that does not match the schema it was promised."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.tools.contracts import CONTRACTS
from tests.conformance.programs import INSTALLED, needs_node, node
from tests.server.processes import clean_environment

pytestmark = needs_node

CLIENTS = {"v1": "2025-11-25", "v2-legacy": "2025-11-25", "v2-modern": "2026-07-28"}
"""Kind of client, and the revision of the protocol that it and the server agree on."""

Case = dict[str, Any]
Answers = list[dict[str, Any]]


@pytest.fixture(scope="module")
def investigate(home: Path) -> Callable[[str, str, Case], tuple[dict[str, Any], Answers]]:
    """Run investigate.mjs; returns what the client learnt of the server, and the answers to its calls."""
    script = Path(shutil.copy(Path(__file__).parent / "node" / "investigate.mjs", INSTALLED))

    def run(client: str, order: str, case: Case) -> tuple[dict[str, Any], Answers]:
        ended = node(script, client, order, json.dumps(case), home=home)
        assert ended.code == 0, ended.err
        learnt, *answers = [json.loads(line) for line in ended.out.splitlines()]
        return learnt, answers

    return run


@pytest.fixture(params=["stdio", "http"])
def case(
    request: pytest.FixtureRequest, vswitch_exhausted: Scenario, bundle: Path, product_url: str, home: Path
) -> Case:
    """A server on the demo bundle and the pod in question, over each transport."""
    about = {"namespace": vswitch_exhausted.namespace, "pod": vswitch_exhausted.pod, "node": "nowhere"}
    if request.param == "http":
        return {**about, "url": product_url}
    arguments = ["-m", "terway_mcp.server", "--bundle", str(bundle)]
    return {**about, "command": sys.executable, "args": arguments, "env": clean_environment(home)}


@pytest.mark.parametrize("client", CLIENTS)
def test_an_investigation_in_order_reaches_the_verdict(
    client: str, case: Case, investigate: Callable[..., tuple[dict[str, Any], Answers]], show: Callable[[str], None]
) -> None:
    learnt, answers = investigate(client, "in-order", case)
    show(_line(client, case, learnt, answers))
    assert learnt["tools"] == [contract.name for contract in CONTRACTS]
    # v1 does not tell the revision when it speaks over stdio; it knows none later than 2025-11-25.
    assert learnt["version"] == (None if client == "v1" and "command" in case else CLIENTS[client])
    assert all(answer["sameText"] and not answer["isError"] for answer in answers)
    verdict = answers[-1]["envelope"]["data"]["verdict"]
    assert (verdict["category"], verdict["confidence"]) == ("resource_exhaustion", "confirmed")


@pytest.mark.parametrize("client", CLIENTS)
def test_refusals_are_understood_and_lead_to_the_verdict(
    client: str, case: Case, investigate: Callable[..., tuple[dict[str, Any], Answers]], show: Callable[[str], None]
) -> None:
    learnt, answers = investigate(client, "out-of-order", case)
    show(_line(client, case, learnt, answers))
    refused = [(answer["tool"], answer["envelope"]["status"]) for answer in answers if answer["isError"]]
    assert refused == [
        ("correlate", "unknown_investigation"),
        ("get_events", "invalid"),
        ("grep_terway_logs", "out_of_order"),
        ("correlate", "out_of_order"),
        ("get_events", "out_of_order"),
    ]
    assert all(answer["sameText"] for answer in answers)
    assert answers[-1]["envelope"]["data"]["verdict"]["category"] == "resource_exhaustion"


def _line(client: str, case: Case, learnt: dict[str, Any], answers: Answers) -> str:
    told = " ".join(f"{answer['tool']}:{answer['envelope']['status']}" for answer in answers)
    transport = "http" if "url" in case else "stdio"
    return f"TypeScript {client:<10} {transport:<6} {learnt['version'] or '?':<11} {told}"
