"""Secrets are masked wherever they hide; hostile text is disarmed."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terway_mcp.knowledge.redaction import MASK, clean, redact

_KEY = "LTAI5tPLANTEDplanted1"
_SECRET = "plantedSECRETplanted123456"
_JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ0ZXJ3YXkifQ.c2lnbmF0dXJl"
_CONF = {"access_key": _KEY, "access_secret": _SECRET, "max_pool_size": 5}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(_CONF),
        json.dumps({"eni_conf": json.dumps(_CONF)}),
        json.dumps({"annotation": json.dumps({"eni_conf": json.dumps(_CONF)})}),
        f"access_key: {_KEY}\naccess_secret: {_SECRET}\nmax_pool_size: 5",
        f"access_key: '{_KEY}'\naccess_secret: \"{_SECRET}\"",
        f"got config: &{{Version:1 AccessID:{_KEY} AccessSecret:{_SECRET} CredentialPath: ServiceCIDR:172.16.0.0/20}}",
        f"AccessID: AccessSecret:{_SECRET} CredentialPath:",
        f"accessKey={_KEY}&accessSecret={_SECRET}",
        f"ACCESS_KEY_SECRET={_SECRET} my_otelToken: {_SECRET}",
        f'Get "https://ecs.aliyuncs.com/?AccessKeyId={_KEY}&Action=X&Signature={_SECRET}%3D&x=y": EOF',
        f"https://ecs.aliyuncs.com/?SecurityToken={_SECRET}&Action=X",
        f"using key {_KEY} of the account",
        f"sts STS.{_SECRET}",
        f"token: my_token: {_SECRET}",
        f'{{"otelToken": "{_SECRET}"',
        f'"access_secret":"{_SECRET}',
        f"Authorization: Bearer {_SECRET}",
        f"Authorization: Basic {_SECRET}==",
        f'"token": "{_JWT}"',
        f"got {_JWT} back",
        f"-----BEGIN RSA PRIVATE KEY-----\n{_SECRET}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{_SECRET}",
        f"client-key-data: LS0tLS1CRUdJTi{_SECRET}",
        f"password={_SECRET}",
        f"EncodedDiagnosticMessage: {_SECRET}",
    ],
)
def test_a_secret_is_masked(text: str) -> None:
    masked = redact(text)
    assert _SECRET not in masked
    assert _KEY not in masked
    assert _JWT not in masked
    assert MASK in masked


@pytest.mark.parametrize(
    "text",
    [
        "errCode: InvalidAccessKeyId.NotFound, msg: Specified access key is not found., requestID: A",
        "errCode: SignatureDoesNotMatch, msg: x",
        "got config: &{Version:1 AccessID: AccessSecret: CredentialPath: }",
        '{"access_key": "", "access_secret": null, "automountServiceAccountToken": false}',
        'secret "terway-controlplane-credential" not found',
        "invalid token in JSON",
        "errCode: InvalidSecurityToken.Expired, msg: Specified SecurityToken is expired., requestID: 1A2B",
        "errCode: InvalidVSwitchId.IpNotEnough, vsw-bp1qpbdi9sti requestID: B7EDE492-4361-4689-9DD8-F5A7A59DC3BE",
        "eni-bp11n4rsp3wtfb7djo62 of i-bp1dkqf1r9g2z03ab8hl in sg-bp1o2x9qixcmibujn23z and vpc-bp1m7v25emi1h5mtc5hj",
        f'failed to setup network for sandbox "{"0123456789abcdef" * 4}": cmd: add, code: PodENINotReady, msg: x',
        "registry.example.com/acs/terway@sha256:" + "0a" * 32,
        "rpc error: code = Unavailable desc = connection error: dial unix /var/run/eni/eni.socket: no such file",
        'I0701 08:30:00.000000 1 crd_v2.go:219] "no ip left" pod="shop/web-4scw2srtd-2jdsh" ipv4=10.0.64.10/32',
        "fd00:0:1::a and 00:16:3e:ea:cb:13 in cn-hangzhou-h, https://10.0.0.1:6443/api/v1/pods?limit=500",
        'MountVolume.SetUp failed for volume "kube-api-access-8xz7l": references non-existent secret key: ca.crt',
        "credential_path: /var/addon/token-config",
        "github.com/AliyunContainerService/terway/pkg/aliyun/client.(*OpenAPI).DescribeNetworkInterface2",
        "serviceaccount token, secretName: terway-webhook-cert, tokenExpirationSeconds: 3600",
        "X509 certificate of webhook-authorization.k8s.io is invalid; authorization.k8s.io/v1 is served",
        "vsw-a no ip left",
        f"AccessID:{MASK} AccessSecret:{MASK}",
        "",
    ],
)
def test_a_telling_text_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_what_stands_around_a_secret_stays() -> None:
    assert redact(json.dumps(_CONF)) == f'{{"access_key": "{MASK}", "access_secret": "{MASK}", "max_pool_size": 5}}'
    assert redact(f"Action=X&Signature={_SECRET}&RegionId=y") == f"Action=X&Signature={MASK}&RegionId=y"


def test_the_account_of_a_refused_role_is_masked() -> None:
    assert redact("acs:ram::1234567890123456:role/terway") == f"acs:ram::{MASK}:role/terway"


_HOSTILE = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(
            [
                *("access_key", "token", "Signature", "Bearer ", "LTAI5tabcdefgh", "eyJabcdefgh.abcd.", "null", MASK),
                *(":", "=", '"', "'", "\\", '\\"', " ", "\n", "&", ","),
                *("-----BEGIN PRIVATE KEY-----", "acs:ram::123456"),
            ]
        ),
    ),
    max_size=30,
).map("".join)


@given(_HOSTILE)
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@given(_HOSTILE)
def test_redacting_lengthens_a_text_at_most_twofold(text: str) -> None:
    assert len(redact(text)) <= 2 * len(text) + len(MASK)


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=12, max_size=40))
def test_a_secret_under_a_credential_key_never_survives(secret: str) -> None:
    assert secret not in redact(json.dumps({"access_secret": secret}, ensure_ascii=False))
    assert secret not in redact(json.dumps({"eni_conf": json.dumps({"access_secret": secret}, ensure_ascii=False)}))


_NASTY = (
    '"token":"', "token:\\\\'", "token=", "access_key: ", "a" * 9, "\\", "-----BEGIN PRIVATE KEY", "\x1b]",
    "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "aB3d" * 16 + "\n", "aB3d", "Bearer ", "://u:",
    "<token>", "%25", "%253D", "token%3D", "password: ", "--token ", "name,", "tok\u200ben:", "access\\u005f", "LTAI5t",
    "eyJhbGciOi.", 'name: token\n value: "', "authorization: basic ", "YWNjZXNzX3NlY3JldD1hYmM",
)  # fmt: skip


def _cost(text: str) -> float:
    """Seconds of this thread's own work, the least of several tries: what else the machine does is left out."""

    def once() -> float:
        begun = time.thread_time()
        redact(text)
        clean(text, 200)
        return time.thread_time() - begun

    return min(once() for _ in range(5))


