"""The forms secrets take in text, as data: keys whose values are secret, and secrets that show themselves.

Everything here is RE2 over bytes, case-insensitive unless said otherwise, and linear in the text.
"""

from typing import Any

import re2

from terway_mcp.knowledge.patterns import re2_options

MASK = "******"
"""What Terway itself prints for a secret (types/secret/secret.go)."""

MASKED = MASK.encode()


def _compiled(*parts: bytes) -> Any:
    return re2.compile(b"".join(parts), re2_options())


# Quotes, separators and joints as they look after JSON, URLs or HTML have escaped them, once or several times.
_QUOTE = rb"""(?:\\*["']|%(?:25){0,2}2[27]|&(?:quot|apos|#3[49]);|\\+u002[27])"""
_SEPARATOR = rb"(?:[:=]{1,2}>?|%(?:25){0,2}3[ad]|&#61;|\\+u003[ad])"
_JOINT = rb"""["'`+]{0,3}(?:[_-]|%(?:25){0,2}(?:5f|2d)|\\+u00(?:5f|2d))?["'`+]{0,3}"""
_WIDE_JOINT = rb"(?: |" + _JOINT + rb")"
_BRACKET = rb"(?:\[[ \t]*)?"

_STAMP = rb"(?:\d{4}-\d\d-\d\dT[0-9:.Z+-]{9,30} )?"
"""What a kubelet puts before every line of a log."""

_LINE_END = rb"(?:\\+r|\r)?(?:\\+n|\n)" + _STAMP

_GAP = rb"(?:[ \t]*(?:[|>][+-]?)?(?:[ \t]+|[ \t]*" + _LINE_END + rb"[ \t]+)(?:-[ \t]+)?|(?:[ \t]|%(?:25){0,2}20)*)"
"""What may lie between a separator and the value: nothing, blanks, or what begins a block or a list in YAML."""

# A key is only recognised by its tail, so prefixes (`my_access_key`, `otelToken`, `x-acs-security-token`) come free,
# and only right before a separator, so prose and codes (`InvalidAccessKeyId.NotFound`) stay readable.
_KEYS = b"".join(
    (
        rb"(?:access" + _WIDE_JOINT + rb"(?:key(?:" + _WIDE_JOINT + rb"(?:id|secret))?|id|secret)",
        rb"|secret" + _JOINT + rb"key|secret|token|pass(?:word|wd|phrase)|[_-]pass|credentials?|signature|[?&]sig",
        rb"|api[_-]?key|private[_-]?key(?:[_-]?data)?|client-key-data|[_-]auth|[\"']auth",
        rb"|encoded-?diagnostic-?message)\d?",
    )
)

_FLAG = rb"(?:^|[\s\"'\[(,])-{1,2}[a-z0-9._-]{0,60}" + _KEYS + rb"(?:[ \t]+|" + _QUOTE + rb"[ \t]*,?[ \t]*)"
"""--access-key-secret VALUE, also as two elements of a list."""

_NAMED = rb"(?:(?:[\s,;]|\\+r|" + _LINE_END + rb"){1,24}" + _QUOTE + rb"?value" + _QUOTE + rb"?)?"
"""What makes {name: KEY, value: VALUE} of a key."""

KEY = _compiled(
    rb"(?:" + _FLAG + rb"|" + _KEYS + _QUOTE + rb"?" + _NAMED,
    rb"[ \t]*(" + _SEPARATOR + rb")" + _GAP + _BRACKET + rb")",
    rb"(" + _QUOTE + rb")?",
)
"""A key up to where its value begins; group 1 is the separator as it is escaped, group 2 the quote before the value."""

BARE_VALUE = _compiled(rb"[^\s\"'`\\,;&<>{}()\[\]]+")
BARE_PASSWORD = _compiled(rb"[^\s\"'`\\&<>]+")
REST_OF_LINE = _compiled(rb"(?:[^\r\n\\]|\\+[^nr\\])+")

FIELD_NAME = _compiled(rb"[a-z_]{1,24}:")
"""What is no value but the next field."""

GLUED = _compiled(rb"""(?:(?:\\*["']){1,2}[a-z0-9+/=_-]+)+""")
"""More of a value behind its closing quote, as shells and C join strings."""

ENCODED_END = _compiled(rb"%(?:25){0,2}(?:26|22|27|2c|20|0a|0d|7d|5d|3b)")
"""Where a percent-encoded value ends."""

