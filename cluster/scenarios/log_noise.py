"""What Terway logs on an ordinary day: the haystack."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from .logs import Line
from .profile import Terway
from .world import World


class Noise:
    """Deterministic chatter of one component between two moments."""

    def __init__(self, world: World, terway: Terway, who: str) -> None:
        self._world = world
        self._terway = terway
        self._who = who

    def _moments(self, start: datetime, end: datetime, average: timedelta) -> Iterator[tuple[int, datetime]]:
        at, index = start, 0
        while True:
            share = 0.2 + self._world.ids.number("noise", self._who, index) % 1600 / 1000
            at += average * share
            if at >= end:
                return
            yield index, at
            index += 1

    def daemon_start(self, node: str, at: datetime) -> list[Line]:
        """The daemon comes up and writes its CNI configuration."""
        mode, release = self._terway.daemon_mode, self._terway.release
        config = "&{Version:1 AccessID:****** AccessSecret:****** CredentialPath: ServiceCIDR:172.21.0.0/20}"
        steps: list[tuple[str, str, dict[str, object]]] = [
            ("GitVer", "main.go:62", {"version": release, "buildDate": "2026-05-20"}),
            (
                "start network service",
                "daemon.go:819",
                {"logger": "server", "config": "/etc/eni/eni.json", "daemonMode": mode},
            ),
            ("got config", "builder.go:160", {"logger": "server", "config": config}),
            ("instance is not support erdma", "daemon.go:858", {"logger": "server"}),
            (
                "pool config",
                "builder.go:286",
                {"logger": "server", "pool": f"&{{MaxPoolSize:{self._terway.max_pool} MinPoolSize:0}}"},
            ),
            ("no trunk eni found, fallback to non-trunk mode", "builder.go:310", {}),
            ("update node spec", "node_reconcile.go:268", {"node": node}),
            ("start serving", "server.go:121", {"logger": "server", "path": "/var/run/eni/eni.socket"}),
            ("write cni conf success", "server.go:193", {}),
        ]
        unsaid = {"node_reconcile.go:268"} if not self._terway.centralized else set()
        if self._terway.trunk:
            unsaid.add("builder.go:310")
        steps = [step for step in steps if step[1] not in unsaid]
        return [
            Line(at + timedelta(milliseconds=137 * index), message, "I", source, fields)
            for index, (message, source, fields) in enumerate(steps)
        ]

    def daemon(self, node: str, start: datetime, end: datetime, *, serving: bool = True) -> list[Line]:
        """The pool is synced, late requests are ignored; while `serving`, pods of cron jobs come and go."""
        lines: list[Line] = []
        for index, at in self._moments(start, end, timedelta(seconds=30)):
            if index % 9 == 4 or (not serving and index % 2):
                lines.append(Line(at, "sync pool", "I", "manager.go:349", {"logger": "eni-manager", "toAdd": 0}))
            elif index % 9 == 8 or not serving:
                lines.append(
                    Line(at, "cni request not match stored resource, ignored", "I", "daemon.go:361", self._stale(index))
                )
            else:
                lines += self._pod_cycle(node, index, at)
        return lines

    def _stale(self, index: int) -> dict[str, object]:
        return {"pod": self._job(index), "old": self._world.ids.hex64("old", self._who, index)[:16]}

    def _job(self, index: int) -> str:
        namespace, app = self._world.namespace("batch"), self._world.app("cron")
        return f"{namespace}/{app}-{29_700_000 + index // 3}-{self._world.ids.suffix(5, self._who, index // 3)}"

    def _pod_cycle(self, node: str, index: int, at: datetime) -> list[Line]:
        pod = self._job(index)
        ids = self._world.ids
        # Whole container ids do not compress; their first 16 digits tell them apart as well.
        about: dict[str, object] = {"pod": pod, "containerID": ids.hex64("sandbox", self._who, index // 3)[:16]}
        ip = f"172.16.{ids.number('job ip', node, index // 3) % 4}.{ids.number('job host', node, index // 3) % 250 + 2}"
        soon = timedelta(milliseconds=3 + ids.number("took", self._who, index) % 40)
        step = index % 3
        if step == 0:
            lines = [Line(at, "alloc ip req", "I", "daemon.go:109", about)]
            if self._terway.centralized:
                cfg = [{"ipv4": ip, "mac": ids.mac(node, 0)}]
                lines.append(Line(at + soon, "get valid ip from crd", "I", "crdv2.go:396", {"pod": pod, "cfg": cfg}))
            else:
                fields: dict[str, object] = {"eni": self._world.eni(node, 0), "ipv4": ip, "ipv6": ""}
                lines.append(Line(at + soon, "allocWorker got ip", "I", "local.go:1084", fields))
            reply = f"IPType:TypeENIMultiIP Success:true IPv4:true NetConfs:[ip {ip}]"
            return [*lines, Line(at + soon * 2, "alloc ip", "I", "daemon.go:141", {**about, "reply": reply})]
        if step == 1:
            return [Line(at, "release ip req", "I", "daemon.go:300", about)]
        return [
            Line(at, "release ip", "I", "daemon.go:328", {**about, "reply": "Success:true IPv4:true", "err": "<nil>"}),
            Line(at + soon, "removed pod", "I", "daemon.go:642", {"pod": pod}),
        ]

    def controlplane_start(self, at: datetime) -> list[Line]:
        """The controlplane becomes leader and starts its controllers."""
        first = Line(
            at,
            "using config",
            "I",
            "main.go:108",
            {"logger": "setup", "config": {"clusterID": "c0f3a1", "accessKey": "******"}},
        )
        lease = "successfully acquired lease kube-system/terway-controlplane"
        lines = [first, Line(at + timedelta(seconds=1), lease, "I", "leaderelection.go:271")]
        for index, name in enumerate(self._terway.controllers):
            moment = at + timedelta(seconds=2, milliseconds=11 * index)
            lines.append(
                Line(moment, "register controller", "I", "main.go:231", {"logger": "setup", "controller": name})
            )
        return [*lines, Line(at + timedelta(seconds=3), "controller started", "I", "main.go:262", {"logger": "setup"})]

    def controlplane(self, nodes: list[str], start: datetime, end: datetime) -> list[Line]:
        """Addresses are assigned and taken back, nodes are synced, ENIs collected."""
        lines: list[Line] = []
        ids = self._world.ids
        for index, at in self._moments(start, end, timedelta(seconds=25)):
            node = nodes[ids.number("which", self._who, index) % len(nodes)]
            pod, eni = self._job(index), self._world.eni(node, 0)
            ip = f"172.16.{index % 4}.{index % 250 + 2}"
            demand: dict[str, object] = {
                "name": node, "podDemand": 0, "stalePods": 0, "totalIdleIPs": 3, "minPoolSize": 0,
                "minPoolDemand": 0, "warmUpDemand": 0, "allocationDemand": 0,
            }  # fmt: skip
            choices = [
                Line(at, "assign ip", "I", "pool.go:918", {"name": node, "pod": pod, "ip": {"ip": ip}, "eni": eni}),
                Line(at, "pod released", "I", "pool.go:814", {"name": node, "pod": pod, "ip": ip}),
                Line(at, "addIP demand calculation", "I", "pool.go:1211", demand),
                Line(at, "report node cap", "I", "node.go:389", {"name": node}),
                Line(at, "to delete ip", "I", "pool.go:2034", {"name": node, "toDel": 1 + index % 2}),
            ]
            lines.append(choices[index % len(choices)] if self._terway.hands_out else choices[3])
        return lines