@pytest.mark.parametrize("unit", _NASTY)
def test_twice_the_text_costs_twice_the_work(unit: str) -> None:
    short, long = (_cost(unit * (size // len(unit))) for size in (60_000, 240_000))
    ratio = long / max(short, 0.001)
    print(f"{unit[:24]!r:<28} {short * 1e3:7.1f} ms, four times the text: x{ratio:.1f}")
    assert ratio < 8, "quadratic work would cost sixteen times as much"


def test_hostile_text_becomes_one_printable_line() -> None:
    text = "a\x1b[31mred\x1b[0m\r\n\tb\u200bc\u202e\x00d\x1b]0;title\x07 e\ufeff\U000e0041\u2028f\ud800"
    assert clean(text, 100) == "ared bcd e f"


def test_a_long_text_ends_in_an_ellipsis_within_the_limit() -> None:
    assert clean("abcdef", 4) == "abc…"
    assert clean("abcd", 4) == "abcd"
    assert clean("abcd", 0) == ""


@given(st.text(), st.integers(min_value=0, max_value=80))
def test_a_cleaned_text_is_short_printable_and_stable(text: str, limit: int) -> None:
    cleaned = clean(text, limit)
    assert len(cleaned) <= limit
    assert cleaned.isprintable()
    assert clean(cleaned, limit) == cleaned
