"""403 on each single read, and on many at once: exactly that is missing, the rest is kept, and no verdict is wrong."""

import random

import pytest

from terway_mcp.cluster.coverage import Grantable
from terway_mcp.cluster.embedded.routes import route
from terway_mcp.cluster.embedded.status import Reply
from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.server.agent import Question, investigate
from tests.faults.exactness import what_of
from tests.faults.plots import refuse
from tests.faults.proxy import Exchange, Plot, Served
from tests.faults.rig import Rig
from tests.faults.walking import Answered, Walker
from tests.server.talk import Talk

pytestmark = pytest.mark.anyio

NODE = "cn-hangzhou.10.0.1.21"
NONE: frozenset[str] = frozenset()
FORBIDDEN = frozenset({"forbidden"})
SEEDS = range(24)
Line = tuple[str, str]


def line_of(asked: Exchange | Served) -> Line:
    return asked.path, asked.query.get("fieldSelector", "") + asked.query.get("container", "")


async def walked(walker: Walker, rig: Rig, denied: set[Line]) -> list[Answered]:
    """A new investigation in which these reads are denied."""
    walker.begin()
    rig.proxy.behave(Plot(lambda exchange: line_of(exchange) in denied, refuse(403, "Forbidden")))
    try:
        return await walker.walk(FORBIDDEN, FORBIDDEN)
    finally:
        rig.proxy.behave(None)


@pytest.fixture(scope="module")
async def walker(talk: Talk, rig: Rig, vswitch_exhausted: Scenario) -> Walker:
    return Walker(talk, rig, vswitch_exhausted, NODE)


@pytest.fixture(scope="module")
async def lines(walker: Walker, rig: Rig) -> dict[Line, Served]:
    """Every read of a sound walk but the version, which is asked once for a connection."""
    begun = len(rig.proxy.served)
    await walked(walker, rig, set())
    return {line_of(served): served for served in rig.proxy.served[begun:] if served.path != "/version"}


def permission(served: Served) -> str:
    """What RBAC would have to grant for a request."""
    routed = route(tuple(served.path.strip("/").split("/")))
    assert not isinstance(routed, Reply)
    target, wants_log = routed
    resource = "pods/log" if wants_log else target.resource.qualified_name
    return Grantable("get" if target.name else "list", resource, target.namespace or "").words


def category(answers: list[Answered]) -> str:
    return str(answers[-1].envelope["data"]["verdict"]["category"])


async def test_each_single_read_may_be_denied(
    walker: Walker, rig: Rig, lines: dict[Line, Served], vswitch_exhausted: Scenario
) -> None:
    needed = []
    for line, served in lines.items():
        *reading, judged = answers = await walked(walker, rig, {line})
        assert [difference for one in answers for difference in one.differences] == []
        told = {
            (entry["what"], entry["detail"])
            for one in reading
            for entry in one.envelope["coverage"]
            if entry["outcome"] == "forbidden"
        }
        named = {what_of(served.path, served.query, one.tool) for one in reading}
        assert told, "what is denied is told"
        assert {what for what, _ in told} <= named, "and nothing else is"
        assert {detail for _, detail in told} == {permission(served)}
        if not vswitch_exhausted.truth.accepts(category([judged])):
            assert category([judged]) == "insufficient_evidence", f"without {line}"
            needed.append(served.path.rpartition("/")[2])
    print(f"faults: 403 on each of {len(lines)} reads: told exactly; the verdict needs {needed or 'none of them'}")
    assert needed == [], "not even the pod itself, whose events name its node"


async def test_many_reads_may_be_denied_at_once(
    walker: Walker, rig: Rig, lines: dict[Line, Served], vswitch_exhausted: Scenario
) -> None:
    verdicts: dict[str, int] = {}
    for seed in SEEDS:
        chance = random.Random(seed)  # noqa: S311 - reproducible
        share = chance.random()
        denied = {line for line in sorted(lines) if chance.random() < share}
        answers = await walked(walker, rig, denied)
        assert [difference for one in answers for difference in one.differences] == []
        found = category(answers)
        verdicts[found] = verdicts.get(found, 0) + 1
        assert vswitch_exhausted.truth.accepts(found) or found == "insufficient_evidence", f"seed {seed}: {found}"
    print(f"faults: 403 on {len(SEEDS)} random sets of reads: verdicts {verdicts}, none of them wrong")
    assert set(verdicts) > {"insufficient_evidence"}


async def test_a_node_nobody_may_read_is_told_from_what_runs_on_it(talk: Talk, rig: Rig) -> None:
    known = {"investigation": await talk.opened()}
    rig.proxy.behave(Plot(lambda exchange: "/nodes/" in exchange.path, refuse(403, "Forbidden")))
    node = await talk.call("inspect_node", **known, node=NODE)
    nobody = await talk.call("inspect_node", **known, node="no-such-node")
    rig.proxy.behave(None)
    assert node["status"] == "partial"
    assert node["data"]["terway_pod"]["running"]
    assert node["data"]["pods"]
    assert (nobody["status"], nobody["data"]["found"]) == ("no_data", False), "nothing shows that it exists"


async def test_events_and_logs_that_are_denied_are_not_said_to_be_absent(
    talk: Talk, rig: Rig, vswitch_exhausted: Scenario
) -> None:
    pod = {"namespace": vswitch_exhausted.namespace, "pod": vswitch_exhausted.pod}
    known = {"investigation": await talk.opened()}
    await talk.call("inspect_pod", **known, **pod)
    rig.proxy.behave(Plot(lambda exchange: exchange.path.endswith(("/events", "/log")), refuse(403, "Forbidden")))
    events = await talk.call("get_events", **known, **pod)
    logs = await talk.call("grep_terway_logs", **known, node=NODE, skip_reason="events may not be read")
    rig.proxy.behave(None)
    assert events["status"] == "forbidden"
    assert "could not all be read" in events["message"]
    assert "proves nothing" in events["data"]["why"]
    assert logs["status"] == "no_data"
    assert "not everything could be read" in logs["message"]


async def test_the_scripted_agent_does_not_ask_again_and_again(talk: Talk, rig: Rig) -> None:
    await rig.proxy.close()
    walk = await investigate(talk.client, Question())
    await rig.open()
    assert [(call.tool, call.status) for call in walk.calls] == [("inspect_cluster", "unreachable")]
    rig.proxy.behave(Plot(lambda exchange: True, refuse(403, "Forbidden")))
    walk = await investigate(talk.client, Question())
    rig.proxy.behave(None)
    assert [(call.tool, call.status) for call in walk.calls] == [("inspect_cluster", "forbidden")]
