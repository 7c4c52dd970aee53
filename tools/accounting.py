"""ENI and IP accounting of a node, from Terway's Node (spec.nodeCap, status.networkInterfaces).

A full node writes no event anywhere, so these numbers are the only witness.
"""

from datetime import datetime

import msgspec

from terway_mcp.cluster.terway_objects import TerwayNetworkInterface, TerwayNode
from terway_mcp.tools.times import age_seconds

_OVERDUE_SECONDS = 3600.0
"""The controlplane compares a node with the cloud at the time it has set itself, or some minutes later."""

_STUCK_SECONDS = 120.0
"""Terway gives an attach two minutes (pkg/controller/multi-ip/node/eni_task_queue.go)."""


class InterfaceReport(msgspec.Struct, omit_defaults=True):
    """One ENI in Terway's books."""

    eni: str
    status: str
    type: str = ""
    vswitch: str = ""
    ips: int = 0
    used: int = 0
    free: int = 0
    invalid: int = 0
    prefixes: int = 0
    conditions: dict[str, str] = {}


class Accounting(msgspec.Struct):
    """ENI slots and pod IPs of one node.

    `eni_slots` excludes the primary ENI. `ip_capacity` is what all slots could hold, `ips_free` what is ready
    to be given to a pod now.
    """

    eni_slots: int = 0
    enis: int = 0
    ips_per_eni: int = 0
    ip_capacity: int = 0
    ips: int = 0
    ips_used: int = 0
    ips_free: int = 0
    ips_invalid: int = 0
    prefix_mode: bool = False
    interfaces: list[InterfaceReport] = []


def account(node: TerwayNode) -> Accounting:
    """Count slots and addresses."""
    cap = node.spec.node_cap
    interfaces = [_interface(eni, found) for eni, found in sorted(node.status.network_interfaces.items())]
    slots = max(0, cap.adapters - 1)
    return Accounting(
        slots,
        len(interfaces),
        cap.ipv4_per_adapter,
        slots * cap.ipv4_per_adapter,
        sum(row.ips for row in interfaces),
        sum(row.used for row in interfaces),
        sum(row.free for row in interfaces),
        sum(row.invalid for row in interfaces),
        bool(node.spec.eni and node.spec.eni.enable_ip_prefix),
        interfaces,
    )


def book_states(node: TerwayNode, books: Accounting, now: datetime) -> list[tuple[str, str, str]]:
    """States the books are in, as (state, ENI id or "", words)."""
    found: list[tuple[str, str, str]] = []
    if not books.prefix_mode and is_full(books):
        found.append(
            (
                "node_full",
                "",
                _full_words(node, books),
            )
        )
    elif not books.prefix_mode and books.ips and not books.ips_free:
        found.append(("no_free_ip", "", f"all {books.ips_used} allocated IPs are in use; {_growth(books)}"))
    if books.prefix_mode:
        found += _prefix_states(node, books)
    else:
        found += _slot_states(node, books)
    for eni, interface in sorted(node.status.network_interfaces.items()):
        found += _interface_states(eni, interface, node, now)
    return found + _spec_states(node, books) + _sync_states(node, now)


def _full_words(node: TerwayNode, books: Accounting) -> str:
    kind = node.spec.node_metadata.instance_type or "this instance"
    slots = f"all {books.eni_slots} ENI slots of {kind} are used"
    return f"{slots} and {books.ips_used} of {books.ip_capacity} pod IPs given out"


def _slot_states(node: TerwayNode, books: Accounting) -> list[tuple[str, str, str]]:
    """What follows for the choice of vSwitches when no further ENI can be made."""
    if not books.eni_slots or books.enis < books.eni_slots:
        return []
    slots = f"all {books.eni_slots} ENI slots are used"
    empty = {row.vswitch for row in books.interfaces if "InsufficientIP" in row.conditions}
    used = {row.vswitch for row in books.interfaces}
    unused = [option for option in (node.spec.eni.v_switch_options if node.spec.eni else []) if option not in used]
    if empty and unused:
        words = f"{slots} by ENIs in {', '.join(sorted(used))}; configured {', '.join(unused)} serves no ENI yet"
        return [("node_vswitch_not_used", "", words)]
    return [("node_eni_slots_full", "", slots)] if empty else []


def is_full(books: Accounting) -> bool:
    """True when no ENI can be added and no IP can be given."""
    # A slot whose ENI comes or goes is taken by no pod: what keeps it there is the trouble.
    every_eni_full = all(
        row.status == "InUse" and row.used + row.invalid >= books.ips_per_eni for row in books.interfaces
    )
    return 0 < books.eni_slots <= books.enis and every_eni_full


def _growth(books: Accounting) -> str:
    left = books.eni_slots - books.enis
    return f"{left} ENI slots left" if left > 0 else "no ENI slot left"


