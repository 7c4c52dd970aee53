"""Pseudonyms for what names a customer's objects: the same one everywhere within an investigation, and back again.

A pseudonym is made from a secret key, so it tells nothing to whoever does not hold the key, and two investigations
have nothing in common. What a name consists of stays visible as far as it tells how objects hang together: replicas
begin with the pseudonym of their workload, an ENI stays an `eni-`, an address an address.
"""

import hashlib
import ipaddress
import re
from bisect import bisect_left
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

_LETTERS = "bcdfghjkmnpqrstvwxz23456789"
_HASH = 7
_SHORT_HASH = 5

_WORD = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?"
_MAC = r"(?<![\w:])(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?![\w:])"
_IPV6 = r"(?<![\w:.])(?=[0-9A-Fa-f]*:[0-9A-Fa-f]*:)[0-9A-Fa-f:]{2,39}(?:%\w{1,15})?(?![\w:]|\.\d)"
_NAMES = re.compile(rf"(?P<mac>{_MAC})|(?P<ipv6>{_IPV6})|(?P<word>{_WORD})(?P<cut>…?)", re.ASCII)

_CLOUD = re.compile(r"(eni|vsw|sg|i|vpc|eip|d|disk|lb|nlb|alb|ngw|vtb|rtb|acl|leni|hvi)-(?=[a-z]*\d)[a-z0-9]{8,40}")
_CLUSTER_ID = re.compile(r"c[0-9a-f]{32}")
_ACCOUNT = re.compile(r"[1-9]\d{15}")
_REGION = re.compile(r"[a-z]{2}-[a-z]+(?:-\d)?(?:-[a-z])?")
_LONG = 80
_IPV4 = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")
_ADDRESSED = re.compile(r"(?:[a-z0-9][a-z0-9-]*\.)(?:\d{1,3}\.){3}\d{1,3}|ip-\d{1,3}-\d{1,3}-\d{1,3}-\d{1,3}")
"""How nodes are called after their address."""

_GENERATED = re.compile(
    r"(?P<base>.+?)-(?:[a-z0-9]{6,10}-[bcdfghjklmnpqrstvwxz2456789]{5}|[bcdfghjklmnpqrstvwxz2456789]{5}"
    r"|(?=[a-z]*\d)[a-z0-9]{8,10}(?:-\d{1,4})?|\d{1,10}(?:-[bcdfghjklmnpqrstvwxz2456789]{5})?)"
)
"""What controllers append to the name of a workload, shortest base first."""

_OF_A_POD = re.compile(
    r"(?<![\w/.-])([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)/([a-z0-9][a-z0-9.-]{0,240}-[bcdfghjklmnpqrstvwxz2456789]{5})(?![\w-])"
)
_IN_A_PATH = re.compile(r"namespaces/([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)")

_SYSTEM = frozenset({"default", "kube-system", "kube-public", "kube-node-lease", "kubernetes", "in-cluster"})
_SYSTEM_BEGINNINGS = (
    "terway", "coredns", "kube-", "metrics-server", "csi-plugin", "csi-provisioner", "cloud-controller-manager",
    "node-local-dns", "ack-cluster-profile", "ack-node-", "alicloud-monitor-", "eni-config", "virtual-kubelet",
    "cilium",
)  # fmt: skip

_PUBLIC = tuple(
    map(ipaddress.ip_network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "100.100.0.0/16", "240.0.0.0/4"))
)
"""Addresses that name nothing of anybody, the cloud's own services, and the range pseudonyms come from."""

_PREFIX = {"namespace": "ns"}

_FIXED = frozenset(
    {
        *("status", "category", "confidence", "tool", "outcome", "sufficiency", "level", "type", "presence", "mode"),
        *("allowed_tools", "done", "component"),
    }
)
"""Fields whose words are this project's own."""


