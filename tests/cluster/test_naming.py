"""Names that an API server's answer holds, whatever else it may be."""

import pytest

from terway_mcp.cluster.naming import names_in


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"kind": "\xff"}', b"[" * 200_000 + b"]" * 200_000])
def test_what_is_no_answer_of_an_api_server_names_nothing(body: bytes) -> None:
    assert names_in(body) == {}


def test_objects_say_what_they_and_those_around_them_are_called() -> None:
    body = b'{"kind":"Pod","metadata":{"name":"web-0","namespace":"shop"},"spec":{"nodeName":"n1"}}'
    assert names_in(body) == {"web-0": "app", "shop": "namespace", "n1": "node"}
