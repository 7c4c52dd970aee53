"""Who has which address: ENIs, their slots and the nodes they hang on.

Pods draw their addresses from here and the Node CR is rendered from here, so the two always agree.
"""

from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network
from typing import Literal

from .instances import InstanceType
from .profile import Json
from .world import World


@dataclass
class VSwitch:
    """A vSwitch and how many of its addresses are given out."""

    id: str
    zone: str
    cidr: IPv4Network
    used: int = 0

    def take(self) -> str:
        """The next free address."""
        self.used += 1
        return str(self.cidr[self.used + 9])

    def take_prefix(self) -> str:
        """The next free /28."""
        self.used += 16
        return f"{self.cidr[self.used // 16 * 16 + 16]}/28"


@dataclass
class Slot:
    """One address of an ENI; free while `pod` is empty."""

    ip: str
    primary: bool = False
    status: str = "Valid"
    pod: str = ""
    pod_uid: str = ""
    ipv6: str = ""


@dataclass
class Eni:
    """An ENI attached to a node by Terway."""

    id: str
    vswitch: VSwitch
    mac: str
    kind: Literal["Secondary", "Trunk"] = "Secondary"
    status: str = "InUse"
    slots: list[Slot] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    conditions: dict[str, Json] = field(default_factory=dict)

    def free(self) -> Slot | None:
        """An address no pod has."""
        return next((slot for slot in self.slots if not slot.pod and slot.status == "Valid"), None)


@dataclass
class NodeModel:
    """A node with everything the capture says about it."""

    name: str
    ip: str
    zone: str
    kind: InstanceType
    instance: str
    vswitch: VSwitch
    created: datetime
    prefix_mode: bool = False
    dual_stack: bool = False
    exclusive: bool = False
    idle: int = 2
    """Spare addresses to keep in the pool, as far as there is room."""
    serving: bool = True
    """Whether pods still get addresses here, so that the ordinary chatter does not contradict the story."""
    ready: bool = True
    not_ready_message: str = ""
    sufficient_ip: bool | None = True
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    capacity: dict[str, str] = field(default_factory=dict)
    taints: list[Json] = field(default_factory=list)
    kernel: str = "5.10.134-18.al8.x86_64"
    os_image: str = "Alibaba Cloud Linux 3.2104 U11 (OpenAnolis Edition)"
    provider_id: str | None = None
    """None derives it from region and instance."""
    custom_resource: Literal["full", "capabilities", "absent"] = "full"
    runtime: bool = True
    """Whether the daemon's NodeRuntime is there, if it should be."""
    enis: list[Eni] = field(default_factory=list)

    def attach(self, world: World, vswitch: VSwitch | None = None) -> Eni:
        """One more ENI, with its primary address."""
        if len(self.enis) >= self.kind.secondary_enis:
            raise ValueError(f"{self.name} ({self.kind.name}) has no ENI slot left")
        index = len(self.enis)
        where = vswitch or self.vswitch
        eni = Eni(world.eni(self.name, index), where, world.ids.mac(self.name, index))
        eni.slots.append(self._slot(where, primary=True))
        self.enis.append(eni)
        return eni

    def _slot(self, vswitch: VSwitch, *, primary: bool = False) -> Slot:
        ip = vswitch.take()
        return Slot(ip, primary, ipv6=ipv6_of(ip) if self.dual_stack else "")

    def assign(self, world: World, pod: str, uid: str) -> Slot:
        """An address for a pod, growing the node as Terway would."""
        if self.prefix_mode:
            return self._assign_from_prefix(world, pod, uid)
        slot = self.free_slot() or self._grow(world)
        slot.pod, slot.pod_uid = pod, uid
        return slot

    def free_slot(self) -> Slot | None:
        """A pooled address no pod has."""
        return next((slot for eni in self.enis if (slot := eni.free())), None)

    def _grow(self, world: World) -> Slot:
        for eni in self.enis:
            if len(eni.slots) < self.kind.ipv4_per_adapter:
                eni.slots.append(self._slot(eni.vswitch))
                return eni.slots[-1]
        return self.attach(world).slots[0]

    def _assign_from_prefix(self, world: World, pod: str, uid: str) -> Slot:
        used = sum(1 for eni in self.enis for slot in eni.slots if slot.pod)
        prefixes = [(eni, prefix) for eni in self.enis for prefix in eni.prefixes]
        if used >= 16 * len(prefixes):
            eni = self.enis[-1] if self.enis and len(self.enis[-1].prefixes) < 10 else self.attach(world)
            eni.prefixes.append(eni.vswitch.take_prefix())
            prefixes.append((eni, eni.prefixes[-1]))
        eni, prefix = prefixes[used // 16]
        slot = Slot(str(IPv4Network(prefix)[used % 16]), pod=pod, pod_uid=uid)
        eni.slots.append(slot)
        return slot

    def fill_pool(self) -> None:
        """Spare addresses up to `idle`, as far as the ENIs have room."""
        if self.prefix_mode:
            return
        missing = self.idle - sum(1 for eni in self.enis for slot in eni.slots if not slot.pod)
        for eni in self.enis:
            while missing > 0 and len(eni.slots) < self.kind.ipv4_per_adapter:
                eni.slots.append(self._slot(eni.vswitch))
                missing -= 1


def ipv6_of(ip: str) -> str:
    """The IPv6 address that goes with an IPv4 one in this capture."""
    a, b, c, d = (int(part) for part in ip.split("."))
    return f"2408:4005:3a{a % 256:02x}:{b:x}{c:02x}::{d:x}"