class Pseudonyms:
    """Names of one investigation with their pseudonyms.

    Args:
        key: the secret; whoever has it can tell which name a pseudonym stands for.
        names: what is known to be a name, with its kind: namespace, node, app or cluster; in order of first sight.
        vocabulary: words that also mean something else; they are names only where they stand as one.
    """

    def __init__(self, key: bytes, names: Mapping[str, str], vocabulary: frozenset[str] = frozenset()) -> None:
        self._key = key
        self._vocabulary = vocabulary
        self._given: dict[str, str] = {}
        self._real: dict[str, str] = {}
        self._unfit: list[str] = []
        self._sorted: list[str] = []
        self.fresh: dict[str, str] = {}
        """Names that were found in texts and are worth keeping, with their kinds."""
        for name, kind in names.items():
            self.learn(name, kind)
        self.fresh.clear()

    def learn(self, name: str, kind: str) -> None:
        """Take a name in; what belongs to Kubernetes or Terway stays what it is."""
        if name in self._given or name in self._real or not name or is_system(name):
            return
        self.fresh[name] = kind
        if _NAMES.fullmatch(name) is None:
            self._unfit.append(name)
            self._unfit.sort(key=len, reverse=True)
        self._give(name, partial(self._named, name, kind))

    def data(self, value: Any, field: str = "") -> Any:
        """A copy of JSON-like data with pseudonyms; fields that hold only this project's own words stay."""
        if isinstance(value, str):
            return self._shaped_only(value) if field in _FIXED else self.text(value)
        if isinstance(value, dict):
            return {self._shaped_only(key): self.data(item, key) for key, item in value.items()}
        return [self.data(item, field) for item in value] if isinstance(value, list) else value

    def text(self, text: str) -> str:
        """A text with every name, address and id in it replaced."""
        for found in _OF_A_POD.finditer(text):
            if found[1] not in self._vocabulary:
                self.learn(found[1], "namespace")
            self.learn(found[2], "app")
        for found in _IN_A_PATH.finditer(text):
            self.learn(found[1], "namespace")
        if text in self._given:
            return self._given[text]
        for name in self._unfit:
            text = text.replace(name, self._given[name])
        return _NAMES.sub(self._replaced, text)

    def real(self, value: Any) -> Any:
        """The same data with real names where pseudonyms stand; for what a caller sends."""
        if isinstance(value, str):
            return self._real.get(value) or _NAMES.sub(lambda found: self._real.get(found[0], found[0]), value)
        if isinstance(value, dict):
            return {key: self.real(item) for key, item in value.items()}
        return [self.real(item) for item in value] if isinstance(value, list) else value

    def _replaced(self, found: re.Match[str]) -> str:
        if found["mac"]:
            return self._give(found[0], partial(self._mac, found[0]))
        if found["ipv6"]:
            return self._address(found[0])
        word, cut = found["word"], found["cut"]
        if word in self._given and self._stands_as_name(found):
            return self._given[word] + cut
        if word in self._real or word in self._vocabulary:
            return found[0]
        shaped = self._shaped(word)
        if shaped == word:
            shaped = self._generated(word) or (self._begun(word) if _is_cut(found) else word)
        return shaped + cut

    def _stands_as_name(self, found: re.Match[str]) -> bool:
        """A word that means something by itself is a name where it stands alone or in a path."""
        word, text = found["word"], found.string
        if word not in self._vocabulary and len(word) > 1 and not word.isdigit():
            return True
        alone = found.start() == 0 and found.end() == len(text)
        return alone or text[found.start() - 1 : found.start()] == "/" or text[found.end() : found.end() + 1] == "/"

    def _shaped_only(self, key: str) -> str:
        """Keys are fields, but for those that are ids and addresses."""
        return key if key.isalpha() else _NAMES.sub(self._if_shaped, key)

    def _if_shaped(self, found: re.Match[str]) -> str:
        return self._shaped(found["word"]) + found["cut"] if found["word"] else self._replaced(found)

    def _shaped(self, word: str) -> str:
        """The pseudonym of what shows by its form that it is an id or an address; else the word itself."""
        if _IPV4.fullmatch(word):
            return self._address(word)
        if cloud := _CLOUD.fullmatch(word):
            return self._give(word, partial(self._cloud, cloud[1], word))
        if _CLUSTER_ID.fullmatch(word):
            return self._give(word, partial(self._named, word, "cluster"))
        if _ACCOUNT.fullmatch(word):
            return self._give(word, partial(self._named, word, "account"))
        if _ADDRESSED.fullmatch(word):
            return self._give(word, partial(self._named, word, "node"))
        return self._dotted(word) if "." in word else word

    def _dotted(self, word: str) -> str:
        """Names joined by dots: an event is called after its object, a service has a domain."""
        known, _, rest = word.rpartition(".")
        if known in self._given or _ADDRESSED.fullmatch(known) or _IPV4.fullmatch(known):
            return f"{self._given.get(known) or self._shaped(known)}.{self._given.get(rest, rest)}"
        return ".".join(self._given.get(part) or self._shaped(part) for part in word.split("."))

    def _generated(self, word: str) -> str:
        """A replica of a known workload that was never seen itself, as in logs of pods that are gone; "" if none."""
        found = _GENERATED.fullmatch(word)
        if found is None or found["base"] not in self._given:
            return ""
        return self._give(word, partial(self._replica, found["base"], word))

    def _begun(self, word: str) -> str:
        """A name that was cut off: the pseudonym of the first one that begins so."""
        if len(word) < 4:
            return word
        if len(self._sorted) != len(self._given):
            self._sorted = sorted(self._given)
        at = bisect_left(self._sorted, word)
        whole = self._sorted[at] if at < len(self._sorted) else ""
        return self._given[whole] if whole.startswith(word) else word

    def _address(self, text: str) -> str:
        plain, percent, zone = text.partition("%")
        try:
            address = ipaddress.ip_address(plain)
        except ValueError:
            return text
        if address.version == 4:
            public = any(address in network for network in _PUBLIC)
            return text if public else self._give(text, partial(self._ipv4, text))
        if address.is_loopback or address.is_unspecified or address.is_link_local or plain.startswith("2001:db8:"):
            return text
        return self._give(plain, partial(self._ipv6, plain)) + percent + zone

    def _give(self, name: str, make: Callable[[int], str]) -> str:
        """The pseudonym of a name; two names that would get the same are told apart."""
        if name in self._given:
            return self._given[name]
        tries = 0
        while (pseudonym := make(tries)) in self._real or pseudonym in self._given:
            tries += 1
        self._given[name] = pseudonym
        self._real[pseudonym] = name
        self.fresh.setdefault(name, "id")
        return pseudonym

    def _named(self, name: str, kind: str, tries: int) -> str:
        if kind == "id":
            return self._reshaped(name, tries)
        found = _GENERATED.fullmatch(name) if kind == "app" else None
        if found and not is_system(found["base"]):
            self.learn(found["base"], kind)
            return self._replica(found["base"], name, tries)
        return f"{_PREFIX.get(kind, kind)}-{self._hash(name, tries)}"

    def _reshaped(self, name: str, tries: int) -> str:
        """What was found by its form before gets the same again."""
        if re.fullmatch(_MAC, name):
            return self._mac(name, tries)
        if _IPV4.fullmatch(name):
            return self._ipv4(name, tries)
        if ":" in name:
            return self._ipv6(name, tries)
        if cloud := _CLOUD.fullmatch(name):
            return self._cloud(cloud[1], name, tries)
        kinds = ((_CLUSTER_ID, "cluster"), (_ACCOUNT, "account"), (_ADDRESSED, "node"))
        return self._named(name, next((kind for form, kind in kinds if form.fullmatch(name)), "app"), tries)

    def _replica(self, base: str, name: str, tries: int) -> str:
        return f"{self._given[base]}-{self._hash(name, tries)[:_SHORT_HASH]}"

    def _cloud(self, kind: str, name: str, tries: int) -> str:
        return f"{kind}-{self._hash(name, tries)}{self._hash(name, tries + 1000)}"

    def _mac(self, name: str, tries: int) -> str:
        digits = f"{self._number(name.lower(), tries) % (1 << 40):010x}"
        return ":".join(["02", *(digits[at : at + 2] for at in range(0, 10, 2))])

    def _ipv4(self, name: str, tries: int) -> str:
        """From 240.0.0.0/4, which is reserved: nobody can mistake it for an address of theirs."""
        return str(ipaddress.IPv4Address((0xF << 28) | self._number(name, tries) % (1 << 28)))

    def _ipv6(self, name: str, tries: int) -> str:
        """From 2001:db8::/32, the range for documentation."""
        return str(ipaddress.IPv6Address((0x20010DB8 << 96) | self._number(name, tries) % (1 << 96)))

    def _hash(self, name: str, tries: int) -> str:
        value, letters = self._number(name, tries), []
        for _ in range(_HASH):
            value, letter = divmod(value, len(_LETTERS))
            letters.append(_LETTERS[letter])
        return "".join(letters)

    def _number(self, name: str, tries: int) -> int:
        message = f"{tries}/{name}".encode("utf-8", "replace")
        return int.from_bytes(hashlib.blake2b(message, key=self._key, digest_size=16).digest(), "big")


def _is_cut(found: re.Match[str]) -> bool:
    """True for a word that an ellipsis follows, or that ends a text so long that it may have been cut."""
    ends = found.end() == len(found.string) >= _LONG
    return (bool(found["cut"]) or ends) and _REGION.fullmatch(found["word"]) is None


def is_system(name: str) -> bool:
    """True for names that Kubernetes, Terway and ACK give, which tell nothing about a customer."""
    return name in _SYSTEM or name.startswith(_SYSTEM_BEGINNINGS)
