"""Secrets inside base64: whatever would be masked as plain text is masked in its encoded form, too."""

import binascii
import re
from collections.abc import Callable
from typing import Any

import re2

from terway_mcp.knowledge.patterns import re2_options
from terway_mcp.knowledge.secret_forms import HINT, MASKED

_WORDS = re.compile(rb"(?:[A-Z]{0,5}+[a-z]{2,}+[0-9]{0,2}[/_-]?)++[A-Z]{0,5}")
"""Names as programmers write them: `DeadlineExceeded`, `pkg/eni/trunkENI`. Encoded text is not so regular."""

_BREAK = rb"(?:\\+[rn]|%0[ad]|[ \t\r\n]|\d{4}-\d\d-\d\dT[0-9:.Z+-]{9,30} )"
"""Between the lines of a code: what ends a line, and what a kubelet puts before the next one."""

_RUN: Any = re2.compile(
    rb"(?:[A-Za-z0-9+/]{60,}" + _BREAK + rb"{1,8})*[A-Za-z0-9+/_-]{16,}(?:=|%3D|\\+u003d){0,2}", re2_options()
)
"""Base64 in either alphabet; lines of at least 60 letters are taken together, as encoders wrap them."""

_WORD = re.compile(rb"[A-Za-z0-9+/_-]{16,}")
"""The standard library's engine, because most texts are short and end here: it starts sooner than RE2."""

_LINE_ENDS: Any = re2.compile(_BREAK + rb"|=|%3D|\\+u003d", re2_options())
_DEEPEST = 2
_WIDTHS = (64, 70, 76)
"""Letters per line in PEM, OpenSSH and MIME."""

_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def mask_encoded(raw: bytes, redacted: Callable[[bytes, int], bytes], depth: int) -> bytes:
    """Mask each stretch of base64 that holds something `redacted` would change.

    `depth` counts encodings around `raw`; base64 inside base64 is looked into, but not without end.
    """
    if depth >= _DEEPEST or not any(_may_be_code(word.group()) for word in _WORD.finditer(raw)):
        return raw

    def judged(found: Any) -> bytes:
        run: bytes = found.group()
        return MASKED if _may_be_code(run) and (_is_wrapped(run) or _holds_secret(run, redacted, depth)) else run

    return bytes(_RUN.sub(judged, raw))


def _mixes_cases(run: bytes) -> bool:
    """Encoded text always does; names of objects, hex and numbers do not."""
    return not (run.islower() or run.isupper() or run.isdigit())


def _may_be_code(run: bytes) -> bool:
    return _mixes_cases(run) and _WORDS.fullmatch(run) is None


def _is_wrapped(run: bytes) -> bool:
    """True for lines as long as encoders make them: a key's body without its frame, which nothing else shows."""
    first = _LINE_ENDS.sub(b" ", run).split()[0]
    return len(first) in _WIDTHS and _mixes_cases(first) and not first.isalpha()


def _holds_secret(run: bytes, redacted: Callable[[bytes, int], bytes], depth: int) -> bool:
    letters = _LINE_ENDS.sub(b"", run).translate(_URL_SAFE)
    # The run may begin with letters that are not part of the code: each of the four alignments is tried.
    for start in range(4):
        usable = (len(letters) - start) // 4 * 4
        rest = letters[start : start + usable]
        tail = letters[start + usable :]
        padded = rest + (tail + b"=" * (4 - len(tail)) if len(tail) > 1 else b"")
        try:
            plain = binascii.a2b_base64(padded)
        except binascii.Error:
            continue
        if (HINT.search(plain) or depth + 1 < _DEEPEST) and redacted(plain, depth + 1) != plain:
            return True
    return False
