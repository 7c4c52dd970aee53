"""The pod log subresource: which container, and why there is no log, as API server and kubelet answer it."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from terway_mcp.cluster.bundle import Bundle, KubeObject
from terway_mcp.cluster.embedded.log_lines import LogView, render
from terway_mcp.cluster.embedded.shape import dig, objects, text
from terway_mcp.cluster.embedded.status import Reply, Target, bad_request, invalid, not_captured
from terway_mcp.cluster.errors import InvalidInput

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_PULLING = {
    "ErrImagePull": "image can't be pulled",
    "ImagePullBackOff": "trying and failing to pull image",
}


def read_log(bundle: Bundle, target: Target, pod: KubeObject, params: Mapping[str, str]) -> Reply:
    """Answer `GET …/pods/<name>/log`: 200 with a streamed body, 204 for a pod without node, or a refusal.

    Parameters are those of PodLogOptions; `follow` ends at the end, because a capture does not grow.

    Raises:
        InvalidInput: A parameter is malformed; its message is the server's.
    """
    view = _view(bundle, params)
    if refusal := _impossible(target.name or "", params):
        return refusal
    container = _container(pod, params.get("container", ""))
    if not text(pod, "spec", "nodeName"):
        return Reply(204)
    previous = params.get("previous", "") in _TRUE
    log = bundle.log(target.namespace or "", target.name or "", container, previous=previous)
    if log:
        return Reply(200, render(log, view), "text/plain")
    if reason := _no_log(pod, container, previous=previous):
        return bad_request(reason)
    place = f"the {'previous ' if previous else ''}log of container {container}"
    why = bundle.log_error(target.namespace or "", target.name or "", container, previous=previous)
    return not_captured(target, place, why)


def _view(bundle: Bundle, params: Mapping[str, str]) -> LogView:
    since = _time(params["sinceTime"]) if params.get("sinceTime") else None
    if seconds := _integer(params, "sinceSeconds"):
        since = _before(bundle.captured_at, seconds)
    return LogView(
        tail=_integer(params, "tailLines"),
        since=since,
        limit=_integer(params, "limitBytes"),
        timestamps=params.get("timestamps", "") in _TRUE,
    )


def _impossible(pod: str, params: Mapping[str, str]) -> Reply | None:
    limits = (("tailLines", 0, "greater than or equal to 0"), ("limitBytes", 1, "greater than 0"))
    for field, least, rule in (*limits, ("sinceSeconds", 1, "greater than 0")):
        value = _integer(params, field)
        if value is not None and value < least:
            return invalid("PodLogOptions", pod, field, value, f"must be {rule}")
    if params.get("sinceTime") and params.get("sinceSeconds"):
        problem = "at most one of `sinceTime` or `sinceSeconds` may be specified"
        return invalid("PodLogOptions", pod, "sinceSeconds", params["sinceSeconds"], problem)
    return None


def _integer(params: Mapping[str, str], field: str) -> int | None:
    value = params.get(field, "")
    if not value:
        return None
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", value):
        raise InvalidInput(f'strconv.ParseInt: parsing "{value}": invalid syntax')
    return int(value)


def _time(value: str) -> datetime:
    try:
        if _RFC3339.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    raise InvalidInput(f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse "{value}" as "2006"')


def _before(moment: datetime, seconds: int) -> datetime | None:
    try:
        return moment - timedelta(seconds=seconds)
    except OverflowError:
        return None


def _container(pod: KubeObject, wanted: str) -> str:
    name = text(pod, "metadata", "name")
    usual = _names(pod, "containers")
    initial = _names(pod, "initContainers")
    if wanted:
        if wanted not in (*usual, *initial, *_names(pod, "ephemeralContainers")):
            raise InvalidInput(f"container {wanted} is not valid for pod {name}")
        return wanted
    if len(usual) == 1 and not initial:
        return usual[0]
    choice = f"choose one of: [{' '.join(usual)}]"
    if initial:
        choice += f" or one of the init containers: [{' '.join(initial)}]"
    raise InvalidInput(f"a container name must be specified for pod {name}, {choice}")


def _names(pod: KubeObject, group: str) -> list[str]:
    return [text(container, "name") for container in objects(pod, "spec", group)]


def _no_log(pod: KubeObject, container: str, *, previous: bool) -> str | None:
    """Why a kubelet would refuse; None when it would have served a log, so that only the capture lacks it."""
    name = text(pod, "metadata", "name")
    status = _status(pod, container)
    ended_before = dig(status, "lastState", "terminated", "containerID")
    if previous:
        return None if ended_before else f'previous terminated container "{container}" in pod "{name}" not found'
    if status is None:
        return f'container "{container}" in pod "{name}" is not available'
    if dig(status, "state", "running") or dig(status, "state", "terminated") or ended_before:
        return None
    reason = text(status, "state", "waiting", "reason")
    if not reason:
        return f'container "{container}" in pod "{name}" is waiting to start - no logs yet'
    return f'container "{container}" in pod "{name}" is waiting to start: {_PULLING.get(reason, reason)}'


def _status(pod: KubeObject, container: str) -> KubeObject | None:
    groups = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
    known = (status for group in groups for status in objects(pod, "status", group))
    return next((status for status in known if text(status, "name") == container), None)
