"""Turns every story has: a pod starts, a pod waits for its network, a container keeps crashing."""

from datetime import timedelta
from typing import Self

from . import releases
from .clock import Seen
from .events import Said
from .logs import Line
from .story import Story

SANDBOX = (
    'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "{sandbox}": '
)
CNI = SANDBOX + 'plugin type="terway" failed (add): failed to do add; '
DEADLINE = "cmdAdd: error alloc ip rpc error: code = DeadlineExceeded desc = context deadline exceeded"
NO_ENI = "cmdAdd: error alloc ip rpc error: code = Unknown desc = no eni can handle the allocation"
REFUSED = (
    "cmdAdd: error alloc ip rpc error: code = Unavailable desc = connection error: "
    'desc = "transport: Error while dialing: dial unix /var/run/eni/eni.socket: connect: connection refused"'
)


class Plots(Story):
    """Several events and log lines that always come together."""

    def scheduled(self, namespace: str, pod: str) -> Self:
        """The scheduler bound a pod to its node; it does so once."""
        if (namespace, pod) in self.bound:
            return self
        self.bound.add((namespace, pod))
        found = self.pods[namespace, pod]
        text = f"Successfully assigned {found.key} to {found.node}"
        seen = Seen.once(found.created)
        self.event_scheduler(self.ref(namespace, pod), Said("Scheduled", text, warning=False, action="Binding"), seen)
        return self

    def started(self, namespace: str, pod: str) -> Self:
        """A pod got its address and runs: scheduled, allocated, pulled, created, started."""
        found, ref = self.pods[namespace, pod], self.ref(namespace, pod)
        self.scheduled(namespace, pod)
        if found.ips and not found.host_network:
            self.got_address(namespace, pod, Seen.once(found.created + timedelta(seconds=2)))
        for container in found.main_containers:
            at = Seen.once(found.created + timedelta(seconds=3))
            present = f'Container image "{container.image}" already present on machine'
            self.event_kubelet(ref, Said("Pulled", present, warning=False), at)
            self.event_kubelet(ref, Said("Created", f"Created container: {container.name}", warning=False), at)
            self.event_kubelet(ref, Said("Started", f"Started container {container.name}", warning=False), at)
        return self

    def got_address(self, namespace: str, pod: str, seen: Seen) -> Self:
        """Terway reports that it gave the pod its address."""
        found = self.pods[namespace, pod]
        took = 0.05 + self.world.ids.number("took", pod) % 900 / 1000
        address = "-".join(f"{ip}/32" if "." in ip else f"{ip}/128" for ip in found.ips)
        said = Said("AllocIPSucceed", f"Alloc IP {address} took {took:.6f}s", warning=False)
        self.event_daemon(self.ref(namespace, pod), said, seen)
        about = {"pod": found.key, "containerID": self.world.ids.hex64("sandbox", found.key)[:16]}
        reply = f"IPType:TypeENIMultiIP Success:true IPv4:true NetConfs:[ip {found.ips[0]}]"
        answered = Line(
            seen.first + timedelta(milliseconds=60), "alloc ip", "I", "daemon.go:141", {**about, "reply": reply}
        )
        self.daemon_says(found.node, Line(seen.first, "alloc ip req", "I", "daemon.go:109", about), answered)
        return self

    def no_network(self, namespace: str, pod: str, error: str, seen: Seen, *, reported: bool = True) -> Self:
        """Every attempt to give a pod its network fails with `error`.

        `reported` says whether the plugin could reach the daemon to record its own event; a dead socket leaves the
        kubelet's event alone.
        """
        found, ref = self.pods[namespace, pod], self.ref(namespace, pod)
        self.scheduled(namespace, pod)
        self.event_kubelet(ref, Said("FailedCreatePodSandBox", self._wrapped(error)), seen)
        text = "Pod sandbox changed, it will be killed and re-created."
        self.event_kubelet(ref, Said("SandboxChanged", text, warning=False), seen)
        if reported:
            self.event_daemon(ref, Said("AllocIPFailed", error), seen)
            self._attempts_in_log(found.node, found.key, error, seen)
        return self

    def _wrapped(self, error: str) -> str:
        """The plugin's error as the kubelet passes it on; v1.5.6 added a few words of its own."""
        if releases.at_least(self.terway.release, "v1.5.6"):
            return CNI + error
        return SANDBOX + 'plugin type="terway" failed (add): ' + error

    def _attempts_in_log(self, node: str, pod: str, error: str, seen: Seen) -> None:
        _, wrapped, cause = error.partition("desc = ")
        took = timedelta(seconds=118) if "DeadlineExceeded" in error else timedelta(milliseconds=40)
        for moment in seen.moments():
            about = {"pod": pod, "containerID": self.world.ids.hex64("sandbox", pod, moment)[:16]}
            self.daemon_says(node, Line(moment - took, "alloc ip req", "I", "daemon.go:109", about))
            if not wrapped or "PodIsProcessing" in error:
                continue
            if "DeadlineExceeded" in error and self.terway.centralized:
                waited = Line(
                    moment, "context cancelled, allocation failed", "I", "crdv2.go:275", {"ipam": "crd", "pod": pod}
                )
                self.daemon_says(node, waited)
            fields = {"err": cause, **about, "reply": "IPType:TypeENIMultiIP IPv4:true"}
            self.daemon_says(
                node, Line(moment + timedelta(milliseconds=1), "alloc ip failed", "E", "daemon.go:139", fields)
            )

    def keeps_crashing(self, namespace: str, pod: str, container: str, seen: Seen) -> Self:
        """The kubelet backs off restarting a container."""
        found = self.pods[namespace, pod]
        text = f"Back-off restarting failed container {container} in pod {pod}_{namespace}({found.uid})"
        self.event_kubelet(self.ref(namespace, pod), Said("BackOff", text), seen)
        return self

    def network_not_ready(self, namespace: str, pod: str, seen: Seen) -> Self:
        """The runtime of the pod's node has no CNI configuration."""
        text = (
            "network is not ready: container runtime network not ready: NetworkReady=false "
            "reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized"
        )
        self.scheduled(namespace, pod)
        self.event_kubelet(self.ref(namespace, pod), Said("NetworkNotReady", text), seen)
        return self
