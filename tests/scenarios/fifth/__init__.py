"""The fifth corpus: what a night on call is like, written blind, before the product was asked about any of it."""

from collections.abc import Mapping
from types import MappingProxyType

from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.incidents import Incident

from . import admission, calm, central, daemons, datapath, neighbours, starting

_INCIDENTS: tuple[Incident, ...] = (
    *neighbours.INCIDENTS,
    *admission.INCIDENTS,
    *starting.INCIDENTS,
    *daemons.INCIDENTS,
    *central.INCIDENTS,
    *datapath.INCIDENTS,
    *calm.INCIDENTS,
)

FIFTH: Mapping[str, Incident] = MappingProxyType({incident(World()).name: incident for incident in _INCIDENTS})
"""All incidents by name."""
