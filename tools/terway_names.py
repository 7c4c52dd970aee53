"""Names Terway's own workloads and objects carry in every release (Terway charts, terway.yml of older releases)."""

SYSTEM_NAMESPACE = "kube-system"
CLUSTER_EVENTS_NAMESPACE = "default"
"""Where an API server stores events of cluster-scoped objects."""

DAEMONSETS = ("terway-eniip", "terway-eni", "terway", "terway-eniip-windows")
DAEMON_SELECTOR = f"app in ({','.join(DAEMONSETS)})"
DAEMON_CONTAINER = "terway"
CONTROLPLANE = "terway-controlplane"
CONTROLPLANE_SELECTOR = "k8s-app=terway-controlplane"
MUTATING_WEBHOOK = "terway-controlplane"

ENI_CONFIG = "eni-config"
CONTROLPLANE_CONFIG = "terway-controlplane"
CLUSTER_PROFILE = "ack-cluster-profile"
KUBE_PROXY = "kube-proxy"
KUBE_PROXY_CONFIGS = ("kube-proxy-worker", KUBE_PROXY)

DYNAMIC_CONFIG_LABEL = "terway-config"
EXCLUSIVE_LABEL = "k8s.aliyun.com/exclusive-mode-eni-type"
IGNORE_LABEL = "k8s.aliyun.com/ignore-by-terway"
NO_KUBE_PROXY_LABEL = "k8s.aliyun.com/no-kube-proxy"
LINGJUN_LABEL = "alibabacloud.com/lingjun-worker"
NAMESPACE_OPT_OUT_LABEL = "k8s.aliyun.com/pod-eni"
ENO_API_ANNOTATION = "k8s.aliyun.com/eno-api"
TRUNK_ANNOTATION = "k8s.aliyun.com/trunk-on"
MAX_AVAILABLE_IP_ANNOTATION = "k8s.aliyun.com/max-available-ip"
NODE_TYPE_LABEL, VIRTUAL_NODE = "type", "virtual-kubelet"
ZONE_LABEL = "topology.kubernetes.io/zone"
NODE_LOCAL_DNS = "node-local-dns"
UNINITIALIZED_TAINT = "node.cloudprovider.kubernetes.io/uninitialized"
INSTANCE_TYPE_LABEL = "node.kubernetes.io/instance-type"

POD_ENI = "k8s.aliyun.com/pod-eni"
POD_NETWORKS = "k8s.aliyun.com/pod-networks"
POD_NETWORKS_REQUEST = "k8s.aliyun.com/pod-networks-request"
POD_NETWORKING = "k8s.aliyun.com/pod-networking"
POD_UID_ANNOTATION = "k8s.aliyun.com/pod-uid"

SUFFICIENT_IP = "SufficientIP"
"""Condition type on the core Node, not on Terway's Node (types/k8s.go)."""
