"""What an API server's refusal means: the outcome of a read, and in words what to do about it."""

import msgspec

from terway_mcp.cluster.connection import Answer
from terway_mcp.cluster.coverage import Grantable, Outcome
from terway_mcp.cluster.resources import PODS, Resource

_NO_SUCH_PATH = b"404 page not found"


class _Status(msgspec.Struct):
    """meta/v1 Status, as an API server explains a refusal."""

    message: str = ""
    reason: str = ""


def _status(answer: Answer) -> _Status:
    try:
        return msgspec.json.decode(answer.body, type=_Status)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _Status()


def refusal(answer: Answer, verb: str, resource: Resource | None, namespace: str | None) -> tuple[Outcome, str]:
    """The outcome of a read of a resource (None: of a path that is none) that was not answered with what was asked."""
    status = _status(answer)
    if answer.status == 403:
        return "forbidden", Grantable(verb, resource.qualified_name if resource else "this path", namespace or "").words
    if answer.status == 404 and status.reason == "NotCaptured":
        return "unavailable", status.message
    if answer.status == 404:
        return _absence(answer, status, resource)
    if answer.status == 410:
        return "expired", status.message
    if answer.status == 401:
        return "forbidden", "the API server rejected the credentials (401)"
    if answer.status == 200:
        return "unavailable", f"the API server's answer is not {'valid JSON' if verb == 'get' else 'a list in JSON'}"
    if answer.status == 429:
        wait = f"; it asks to wait {answer.retry_after} s" if answer.retry_after.isdecimal() else ""
        return "unavailable", f"the API server has too many requests (429){wait}"
    if 300 <= answer.status < 400:
        return "unavailable", f"HTTP {answer.status}: a redirect, which is not followed"
    return "unavailable", f"HTTP {answer.status} {status.message}".strip()


def _absence(answer: Answer, status: _Status, resource: Resource | None) -> tuple[Outcome, str]:
    """Tell what does not exist from what is not served, and both from a server that knows nothing of Kubernetes."""
    if status.reason == "NotFound":
        return "not_found", ""
    if resource and resource.is_custom and answer.body.strip() == _NO_SUCH_PATH:
        return "not_found", "the API server does not serve this resource (CRD not installed)"
    return "unavailable", "HTTP 404, but not as Kubernetes says it: is this an API server?"


def log_refusal(answer: Answer, namespace: str) -> tuple[Outcome, str]:
    """The same of a pod's log."""
    if answer.status == 204:
        return "not_found", "no node runs this pod yet"
    if answer.status == 403:
        return "forbidden", Grantable("get", "pods/log", namespace).words
    if answer.status == 400:
        return "not_found", _status(answer).message
    return refusal(answer, "get", PODS, namespace)
