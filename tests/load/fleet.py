"""Captured clusters of different names behind API servers of their own, and one kubeconfig that knows them all."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import yaml

from terway_mcp.cluster.scenarios.vswitch_exhausted import vswitch_exhausted
from terway_mcp.cluster.scenarios.world import World, vary
from tests.scenarios.reading import objects, text_of
from tests.server.processes import PROGRAM, clean_environment, ended_afterwards

WORD = re.compile(r"[a-z0-9][a-z0-9.-]{4,}[a-z0-9]")


class Target(NamedTuple):
    """A pod to ask about."""

    namespace: str
    pod: str
    node: str


class Cluster(NamedTuple):
    """One captured cluster: its pods that have a node, and every word that stands only in it."""

    context: str
    targets: list[Target]
    marks: frozenset[str]


class Fleet(NamedTuple):
    """Several clusters, and the kubeconfig that reaches them."""

    kubeconfig: Path
    clusters: list[Cluster]

    def foreign(self, own: Cluster) -> frozenset[str]:
        """Names, ids and words that only the other clusters have."""
        return frozenset().union(*(cluster.marks for cluster in self.clusters if cluster is not own))


@contextmanager
def fleet(folder: Path, seeds: tuple[int, ...]) -> Iterator[Fleet]:
    """Write a bundle for each seed and serve it with `terway-mcp api`."""
    words, targets, configs = {}, {}, {}
    with ExitStack() as stack:
        for seed in seeds:
            name = f"cluster-{seed}"
            builder = vswitch_exhausted(World(vary(seed))).build()
            bundle, config = builder.write(folder / f"{name}.tar.gz"), folder / f"{name}.kubeconfig"
            files = builder.files()
            words[name] = frozenset(WORD.findall(text_of(files).lower()))
            targets[name] = [
                Target(pod["metadata"]["namespace"], pod["metadata"]["name"], pod["spec"]["nodeName"])
                for pod in objects(files, "pods")
                if pod["spec"].get("nodeName") and pod["metadata"]["namespace"] != "kube-system"
            ]
            stack.enter_context(_api(bundle, config, folder))
            configs[name] = yaml.safe_load(config.read_text())
        shared = [words[one] & words[other] for one in words for other in words if one != other]
        common = frozenset().union(*shared)
        clusters = [Cluster(name, targets[name], words[name] - common) for name in words]
        (folder / "config").write_text(json.dumps(_merged(configs)))
        yield Fleet(folder / "config", clusters)


@contextmanager
def _api(bundle: Path, kubeconfig: Path, home: Path) -> Iterator[None]:
    command = [*PROGRAM, "api", "--bundle", str(bundle), "--write-kubeconfig", str(kubeconfig)]
    process = subprocess.Popen(command, env=clean_environment(home), cwd=home, stdout=subprocess.PIPE, text=True)
    with ended_afterwards(process):
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Kubernetes API at")
        yield


def _merged(configs: dict[str, dict[str, list[dict[str, object]]]]) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": config["clusters"][0]["cluster"]} for name, config in configs.items()],
        "users": [{"name": "anybody", "user": {}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "anybody"}} for name in configs],
        "current-context": next(iter(configs)),
    }
