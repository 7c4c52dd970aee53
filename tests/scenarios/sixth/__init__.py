"""The sixth corpus: what people really report of Terway, ACK and their own nodes; written blind."""

from collections.abc import Mapping
from types import MappingProxyType

from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.incidents import Incident

from . import addresses, all_quiet, elsewhere, on_the_node, settings

_INCIDENTS: tuple[Incident, ...] = (
    *addresses.INCIDENTS,
    *settings.INCIDENTS,
    *on_the_node.INCIDENTS,
    *elsewhere.INCIDENTS,
    *all_quiet.INCIDENTS,
)

SIXTH: Mapping[str, Incident] = MappingProxyType({incident(World()).name: incident for incident in _INCIDENTS})
"""All incidents by name."""
