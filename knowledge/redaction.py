"""Masks secrets and disarms hostile text. Both are linear in the length of the text."""

from itertools import zip_longest
from typing import Any
from urllib.parse import unquote_to_bytes

import re2

from terway_mcp.knowledge.encoded_secrets import mask_encoded
from terway_mcp.knowledge.patterns import re2_options, to_bytes, to_text
from terway_mcp.knowledge.secret_forms import (
    BARE_PASSWORD,
    BARE_VALUE,
    BETWEEN,
    ENCODED_END,
    FIELD_NAME,
    GLUED,
    HINT,
    KEY,
    MASK,
    MASKED,
    REST_OF_LINE,
    SHOWN,
    SHOWS_ITSELF,
    VEILS,
)

__all__ = ["MASK", "clean", "disarmed", "redact"]

_LITERALS = frozenset(b" null nil <nil> none None true false $ - | %7C > %3E".split(b" "))
"""What is no secret: nothing at all, a switch, a reference to a variable, the beginning of a block in YAML."""

_AFTER_CLOSING = b" \t\r\n,;}])"
"""What follows a quote that closes a text; no value begins so."""

_ESCAPED = (b"\\u", b"\\U", b"\\x", b"\\X", b"\\0")

_PERCENT_LEVELS = 3

_ROUNDS = 4
"""What is masked may leave its surroundings looking like a secret, too."""

_LOOKED_AT = 16
"""How many times longer a text may be than what is kept of it, before it is cut unseen."""

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

    Masked: values of credential keys in JSON (also JSON inside JSON strings), YAML, Go struct print, XML, `key=value`,
    name and value pairs, command lines and signed URLs (also percent-encoded); Alibaba Cloud access keys and STS
    tokens; bearer, basic and signed credentials; passwords in URLs; JWTs; PEM and DER private keys; the account number
    in a RAM ARN; and base64 of any of these. A key without a value stays as it is: that it is empty is a finding. A
    text that holds a secret also loses its terminal escapes and invisible characters: a coloured key is still a key.
    """
    plain = text if _is_plain(text) else _unveiled(text)
    raw = to_bytes(plain)
    raw = VEILS.sub(b"", raw) if any(escape in raw for escape in _ESCAPED) else raw
    masked = raw
    for _ in range(_ROUNDS):
        before, masked = masked, _decoded(_redacted(masked, 0))
        if masked == before:
            break
    return text if masked == raw else to_text(masked)


def disarmed(text: str, limit: int) -> str:
    """`text` redacted and cleaned, at most `limit` characters; of a very long one only the beginning is looked at."""
    return clean(redact(text[: limit * _LOOKED_AT]), limit)


def clean(text: str, limit: int) -> str:
    """Return `text` as one printable line of at most `limit` characters, an ellipsis for what was cut.

    Drops terminal escapes, control, zero-width, bidirectional and other invisible characters and lone surrogates;
    a run of white space becomes one space.
    """
    if not (text.isascii() and text.isprintable()):
        text = _unveiled(text)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: max(limit - 1, 0)].rstrip() + "…"[:limit]


def _is_plain(text: str) -> bool:
    """True for printable ASCII with line breaks and tabs: nothing can be hidden in it."""
    return text.isascii() and (text.isprintable() or text.translate(_BLANKS).isprintable())


_BLANKS = dict.fromkeys(map(ord, "\t\r\n"))


def _unveiled(text: str) -> str:
    """Drop terminal escapes and everything invisible but white space."""
    plain = to_text(_ESCAPES.sub(b"", text.encode("utf-8", "ignore"))) if "\x1b" in text or "\x9b" in text else text
    return "".join(letter for letter in plain.translate(_INVISIBLE) if letter.isprintable() or letter.isspace())


def _decoded(raw: bytes) -> bytes:
    """Undo percent-encoding where that brings a secret to light; any other text stays as it is."""
    plain = raw
    for _ in range(_PERCENT_LEVELS):
        if b"%" not in plain or (undone := unquote_to_bytes(plain)) == plain:
            break
        plain = VEILS.sub(b"", to_bytes(_unveiled(to_text(undone))))
        masked = _redacted(plain, 0)
        if masked != plain:
            return _decoded(masked)
    return raw


def _redacted(raw: bytes, depth: int) -> bytes:
    """Mask what shows itself, then what is encoded, then what stands under a key."""
    if HINT.search(raw) is not None:
        if SHOWS_ITSELF.search(raw) is not None:
            for pattern, replacement in SHOWN:
                raw = pattern.sub(lambda _match, new=replacement: new, raw)
            for pattern in BETWEEN:
                raw = pattern.sub(lambda match: match.group(1) + MASKED + match.group(2), raw)
        raw = _mask_keyed(raw)
    return mask_encoded(raw, _redacted, depth)


def _mask_keyed(raw: bytes) -> bytes:
    parts: list[bytes] = []
    done = 0
    unclosed: set[bytes] = set()
    keys = list(KEY.finditer(raw))
    for key, following in zip_longest(keys, keys[1:]):
        start, quote = key.end(), key.group(2) or b""
        empty = not quote and following is not None and following.start() == start
        if start < done or empty:
            continue
        end = _value_end(raw, key, unclosed)
        if raw[start:end] not in _LITERALS:
            parts += (raw[done:start], MASKED)
            done = end
    return b"".join((*parts, raw[done:]))


def _value_end(raw: bytes, key: Any, unclosed: set[bytes]) -> int:
    start, quote = int(key.end()), key.group(2) or b""
    if not quote:
        return _glued(raw, _bare_end(raw, key))
    if quote not in unclosed:
        end = raw.find(quote, start)
        while end > start and raw[end - 1 : end] == b"\\":
            end = raw.find(quote, end + len(quote))
        if end >= 0:
            return _glued(raw, end)
        # Searched to the end once is enough: the next search from further on would find nothing either.
        unclosed.add(quote)
    # A text that was cut, or a quote that closes the text the key stands in.
    if raw[start : start + 1] in _AFTER_CLOSING:
        return start
    line = REST_OF_LINE.match(raw, start)
    return start if line is None else int(line.end())


def _glued(raw: bytes, end: int) -> int:
    more = GLUED.match(raw, end)
    return end if more is None else int(more.end())


def _bare_end(raw: bytes, key: Any) -> int:
    start = int(key.end())
    words: bytes = key.group().lower()
    form = BARE_VALUE
    if b"pass" in words:
        # People choose passwords, and YAML needs no quotes around several words.
        form = REST_OF_LINE if words.endswith((b": ", b":\t")) else BARE_PASSWORD
    bare = form.match(raw, start)
    # Go prints empty fields without a gap: in `AccessSecret: CredentialPath:` the "value" is the next field.
    if bare is None or FIELD_NAME.fullmatch(bare.group()):
        return start
    if (key.group(1) or b"").startswith(b"%") and (stop := ENCODED_END.search(raw, start, bare.end())):
        return int(stop.start())
    return int(bare.end())
