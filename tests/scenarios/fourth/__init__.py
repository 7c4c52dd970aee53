"""The fourth corpus: corners of Terway the others leave out, written blind, before the product was asked about any."""

from collections.abc import Mapping
from types import MappingProxyType

from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.incidents import Incident

from . import addresses, control, nodes, own_enis

_INCIDENTS: tuple[Incident, ...] = (
    *addresses.INCIDENTS,
    *own_enis.INCIDENTS,
    *nodes.INCIDENTS,
    *control.INCIDENTS,
)

FOURTH: Mapping[str, Incident] = MappingProxyType({incident(World()).name: incident for incident in _INCIDENTS})
"""All incidents by name."""
