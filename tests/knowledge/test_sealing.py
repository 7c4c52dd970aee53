"""A value is judged by what it stands under, beside or behind."""

from typing import Any

import pytest

from terway_mcp.knowledge.redaction import MASK
from terway_mcp.knowledge.sealing import masked


@pytest.mark.parametrize(
    ("data", "sealed"),
    [
        ({"access_secret": "x y"}, {"access_secret": MASK}),
        ({"password": 123456}, {"password": MASK}),
        ({"token": ["a", "b"]}, {"token": [MASK, MASK]}),
        ({"auth": "dTpw"}, {"auth": MASK}),
        ({"credentials": {"user": "u", "password": "p"}}, {"credentials": {"user": "u", "password": MASK}}),
        ([{"name": "DB_PASSWORD", "value": "p"}], [{"name": "DB_PASSWORD", "value": MASK}]),
        (["--otel-token", "p", "--region", "x"], ["--otel-token", MASK, "--region", "x"]),
        (["--otel-token=p"], [f"--otel-token={MASK}"]),
    ],
)
def test_what_stands_under_beside_or_behind_a_secret_name_is_masked(data: Any, sealed: Any) -> None:
    assert masked(data) == sealed
    assert masked(sealed) == sealed


@pytest.mark.parametrize(
    "data",
    [
        {"access_key": "", "access_secret": None, "automountServiceAccountToken": True},
        {"credential_path": "/var/addon/token-config", "secretName": "x", "tokens": 3},
        [{"name": "LOG_LEVEL", "value": "info"}],
        ["--otel-token", "--region", "x"],
        {"eni_tags": {"ack.aliyun.com": "c1"}, "vswitches": {"cn-hangzhou-h": ["vsw-bp1"]}},
        {"x" * 100_000: "a very long name is no name of a secret"},
    ],
)
def test_everything_else_stays(data: Any) -> None:
    assert masked(data) == data
