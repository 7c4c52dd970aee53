"""The telling values inside a free text: codes, request ids, and ids of cloud resources."""

import ipaddress
from typing import Any

import msgspec
import re2

from terway_mcp.knowledge.patterns import re2_options, to_bytes, to_text

_LIMIT = 16
"""Values kept per field: an aggregated error repeats itself, an answer must not."""


class Identifiers(msgspec.Struct, frozen=True):
    """Unique values in order of appearance, at most 16 of each.

    `openapi_codes` come from Alibaba Cloud (`errCode: X`, `ErrorCode: X`, `Code: X`, LingJun numbers);
    `terway_codes` are Terway's own (`code: PodENINotReady, msg: ...`, types/errors.go).
    """

    openapi_codes: tuple[str, ...] = ()
    terway_codes: tuple[str, ...] = ()
    request_ids: tuple[str, ...] = ()
    vswitches: tuple[str, ...] = ()
    enis: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    grpc_codes: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()


# One alternation, so one pass. Terway's own errors are written lower-case `code: X, msg:`, the SDK's `Code: X`.
_PATTERN: Any = re2.compile(
    rb"""errcode["\\]*:\s*["\\]*(?P<openapi_codes>[A-Za-z][A-Za-z0-9_.]*[A-Za-z0-9]|\d{1,6})"""
    rb"""|\b(?-i:ErrorCode|Code)["\\]*:\s*["\\]*(?P<openapi_codes_2>[A-Z][A-Za-z0-9_.]*[A-Za-z0-9])"""
    rb"""|\b(?-i:code): (?P<terway_codes>[A-Za-z]+), msg:"""
    rb"""|\b(?P<openapi_codes_3>SDK\.[A-Za-z]+)"""
    rb"""|request_?id["\\]*[:=]\s*["\\]*(?P<request_ids>[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12})"""
    rb"""|\b(?P<vswitches>vsw-[a-z0-9]+)"""
    rb"""|\b(?P<enis>eni-[a-z0-9]+)"""
    rb"""|\b(?P<security_groups>sg-[a-z0-9]+)"""
    rb"""|\b(?P<instances>i-[a-z0-9]{6,})"""
    rb"""|rpc error: code = (?P<grpc_codes>[A-Za-z]+)"""
    rb"""|\b(?P<zones>(?:cn|ap|us|eu|me|na|sa|af)-[a-z]+(?:-[a-z0-9]+)*?-\d{0,2}[a-z])\b"""
    rb"""|(?P<ips>\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){2,7})""",
    re2_options(),
)


def identifiers(text: str | bytes) -> Identifiers:
    """Collect the identifiers of one text, in time linear in its length.

    Formats: pkg/aliyun/client/errors/errors.go, types/errors.go, grpc-go's status, Alibaba Cloud resource ids.
    """
    found: dict[str, dict[str, None]] = {}
    for match in _PATTERN.finditer(to_bytes(text)):
        for group, raw in match.groupdict().items():
            if raw is not None:
                field = to_text(group).rstrip("_0123456789")
                values = found.setdefault(field, {})
                value = to_text(raw)
                if len(values) < _LIMIT and (field != "ips" or _is_ip(value)):
                    values[value] = None
    return Identifiers(**{field: tuple(values) for field, values in found.items()})


def _is_ip(value: str) -> bool:
    # Clock times and MAC addresses have the shape of IPv6 groups.
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True
