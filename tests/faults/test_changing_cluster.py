"""A cluster that changes while it is investigated: what is no longer so is no longer said."""

import copy
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from terway_mcp.cluster.scenarios.scenario import Scenario
from tests.faults.plots import refuse
from tests.faults.proxy import Captured, Plot
from tests.faults.rig import Rig
from tests.server.talk import Envelope, Talk

pytestmark = pytest.mark.anyio

NODE = "cn-hangzhou.10.0.1.21"
Items = list[dict[str, Any]]


@pytest.fixture
def changed(bundle: Path, tmp_path: Path, rig: Rig) -> Iterator[Callable[[str, Callable[[Items], Items]], None]]:
    """Changes the pods of one namespace; afterwards all is as before."""
    with tarfile.open(bundle) as archive:
        archive.extractall(tmp_path, filter="data")
    (root,) = tmp_path.iterdir()
    before = rig.proxy.captured

    def change(namespace: str, how: Callable[[Items], Items]) -> None:
        path = root / "cluster-resources" / "pods" / f"{namespace}.json"
        whole = json.loads(path.read_text())
        path.write_text(json.dumps({**whole, "items": how(whole["items"])}))
        rig.proxy.captured = Captured(root)

    yield change
    rig.proxy.captured = before
    rig.proxy.behave(None)


class Case:
    """An investigation of the demo's pod."""

    def __init__(self, talk: Talk, scenario: Scenario, investigation: str) -> None:
        self._talk = talk
        self._known = {"investigation": investigation}
        self.pod = {"namespace": scenario.namespace, "pod": scenario.pod}

    async def inspected(self) -> Envelope:
        """Inspect pod and node; the pod's answer."""
        pod = await self._talk.call("inspect_pod", **self._known, **self.pod)
        await self._talk.call("inspect_node", **self._known, node=NODE)
        return pod

    async def events(self) -> Envelope:
        return await self._talk.call("get_events", **self._known, **self.pod, skip_reason="known from kubectl")

    async def judged(self) -> dict[str, Any]:
        """Judge; the report as a resource must say the same."""
        answer = await self._talk.call("correlate", **self._known, skip_reason="known from kubectl")
        (page,) = (await self._talk.client.read_resource(answer["data"]["report"])).contents
        assert answer["data"]["verdict"]["title"] in getattr(page, "text", "")
        return dict(answer["data"])


@pytest.fixture
async def case(talk: Talk, vswitch_exhausted: Scenario) -> Case:
    return Case(talk, vswitch_exhausted, await talk.opened())


def named(items: Items, start: str) -> Items:
    return [item for item in items if item["metadata"]["name"].startswith(start)]


def without(items: Items, start: str) -> Items:
    return [item for item in items if not item["metadata"]["name"].startswith(start)]


async def test_a_pod_that_is_deleted_between_calls_still_gets_its_verdict_and_is_said_to_be_gone(
    case: Case, changed: Callable[..., None]
) -> None:
    await case.inspected()
    changed("shop", lambda items: without(items, case.pod["pod"]))
    assert (await case.events())["status"] == "ok", "events outlive the pod"
    again = await case.inspected()
    assert (again["status"], again["data"]["found"]) == ("no_data", False)
    found = await case.judged()
    assert found["verdict"]["category"] == "resource_exhaustion"
    assert any("is gone" in line for line in found["missing_evidence"])


async def test_a_new_pod_of_the_same_name_is_judged_by_its_own_state(case: Case, changed: Callable[..., None]) -> None:
    def reborn(items: Items) -> Items:
        running = next(item for item in items if item["status"].get("podIP"))
        new = copy.deepcopy(running)
        new["metadata"] |= {"name": case.pod["pod"], "uid": "00000000-1111-2222-3333-444444444444"}
        return [*without(items, case.pod["pod"]), new]

    assert (await case.inspected())["data"]["healthy"] is False
    await case.events()
    assert (await case.judged())["verdict"]["category"] == "resource_exhaustion"
    changed("shop", reborn)
    assert (await case.inspected())["data"]["healthy"] is True
    assert (await case.judged())["verdict"]["category"] == "healthy"


async def test_what_was_broken_and_is_repaired_is_blamed_no_longer(case: Case, changed: Callable[..., None]) -> None:
    daemons: Items = []

    def evicted(items: Items) -> Items:
        daemons.extend(named(items, "terway-eniip"))
        return without(items, "terway-eniip")

    changed("kube-system", evicted)
    await case.inspected()
    await case.events()
    assert (await case.judged())["verdict"]["category"] == "component_down"
    changed("kube-system", lambda items: [*items, *daemons])
    await case.inspected()
    await case.events()
    found = await case.judged()
    assert found["verdict"]["category"] == "resource_exhaustion"
    assert "No Terway pod" not in json.dumps(found["findings"])


async def test_what_could_not_be_read_again_still_stands(case: Case, changed: Callable[..., None], rig: Rig) -> None:
    changed("kube-system", lambda items: without(items, "terway-eniip"))
    await case.inspected()
    await case.events()
    rig.proxy.behave(Plot(lambda exchange: True, refuse(403, "Forbidden")))
    assert (await case.inspected())["status"] == "forbidden"
    assert (await case.judged())["verdict"]["category"] == "component_down"
    rig.proxy.behave(Plot(lambda exchange: exchange.path.endswith("kube-system/pods"), refuse(403, "Forbidden")))
    assert (await case.inspected())["status"] == "partial"
    assert (await case.judged())["verdict"]["category"] == "component_down"
