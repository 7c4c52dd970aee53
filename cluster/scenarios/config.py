"""The ConfigMaps Terway and its surroundings are configured with."""

import json
from datetime import datetime

from .clock import seconds
from .profile import Json, Terway
from .world import World

ACCESS_KEY = "LTAI5tPLANTEDdemoKEY0001"
# Planted, so that masking can be seen at work.
ACCESS_SECRET = "PLANTEDdemoSECRETnotreal000001"  # noqa: S105 # nosec B105


def config_map(world: World, name: str, data: dict[str, str], created: datetime) -> Json:
    """A ConfigMap in kube-system."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": "kube-system",
            "uid": world.ids.uid("configmap", name),
            "resourceVersion": str(400 + world.ids.number("cm rv", name) % 90_000),
            "creationTimestamp": seconds(created),
        },
        "data": data,
    }


def eni_conf(world: World, terway: Terway, vswitches: dict[str, list[str]]) -> Json:
    """The daemon's configuration as an object, before anybody broke it."""
    conf: Json = {
        "version": "1",
        "access_key": ACCESS_KEY,
        "access_secret": ACCESS_SECRET,
        "max_pool_size": terway.max_pool,
        "min_pool_size": terway.min_pool,
        "credential_path": "/var/addon/token-config",
        "vswitches": vswitches,
        "eni_tags": {"ack.aliyun.com": f"c{world.ids.hex64('cluster')[:32]}"},
        "service_cidr": "172.21.0.0/20",
        "security_groups": [world.security_group()],
        "ip_stack": terway.ip_stack,
        "vswitch_selection_policy": "ordered",
        "enable_eni_trunking": terway.trunk,
    }
    if terway.centralized:
        conf["ipam_type"] = "crd"
    if terway.prefixes:
        conf |= {"enable_ip_prefix": True, "ipv4_prefix_count": terway.prefixes}
    return conf


def eni_config(conf: Json | str, terway: Terway) -> dict[str, str]:
    """The data of `eni-config`; a string stands for itself, however broken."""
    cni = {
        "cniVersion": "0.4.0",
        "name": "terway",
        "type": "terway",
        "capabilities": {"bandwidth": True},
        "eniip_virtual_type": terway.virtual_type,
        "network_policy_provider": "ebpf" if terway.virtual_type == "datapathv2" else "iptables",
        "host_stack_cidrs": ["169.254.20.10/32"],
    }
    return {
        "10-terway.conf": json.dumps(cni, indent=2) + "\n",
        "disable_network_policy": "false",
        "in_cluster_loadbalance": "true",
        "eni_conf": conf if isinstance(conf, str) else json.dumps(conf, indent=2) + "\n",
    }


def with_trailing_comma(conf: Json) -> str:
    """The same configuration with the comma an editor left behind its last key: no longer JSON."""
    return json.dumps(conf, indent=2).removesuffix("\n}") + ",\n}\n"


def controlplane_config(world: World, terway: Terway) -> Json:
    """`ctrl-config.yaml`; JSON is YAML too."""
    return {
        "regionID": world.region,
        "clusterID": f"c{world.ids.hex64('cluster')[:32]}",
        "vpcID": world.ids.cloud("vpc", "cluster"),
        "controllers": terway.controllers,
        "centralizedIPAM": terway.centralized,
        "ipamType": "crd" if terway.centralized else "default",
        "ipStack": terway.ip_stack,
        "enableTrunk": terway.trunk,
        "enableDevicePlugin": True,
        "healthzBindAddress": ":8080",
        "leaderElection": True,
        "vSwitchCacheTTL": "20m0s",
    }


def yaml_of(values: Json) -> str:
    """Flat YAML, one key per line, values written as JSON."""
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in values.items())


def cluster_profile(world: World, terway: Terway) -> dict[str, str]:
    """The data of `ack-cluster-profile`."""
    return {
        "clusterid": f"c{world.ids.hex64('cluster')[:32]}",
        "ipStack": terway.ip_stack,
        "serviceCIDR": "172.21.0.0/20",
        "vpcid": world.ids.cloud("vpc", "cluster"),
        "regionid": world.region,
    }


def kube_proxy() -> dict[str, str]:
    """The data of `kube-proxy-worker`."""
    conf = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "bindAddress": "::",
        "clusterCIDR": "172.21.0.0/20",
        "mode": "ipvs",
    }
    return {"config.conf": yaml_of(dict(conf))}
