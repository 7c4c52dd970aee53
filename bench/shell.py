"""What an operator does without the product: the SOP's own inspection scripts, one kubectl after the other."""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from shutil import which
from time import perf_counter

import anyio

from bench import big_cluster
from bench.big_cluster import NAMESPACE, SYSTEM, BigCluster
from bench.result import Result, Row, middle
from bench.serving import served
from bench.tool_calls import costs_of

_MAPS = ("eni-config", "terway-controlplane", "ack-cluster-profile", "kube-proxy-worker")


def measure(nodes: int, repeats: int) -> Result:
    """Both on the same served cluster."""
    result = Result("shell", f"One inspection of a cluster of {nodes:,} nodes", "", "ms", ["kubectl ms", "tool ms"])
    if not which("kubectl"):
        result.notes.append("kubectl is not installed: nothing to compare with")
        return result
    with tempfile.TemporaryDirectory() as folder:
        cluster = big_cluster.write(Path(folder) / "cluster", nodes=nodes, events=nodes)
        with served(cluster.path) as api:
            config = api.kubeconfig(Path(folder))
            costs = anyio.run(costs_of, cluster, api, Path(folder), repeats)
            for tool, commands in _scripts(cluster).items():
                taken = [_run(config, commands) for _ in range(repeats)]
                shell = middle([each[0] for each in taken])
                values = {"kubectl runs": len(commands), "kubectl ms": shell, "kubectl KB": taken[0][1] / 1000}
                values |= {"tool ms": costs[tool].ms, "answer KB": costs[tool].answer_kb}
                result.rows.append(Row(tool, {**values, "times as fast": shell / costs[tool].ms}, len(result.rows)))
    return result


def _scripts(cluster: BigCluster) -> dict[str, list[list[str]]]:
    """The reads of inspect-terway-cluster, -node and -pod, and of looking at a pod's events."""
    get, system = ["get", "-o", "json"], ["-n", SYSTEM]
    return {
        "inspect_cluster": [
            ["version", "-o", "json"],
            [*get, *system, "daemonset"],
            [*get, *system, "deployment", "terway-controlplane"],
            [*get, *system, "lease", "terway-controlplane"],
            [*get, *system, "pods", "-l", "app=terway-eniip"],
            *([*get, *system, "configmap", name] for name in _MAPS),
            [*get, "crd"],
            [*get, "clusterrole", "terway"],
            [*get, "events", "-A", "--field-selector", "type=Warning"],
        ],
        "inspect_node": [
            [*get, "node", cluster.node],
            [*get, "nodes.network.alibabacloud.com", cluster.node],
            [*get, *system, "pods", "-l", "app=terway-eniip", "--field-selector", f"spec.nodeName={cluster.node}"],
            [*get, *system, "configmap", "eni-config"],
        ],
        "inspect_pod": [
            [*get, "-n", NAMESPACE, "pod", cluster.pod],
            [*get, "namespace", NAMESPACE],
            [*get, "-n", NAMESPACE, "podenis.network.alibabacloud.com", cluster.pod],
            [*get, "podnetworkings.network.alibabacloud.com"],
        ],
        "get_events": [
            [*get, "-n", NAMESPACE, "events", "--field-selector", f"involvedObject.name={cluster.pod}"],
            [*get, "-n", "default", "events", "--field-selector", f"involvedObject.name={cluster.node}"],
        ],
    }


def _run(kubeconfig: Path, commands: Sequence[Sequence[str]]) -> tuple[float, int]:
    """Milliseconds and bytes of some runs; what does not exist is an answer, too."""
    begun, size = perf_counter(), 0
    for arguments in commands:
        command = ["kubectl", "--kubeconfig", str(kubeconfig), *arguments]
        size += len(subprocess.run(command, capture_output=True, check=False).stdout)
    return (perf_counter() - begun) * 1000, size
