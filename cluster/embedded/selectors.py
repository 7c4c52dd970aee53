"""Label and field selectors: the grammar of `labelSelector=` and `fieldSelector=`, with the server's own messages."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

import msgspec

from terway_mcp.cluster.errors import InvalidInput

Operator = Literal["in", "notin", "exists", "absent", "gt", "lt"]

_TOKEN = re.compile(r"\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+)")
_SYMBOLS = frozenset({"==", "!=", "=", "!", "(", ")", ",", "<", ">"})
_OPERATORS: Mapping[str, Operator] = {
    "in": "in", "notin": "notin", "=": "in", "==": "in", "!=": "notin", ">": "gt", "<": "lt",
}  # fmt: skip
_KEY_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/")
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_END = ""
"""Stands for the end of the selector; no word is empty."""


class Requirement(msgspec.Struct, frozen=True):
    """One comma-separated part of a label selector."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, object]) -> bool:
        """True when an object with these labels is selected; like the server, absence satisfies `!=` and `notin`."""
        if self.key not in labels:
            return self.operator in ("absent", "notin")
        value = str(labels[self.key])
        if self.operator in ("gt", "lt"):
            return self._compares(value)
        return {"in": value in self.values, "notin": value not in self.values, "exists": True}.get(self.operator, False)

    def _compares(self, value: str) -> bool:
        try:
            actual, bound = int(value), int(next(iter(self.values)))
        except ValueError:
            return False
        return actual > bound if self.operator == "gt" else actual < bound


def parse_labels(selector: str) -> tuple[Requirement, ...]:
    """Parse a label selector; an object is selected when all requirements match.

    Raises:
        InvalidInput: The selector is malformed; the message is the one an API server gives.
    """
    return tuple(_LabelParser(selector).requirements())


class _LabelParser:
    """Recursive descent over the words of one label selector, with one word of lookahead."""

    def __init__(self, selector: str) -> None:
        self._words = _TOKEN.findall(selector)
        self._next = 0

    def requirements(self) -> Iterator[Requirement]:
        while (word := self._peek()) != _END:
            if word in _SYMBOLS - {"!"}:
                raise InvalidInput(f"found '{word}', expected: !, identifier, or 'end of string'")
            yield self._requirement()
            if (word := self._take()) == _END:
                return
            if word != ",":
                raise InvalidInput(f"found '{word}', expected: ',' or 'end of string'")
            if (word := self._peek()) in (_SYMBOLS - {"!"}) | {_END}:
                raise InvalidInput(f"found '{word}', expected: identifier after ','")

    def _requirement(self) -> Requirement:
        absent = self._peek() == "!"
        if absent:
            self._take()
        key = _checked_key(self._identifier())
        if absent:
            return Requirement(key, "absent")
        if self._peek() in (_END, ","):
            return Requirement(key, "exists")
        sign = self._take()
        operator = _OPERATORS.get(sign)
        if operator is None:
            raise _unparsable(f"found '{sign}', expected: in, notin, =, ==, !=, gt, lt")
        values = self._value_set() if sign in ("in", "notin") else frozenset({self._value()})
        return Requirement(key, operator, _checked_values(operator, values))

    def _identifier(self) -> str:
        word = self._take()
        if word == _END or word in _SYMBOLS:
            raise _unparsable(f"found '{word}', expected: identifier")
        return word

    def _value(self) -> str:
        return "" if self._peek() in (_END, ",") else self._identifier()

    def _value_set(self) -> frozenset[str]:
        if (word := self._take()) != "(":
            raise _unparsable(f"found '{word}' expected: '('")
        if self._peek() == ")":
            self._take()
            return frozenset()
        values = {self._member()}
        while (word := self._take()) == ",":
            values.add(self._member())
        if word != ")":
            raise _unparsable(f"found '{word}', expected: ',' or ')'")
        return frozenset(values)

    def _member(self) -> str:
        word = self._peek()
        if word in (",", ")"):
            return ""
        if word == _END or word in _SYMBOLS:
            raise _unparsable(f"found '{word}', expected: ',', ')' or identifier")
        return self._take()

    def _peek(self) -> str:
        return self._words[self._next] if self._next < len(self._words) else _END

    def _take(self) -> str:
        word = self._peek()
        self._next += 1
        return word


def _unparsable(problem: str) -> InvalidInput:
    return InvalidInput(f"unable to parse requirement: {problem}")


def _checked_key(key: str) -> str:
    prefix = _KEY_PREFIX.match(key)
    if not _NAME.fullmatch(key[prefix.end() :] if prefix else key):
        raise _unparsable(f'<nil>: Invalid value: "{key}": a label key is [prefix/]name of at most 63 characters')
    return key


def _checked_values(operator: Operator, values: frozenset[str]) -> frozenset[str]:
    if not values:
        raise _unparsable("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty")
    for value in values:
        if value and not _NAME.fullmatch(value):
            raise _unparsable(f'values[0]: Invalid value: "{value}": a label value has at most 63 plain characters')
        if operator in ("gt", "lt") and not re.fullmatch(r"[+-]?\d+", value):
            raise _unparsable(
                f"values[0]: Invalid value: \"{value}\": for 'Gt', 'Lt' operators, the value must be an integer"
            )
    return values


class FieldTerm(msgspec.Struct, frozen=True):
    """One comma-separated part of a field selector."""

    field: str
    value: str
    equal: bool

    def matches(self, value: str) -> bool:
        """True when an object whose field has this value ("" when absent) is selected."""
        return (value == self.value) is self.equal


def parse_fields(selector: str, supports: Callable[[str], str | None]) -> tuple[FieldTerm, ...]:
    """Parse a field selector; `supports` tells the problem with a field's name, or None.

    Raises:
        InvalidInput: The selector is malformed or asks for a field that this resource cannot be selected by.
    """
    terms = tuple(_field_term(term, selector) for term in re.findall(r"(?:\\.|[^,\\]|\\$)+", selector))
    for term in terms:
        if problem := supports(term.field):
            raise InvalidInput(problem)
    return terms


def _field_term(term: str, selector: str) -> FieldTerm:
    parts = re.fullmatch(r"((?:\\.|[^\\=!]|!(?!=))*)(!=|==|=)(.*)", term, re.DOTALL)
    if not parts:
        raise InvalidInput(f"invalid selector: '{selector}'; can't understand '{term}'")
    field, sign, value = parts.groups()
    return FieldTerm(field, _unescaped(value), sign != "!=")


def _unescaped(value: str) -> str:
    if bad := re.search(r"(?:^|[^\\])(?:\\\\)*(\\(?:[^\\,=]|$))", value):
        raise InvalidInput(f"invalid field selector: invalid escape sequence: {bad.group(1)}")
    if re.search(r"(?:^|[^\\])(?:\\\\)*=", value):
        raise InvalidInput("invalid field selector: unescaped character in value: 61")
    return re.sub(r"\\(.)", r"\1", value)
