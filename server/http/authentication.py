"""Whose requests are answered: clients of a token file, callers of an OAuth issuer, or both."""

from pathlib import Path

from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings

from terway_mcp.server.http.probes import Check
from terway_mcp.server.http.settings import HttpSettings, OAuth
from terway_mcp.server.http.token_file import TokenFile

_NOWHERE = "http://localhost"
"""The SDK wants an issuer; with a token file there is none, and nobody is told of this one."""


class AnyOf:
    """Accepts what the first of several verifiers accepts."""

    def __init__(self, verifiers: list[TokenVerifier]) -> None:
        self._verifiers = verifiers

    async def verify_token(self, token: str) -> AccessToken | None:
        """Ask one after another."""
        for verifier in self._verifiers:
            if found := await verifier.verify_token(token):
                return found
        return None


def authentication(settings: HttpSettings) -> tuple[tuple[AuthSettings, TokenVerifier] | None, dict[str, Check]]:
    """What the SDK needs to authenticate callers (None: everybody is let in), and what must be ready for it.

    Raises:
        CredentialsError: The token file or the file of keys cannot be used.
        InvalidInput: Keys would have to be fetched from a place that cannot be trusted.
    """
    if not settings.authenticated:
        return None, {}
    oauth = settings.oauth
    verifiers: list[TokenVerifier] = []
    checks: dict[str, Check] = {}
    scopes = list(oauth.scopes) if oauth else []
    if settings.token_file:
        verifiers.append(TokenFile(settings.token_file, scopes=scopes, resource=oauth.resource if oauth else None))
    if oauth:
        verifier, checks["oauth"] = _verifier(oauth)
        verifiers.append(verifier)
    # From plain texts: an issuer without a path must be published as it is, letter by letter.
    auth = AuthSettings.model_validate(
        {
            "issuer_url": oauth.issuer if oauth else _NOWHERE,
            "required_scopes": scopes or None,
            "resource_server_url": oauth.resource if oauth else None,
            "validate_token_resource": oauth is not None,
        }
    )
    return (auth, AnyOf(verifiers)), checks


def _verifier(oauth: OAuth) -> tuple[TokenVerifier, Check]:
    from terway_mcp.server.http.key_set import KeyFile, KeyUrl  # noqa: PLC0415 - only OAuth needs keys
    from terway_mcp.server.http.oauth import JwtVerifier  # noqa: PLC0415 - imports cryptography

    keys = KeyUrl(oauth.jwks) if "://" in oauth.jwks else KeyFile(Path(oauth.jwks))
    return JwtVerifier(oauth.issuer, oauth.resource, keys), keys.check
