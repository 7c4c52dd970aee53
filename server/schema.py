"""JSON Schemas of arguments and answers, made compact: what a model pays for with every conversation."""

from typing import Any

import msgspec
from pydantic import BaseModel

from terway_mcp.server.envelope import Envelope

_NOISE = ("title", "default", "propertyNames", "minLength", "maxLength")


def input_schema(arguments: type[BaseModel]) -> dict[str, Any]:
    """Schema of a tool's arguments without titles, defaults, length limits and `anyOf: [x, null]` wrappers."""
    schema: dict[str, Any] = _compact(arguments.model_json_schema())
    schema.pop("description", None)
    return schema


def output_schema(report: type[msgspec.Struct]) -> dict[str, Any]:
    """Schema of the envelope around a tool's report: the report's own fields typed, what lies below them open."""
    _, definitions = msgspec.json.schema_components([Envelope], ref_template="{name}")
    properties = {name: _flat(part, definitions) for name, part in definitions["Envelope"]["properties"].items()}
    properties["data"] = _report(report)
    required = [name for name in definitions["Envelope"]["required"] if name != "message"]
    return {"type": "object", "properties": properties, "required": required}


def _report(report: type[msgspec.Struct]) -> dict[str, Any]:
    _, definitions = msgspec.json.schema_components([report], ref_template="{name}")
    own = definitions[report.__name__]
    properties = {name: _flat(part, definitions) for name, part in own["properties"].items()}
    return {"anyOf": [{"type": "object", "properties": properties}, {"type": "null"}]}


def _flat(part: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Keep type and enum of a property; references become open objects.

    Alternatives stay in `anyOf`: some hosts map schemas to a dialect where `type` is one name.
    """
    if "$ref" in part:
        return {"type": "object"}
    if "anyOf" in part:
        return {"anyOf": [_flat(option, definitions) for option in part["anyOf"]]}
    if "enum" in part:
        return {"type": "string", "enum": part["enum"]}
    return {"type": part["type"]} if "type" in part else {}


def _compact(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_compact(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    options = schema.get("anyOf")
    if options and {"type": "null"} in options:
        kept = next(option for option in options if option != {"type": "null"})
        schema = {**{key: value for key, value in schema.items() if key != "anyOf"}, **kept}
    return {
        key: {name: _compact(part) for name, part in value.items()} if key == "properties" else _compact(value)
        for key, value in schema.items()
        if key not in _NOISE
    }
