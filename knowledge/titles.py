"""Fills the placeholders of a cause's title, fix or verification with what was found."""

import re
from collections.abc import Mapping

_PLACEHOLDER = re.compile(r"(?P<optional> \(\{(?P<aside>[a-z_]+)\}\))|\{(?P<name>[a-z_]+)\}")

UNKNOWN = "(unknown)"


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return `template` with `{vswitch}`, `{zone}`, `{code}`, ... replaced.

    A placeholder without a value becomes `(unknown)`; one that stands alone in parentheses is left out with them.
    Braces that are no placeholder, as in a jsonpath, stay.
    """

    def replace(found: re.Match[str]) -> str:
        if found["optional"]:
            value = values.get(found["aside"], "")
            return f" ({value})" if value else ""
        return values.get(found["name"], "") or UNKNOWN

    return _PLACEHOLDER.sub(replace, template)
