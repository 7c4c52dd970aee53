"""What happened in a captured cluster: events and log lines, as the release on it reports them."""

from datetime import datetime, timedelta
from typing import Self

from . import events, releases
from .accounting import NodeModel
from .clock import Seen
from .events import Ref, Said
from .logs import Line, Log
from .pods import Pod
from .profile import Json, Terway
from .world import World

LogKey = tuple[str, str, str, bool]
"""Namespace, pod, container and whether it is the log of the previous run."""

_ECHOED = 6  # how many occurrences of one event the controlplane's log repeats


class Story:
    """Events and logs of a cluster under construction; `ClusterBuilder` adds the objects."""

    def __init__(self, world: World, terway: Terway) -> None:
        self.world = world
        self.terway = terway
        self.nodes: dict[str, NodeModel] = {}
        self.pods: dict[tuple[str, str], Pod] = {}
        self.events: list[Json] = []
        self.logs: dict[LogKey, Log] = {}
        self.bound: set[tuple[str, str]] = set()

    # Objects, as events name them.

    def ref(self, namespace: str, pod: str) -> Ref:
        """A pod of the capture."""
        found = self.pods[namespace, pod]
        return Ref("Pod", pod, namespace, found.uid, "v1", found.resource_version)

    def ref_node(self, node: str) -> Ref:
        """The core Node; Terway's daemon fills in its true uid."""
        return Ref("Node", node, uid=self.world.ids.uid("node", node))

    def ref_kubelet_node(self, node: str) -> Ref:
        """The core Node as the kubelet names it: its own name stands for the uid."""
        return Ref("Node", node, uid=node, api_version="")

    def ref_node_cr(self, node: str) -> Ref:
        """Terway's Node of the same name."""
        version = str(990_000 + self.world.ids.number("cr rv", node) % 9_000)
        return Ref("Node", node, "", self.world.ids.uid("node cr", node), "network.alibabacloud.com/v1beta1", version)

    def ref_pod_eni(self, namespace: str, pod: str, *, exists: bool = True) -> Ref:
        """The PodENI of a pod; before it exists its events carry no uid."""
        uid = self.world.ids.uid("podeni", f"{namespace}/{pod}") if exists else ""
        return Ref("PodENI", pod, namespace, uid, "network.alibabacloud.com/v1beta1")

    # Events, one method per reporter.

    def event_kubelet(self, ref: Ref, said: Said, seen: Seen, node: str = "") -> Self:
        """The kubelet of `node` (by default the pod's) says something; `{sandbox}` is a new id each time."""
        host = node or self.pods[ref.namespace, ref.name].node
        for message, when in events.spread(self.world, said.message, seen, f"{ref.name} {said.reason}"):
            one = Said(said.reason, message, said.warning)
            self.events.append(events.kubelet(self.world, ref, one, when, host))
        return self

    def event_daemon(self, ref: Ref, said: Said, seen: Seen) -> Self:
        """Terway's daemon (or its CNI plugin) says something about a Pod or a core Node."""
        for message, when in events.spread(self.world, said.message, seen, f"{ref.name} {said.reason}"):
            self.events.append(events.daemon(self.world, ref, Said(said.reason, message, said.warning), when))
        return self

    def event_scheduler(self, ref: Ref, said: Said, seen: Seen) -> Self:
        """The scheduler says something."""
        self.events.append(events.scheduler(self.world, ref, said, seen))
        return self

    def event_controller(self, component: str, ref: Ref, said: Said, seen: Seen) -> Self:
        """A controller of Kubernetes itself says something."""
        self.events.append(events.controller(self.world, ref, said, seen, component))
        return self

    def event_controlplane(self, controller: str, ref: Ref, said: Said, seen: Seen, related: Ref | None = None) -> Self:
        """A controller of terway-controlplane reports, by today's reason; the release decides name, API and log line.

        Without the right to write events.k8s.io/v1 only the copy in the log is left.
        """
        kind = "NodeCR" if ref.kind == "Node" and ref.api_version != "v1" else ref.kind
        reason = releases.reason_in(self.terway.release, said.reason, kind)
        if reason is None:
            return self
        key = f"{ref.kind} {ref.name} {reason}"
        for moment in seen.moments()[:_ECHOED]:
            text = events.spread(self.world, said.message, Seen.once(moment), key)[0][0]
            self._echo(ref, Said(reason, text, said.warning, said.action), moment)
            if not self._stored:
                self.controlplane_says(_rejected(ref, reason, "terway-controlplane", moment))
        written = events.spread(self.world, said.message, seen, key)
        if self.terway.new_events:
            # A series keeps its first note; only the legacy recorder makes a new event of every new text.
            written = [(written[0][0], seen)]
        for message, when in written if self._stored else []:
            one = Said(reason, message, said.warning, said.action)
            source = (self.terway.release, controller, self.leader_host)
            event = events.terway_controller(self.world, ref, one, when, source)
            self.events.append(events.with_related(event, related) if related and self.terway.new_events else event)
        return self

    def event_reconcile(self, ref: Ref, said: Said, seen: Seen) -> Self:
        """The CRD-mode daemon on a node reports while it reconciles its Node CR."""
        if not self.terway.new_events:
            self.events.append(events.legacy(self.world, ref, said, seen, ("terway-daemon", "")))
        elif self.terway.events_rbac:
            reporter = ("terway-daemon", f"terway-daemon-{ref.name}")
            self.events.append(events.modern(self.world, ref, said, seen, reporter))
        else:
            lines = [_rejected(ref, said.reason, "terway", moment) for moment in seen.moments()[:_ECHOED]]
            self.daemon_says(ref.name, *lines)
        return self

    @property
    def _stored(self) -> bool:
        return self.terway.events_rbac or not self.terway.new_events

    def _echo(self, ref: Ref, said: Said, at: datetime) -> None:
        """The copy of an event that controller-runtime writes to the log."""
        fields: Json = {"logger": "events", "type": said.type, "reason": said.reason}
        if not self.terway.new_events:
            about = {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name, "apiVersion": ref.api_version}
            self.controlplane_says(Line(at, said.message, "I", "recorder.go:104", {**fields, "object": about}))
            return
        about = {"object": f"{ref.namespace}/{ref.name}", "kind": ref.kind, "apiVersion": ref.api_version}
        fields = {**about, **fields, "action": said.action, "note": said.message}
        self.controlplane_says(Line(at, "Event occurred", "I", "event_broadcaster.go:338", fields))

    # Logs.

    def log(self, namespace: str, pod: str, container: str, *, previous: bool = False) -> Log:
        """The log of a container, to add lines to."""
        key = (namespace, pod, container, previous)
        if key not in self.logs:
            self.logs[key] = Log(releases.log_format(self.terway.release))
        return self.logs[key]

    def daemon_log(self, node: str, container: str = "terway", *, previous: bool = False) -> Log:
        """The log of a container of the Terway pod on a node."""
        return self.log("kube-system", self.world.daemon_pod(self.terway.daemonset, node), container, previous=previous)

    def daemon_says(self, node: str, *lines: Line) -> Self:
        """The daemon on a node logs something."""
        self.daemon_log(node).add(*lines)
        return self

    def controlplane_says(self, *lines: Line) -> Self:
        """The leading controlplane logs something, unless it runs out of sight."""
        if self.terway.controlplane == "deployed":
            self.log("kube-system", self.leader, "terway-controlplane").add(*lines)
        return self

    @property
    def leader(self) -> str:
        """The pod that holds the controlplane's lease."""
        return self.world.replica("terway-controlplane", 0)

    @property
    def leader_host(self) -> str:
        """The host the leader runs on; hosted controlplanes have one of their own."""
        if self.terway.controlplane == "deployed":
            return next(iter(self.nodes))
        return f"terway-controlplane-{self.world.ids.suffix(10, 'hosted')}"

    def repeat(self, seen: Seen, line: Line) -> list[Line]:
        """A log line at every moment of `seen`, each with its own request id."""
        written = []
        for moment in seen.moments():
            request = self.world.ids.request_id("log", line.message, moment)
            fields = {
                key: value.replace("{request_id}", request) if isinstance(value, str) else value
                for key, value in line.fields.items()
            }
            written.append(Line(moment, line.message, line.level, line.source, fields))
        return written


def _rejected(ref: Ref, reason: str, account: str, at: datetime) -> Line:
    """What the recorder logs when the API server refuses an event."""
    text = (
        f'events.events.k8s.io is forbidden: User "system:serviceaccount:kube-system:{account}" cannot create '
        f'resource "events" in API group "events.k8s.io" in the namespace "{ref.home}"'
    )
    about = {"reason": reason, "regarding": {"kind": ref.kind, "name": ref.name}}
    fields: Json = {"err": text, "logger": "events", "event": about}
    message = "Server rejected event (will not retry!)"
    return Line(at + timedelta(milliseconds=9), message, "E", "event_broadcaster.go:270", fields)
