"""The third corpus: incidents as users bring them, written blind, before the product was asked about any."""

from collections.abc import Mapping
from types import MappingProxyType

from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.incidents import Incident

from . import calm, harder, lived, rivals, strange, torn

_INCIDENTS: tuple[Incident, ...] = (
    calm.startup_lines,
    calm.restarts_long_ago,
    calm.conflicts_only,
    calm.rejected_and_fine,
    calm.other_eni_is_full,
    calm.cordoned,
    calm.answers_503,
    calm.joined_and_settled,
    calm.sold_out,
    calm.multus_unauthorized,
    calm.reclaimed,
    calm.init_waits_for_db,
    calm.disk_held_elsewhere,
    calm.nothing_in_particular,
    rivals.quota_next_door,
    rivals.granted_then_full,
    rivals.shortage_then_crash,
    rivals.own_group_missing,
    rivals.once_against_often,
    rivals.new_name_new_cause,
    rivals.churned,
    torn.no_node_crs,
    torn.log_without_times,
    torn.cut_off,
    torn.full_by_the_books,
    torn.crash_unread,
    torn.elsewhere_told,
    torn.no_custom_resource,
    torn.nodes_unreadable,
    *strange.INCIDENTS,
    *lived.INCIDENTS,
    *harder.INCIDENTS,
)

THIRD: Mapping[str, Incident] = MappingProxyType({incident(World()).name: incident for incident in _INCIDENTS})
"""All incidents by name."""