_KEY_MARK = rb"(?:[A-Z0-9 +]|%20){0,40}PRIVATE(?: |%20|\+)KEY(?:(?: |%20|\+)BLOCK)?-----"
_SCHEME = rb"(?:bearer|basic|acs|oss|token|digest|negotiate|apikey|[a-z0-9]+-hmac-sha[a-z0-9-]+)"
_TOKEN = rb"(?:[A-Za-z._~+/=-]*[0-9][A-Za-z0-9._~+/=-]{4,}|[A-Za-z0-9._~+/=-]{20,})"

_SHOWN: tuple[tuple[bytes, bytes], ...] = (
    (rb"-----BEGIN" + _KEY_MARK + rb"(?:.*?-----END" + _KEY_MARK + rb"|.*)", MASKED),
    # The end of a key whose beginning was cut off.
    (rb"(?:[A-Za-z0-9+/=]{4,}(?:\s|\\+r|%(?:25){0,2}0[ad]|" + _LINE_END + rb")+)*-----END" + _KEY_MARK, MASKED),
    # What every private key and certificate begins with when its frame is missing (DER, base64).
    (rb"(?-i:\b(?:MII[A-J]|MIG[HT]|MC4C|MHcC|MF8C)[A-Za-z0-9+/_-]{12,}={0,2})", MASKED),
    (rb"LS0tLS1CRUdJTi[A-Za-z0-9+/=_-]+", MASKED),
    (
        rb"authorization" + _QUOTE + rb"?[ \t]*" + _SEPARATOR + rb"[ \t]*" + _BRACKET + _QUOTE + rb"?"
        rb"(?:" + _SCHEME + rb"(?: |\+|%20)+)?[^\s\"'\\\],}]+",
        b"Authorization: " + MASKED,
    ),
    (rb"\bbearer(?:\s|\+|%20|\\+[tn]|[:=\"'])+" + _TOKEN, b"Bearer " + MASKED),
    (rb"\bcookie" + _QUOTE + rb"?[ \t]*[:=][ \t]*" + _BRACKET + _QUOTE + rb"?[^\s\"'\\\]]+", b"cookie: " + MASKED),
    (rb"(?-i:eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?)", MASKED),
    (rb"(?-i:LTAI[A-Za-z0-9]{8,})", b"LTAI" + MASKED),
    (rb"(?-i:STS\.[A-Za-z0-9]{8,})", b"STS." + MASKED),
    # What a security token of STS begins with.
    (rb"(?-i:\bCAIS[A-Za-z0-9+/%=]{12,})", MASKED),
    # RAM error texts name the account that was refused.
    (rb"acs:ram::\d{6,}", b"acs:ram::" + MASKED),
)

_BETWEEN: tuple[bytes, ...] = (
    # https://user:PASSWORD@host
    rb"([a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'\\]{0,80}:)[^\s/@\"'\\]+(@)",
    # the same, cut short; a host's port is a number
    rb"(://[^\s/:@\"'\\]{1,80}:)[^\s/@\"'\\]*[^\s/@\"'\\0-9][^\s/@\"'\\]*()\z",
    # <AccessKeySecret>SECRET</AccessKeySecret>, as STS and OpenAPI answer in XML
    rb"((?:<|&lt;|\\+u003c)[\w:.-]{0,60}?" + _KEYS + rb"(?:>|&gt;|\\+u003e)\s*)[^<>&\\\s]+()",
)

SHOWN = tuple((_compiled(pattern), replacement) for pattern, replacement in _SHOWN)
"""Secrets that can be told by themselves, with what is written in their place."""

BETWEEN = tuple(map(_compiled, _BETWEEN))
"""Secrets between two groups that stay."""

SHOWS_ITSELF = _compiled(b"|".join([*(pattern for pattern, _ in _SHOWN), *_BETWEEN]))
"""Hits where any of these does."""

VEILS = _compiled(
    rb"\\+(?:u001b|x1b|033)\[[0-9;]{0,8}m|\\+xad",
    rb"|\\+u(?:00ad|034f|061c|115f|1160|17b[45]|180[b-e]|200[b-f]|202[a-e]|206[0-9a-f]|2800|3164|fe0[0-9a-f]|feff|ffa0)",
)
"""Terminal colours and invisible characters where a quoted text writes them out."""

HINT = _compiled(
    rb"access|secret|token|passw|passph|_pass|-pass|signature|[_-]key|apikey|privatekey|diagnostic|bearer",
    rb"|authorization|credential|cookie|auth\b|sig[=%]|eyJ|LTAI|STS\.|CAIS|ram::|LS0tLS1|PRIVATE|\bM[ICHF][IGHJ48c]",
    rb"|://[^\s/:@]{0,80}:[^\s/]",
)
"""Hits every text in which one of the forms above can occur."""
