"""Options whose defaults the environment may set, as TERWAY_MCP_<NAME>; their help names the variable in brackets.

A variable means one thing: where commands mean different things by an option, its variable names the command, too.
"""

import argparse
import os

from terway_mcp.cluster.errors import InvalidInput

# What a parser, a group and a test's parser have in common.
Target = argparse._ActionsContainer

_YES, _NO = frozenset({"1", "true", "yes", "on"}), frozenset({"", "0", "false", "no", "off"})


def option(target: Target, *names: str, command: str = "", **settings: object) -> None:
    """An option with one value; empty in the environment is as good as unset.

    Raises:
        InvalidInput: The environment holds none of the choices.
    """
    variable = _variable(names, command)
    value, choices = os.environ.get(variable, ""), settings.get("choices")
    # In a pod beside a Service called terway-mcp, Kubernetes itself sets TERWAY_MCP_PORT, to a URL.
    given = value and not (variable.endswith("_PORT") and "://" in value)
    if given and settings.get("default") is not argparse.SUPPRESS:
        if isinstance(choices, tuple) and value not in choices:
            raise InvalidInput(f"{variable} must be one of {', '.join(choices)}, not {value!r}")
        settings |= {"default": value, "required": False}
    _add(target, names, variable, settings)


def repeatable(target: Target, *names: str, command: str = "", **settings: object) -> None:
    """An option that may be given several times; the environment separates its values by commas."""
    variable = _variable(names, command)
    default = [text.strip() for text in os.environ.get(variable, "").split(",") if text.strip()]
    _add(target, names, variable, {**settings, "action": "append", "default": default})


def in_brackets(help_text: object, variable: str) -> str:
    """The help of an option that may also come from this variable."""
    return f"{help_text or ''} [{variable}]".lstrip()


def _add(target: Target, names: tuple[str, ...], variable: str, settings: dict[str, object]) -> None:
    settings["help"] = in_brackets(settings.get("help"), variable)
    target.add_argument(*names, **settings)  # type: ignore[arg-type]


def _variable(names: tuple[str, ...], command: str) -> str:
    long = next(name for name in names if name.startswith("--")).removeprefix("--")
    return "_".join(["TERWAY_MCP", *([command] if command else []), long]).replace("-", "_").upper()


def is_on(variable: str) -> bool:
    """Whether the environment switches something on.

    Raises:
        InvalidInput: It says neither yes nor no.
    """
    value = os.environ.get(variable, "").strip().lower()
    if value not in _YES | _NO:
        raise InvalidInput(f"{variable} must be one of {', '.join(sorted((_YES | _NO) - {''}))}, not {value!r}")
    return value in _YES
