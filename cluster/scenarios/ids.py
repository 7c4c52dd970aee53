"""Identifiers that look real and depend only on a seed and on what they name, never on the order of calls."""

import hashlib

_SAFE = "bcdfghjklmnpqrstvwxz2456789"  # what Kubernetes' rand.SafeEncodeString uses
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"

REGION_CODES = {"cn-hangzhou": "bp1", "cn-beijing": "2ze", "cn-shanghai": "uf6", "cn-shenzhen": "wz9"}
"""The three characters that tell the region in an Alibaba Cloud resource id."""


class Ids:
    """One family of identifiers: equal seeds give equal ids, different seeds different ones."""

    def __init__(self, seed: int, region: str) -> None:
        self._seed = seed
        self._code = REGION_CODES[region]

    def number(self, *key: object) -> int:
        """256 deterministic bits for a key: the root of everything else here."""
        text = "/".join(str(part) for part in (self._seed, *key))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=32).digest(), "big")

    def _spelled(self, alphabet: str, length: int, *key: object) -> str:
        value, letters = self.number(*key), []
        for _ in range(length):
            value, digit = divmod(value, len(alphabet))
            letters.append(alphabet[digit])
        return "".join(letters)

    def uid(self, *key: object) -> str:
        """A version 4 UUID."""
        digits = f"{self.number('uid', *key):064x}"
        variant = "89ab"[int(digits[15], 16) % 4]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-{variant}{digits[16:19]}-{digits[20:32]}"

    def request_id(self, *key: object) -> str:
        """The upper-case UUID an OpenAPI answer carries."""
        return self.uid("request", *key).upper()

    def hex64(self, *key: object) -> str:
        """A container or sandbox id."""
        return f"{self.number('hex', *key):064x}"

    def suffix(self, length: int, *key: object) -> str:
        """The random end of a generated Kubernetes name."""
        return self._spelled(_SAFE, length, "suffix", *key)

    def template_hash(self, *key: object) -> str:
        """The middle of a Deployment's pod names."""
        return self._spelled(_SAFE, 9, "template", *key)

    def cloud(self, kind: str, *key: object) -> str:
        """An Alibaba Cloud resource id: `cloud("vsw", "h")`, `cloud("eni", node, 0)`, `cloud("i", node)`."""
        return f"{kind}-{self._code}{self._spelled(_BASE36, 17, kind, *key)}"

    def mac(self, *key: object) -> str:
        """A MAC address from the range of Alibaba Cloud's virtual NICs."""
        digits = f"{self.number('mac', *key):064x}"
        return f"00:16:3e:{digits[:2]}:{digits[2:4]}:{digits[4:6]}"
