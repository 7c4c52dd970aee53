"""Options whose defaults the environment may set, as TERWAY_MCP_<NAME>."""

import argparse
import os

from terway_mcp.cluster.errors import InvalidInput

# What a parser, a group and a test's parser have in common.
Target = argparse._ActionsContainer

_YES, _NO = frozenset({"1", "true", "yes", "on"}), frozenset({"", "0", "false", "no", "off"})


def option(target: Target, *names: str, **settings: object) -> None:
    """An option with one value; empty in the environment is as good as unset.

    Raises:
        InvalidInput: The environment holds none of the choices.
    """
    variable = _variable(names)
    value, choices = os.environ.get(variable, ""), settings.get("choices")
    # In a pod beside a Service called terway-mcp, Kubernetes itself sets TERWAY_MCP_PORT, to a URL.
    given = value and not (variable == "TERWAY_MCP_PORT" and value.startswith("tcp://"))
    if given and settings.get("default") is not argparse.SUPPRESS:
        if isinstance(choices, tuple) and value not in choices:
            raise InvalidInput(f"{variable} must be one of {', '.join(choices)}, not {value!r}")
        settings["default"] = value
    target.add_argument(*names, **settings)  # type: ignore[arg-type]


def repeatable(target: Target, *names: str, **settings: object) -> None:
    """An option that may be given several times; the environment separates its values by commas."""
    texts = os.environ.get(_variable(names), "").split(",")
    default = [text.strip() for text in texts if text.strip()]
    target.add_argument(*names, action="append", default=default, **settings)  # type: ignore[arg-type]


def _variable(names: tuple[str, ...]) -> str:
    long = next(name for name in names if name.startswith("--"))
    return "TERWAY_MCP_" + long.removeprefix("--").replace("-", "_").upper()


def is_on(variable: str) -> bool:
    """Whether the environment switches something on.

    Raises:
        InvalidInput: It says neither yes nor no.
    """
    value = os.environ.get(variable, "").strip().lower()
    if value not in _YES | _NO:
        raise InvalidInput(f"{variable} must be one of {', '.join(sorted((_YES | _NO) - {''}))}, not {value!r}")
    return value in _YES
