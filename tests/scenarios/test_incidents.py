"""Does it find the true cause? Every incident of the corpus, asked about through MCP and measured against its truth."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.cluster.scenarios.world import World, vary

from .corpus import ask
from .incidents import CORPUS

ROOT = Path(__file__).parents[2]
SEEDS = (1, 4)
"""Other names, ids, times, time zones, event order and Terway releases; what is asked stays the same."""

_TABLE: list[str] = []


@pytest.fixture(scope="module", autouse=True)
def table(request: pytest.FixtureRequest) -> Iterator[None]:
    """Print what was measured, also when everything passed."""
    yield
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("\n\n" + "\n".join(_TABLE))


@pytest.mark.parametrize("name", CORPUS)
def test_the_true_cause_is_named_with_its_facts(name: str, tmp_path: Path) -> None:
    outcome = ask(CORPUS[name](World()), tmp_path)
    _TABLE.append(outcome.row())
    outcome.check()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CORPUS)
def test_the_verdict_does_not_depend_on_names_times_order_or_release(name: str, seed: int, tmp_path: Path) -> None:
    ask(CORPUS[name](World(vary(seed))), tmp_path).check()


def test_rules_and_knowledge_know_no_scenario() -> None:
    """What decides speaks of Terway's texts and states only: no name, node or id of any incident stands in it."""
    files = [*ROOT.glob("knowledge/*"), *ROOT.glob("tools/**/*.py"), *ROOT.glob("server/*.py")]
    code = "\n".join(path.read_text() for path in files if path.is_file())
    # The name of this one is also what anybody would say about a kernel.
    names = {name for name in CORPUS if "-" in name and name != "kernel-too-old"}
    found = {name for name in names if name in code}
    found |= set(re.findall(r"cn-\w+\.10\.\d+\.\d+\.\d+|(?:vsw|eni|sg|i)-bp1[a-z0-9]{8,}", code))
    assert not found


@pytest.mark.parametrize("name", ["ram-denied-assign", "two-faults-on-one-node", "webhook-denies"])
def test_the_command_line_comes_to_the_same_verdict(name: str, tmp_path: Path) -> None:
    scenario = CORPUS[name](World())
    asked = ask(scenario, tmp_path)
    assert json.loads(diagnosed(scenario, tmp_path / f"{name}.tar.gz", "--json"))["verdict"] == asked.verdict


def test_a_terminal_shows_every_cause_that_was_found_not_only_the_first(tmp_path: Path) -> None:
    scenario = CORPUS["two-faults-on-one-node"](World())
    ask(scenario, tmp_path)
    bundle = tmp_path / "two-faults-on-one-node.tar.gz"
    found = json.loads(diagnosed(scenario, bundle, "--json"))["findings"]
    shown = " ".join(re.sub(r"[\u2500-\u257f]", "", diagnosed(scenario, bundle)).split())
    assert len(found) > 1
    assert all(finding["title"] in shown and " ".join(finding["fix"].split()) in shown for finding in found)


def diagnosed(scenario: Scenario, bundle: Path, *options: str) -> str:
    target = scenario.pod or scenario.workload
    command = [sys.executable, "-m", "terway_mcp.server", "diagnose", "-n", scenario.namespace, target]
    told = subprocess.run([*command, "--bundle", str(bundle), *options], capture_output=True, text=True, check=True)
    return told.stdout