def _interface(eni: str, found: TerwayNetworkInterface) -> InterfaceReport:
    addresses = list(found.ipv4.values()) or list(found.ipv6.values())
    valid = [address for address in addresses if address.status in ("Valid", "")]
    return InterfaceReport(
        eni,
        found.status,
        found.network_interface_type,
        found.v_switch_id,
        len(addresses),
        sum(1 for address in valid if address.pod_id),
        sum(1 for address in valid if not address.pod_id) if found.status in ("InUse", "") else 0,
        sum(1 for address in addresses if address.status == "Invalid"),
        len(found.ipv4_prefix) + len(found.ipv6_prefix),
        {name: condition.message for name, condition in sorted(found.conditions.items())},
    )


def _interface_states(
    eni: str, interface: TerwayNetworkInterface, node: TerwayNode, now: datetime
) -> list[tuple[str, str, str]]:
    found = []
    for name, state in (
        ("InsufficientIP", "eni_condition_insufficient_ip"),
        ("OperationErr", "eni_condition_operation_err"),
    ):
        if name in interface.conditions:
            condition = interface.conditions[name]
            found.append((state, eni, f"{name} on {eni} ({interface.v_switch_id}): {condition.message}"))
    stuck = _STUCK_STATES.get(interface.status)
    if stuck:
        age = age_seconds(node.metadata.creation_timestamp, now)
        if age is None or age > _STUCK_SECONDS:
            found.append((stuck, eni, f"{eni} is {interface.status}"))
    invalid = [address.ip for address in interface.ipv4.values() if address.status == "Invalid"]
    if invalid:
        found.append(("ip_invalid", eni, f"{len(invalid)} IPs of {eni} are gone from the cloud, e.g. {invalid[0]}"))
    if interface.unschedulable:
        found.append(("eni_unschedulable", eni, f"{eni} is block-listed and draining"))
    return found


def _sync_states(node: TerwayNode, now: datetime) -> list[tuple[str, str, str]]:
    due = node.status.next_sync_open_api_time
    late = age_seconds(due, now)
    if late is None or late < _OVERDUE_SECONDS:
        return []
    words = f"the comparison with the cloud was due at {due}, the last one was at {node.status.last_sync_open_api_time}"
    return [("node_cr_sync_stale", "", words)]


_STUCK_STATES = {
    "Attaching": "eni_stuck_attaching",
    "Detaching": "eni_stuck_detaching",
    "Deleting": "eni_stuck_deleting",
    "Create Failed": "eni_lingjun_failed",
    "Attach Failed": "eni_lingjun_failed",
    "Detach Failed": "eni_lingjun_failed",
    "Delete Failed": "eni_lingjun_failed",
}


def _prefix_states(node: TerwayNode, books: Accounting) -> list[tuple[str, str, str]]:
    eni = node.spec.eni
    if eni is None:
        return []
    wanted, got = eni.ipv4_prefix_count + eni.ipv6_prefix_count, sum(row.prefixes for row in books.interfaces)
    if not wanted:
        return [("prefix_count_zero", "", "enable_ip_prefix is on but the prefix count is 0: no pod can get an IP")]
    if got < wanted:
        return [("prefix_missing", "", f"{got} of {wanted} prefixes are assigned")]
    prefixes = [prefix for found in node.status.network_interfaces.values() for prefix in found.ipv4_prefix]
    if any(prefix.status in ("Frozen", "Invalid") for prefix in prefixes):
        return [("prefix_frozen_or_invalid", "", "prefixes are frozen or no longer in the cloud")]
    return [("prefix_all_assigned", "", f"all {wanted} configured prefixes are assigned; pods use IPs inside them")]


def _spec_states(node: TerwayNode, books: Accounting) -> list[tuple[str, str, str]]:
    metadata, cap = node.spec.node_metadata, node.spec.node_cap
    missing = [
        name
        for name, value in (
            ("regionID", metadata.region_id),
            ("instanceType", metadata.instance_type),
            ("instanceID", metadata.instance_id),
            ("zoneID", metadata.zone_id),
        )
        if not value
    ]
    found = []
    if missing:
        words = f"spec.nodeMetadata lacks {', '.join(missing)}: the pool controller skips this node silently"
        found.append(("node_cr_metadata_missing", "", words))
    if not cap.adapters:
        found.append(("node_cr_cap_zero", "", "spec.nodeCap.adapters is 0: the instance type's limits are unknown"))
    if node.status.warm_up_completed is False and node.status.warm_up_target:
        words = f"warm-up has {node.status.warm_up_allocated_count} of {node.status.warm_up_target} IPs"
        found.append(("warm_up_incomplete", "", words))
    eni = node.spec.eni
    if eni is not None and node.spec.pool is None:
        found.append(("node_cr_spec_pool_missing", "", "the daemon has filled spec.eni but not spec.pool"))
    if eni is not None and books.enis == 0 and books.eni_slots:
        found.append(("node_cr_no_enis", "", "Terway's books hold no ENI for this node"))
    return found
