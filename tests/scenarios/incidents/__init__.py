"""The corpus: incidents as small captured clusters, each with the answer that is right for it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from terway_mcp.cluster.scenarios.cni_not_initialized import cni_not_initialized
from terway_mcp.cluster.scenarios.healthy import healthy
from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.cluster.scenarios.vswitch_exhausted import vswitch_exhausted
from terway_mcp.cluster.scenarios.world import World

from . import (
    below,
    capacity,
    components,
    elsewhere,
    fixed_ips,
    mixed,
    modes,
    own_enis,
    permissions,
    slow_cloud,
    vswitches,
)

Incident = Callable[[World], Scenario]
"""An incident tells its story in any world: `CORPUS[name](World(vary(7)))`."""

_INCIDENTS: tuple[Incident, ...] = (
    vswitch_exhausted,
    cni_not_initialized,
    healthy,
    vswitches.local_inhibit,
    vswitches.new_vswitch_changes_nothing,
    vswitches.events_lost_to_rbac,
    vswitches.only_the_condition_left,
    vswitches.hosted_controlplane,
    capacity.node_full,
    capacity.full_node_and_a_conflict,
    capacity.foreign_enis,
    capacity.private_ip_quota,
    capacity.prefixes_exhausted,
    capacity.member_eni_short,
    permissions.ram_denied_trunk,
    permissions.ram_denied_assign,
    permissions.no_credential,
    slow_cloud.throttled_scale_out,
    slow_cloud.still_processing,
    own_enis.networking_without_zone,
    own_enis.trunk_flags_disagree,
    own_enis.webhook_was_down,
    own_enis.namespace_opted_out,
    own_enis.wrong_security_group,
    own_enis.bonded_host_route,
    fixed_ips.detach_denied,
    modes.exclusive_label_changed,
    modes.prefix_mode_toggled,
    modes.uneven_dual_stack,
    modes.no_provider_id,
    modes.daemon_mode_changed,
    modes.dynamic_config_missing,
    modes.degraded_on_purpose,
    modes.webhook_denies,
    components.killed_now_and_then,
    components.socket_refused,
    components.policy_cannot_mount,
    components.metadata_blocked,
    components.controlplane_down,
    components.no_daemon_on_node,
    components.kernel_too_old,
    components.api_server_unreachable,
    below.interface_never_appeared,
    below.address_taken_away,
    below.enis_without_end,
    elsewhere.pause_image,
    elsewhere.other_plugin,
    elsewhere.app_crashes,
    elsewhere.image_not_found,
    elsewhere.no_cpu_left,
    mixed.two_faults_on_one_node,
    mixed.fault_on_another_node,
    mixed.recovered,
    mixed.healthy_pod_in_a_sick_cluster,
    mixed.forbidden_reads,
)

CORPUS: Mapping[str, Incident] = MappingProxyType({incident(World()).name: incident for incident in _INCIDENTS})
"""All incidents by name."""
