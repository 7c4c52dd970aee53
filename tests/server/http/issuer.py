"""An OAuth issuer: signs tokens and publishes its keys on a loopback port."""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.cluster.loopback import Api, Reply, Request, json_reply, serving

RESOURCE = "https://mcp.test/mcp"
SCOPE = "terway"


class Issuer:
    """Keys by id; tokens are signed with any of them."""

    def __init__(self) -> None:
        self.name = "https://issuer.test"
        self.api = Api(self.respond)
        self.down = False
        self._keys: dict[str, Any] = {}
        self.add("first", rsa.generate_private_key(65537, 2048))

    def add(self, kid: str, key: Any) -> None:
        self._keys[kid] = key

    def withdraw(self, kid: str) -> None:
        del self._keys[kid]

    def key_set(self) -> dict[str, Any]:
        """What the issuer publishes."""
        return {"keys": [public(kid, key) for kid, key in self._keys.items()]}

    def pem(self, kid: str) -> bytes:
        """A public key as text."""
        return bytes(self._keys[kid].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    def respond(self, _request: Request) -> Reply:
        return json_reply({}, 503) if self.down else json_reply(self.key_set())

    def token(
        self, kid: str = "first", algorithm: str = "RS256", header: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        """A token that holds, except for what is said otherwise; a claim of None is left out."""
        now = int(time.time())
        usual = {
            "iss": self.name,
            "aud": RESOURCE,
            "sub": "user-1",
            "client_id": "assistant",
            "scope": SCOPE,
            "iat": now,
            "exp": now + 300,
        }
        wanted = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        head = {"kid": kid, "typ": "at+jwt", **(header or {})}
        # Below jwt.encode, which would not sign nonsense.
        return jwt.PyJWS().encode(json.dumps(wanted).encode(), self._keys[kid], algorithm, headers=head)


@contextmanager
def issuing() -> Iterator[Issuer]:
    """An issuer whose keys can be fetched."""
    issuer = Issuer()
    with serving(issuer.respond) as api:
        issuer.api = api
        yield issuer


def public(kid: str, key: Any) -> dict[str, Any]:
    """The public part of a key as a JWK."""
    match key:
        case rsa.RSAPrivateKey():
            found = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        case ec.EllipticCurvePrivateKey():
            found = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        case ed25519.Ed25519PrivateKey():
            found = jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
        case _:
            raise TypeError(type(key).__name__)
    return {name: value for name, value in found.items() if name != "key_ops"} | {"kid": kid, "use": "sig"}


def forged(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    """A token of any header and claims with whatever signature."""
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
