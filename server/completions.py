"""Completion of arguments: contexts, namespaces, pods and nodes of the cluster, and ids of the knowledge.

A host asks with every key its user presses. So names are kept for a few seconds, a list is read no further than the
values that can be shown, and a cluster that did not answer is left alone for a while. There is never an error: where
nothing can be learnt there is nothing to offer.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast, get_args

import anyio
import anyio.to_thread
import msgspec
from mcp.server.mcpserver import MCPServer
from mcp_types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.decode import decode_each
from terway_mcp.cluster.errors import ClusterUnreachable, InvalidInput, TerwayMcpError
from terway_mcp.cluster.names import namespace_name
from terway_mcp.cluster.objects import KubernetesObject
from terway_mcp.cluster.resources import NAMESPACES, NODES, PODS, Resource
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.knowledge.redaction import disarmed
from terway_mcp.knowledge.schema import Kind

KINDS: tuple[Kind, ...] = get_args(Kind)

_SECONDS = 3.0
"""No completion takes longer."""

_VALUES = 100
_LONGEST_VALUE = 253

_KEPT_SECONDS = 10.0
_QUIET_SECONDS = 30.0
"""How long a context that gave no names is not asked for any."""

_LISTS_KEPT = 32


class _Name(KubernetesObject, frozen=True):
    name: str = ""


class _Named(KubernetesObject, frozen=True):
    metadata: _Name = _Name()


class Offer(NamedTuple):
    """Names that may be meant; `whole` unless there are more that are not known."""

    names: list[str]
    whole: bool


_NOTHING = Offer([], whole=True)
_UNKNOWN = Offer([], whole=False)

_Place = tuple[str, Resource, str | None]
"""A context, a resource and a namespace: where a list of names was read."""


class Completions:
    """Answers `completion/complete`; what it keeps are names, for a few seconds."""

    def __init__(self, clusters: Clusters | None, knowledge: Callable[[], Knowledge]) -> None:
        """Without `clusters` only the knowledge is offered."""
        self._clusters = clusters
        self._knowledge = knowledge
        self._kept: dict[_Place, tuple[float, Offer]] = {}
        self._quiet: dict[str, float] = {}

    async def complete(
        self,
        _ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        """At most 100 values that begin as the argument does; `total` only where all are known."""
        chosen = (context.arguments if context else None) or {}
        offer = _UNKNOWN
        with anyio.move_on_after(_SECONDS) as patience:
            offer = await self._offer(argument, chosen)
        if patience.cancelled_caught:
            self._leave_alone(chosen)
        if not offer.names and not offer.whole:
            return Completion(values=[])
        matching = sorted({name for name in offer.names if name.startswith(argument.value) and _is_plain(name)})
        total = len(matching) if offer.whole else None
        return Completion(values=matching[:_VALUES], total=total, has_more=not offer.whole or len(matching) > _VALUES)

    async def _offer(self, argument: CompletionArgument, chosen: dict[str, str]) -> Offer:
        name = argument.name
        if name == "kind":
            return Offer(list(KINDS), whole=True)
        if name == "entry":
            kind = next((known for known in KINDS if known == chosen.get("kind")), None)
            knowledge = await anyio.to_thread.run_sync(self._knowledge)
            return Offer([entry.id for entry in knowledge.entries(kind)], whole=True) if kind else _NOTHING
        if self._clusters is None:
            return _NOTHING
        try:
            return await self._of_cluster(self._clusters, argument, chosen)
        except InvalidInput:
            return _NOTHING
        except TerwayMcpError:
            self._leave_alone(chosen)
            return _UNKNOWN

    async def _of_cluster(self, clusters: Clusters, argument: CompletionArgument, chosen: dict[str, str]) -> Offer:
        match argument.name:
            case "context":
                return Offer(await clusters.contexts(), whole=True)
            case "namespace":
                return await self._names(clusters, chosen, NAMESPACES, None, argument.value)
            case "node":
                return await self._names(clusters, chosen, NODES, None, argument.value)
            case "pod" if chosen.get("namespace"):
                return await self._names(clusters, chosen, PODS, namespace_name(chosen["namespace"]), argument.value)
        return _NOTHING

    async def _names(
        self, clusters: Clusters, chosen: dict[str, str], resource: Resource, namespace: str | None, prefix: str
    ) -> Offer:
        context, now = chosen.get("context", ""), anyio.current_time()
        place = (context, resource, namespace)
        until, kept = self._kept.get(place, (0.0, _NOTHING))
        if until > now:
            return kept
        if self._quiet.get(context, 0.0) > now:
            return _UNKNOWN
        offer = await self._read(clusters, context or None, resource, namespace, prefix)
        if offer.whole or not offer.names:
            if len(self._kept) >= _LISTS_KEPT:
                self._kept.clear()
            self._kept[place] = (anyio.current_time() + _KEPT_SECONDS, offer)
        return offer

    def _leave_alone(self, chosen: dict[str, str]) -> None:
        self._quiet[chosen.get("context", "")] = anyio.current_time() + _QUIET_SECONDS

    async def _read(
        self, clusters: Clusters, context: str | None, resource: Resource, namespace: str | None, prefix: str
    ) -> Offer:
        """Read names until more match than can be shown: an API server lists them in order.

        Raises:
            ClusterUnreachable: Nothing can be read, or only after asking the user to log in.
        """
        if not await clusters.opens_silently(context):
            raise ClusterUnreachable("connecting to this context runs a credential plugin")
        reader = await clusters.reader(await clusters.resolve(context), seconds=_SECONDS)
        names: list[str] = []
        matching = 0
        with anyio.CancelScope() as enough:

            def consume(page: list[msgspec.Raw]) -> None:
                nonlocal matching
                found = [item.metadata.name for item in decode_each(page, _Named)]
                names.extend(found)
                matching += sum(name.startswith(prefix) for name in found)
                if matching > _VALUES:
                    enough.cancel()

            coverage = await reader.each_page(resource, consume, names.clear, namespace=namespace)
        if enough.cancelled_caught:
            return Offer(names, whole=False)
        if not names and coverage.outcome in ("unavailable", "timed_out"):
            raise ClusterUnreachable(coverage.detail)
        return Offer(names, whole=coverage.outcome == "read")


def add_completions(server: MCPServer[Any], clusters: Clusters | None, knowledge: Callable[[], Knowledge]) -> None:
    """Offer values for arguments of the prompt and of the resource templates."""
    register = cast("Callable[[Any], Any]", server.completion())  # type: ignore[no-untyped-call]
    register(Completions(clusters, knowledge).complete)


def _is_plain(name: str) -> bool:
    return disarmed(name, _LONGEST_VALUE) == name != ""
