"""The page of an incident, whole in one text: it fetches nothing, and its policy forbids it to.

An MCP host shows it empty and hands it the answer of `correlate`; a report file has that answer in it.
"""

from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

import msgspec


def app_page() -> str:
    """The page a host shows."""
    return _page("", "")


def report_file(told: Mapping[str, Any], plain: str) -> str:
    """The page with an answer in it.

    Args:
        told: the envelope of `correlate`, and what else is known: `symptom` and `calls`.
        plain: the same as text, for readers whose viewer runs no scripts.
    """
    # In JSON "<" stands only inside strings; escaped, no text can end the element it is in or open a comment.
    return _page(msgspec.json.encode(told).decode().replace("<", "\\u003c"), escape(plain))


def _page(told: str, plain: str) -> str:
    style, script = _part("incident.css"), _part("incident.js")
    policy = (
        f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    template = Template(_part("incident.html"))
    return template.substitute(policy=policy, style=style, script=script, told=told, plain=plain)


@cache
def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
