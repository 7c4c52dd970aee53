"""The telling values of a text are found, in order, once, and in linear time."""

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from terway_mcp.knowledge.identifiers import Identifiers, identifiers

_ID = "3D6A7C1E-0B7E-5A77-9C11-2F2E1C0A9B11"


def test_a_wrapped_openapi_error_yields_every_identifier() -> None:
    text = (
        "rpc error: code = Unknown desc = errCode: InvalidVSwitchId.IpNotEnough, "
        f'msg: VSwitch "vsw-bp1a" of sg-bp1b for eni-bp1c on i-bp1abcdef in cn-hangzhou-h, requestID: {_ID}'
    )
    assert identifiers(text) == Identifiers(
        openapi_codes=("InvalidVSwitchId.IpNotEnough",),
        request_ids=(_ID,),
        vswitches=("vsw-bp1a",),
        enis=("eni-bp1c",),
        security_groups=("sg-bp1b",),
        instances=("i-bp1abcdef",),
        grpc_codes=("Unknown",),
        zones=("cn-hangzhou-h",),
    )


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("errCode: 1013, msg: x, requestID: y", ("1013",)),
        ("errCode: Throttling, msg: Request was denied., DescribeNode", ("Throttling",)),
        ("Aliyun API Error: RequestId: A Status Code: 403 Code: Forbidden.RAM Message: x", ("Forbidden.RAM",)),
        ("SDK.ServerError\nErrorCode: Forbidden.RAM\nRecommend: x", ("Forbidden.RAM",)),
        ('{\\"Code\\":\\"Throttling.User\\",\\"Message\\":\\"x\\"}', ("Throttling.User",)),
        ("errCode: SDK.ServerUnreachable, msg: x, requestID: ", ("SDK.ServerUnreachable",)),
        ("get from metaserver failed code: 404, url: http://100.100.100.200/", ()),
        ("rpc error: code = DeadlineExceeded desc = x", ()),
        ("[errCode: A.Bc, msg: x, errCode: Cde, msg: y, errCode: A.Bc, msg: z]", ("A.Bc", "Cde")),
    ],
)
def test_a_code_is_found_in_every_wrapper(text: str, codes: tuple[str, ...]) -> None:
    found = identifiers(text)
    assert tuple(code for code in found.openapi_codes if code != "SDK.ServerError") == codes


def test_terways_own_code_is_told_apart() -> None:
    found = identifiers("code: PodENINotReady, msg: PodENI Phase is Binding")
    assert (found.openapi_codes, found.terway_codes) == ((), ("PodENINotReady",))


def test_clock_times_and_macs_are_no_addresses() -> None:
    assert identifiers("08:06:10 00:16:3e:01:02:03 10.0.0.9 fe80::1 999.1.1.1 2001:db8::5").ips == (
        "10.0.0.9",
        "fe80::1",
        "2001:db8::5",
    )


def test_a_region_is_no_zone() -> None:
    assert identifiers("cn-hangzhou ap-southeast-1 ap-southeast-1a cn-hangzhou-h").zones == (
        "ap-southeast-1a",
        "cn-hangzhou-h",
    )


def test_an_endless_list_is_cut() -> None:
    assert len(identifiers(" ".join(f"eni-{n}" for n in range(1000))).enis) == 16


@given(st.one_of(st.text(), st.binary()))
def test_no_text_breaks_the_search(text: str | bytes) -> None:
    found = msgspec.structs.asdict(identifiers(text))
    assert all(len(values) <= 16 and len(set(values)) == len(values) for values in found.values())


@pytest.mark.parametrize("unit", ["errCode: ", "cn-a", "1.", "a:", "requestID: 3D6A7C1E-"])
def test_the_search_is_linear(unit: str) -> None:
    start = time.perf_counter()
    identifiers(unit * (400_000 // len(unit)))
    assert time.perf_counter() - start < 3.0
