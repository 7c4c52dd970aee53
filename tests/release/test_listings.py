"""server.json and the manifest of the MCP bundle: what registries and hosts read before they start anything."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from mcp import Client, StdioServerParameters

from release import ROOT
from release.mcp_bundle import SOURCES, as_started, assemble
from terway_mcp.server import __version__
from terway_mcp.server.options import parser
from terway_mcp.tools.contracts import CONTRACTS
from tests.server.processes import clean_environment

REGISTRY = json.loads((ROOT / "server.json").read_text("utf-8"))
MANIFEST = json.loads((SOURCES / "manifest.json").read_text("utf-8"))

TEXT = {"type": "string", "minLength": 1}
EXACT_VERSION = {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"}


def an_object(required: str, /, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object", "required": required.split(), "properties": properties, "additionalProperties": False,
    }  # fmt: skip


# What the registry asks of an entry (schema of 2025-12-11), narrowed to the parts that are used here.
ENTRY = an_object(
    "$schema name description version packages",
    **{
        "$schema": {"const": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"},
        "name": {
            "type": "string", "minLength": 3, "maxLength": 200, "pattern": r"^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$",
        },
        "title": {"type": "string", "minLength": 1, "maxLength": 100},
        "description": {"type": "string", "minLength": 1, "maxLength": 100},
        "version": EXACT_VERSION,
        "packages": {
            "type": "array", "minItems": 1,
            "items": an_object(
                "registryType identifier version transport",
                registryType={"const": "pypi"}, identifier=TEXT, version=EXACT_VERSION,
                runtimeHint={"const": "uvx"}, transport={"const": {"type": "stdio"}},
                environmentVariables={
                    "type": "array",
                    "items": an_object(
                        "name description",
                        name={"type": "string", "pattern": "^[A-Z][A-Z0-9_]*$"}, description=TEXT,
                        isRequired={"type": "boolean"}, isSecret={"type": "boolean"},
                        format={"enum": ["string", "number", "boolean", "filepath"]},
                    ),
                },
            ),
        },
    },
)  # fmt: skip

# What a host asks of a manifest (version 0.4), narrowed in the same way.
BUNDLE = an_object(
    "manifest_version name version description author server",
    manifest_version={"const": "0.4"}, name=TEXT, display_name=TEXT, version=EXACT_VERSION, description=TEXT,
    long_description=TEXT, author=an_object("name", name=TEXT), license=TEXT,
    keywords={"type": "array", "items": TEXT},
    server=an_object(
        "type entry_point mcp_config",
        type={"const": "uv"}, entry_point=TEXT,
        mcp_config=an_object(
            "command args env",
            command={"const": "uv"}, args={"type": "array", "items": TEXT},
            env={"type": "object", "additionalProperties": TEXT},
        ),
    ),
    tools={"type": "array", "items": an_object("name description", name=TEXT, description=TEXT)},
    prompts_generated={"type": "boolean"},
    user_config={
        "type": "object",
        "additionalProperties": an_object(
            "type title description required default",
            type={"enum": ["string", "file"]}, title=TEXT, description=TEXT, required={"type": "boolean"},
            default={"type": "string"},
        ),
    },
    compatibility=an_object(
        "platforms runtimes",
        platforms={"type": "array", "items": {"enum": ["darwin", "linux", "win32"]}},
        runtimes=an_object("python", python=TEXT),
    ),
)  # fmt: skip


@pytest.mark.parametrize(("document", "schema"), [(REGISTRY, ENTRY), (MANIFEST, BUNDLE)], ids=["server.json", "mcpb"])
def test_a_listing_has_the_form_that_its_readers_ask_for(document: dict[str, Any], schema: dict[str, Any]) -> None:
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(document, schema, cls=jsonschema.Draft7Validator)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "version": "latest"}, schema, cls=jsonschema.Draft7Validator)


def test_every_variable_told_to_the_registry_is_one_the_command_line_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    (package,) = REGISTRY["packages"]
    names = {variable["name"] for variable in package["environmentVariables"]} - {"KUBECONFIG"}
    for name in names:
        monkeypatch.setenv(name, "/given")
        read = getattr(parser().parse_args([]), name.removeprefix("TERWAY_MCP_").lower())
        assert str(read[0] if isinstance(read, list) else read) == "/given", name


def test_the_manifest_names_the_tools_that_there_are() -> None:
    assert MANIFEST["tools"] == [{"name": one.name, "description": one.title} for one in CONTRACTS]


def test_every_setting_of_the_manifest_reaches_the_server_and_an_empty_one_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, untouched = as_started(MANIFEST, Path("/extension"), {})
    assert set(untouched.values()) == {""}
    settings = {name: f"/the/{name}" for name in MANIFEST["user_config"]}
    _, filled = as_started(MANIFEST, Path("/extension"), settings)
    for variable, value in filled.items():
        monkeypatch.setenv(variable, value)
    options = parser().parse_args([])
    assert {name: str(getattr(options, name)) for name in settings} == settings


@pytest.mark.anyio
async def test_the_entry_point_of_the_bundle_serves_the_captured_cluster_of_its_setting(
    bundle: Path, tmp_path: Path
) -> None:
    (tmp_path / "terway.whl").write_bytes(b"")
    folder = assemble(tmp_path / "terway.whl", tmp_path / "extension")
    command, env = as_started(MANIFEST, folder, {"bundle": str(bundle)})
    assert command == ["uv", "run", "--directory", str(folder), MANIFEST["server"]["entry_point"]]
    server = StdioServerParameters(
        command=sys.executable, args=[command[-1]], cwd=folder, env={**clean_environment(tmp_path), **env}
    )
    async with Client(server) as client:
        answer = await client.call_tool("inspect_cluster", {})
    assert answer.structured_content is not None
    assert answer.structured_content["status"] == "ok"


def versions() -> dict[str, str]:
    """Every place that says which version this is."""
    project = (SOURCES / "pyproject.toml").read_text("utf-8")
    found = {
        "server.json": REGISTRY["version"],
        "server.json, package": REGISTRY["packages"][0]["version"],
        "manifest": MANIFEST["version"],
        **{f"bundle, {number}": found for number, found in enumerate(re.findall(r"\d+\.\d+\.\d+", project))},
    }
    chart = ROOT / "deploy" / "helm" / "terway-mcp" / "Chart.yaml"
    if chart.exists():
        described = yaml.safe_load(chart.read_text("utf-8"))
        found |= {"chart": described["version"], "appVersion": described["appVersion"]}
    return found


def test_every_place_says_the_same_version() -> None:
    assert versions() == dict.fromkeys(versions(), __version__)
    assert len(versions()) >= 6
