"""The documents say what the code does: whatever in them a machine can check is checked here."""

import json
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from terway_mcp.knowledge.base import Knowledge
from terway_mcp.knowledge.schema import Category
from terway_mcp.server import __version__
from terway_mcp.server.options import parser

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "docs").glob("*.md")
DOCUMENTS = ("README.md", "SKILL.md", "CHANGELOG.md", "SECURITY.md", *sorted(f"docs/{page.name}" for page in PAGES))
TEXTS = {name: (ROOT / name).read_text("utf-8") for name in DOCUMENTS}
PICTURE = (ROOT / "docs" / "demo.svg").read_text("utf-8")

_SVG = "http://www.w3.org/2000/svg"
_FOLDERS = "cluster|docs|knowledge|prompts|scripts|server|tests|tools"


def blocks(document: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", TEXTS[document], flags=re.DOTALL | re.MULTILINE)


def commands(document: str) -> Iterator[list[str]]:
    """Every command line in the shell blocks as words, without where its output goes."""
    for block in blocks(document, "sh"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            yield list(takewhile(lambda word: word not in ("|", ">"), words))


def own_commands(document: str) -> list[list[str]]:
    """The command lines that run this project, also those that a host is told to run."""
    tails = [words[words.index("--") + 1 :] if "--" in words else words for words in commands(document)]
    return [words for words in tails if words[0].endswith("/terway-mcp") or words[0] == "terway-mcp"]


def scripts(document: str) -> list[list[str]]:
    return [words for words in commands(document) if words[0].startswith("./scripts/")]


def parses(arguments: list[str]) -> bool:
    """True when the real command line accepts the arguments."""
    try:
        parser().parse_args(arguments)
    except SystemExit:
        return False
    return True


def frontmatter() -> dict[str, Any]:
    _, head, _ = TEXTS["SKILL.md"].split("---\n", 2)
    return dict(yaml.safe_load(head))


def test_generated_parts_are_what_the_docs_script_would_write() -> None:
    run = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, f"run ./scripts/docs\n{run.stdout}{run.stderr}"


@pytest.mark.parametrize(("document", "most"), [("README.md", 200), ("SKILL.md", 300), ("docs/attach.md", 120)])
def test_a_document_is_short_enough_to_be_read(document: str, most: int) -> None:
    assert len(TEXTS[document].splitlines()) <= most


@pytest.mark.parametrize("document", TEXTS)
def test_every_link_and_every_file_named_exists(document: str) -> None:
    links = re.findall(r"\]\(([^)#\s]+)\)", TEXTS[document])
    named = re.findall(rf"(?<![\w/.:~-])(?:\./)?((?:{_FOLDERS})/[\w*./-]*[\w*])", TEXTS[document])
    named += re.findall(r"\b[A-Z]+\.md\b", TEXTS[document])
    linked = [link for link in links if "://" not in link and not (ROOT / document).parent.joinpath(link).exists()]
    assert linked + [file for file in named if not list(ROOT.glob(file))] == []


@pytest.mark.parametrize("document", [name for name, text in TEXTS.items() if "```sh\n" in text])
def test_every_command_line_is_accepted_by_the_real_parser(document: str) -> None:
    lines = own_commands(document)
    assert lines
    assert [words for words in lines if not parses(words[1:])] == []


@pytest.mark.parametrize("document", ["README.md", "SKILL.md"])
def test_every_script_called_exists_and_can_be_run(document: str) -> None:
    called = {words[0] for words in scripts(document)}
    assert called
    assert [name for name in called if not (ROOT / name).stat().st_mode & 0o100] == []


@pytest.mark.parametrize("document", ["README.md", "SKILL.md"])
def test_arguments_of_the_inspect_scripts_are_accepted_by_the_real_parser(document: str) -> None:
    calls = [words for words in scripts(document) if "inspect-terway" in words[0]]
    kinds = [Path(script).stem.rpartition("-")[2] for script, *_ in calls]
    assert sorted(kinds) == ["cluster", "node", "pod"]
    assert all(parses(["inspect", kind, *words[1:]]) for kind, words in zip(kinds, calls, strict=True))


def test_every_json_snippet_attaches_a_live_cluster_and_a_bundle_with_absolute_paths() -> None:
    snippets = [json.loads(block) for page in ("README.md", "docs/attach.md") for block in blocks(page, "json")]
    (*local, remote) = [servers for snippet in snippets for servers in snippet.values()]
    assert remote["terway"]["url"].endswith("/mcp")
    assert remote["terway"]["headers"]["Authorization"].startswith("Bearer ")
    assert len(local) == 2
    for servers in local:
        assert servers["terway"]["env"]["KUBECONFIG"].startswith("/")
        assert servers["terway-bundle"]["args"][0] == "--bundle"
        for server in servers.values():
            arguments = server.get("args", [])
            assert parses(arguments)
            assert all(path.startswith("/") for path in (server["command"], *arguments[1:]))


def test_the_knowledge_example_is_valid_and_leads_from_a_text_to_its_cause(tmp_path: Path) -> None:
    (example,) = blocks("docs/knowledge.md", "yaml")
    (tmp_path / "own.yaml").write_text(example, "utf-8")
    knowledge = Knowledge.load((tmp_path / "own.yaml",))
    cause, message = yaml.safe_load(example)["entries"]
    text = f"failed to do add; {message['match']['pattern']} on this node"
    assert knowledge.match_text(text, "event")[0].entry.id == message["id"]
    assert knowledge.cause(message["cause"]) == knowledge.cause(cause["id"]) is not None


def test_the_picture_is_well_formed_and_shows_the_verdict_its_evidence_and_the_refusal() -> None:
    shown = "".join(ET.fromstring(PICTURE).itertext()).replace("\xa0", " ")  # noqa: S314 - our own file
    for words in ("resource_exhaustion - confirmed", "out_of_order", "InvalidVSwitchId.IpNotEnough", "Verify"):
        assert words in shown


def test_the_picture_makes_its_reader_fetch_nothing() -> None:
    assert set(re.findall(r"https?://[^\s\"'<)]+", PICTURE)) == {_SVG}
    assert not re.search(r"@import|@font-face|<script|<image|<foreignObject|xlink:href", PICTURE)


def test_the_picture_of_an_incident_is_small_enough_for_every_checkout() -> None:
    picture = (ROOT / "docs" / "incident.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 150_000


def test_the_skill_has_the_frontmatter_of_an_agent_skill() -> None:
    head = frontmatter()
    assert set(head) <= {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
    assert head["name"] == "terway-troubleshooting"
    assert 0 < len(head["description"]) <= 1024
    assert len(head["compatibility"]) <= 500
    assert all(isinstance(value, str) for value in head["metadata"].values())


def test_the_skill_tells_how_to_name_every_category_of_verdict() -> None:
    assert [category for category in get_args(Category) if f"`{category}`" not in TEXTS["SKILL.md"]] == []


def test_jsonpath_keys_with_dots_are_quoted_the_way_kubectl_accepts() -> None:
    paths = [word for words in commands("SKILL.md") for word in words if "jsonpath=" in word]
    assert [path for path in paths if '["' in path or re.search(r"\['[^']*(?<!\\)\.", path)] == []


def test_the_changelog_tells_of_this_version() -> None:
    assert f"## [{__version__}]" in TEXTS["CHANGELOG.md"]
    assert "## [Unreleased]" in TEXTS["CHANGELOG.md"]
