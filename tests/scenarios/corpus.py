"""Asking the product about a scenario, the way a host does: through an MCP client, following `next_steps`."""

import re
from pathlib import Path

import anyio
import msgspec
from mcp import Client

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.server.agent import Question, Walk, investigate
from terway_mcp.server.app import create_server


class Outcome(msgspec.Struct, frozen=True):
    """How an investigation ended, measured against the scenario's truth."""

    scenario: Scenario
    walk: Walk

    @property
    def verdict(self) -> dict[str, object]:
        """The verdict, empty when there was none."""
        return (self.walk.correlation or {}).get("verdict", {})

    @property
    def category(self) -> str:
        """Category of the verdict."""
        return str(self.verdict.get("category", "none"))

    @property
    def is_right(self) -> bool:
        """True when the category is the true one, or one a careful reader could defend."""
        return self.scenario.truth.accepts(self.category)

    @property
    def missing_facts(self) -> list[str]:
        """Facts of the truth that neither the answer of correlate nor the report names."""
        told = (msgspec.json.encode(self.walk.correlation).decode() + self.walk.report).lower().replace('\\"', '"')
        return [fact for fact in self.scenario.truth.facts if fact.lower() not in told]

    @property
    def false_claims(self) -> list[str]:
        """Forbidden claims that the title or the root cause makes."""
        claimed = f"{self.verdict.get('title', '')} {self.verdict.get('root_cause', '')}".lower()
        return [claim for claim in self.scenario.truth.forbidden if claim.lower() in claimed]

    @property
    def chain(self) -> list[str]:
        """The objects of the causal chain in its order; an object has one step, and no step is left out."""
        steps: dict[int, str] = {}
        for moment in (self.walk.correlation or {}).get("timeline", []):
            if step := moment.get("step"):
                assert steps.setdefault(step, moment["object"]) == moment["object"], self.row()
        assert sorted(steps) == list(range(1, len(steps) + 1)), self.row()
        assert len(set(steps.values())) == len(steps), self.row()
        return [steps[step] for step in sorted(steps)]

    def check(self) -> None:
        """Fail unless the category is right, the facts are named, nothing false is claimed and evidence is cited.

        What the verdict cites lies on the causal chain, and there is a chain where a cause is named.
        """
        assert self.is_right, self.row()
        assert not self.missing_facts, self.row()
        assert not self.false_claims, self.row()
        assert len(self.walk.calls) <= 8
        cited = self.verdict.get("evidence", [])
        assert isinstance(cited, list)
        assert all(re.fullmatch(r"E\d+", str(evidence)) for evidence in cited)
        named = self.category not in ("healthy", "insufficient_evidence", "none")
        assert bool(self.chain) is named, self.row()

    def row(self) -> str:
        """One line of the table: scenario, category, facts named, false claims, cost, and what is wrong."""
        truth, size = self.scenario.truth, sum(call.bytes for call in self.walk.calls)
        named = f"{len(truth.facts) - len(self.missing_facts)}/{len(truth.facts)}"
        category = self.category if self.is_right else f"{self.category} (not {truth.category})"
        wrong = [f"not named: {fact}" for fact in self.missing_facts]
        wrong += [f"claimed: {claim}" for claim in self.false_claims]
        return (
            f"{self.scenario.name:<32} {category:<22} {self.verdict.get('confidence', '-'):<13} {named:>5} facts "
            f"{len(self.false_claims)} false {len(self.walk.calls)} calls {size:>7,} B  {'; '.join(wrong)}"
        ).rstrip()


def ask(scenario: Scenario, folder: Path) -> Outcome:
    """Write the scenario's bundle and investigate it to the end."""
    bundle = scenario.build().write(folder / f"{scenario.name}.tar.gz")
    question = Question(scenario.namespace, scenario.pod, scenario.workload, scenario.node, scenario.symptom)

    async def walk() -> Walk:
        async with Client(create_server(Clusters(bundle=bundle))) as client:
            return await investigate(client, question)

    return Outcome(scenario, anyio.run(walk))
