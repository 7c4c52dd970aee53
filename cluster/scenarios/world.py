"""The names, ids and times one capture uses.

A scenario is written once against a `World`; another `Variation` tells the same story about other names, ids,
times, zones and releases.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from .ids import REGION_CODES, Ids

T = TypeVar("T")

_NAMESPACES: dict[str, tuple[str, ...]] = {
    "shop": ("shop", "orders", "retail", "checkout", "storefront"),
    "payments": ("payments", "billing", "ledger", "settlement"),
    "batch": ("batch", "nightly", "reports", "etl"),
}
_APPS: dict[str, tuple[str, ...]] = {
    "web": ("web", "frontend", "gateway", "edge"),
    "cart": ("cart", "basket", "wishlist", "catalog"),
    "api": ("api", "core-api", "backend", "graph"),
    "db": ("db", "mysql", "postgres", "tikv"),
    "cron": ("cron", "cleanup", "rollup", "digest"),
}


class Variation(msgspec.Struct, frozen=True):
    """What may differ between two captures of the same incident."""

    seed: int = 0
    now: datetime = datetime(2026, 7, 1, 8, 35, tzinfo=UTC)
    """The moment of the capture."""
    log_zone: timedelta = timedelta(hours=8)
    """Offset of the clock in log headers; the containers of a node usually run on Asia/Shanghai."""
    log_prefix: bool = True
    """Whether the collector asked for RFC 3339 timestamps in front of log lines."""
    region: str = "cn-hangzhou"
    subnet: str = "10.0.1"
    shuffled: bool = False
    """Whether events come in another order than by name."""


class World:
    """Everything a scenario may call by name."""

    def __init__(self, variation: Variation | None = None) -> None:
        self.variation = variation or Variation()
        self.ids = Ids(self.variation.seed, self.variation.region)
        self.now = self.variation.now
        self.region = self.variation.region

    def ago(self, minutes: float = 0, *, hours: float = 0, days: float = 0, seconds: float = 0) -> datetime:
        """So long before the capture."""
        return self.now - timedelta(minutes=minutes, hours=hours, days=days, seconds=seconds)

    def pick(self, what: str, *choices: T) -> T:
        """The first choice in the plain world, any of them in a varied one."""
        if self.variation.seed == 0:
            return choices[0]
        return choices[self.ids.number("pick", what) % len(choices)]

    def arranged(self, items: Sequence[T], label: str) -> list[T]:
        """The items in the order this capture has them."""
        if not self.variation.shuffled:
            return list(items)
        order = sorted(range(len(items)), key=lambda index: self.ids.number("order", label, index))
        return [items[index] for index in order]

    def namespace(self, role: str) -> str:
        """A namespace by its part in the story."""
        return self.pick(f"namespace {role}", *_NAMESPACES.get(role) or (role,))

    def app(self, role: str) -> str:
        """A workload by its part in the story."""
        return self.pick(f"app {role}", *_APPS.get(role) or (role,))

    def zone(self, letter: str) -> str:
        """A zone of the region."""
        return f"{self.region}-{letter}"

    def node_ip(self, host: int) -> str:
        """The address of the node called `node(host)`."""
        return f"{self.variation.subnet}.{host + self._host_shift}"

    def node(self, host: int) -> str:
        """A node by the last number of its address in the plain world."""
        return f"{self.region}.{self.node_ip(host)}"

    @property
    def _host_shift(self) -> int:
        return self.ids.number("hosts") % 150 if self.variation.seed else 0

    def instance(self, node: str) -> str:
        """The ECS instance behind a node."""
        return self.ids.cloud("i", node)

    def vswitch(self, name: str) -> str:
        """A vSwitch id; by convention named by the letter of its zone, with a number if there are several."""
        return self.ids.cloud("vsw", name)

    def security_group(self, name: str = "pods") -> str:
        """A security group id."""
        return self.ids.cloud("sg", name)

    def eni(self, node: str, index: int) -> str:
        """The ENI in a node's slot `index` (0 is the first one Terway attached)."""
        return self.ids.cloud("eni", node, index)

    def replica(self, app: str, index: int = 0) -> str:
        """A pod of a Deployment."""
        return f"{app}-{self.ids.template_hash(app)}-{self.ids.suffix(5, app, index)}"

    def daemon_pod(self, daemonset: str, node: str) -> str:
        """The pod of a DaemonSet on a node."""
        return f"{daemonset}-{self.ids.suffix(5, daemonset, node)}"


def vary(seed: int) -> Variation:
    """The variation with that number: other names, ids, times, region, clock of the logs and order of events."""
    if seed == 0:
        return Variation()
    draw = Ids(seed, "cn-hangzhou").number
    return Variation(
        seed=seed,
        now=datetime(2026, 1, 3, tzinfo=UTC) + timedelta(seconds=draw("now") % (360 * 86_400)),
        log_zone=timedelta(hours=(8, 0, 8, -5, 5.5)[draw("zone") % 5]),
        log_prefix=draw("prefix") % 6 != 0,
        region=sorted(REGION_CODES)[draw("region") % len(REGION_CODES)],
        subnet=f"10.{draw('second') % 200}.{draw('third') % 60}",
        shuffled=True,
    )
