"""Pseudonyms where something goes wrong: gaps of a bundle, calls that are given up, knowledge that cannot be read."""

import json
from functools import partial
from pathlib import Path

import anyio
import pytest
from mcp import Client

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.errors import KnowledgeError
from terway_mcp.cluster.recent import Asker, RecentAnswers
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.server.anonymity import Anonymity
from terway_mcp.server.anonymous_bundle import AnonymousBundle
from terway_mcp.server.app import create_server
from terway_mcp.server.store import SqliteStore
from terway_mcp.server.warm_up import Once

from .talk import Talk

pytestmark = pytest.mark.anyio

KNOWLEDGE = Once(partial(Knowledge.load, ()))


def test_a_namespace_that_could_not_be_read_is_still_called_like_a_namespace() -> None:
    sealed = AnonymousBundle(KNOWLEDGE).sealed(
        {
            "cluster-resources/events-errors.json": {"payroll": "list: denied", "ledger": "list: denied"},
            "cluster-resources/namespaces.json": [{"metadata": {"name": "payroll"}}],
        }
    )
    namespace = sealed["cluster-resources/namespaces.json"][0]["metadata"]["name"]
    gaps = list(sealed["cluster-resources/events-errors.json"])
    assert gaps[0] == namespace
    assert [gap[:3] for gap in gaps] == ["ns-", "ns-"]


async def test_names_that_were_read_by_a_call_that_is_given_up_are_remembered() -> None:
    store = SqliteStore()
    anonymity = Anonymity(store, KNOWLEDGE)
    investigation = await store.create("local", "demo", "")
    with anyio.CancelScope() as call:
        async with anonymity.listening(Asker(RecentAnswers(), investigation, "inspect_pod")) as asker:
            asker.heard(b'{"kind":"Pod","metadata":{"name":"payroll-0","namespace":"salaries"}}')
            call.cancel()
            await anyio.sleep_forever()
    assert "salaries" not in json.dumps(await anonymity.disguised(investigation, "no pod in salaries"))


async def test_where_the_knowledge_cannot_be_read_the_answer_says_so_in_the_usual_shape(tmp_path: Path) -> None:
    def broken() -> Knowledge:
        raise KnowledgeError("own.yaml: entry 1 has no id")

    server = create_server(Clusters(bundle=tmp_path), knowledge=broken, anonymize=True)
    async with Client(server) as client:
        talk = await Talk.begin(client)
        answer = await talk.call("inspect_cluster")
    assert answer["status"] == "unreachable"
    assert "own.yaml" in answer["message"]
