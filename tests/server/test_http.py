"""The HTTP endpoint itself: health, and who may not talk to it."""

import httpx2
import pytest

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


def post(url: str, **headers: str) -> httpx2.Response:
    return httpx2.post(url, json=LIST, headers={**HEADERS, **headers}, timeout=10)


def test_the_probe_answers_without_a_cluster_or_a_client(http_url: str) -> None:
    answer = httpx2.get(http_url.replace("/mcp", "/healthz"))
    assert (answer.status_code, answer.text) == (200, "ok")


def test_no_session_is_asked_of_or_given_to_a_client(http_url: str) -> None:
    answer = post(http_url, **{"mcp-protocol-version": "2025-11-25"})
    assert answer.status_code == 200
    assert "mcp-session-id" not in answer.headers
    assert "inspect_cluster" in answer.text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "169.254.169.254"])
def test_a_foreign_host_name_is_turned_away(http_url: str, host: str) -> None:
    assert post(http_url, host=host).status_code == 421


def test_a_web_page_of_another_origin_is_turned_away(http_url: str) -> None:
    assert post(http_url, origin="https://evil.example").status_code == 403


@pytest.mark.parametrize("path", ["/", "/healthz/", "/docs", "/mcp/../etc/passwd"])
def test_nothing_else_is_served(http_url: str, path: str) -> None:
    assert httpx2.get(http_url.replace("/mcp", path)).status_code in (307, 404)
