"""Which IPAM a cluster runs, from evidence that proves it rather than from what is always there.

CRDs and the controlplane Deployment exist in local mode too, so they decide nothing. `eni_conf.ipam_type` decides
what the daemon does; the controlplane's `controllers`/`centralizedIPAM` decide whether anyone serves it.
"""

from typing import Any, Literal

import msgspec
import yaml

Mode = Literal["centralized", "local", "unknown"]


class ControlplaneConfig(msgspec.Struct, omit_defaults=True):
    """`ctrl-config.yaml` of ConfigMap terway-controlplane (types/controlplane/config_default.go)."""

    values: dict[str, Any] = {}
    error: str = ""

    def flag(self, key: str, *, default: bool) -> bool:
        """A boolean setting, with the default the source gives it."""
        value = self.values.get(key, default)
        return value if isinstance(value, bool) else str(value).lower() == "true"

    def lacks(self, controller: str) -> bool:
        """True when controllers are listed and this one is not, or is switched off by a minus sign."""
        listed = self.values.get("controllers")
        if not isinstance(listed, list) or not listed:
            return False
        return f"-{controller}" in listed or not {controller, "*"} & set(map(str, listed))

    @property
    def serves_centralized_ipam(self) -> bool:
        """True when the controllers multi-ip-node and multi-ip-pod are switched on."""
        controllers = self.values.get("controllers") or []
        listed = set(controllers) if isinstance(controllers, list) else set()
        both = {"multi-ip-node", "multi-ip-pod"} <= listed or "*" in listed
        return self.flag("centralizedIPAM", default=False) or both


class IpamMode(msgspec.Struct, omit_defaults=True):
    """The verdict on the mode, why, and what speaks against it."""

    mode: Mode
    because: list[str] = []
    contradictions: list[str] = []


def parse_controlplane(text: str | None) -> ControlplaneConfig | None:
    """Parse `ctrl-config.yaml`; None when there is no such ConfigMap or key."""
    if text is None:
        return None
    try:
        values = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        return ControlplaneConfig(error=f"ctrl-config.yaml is not valid YAML: {getattr(error, 'problem', error)}")
    return ControlplaneConfig(values if isinstance(values, dict) else {})


def ipam_mode(eni_conf: dict[str, Any] | None, controlplane: ControlplaneConfig | None, presence: str) -> IpamMode:
    """Decide the mode of the cluster.

    Args:
        eni_conf: parsed `eni_conf`, None when it could not be read or parsed.
        controlplane: its configuration, None when that was not visible.
        presence: `running`, `down`, `hosted`, `absent` or `unknown`.
    """
    if eni_conf is None:
        return IpamMode("unknown", ["eni_conf could not be read or parsed"])
    declared = str(eni_conf.get("ipam_type", ""))
    if declared == "crd":
        found = IpamMode("centralized", ['eni_conf.ipam_type is "crd"'])
        if presence == "absent":
            found.contradictions.append("ipam_type is crd but no terway-controlplane was found")
        if controlplane and not controlplane.error and not controlplane.serves_centralized_ipam:
            found.contradictions.append(
                "ipam_type is crd but the controlplane does not run multi-ip-node and multi-ip-pod"
            )
    elif declared in ("", "default"):
        found = IpamMode("local", [f"eni_conf.ipam_type is {declared or 'absent'}"])
        if controlplane and controlplane.flag("centralizedIPAM", default=False):
            found.contradictions.append("centralizedIPAM is true in the controlplane but the daemon is not in crd mode")
    else:
        found = IpamMode("unknown", [f"eni_conf.ipam_type has the unknown value {declared!r}"])
    _compare_trunking(found, eni_conf, controlplane)
    return found


def _compare_trunking(found: IpamMode, eni_conf: dict[str, Any], controlplane: ControlplaneConfig | None) -> None:
    if controlplane is None or controlplane.error:
        return
    daemon, plane = bool(eni_conf.get("enable_eni_trunking")), controlplane.flag("enableTrunk", default=True)
    if plane and not daemon:
        origin = "" if "enableTrunk" in controlplane.values else " (its default)"
        found.contradictions.append(
            f"trunk flags differ: controlplane enableTrunk=true{origin}, eni_conf enable_eni_trunking=false"
        )
    if daemon and not plane:
        found.contradictions.append(
            "trunk flags differ: eni_conf enable_eni_trunking=true, controlplane enableTrunk=false"
        )
