"""Masks secrets and disarms hostile text. Both are linear in the length of the text."""

from itertools import zip_longest
from typing import Any

import re2

from terway_mcp.knowledge.patterns import re2_options, to_bytes, to_text

MASK = "******"
"""What Terway itself prints for a secret (types/secret/secret.go)."""

_MASK = MASK.encode()

_COLOUR = rb"(?:\\{1,7}(?:u001b|x1b|033)\[[0-9;]{0,8}m)?"
"""A terminal colour inside a quoted text, where it is written out: `access_secret\\u001b[0m=`."""

# A key is only recognised by its tail, so prefixes (`my_access_key`, `otelToken`, `x-acs-security-token`) come free,
# and only right before a separator, so prose and codes (`InvalidAccessKeyId.NotFound`) stay readable.
_KEY: Any = re2.compile(
    rb"(?:access[_-]?key(?:[_-]?(?:id|secret))?|access[_-]?(?:id|secret)|secret[_-]?key|token|passw(?:or)?d|secret"
    rb"|signature|api[_-]?key|private[_-]?key|client-key-data|encoded-?diagnostic-?message)"
    + _COLOUR
    + rb"""\\{0,7}["']?[ \t]*[:=][ \t]*"""
    + _COLOUR
    + rb"""(\\{0,7}["'])?""",
    re2_options(),
)

_BARE_VALUE: Any = re2.compile(rb"[^\s\"'`\\,;&<>{}()\[\]]+", re2_options())

_LITERALS = frozenset({b"", b"null", b"nil", b"true", b"false"})

_STANDALONE: tuple[tuple[Any, bytes], ...] = tuple(
    (re2.compile(pattern, re2_options()), replacement)
    for pattern, replacement in (
        (rb"-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----(?:.*?-----END [A-Z ]{0,32}PRIVATE KEY-----|.*)", _MASK),
        (rb"LS0tLS1CRUdJTi[A-Za-z0-9+/=]+", _MASK),
        (rb"bearer +[A-Za-z0-9._~+/=-]{8,}", b"Bearer " + _MASK),
        (rb"""authorization["'\\:= ]{1,8}basic +[A-Za-z0-9+/=]+""", b"Authorization: Basic " + _MASK),
        (rb"(?-i:eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?)", _MASK),
        (rb"(?-i:LTAI[A-Za-z0-9]{8,})", b"LTAI" + _MASK),
        (rb"(?-i:STS\.[A-Za-z0-9]{12,})", b"STS." + _MASK),
        # RAM error texts name the account that was refused.
        (rb"acs:ram::\d{6,}", b"acs:ram::" + _MASK),
    )
)

_ANY: Any = re2.compile(
    rb"access|secret|token|passw|signature|[_-]key|apikey|privatekey|diagnostic|bearer|authorization"
    rb"|eyJ|LTAI|STS\.|ram::|LS0tLS1|PRIVATE KEY",
    re2_options(),
)

_ESCAPES: Any = re2.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[PX^_][^\x1b]*\x1b\\|\x1b[@-Z\\-_]"
    rb"|\xc2\x9b[0-?]*[ -/]*[@-~]",
    re2_options(),
)

# Printable by Unicode's tables and yet invisible: joiners, fillers, the blank Braille cell, variation selectors.
_INVISIBLE = dict.fromkeys(
    [0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]
)


def redact(text: str) -> str:
    """Return `text` with every secret replaced by `******`; applying it twice changes nothing more.

    Masked: values of credential keys in JSON (also JSON inside JSON strings), YAML, Go struct print, `key=value` and
    signed URLs; Alibaba Cloud access keys and STS ids; bearer and basic credentials; JWTs; PEM private keys; the
    account number in a RAM ARN. A key without a value stays as it is: that it is empty is a finding. A text that
    holds any such word also loses its terminal escapes and invisible characters: a coloured key is still a key.
    """
    raw = to_bytes(text)
    if _ANY.search(raw) is None:
        return text
    if not text.isprintable():
        raw = to_bytes(_unveiled(text))
    for pattern, replacement in _STANDALONE:
        raw = pattern.sub(lambda _match, new=replacement: new, raw)
    return to_text(_mask_keyed(raw))


def clean(text: str, limit: int) -> str:
    """Return `text` as one printable line of at most `limit` characters, an ellipsis for what was cut.

    Drops terminal escapes, control, zero-width, bidirectional and other invisible characters and lone surrogates;
    a run of white space becomes one space.
    """
    if not (text.isascii() and text.isprintable()):
        text = _unveiled(text)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: max(limit - 1, 0)].rstrip() + "…"[:limit]


def _unveiled(text: str) -> str:
    """Drop terminal escapes and everything invisible but white space."""
    plain = to_text(_ESCAPES.sub(b"", text.encode("utf-8", "ignore"))) if "\x1b" in text or "\x9b" in text else text
    return "".join(letter for letter in plain.translate(_INVISIBLE) if letter.isprintable() or letter.isspace())


def _mask_keyed(raw: bytes) -> bytes:
    parts: list[bytes] = []
    done = 0
    unclosed: set[bytes] = set()
    keys = list(_KEY.finditer(raw))
    for key, following in zip_longest(keys, keys[1:]):
        start, quote = key.end(), key.group(1) or b""
        empty = not quote and following is not None and following.start() == start
        if start < done or empty:
            continue
        end = _value_end(raw, start, quote, unclosed)
        if raw[start:end] not in _LITERALS:
            parts += (raw[done:start], _MASK)
            done = end
    return b"".join((*parts, raw[done:]))


def _value_end(raw: bytes, start: int, quote: bytes, unclosed: set[bytes]) -> int:
    if quote and quote not in unclosed:
        end = raw.find(quote, start)
        while end > start and raw[end - 1 : end] == b"\\":
            end = raw.find(quote, end + len(quote))
        if end >= 0:
            return end
        # Searched to the end once is enough: the next search from further on would find nothing either.
        unclosed.add(quote)
    bare = _BARE_VALUE.match(raw, start)
    # Go prints empty fields without a gap: in `AccessSecret: CredentialPath:` the "value" is the next field.
    return start if bare is None or bare.group().endswith(b":") else int(bare.end())
