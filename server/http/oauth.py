"""Access tokens of an OAuth issuer: signed JWTs as RFC 9068 describes them, checked without asking the issuer."""

import logging
from typing import Any, Protocol

import jwt
from mcp.server.auth.provider import AccessToken

from terway_mcp.server.callers import NOT_KEPT
from terway_mcp.server.http.key_set import Key

logger = logging.getLogger(__name__)

ALGORITHMS = {
    "RSA": frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    "EC": frozenset({"ES256", "ES384", "ES512"}),
    "OKP": frozenset({"EdDSA"}),
}
"""What a token may be signed with, by kind of key. Public-key signatures only: neither `none` nor a shared secret."""

_TYPES = frozenset({"", "jwt", "at+jwt", "application/at+jwt"})
"""Other kinds of JWT (logout, client assertion...) may come from the same issuer, but let nobody in."""

_LEEWAY_SECONDS = 30
_LONGEST = 16 * 1024


class Keys(Protocol):
    """Where keys come from."""

    async def key(self, kid: str | None) -> Key | None:
        """The key of an id; without an id the only one there is."""
        ...

    async def check(self) -> None:
        """Return if there are keys.

        Raises:
            CredentialsError: There are none.
        """
        ...


class JwtVerifier:
    """Accepts tokens that `issuer` signed for `resource` (their audience, RFC 8707) and that are valid now."""

    def __init__(self, issuer: str, resource: str, keys: Keys) -> None:
        self._issuer = issuer
        self._resource = resource
        plain = resource.rstrip("/")
        self._audience = [plain, f"{plain}/"]
        self._keys = keys

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whom the token was issued to, and what for; None if it is not to be believed."""
        try:
            claims = await self._claims(token)
        # Errors in numbers and in nesting come from texts that were never meant to be tokens.
        except (jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
            logger.debug("token refused: %s", type(error).__name__)
            return None
        return AccessToken(
            token=NOT_KEPT,
            client_id=_text(claims, "client_id") or _text(claims, "azp"),
            scopes=_scopes(claims),
            expires_at=int(claims["exp"]) + _LEEWAY_SECONDS,
            resource=self._resource,
            subject=_text(claims, "sub"),
            claims={"iss": self._issuer},
        )

    async def _claims(self, token: str) -> dict[str, Any]:
        """The claims of a token that holds.

        Raises:
            PyJWTError: It does not; or ValueError, OverflowError or RecursionError from within.
        """
        if len(token) > _LONGEST:
            raise jwt.InvalidTokenError("too long")
        header = jwt.get_unverified_header(token)
        kind, algorithm, kid = header.get("typ") or "", header.get("alg"), header.get("kid")
        if not isinstance(kind, str) or kind.lower() not in _TYPES or "crit" in header:
            raise jwt.InvalidTokenError("not an access token")
        if not isinstance(algorithm, str) or not any(algorithm in allowed for allowed in ALGORITHMS.values()):
            raise jwt.InvalidAlgorithmError("not among the algorithms allowed")
        key = await self._keys.key(kid)
        if key is None:
            raise jwt.InvalidKeyError("signed with an unknown key")
        # The kind of the key decides, and its own word if it has one; the token merely chooses among what is left.
        if algorithm not in ALGORITHMS[key["kty"]] or key.get("alg", algorithm) != algorithm:
            raise jwt.InvalidAlgorithmError("not an algorithm of this key")
        return dict(
            jwt.decode(
                token,
                jwt.PyJWK(key, algorithm),
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"], "enforce_minimum_key_length": True},
            )
        )


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _scopes(claims: dict[str, Any]) -> list[str]:
    """`scope` as RFC 8693 has it, or `scp` as some issuers write it: a list, or a text with spaces."""
    value = claims.get("scope", claims.get("scp", ""))
    if isinstance(value, list):
        return [scope for scope in value if isinstance(scope, str)]
    return value.split() if isinstance(value, str) else []
