"""The prompt, the resources and the completions, as a client gets them."""

import itertools

import pytest
from mcp import Client, MCPError
from mcp_types import PromptReference, ResourceTemplateReference, TextContent, TextResourceContents

from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.knowledge.schema import Entry
from terway_mcp.prompts.sop import sop
from terway_mcp.server.completions import KINDS
from terway_mcp.server.steps import STEPS
from tests.server.talk import Talk

pytestmark = pytest.mark.anyio

CASE = {
    "symptom": "pods hang in ContainerCreating",
    "namespace": "shop",
    "pod": "web-0",
    "node": "cn-hangzhou.10.0.1.21",
    "context": "production",
}
SUBSETS = [dict(chosen) for size in range(6) for chosen in itertools.combinations(CASE.items(), size)]
PROMPT = PromptReference(name="troubleshoot")
ENTRY = ResourceTemplateReference(uri="terway://knowledge/{kind}/{entry}")

knowledge = Knowledge.load()
SAMPLE = [(kind, entry) for kind in KINDS for entry in (knowledge.entries(kind)[0], knowledge.entries(kind)[-1])]


async def page(client: Client, uri: str) -> str:
    """The Markdown of one resource."""
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "text/markdown"
    return content.text


@pytest.mark.parametrize("given", SUBSETS, ids=lambda given: "+".join(given) or "nothing")
async def test_the_prompt_takes_any_of_its_arguments_and_repeats_what_it_was_told(
    talk: Talk, given: dict[str, str]
) -> None:
    (message,) = (await talk.client.get_prompt("troubleshoot", given)).messages
    assert isinstance(message.content, TextContent)
    text = message.content.text
    assert text.startswith(sop(STEPS))
    assert [f"- {name.title()}: {CASE[name]}" in text for name in CASE] == [name in given for name in CASE]
    assert ("inspect_cluster names the worst suspects" in text) is (not given)


async def test_the_prompt_lists_its_arguments_and_requires_none(talk: Talk) -> None:
    (prompt,) = (await talk.client.list_prompts()).prompts
    assert [(argument.name, argument.required) for argument in prompt.arguments or []] == [
        (name, False) for name in CASE
    ]
    assert all(argument.description for argument in prompt.arguments or [])


async def test_the_procedure_tells_each_step_with_its_tools_and_its_reason_in_order(talk: Talk) -> None:
    text = await page(talk.client, "terway://sop")
    assert text == sop(STEPS)
    position = 0
    for number, step in enumerate(STEPS, 1):
        for part in (f"{number}. **{step.title}**", *(f"`{tool}`" for tool in step.tools), step.why, step.when):
            position = text.index(part, position)


async def test_what_can_be_read_is_listed(talk: Talk) -> None:
    resources = (await talk.client.list_resources()).resources
    templates = (await talk.client.list_resource_templates()).resource_templates
    assert {str(resource.uri) for resource in resources} == {
        "terway://sop",
        "skill://terway-troubleshooting/SKILL.md",
        "ui://terway/timeline.html",
    }
    assert {template.uri_template for template in templates} == {
        "terway://knowledge/{kind}/{entry}",
        "terway://investigations/{id}/report",
        "skill://terway-troubleshooting/references/{+path}",
        "skill://terway-troubleshooting/scripts/{name}",
    }
    assert all(resource.description for resource in resources)
    assert all(template.description for template in templates)


@pytest.mark.parametrize(("kind", "entry"), SAMPLE, ids=[f"{kind}-{entry.id}" for kind, entry in SAMPLE])
async def test_a_page_of_the_knowledge_says_what_its_entry_says(talk: Talk, kind: str, entry: Entry) -> None:
    text = await page(talk.client, f"terway://knowledge/{kind}/{entry.id}")
    assert text.startswith(f"# {entry.title or entry.id}\n")
    said = [entry.meaning, entry.fix, entry.verify, entry.source, *entry.likely_causes, *entry.match.names]
    assert [part for part in said if part not in text] == []


@pytest.mark.parametrize(
    "uri",
    [
        "terway://knowledge/cause/no_such_entry",
        "terway://knowledge/no_such_kind/x",
        "terway://investigations/00000000000000000000000000/report",
        "terway://nothing",
        "file:///etc/passwd",
    ],
)
async def test_what_does_not_exist_is_an_error_of_the_protocol(talk: Talk, uri: str) -> None:
    with pytest.raises(MCPError):
        await talk.client.read_resource(uri)
    assert await page(talk.client, "terway://sop")


async def test_the_report_holds_the_facts_of_the_verdict(talk: Talk, vswitch_exhausted: Scenario) -> None:
    investigation = await talk.opened(symptom="12 of 20 replicas hang")
    pod = {"namespace": "shop", "pod": vswitch_exhausted.pod}
    for tool, arguments in (
        ("inspect_pod", pod),
        ("inspect_node", {"node": "cn-hangzhou.10.0.1.21"}),
        ("get_events", pod),
    ):
        await talk.call(tool, investigation=investigation, **arguments)
    found = (await talk.call("correlate", investigation=investigation))["data"]
    assert found["report"] == f"terway://investigations/{investigation}/report"
    text = await page(talk.client, found["report"])
    verdict, finding = found["verdict"], found["findings"][0]
    assert text.startswith(f"# {verdict['title']}\n")
    said = [
        "Cluster: bundle:vswitch-exhausted",
        "Reported: 12 of 20 replicas hang",
        f"Category: {verdict['category']}",
        f"Confidence: {verdict['confidence']}",
        *verdict["affected"],
        verdict["root_cause"],
        ", ".join(verdict["evidence"]),
        finding["fix"],
        finding["verify"],
        *(f"{name}: {quote}" for name, quote in found["cited"].items()),
        *(moment["text"] for moment in found["timeline"]),
    ]
    assert [part for part in said if part not in text] == []


async def test_the_report_is_found_under_an_id_in_capitals_too(talk: Talk) -> None:
    investigation = await talk.opened()
    assert "# " in await page(talk.client, f"terway://investigations/{investigation.upper()}/report")
