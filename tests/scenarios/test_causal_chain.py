"""The causal chain of the timeline: from where the cause was seen, over what carries the target, to the target."""

from pathlib import Path

import pytest

from terway_mcp.cluster.scenarios.world import World

from .corpus import Outcome, ask
from .incidents import CORPUS

WORLD = World()
NODE = WORLD.node(21)


def kinds(outcome: Outcome) -> list[str]:
    """The chain with what is Terway's own told from what was asked about."""
    return [" ".join((name.partition(" ")[0], "of Terway" * ("kube-system" in name))).strip() for name in outcome.chain]


@pytest.mark.parametrize(
    ("name", "chain"),
    [
        ("vswitch-exhausted", ["NodeCR", "Node", "Pod"]),
        ("node-full", ["NodeCR", "Node", "Pod"]),
        ("cni-not-initialized", ["ConfigMap of Terway", "Pod of Terway", "Node", "Pod"]),
        ("foreign-enis", ["Pod of Terway", "NodeCR", "Pod of Terway", "Node", "Pod"]),
        ("trunk-flags-disagree", ["ConfigMap of Terway", "PodENI", "NetworkInterface", "Pod"]),
        ("wrong-security-group", ["PodENI", "Pod"]),
        ("no-cpu-left", ["Pod"]),
        ("healthy", []),
    ],
)
def test_the_chain_runs_from_the_cause_to_the_target(name: str, chain: list[str], tmp_path: Path) -> None:
    assert kinds(ask(CORPUS[name](World()), tmp_path)) == chain


def test_what_carries_the_pod_is_no_effect_of_a_cause_seen_on_the_pod_alone(tmp_path: Path) -> None:
    outcome = ask(CORPUS["two-faults-on-one-node"](World()), tmp_path)
    assert outcome.chain == ["Pod shop/db-0"]
    assert f"Node {NODE}" in {moment["object"] for moment in outcome.walk.correlation["timeline"]}


def test_a_cause_without_a_time_heads_the_timeline_with_its_kind(tmp_path: Path) -> None:
    first, *others = ask(CORPUS["cni-not-initialized"](World()), tmp_path).walk.correlation["timeline"]
    assert (first["time"], first["kind"], first["step"]) == ("", "config", 1)
    assert all(moment["time"] for moment in others)


def test_a_moment_tells_when_it_was_first_seen_and_does_not_repeat_its_object(tmp_path: Path) -> None:
    moments = ask(CORPUS["vswitch-exhausted"](World()), tmp_path).walk.correlation["timeline"]
    (failed,) = [moment for moment in moments if moment["text"].startswith("AllocIPFailed x9: ")]
    assert failed["since"] < failed["time"]
    assert [moment for moment in moments if moment["object"] in moment["text"]] == []


def test_the_report_names_the_steps(tmp_path: Path) -> None:
    report = ask(CORPUS["vswitch-exhausted"](World()), tmp_path).walk.report
    for step in (1, 2, 3):
        assert f", step {step} of the causal chain)" in report


def test_in_a_crowded_timeline_every_step_keeps_a_place(tmp_path: Path) -> None:
    outcome = ask(CORPUS["events-lost-to-rbac"](World()), tmp_path)
    assert len(outcome.walk.correlation["timeline"]) == 10
    assert outcome.chain[-1].startswith("Pod shop/")
    assert len(outcome.chain) == 5
