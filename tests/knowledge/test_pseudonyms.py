"""Names and addresses are recognised in the company of others."""

import pytest

from terway_mcp.knowledge.pseudonyms import Pseudonyms

NAMES = {"payments": "namespace", "ledger": "app", "cn-hangzhou.10.0.1.21": "node"}


@pytest.mark.parametrize(
    ("text", "private"),
    [
        ("https://ledger.payments:8443/validate", ("ledger", "payments")),
        ("ledger.payments.svc.cluster.local", ("ledger", "payments")),
        ("dial tcp [::ffff:10.0.1.2]:443: i/o timeout", ("10.0", ".1.2")),
        ("lease 10.0.1.21.eth0", ("10.0.1.21",)),
        ("event cn-hangzhou.10.0.1.21.17b2f0c1", ("10.0.1.21",)),
        ("from fd00::1.", ("fd00",)),
    ],
)
def test_nothing_of_a_name_is_left_where_it_stands_with_others(text: str, private: tuple[str, ...]) -> None:
    said = Pseudonyms(b"k" * 32, NAMES).text(text)
    assert not [part for part in private if part in said], said


@pytest.mark.parametrize("text", ["terway v1.15.0", "took 1.5s at 10:31:07", "listening on 127.0.0.1:8080", "::1"])
def test_what_names_nothing_stays(text: str) -> None:
    assert Pseudonyms(b"k" * 32, NAMES).text(text) == text
