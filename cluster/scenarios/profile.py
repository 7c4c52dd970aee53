"""How Terway is installed and configured in a captured cluster."""

from typing import Literal

import msgspec

from . import releases

Json = dict[str, object]
"""A JSON object on its way into the capture."""


class Terway(msgspec.Struct, frozen=True, kw_only=True):
    """The installation a scenario plays on; the defaults are a healthy shared-ENI cluster."""

    release: str = "v1.17.2"
    ipam: Literal["crd", "local"] = "crd"
    """Centralized (`crd`) or node-local IPAM."""
    controlplane: Literal["deployed", "hosted", "absent"] = "deployed"
    """In the cluster, run by Alibaba Cloud out of sight, or not installed."""
    events_rbac: bool = True
    """Whether Terway's ClusterRoles allow writing to events.k8s.io; without it new-API events are lost."""
    daemonset: str = "terway-eniip"
    daemon_mode: str = "ENIMultiIP"
    ip_stack: Literal["ipv4", "dual"] = "ipv4"
    trunk: bool = False
    prefixes: int = 0
    """IPv4 prefixes per node; more than 0 turns prefix mode on."""
    max_pool: int = 5
    min_pool: int = 0
    policy: bool = True
    """Whether the daemon pod has its network policy container."""
    virtual_type: str = "datapathv2"
    controllers_off: tuple[str, ...] = ()
    """Controllers of the controlplane that its configuration leaves out."""
    kubernetes: str = "v1.34.1-aliyun.1"

    @property
    def centralized(self) -> bool:
        """True when the controlplane hands out addresses."""
        return self.ipam == "crd"

    @property
    def controllers(self) -> list[str]:
        """The controllers the controlplane runs."""
        names = ["pod", "pod-eni", "pod-networking", "eni", "node"]
        if self.centralized:
            names += ["multi-ip-node", "multi-ip-pod"]
        return [name for name in names if name not in self.controllers_off]

    @property
    def hands_out(self) -> bool:
        """True when a controller is there that gives nodes their addresses."""
        return "multi-ip-node" in self.controllers

    @property
    def new_events(self) -> bool:
        """True when controllers report through events.k8s.io."""
        return releases.uses_new_event_api(self.release)

    @property
    def image(self) -> str:
        """The image of the daemon."""
        return f"registry-cn-hangzhou-vpc.ack.aliyuncs.com/acs/terway:{self.release}"

    @property
    def controlplane_image(self) -> str:
        """The image of the controlplane."""
        return f"registry-cn-hangzhou-vpc.ack.aliyuncs.com/acs/terway-controlplane:{self.release}"
