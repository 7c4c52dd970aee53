"""The public keys an OAuth issuer signs with (a JWK Set), from its URL or from a file, kept as fresh as needed."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import msgspec

from terway_mcp.cluster.errors import CredentialsError, InvalidInput
from terway_mcp.cluster.loopback import is_loopback
from terway_mcp.server.http.watched import Stamp, stamp_of

logger = logging.getLogger(__name__)

Key = dict[str, Any]

_FRESH_SECONDS = 600.0
"""After this long the keys are asked for again, so that a withdrawn one is forgotten."""

_PAUSE_SECONDS = 30.0
"""The issuer is asked no more often than this, whatever keys made-up tokens name."""

_FETCH_SECONDS = 5.0
_MOST_BYTES = 256 * 1024
_PUBLIC_KINDS = frozenset({"RSA", "EC", "OKP"})
_PRIVATE_PARTS = frozenset({"d", "p", "q", "dp", "dq", "qi", "k"})


class KeyFile:
    """Keys of a file, read anew when it changes.

    Raises:
        CredentialsError: At the start the file is no set of public keys.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: Stamp = stamp_of(path)
        self._keys = self._read()

    async def key(self, kid: str | None) -> Key | None:
        """The key of an id; without an id the only one there is."""
        stamp = stamp_of(self._path)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._keys = self._read()
            except CredentialsError as error:
                logger.error("%s; the keys read before stay in force", error)  # noqa: TRY400 - the message says it all
        return _chosen(self._keys, kid)

    async def check(self) -> None:
        """A file that could be read at the start is enough."""

    def _read(self) -> list[Key]:
        try:
            return parsed(self._path.read_bytes(), str(self._path))
        except OSError as error:
            raise CredentialsError(f"key set {self._path}: {error.strerror}") from error


class KeyUrl:
    """Keys that an issuer publishes. An id not seen before makes them be fetched again, once in a while.

    Raises:
        InvalidInput: The URL is neither https nor on this machine: whoever answers it decides who may call.
    """

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise InvalidInput(f"key set {url}: only https is believed, or http on a loopback address")
        self._url = url
        self._clock = clock
        self._lock = anyio.Lock()
        self._keys: list[Key] = []
        self._fetched = self._asked = float("-inf")

    async def key(self, kid: str | None) -> Key | None:
        """The key of an id; without an id the only one there is."""
        found = _chosen(self._keys, kid)
        fresh = self._clock() - self._fetched < _FRESH_SECONDS
        # While one request renews them, the others go on with the keys there are.
        if found is not None and (fresh or self._pausing()):
            return found
        async with self._lock:
            if not self._pausing():
                await self._renew()
        return _chosen(self._keys, kid)

    async def check(self) -> None:
        """Return if there are keys.

        Raises:
            CredentialsError: The issuer could not be asked so far.
        """
        async with self._lock:
            if not self._keys and not self._pausing():
                await self._renew()
        if not self._keys:
            raise CredentialsError(f"key set {self._url}: no keys yet")

    def _pausing(self) -> bool:
        return self._clock() - self._asked < _PAUSE_SECONDS

    async def _renew(self) -> None:
        """Ask the issuer; where it cannot be asked the known keys stay."""
        self._asked = self._clock()
        try:
            self._keys = parsed(await self._fetch(), self._url)
        except CredentialsError as error:
            logger.error("%s; %d keys known before stay in force", error, len(self._keys))  # noqa: TRY400
            return
        self._fetched = self._clock()

    async def _fetch(self) -> bytes:
        """One GET that follows no redirects.

        Raises:
            CredentialsError: It failed, or the answer is too long.
        """
        body = bytearray()
        client = httpx2.AsyncClient(timeout=_FETCH_SECONDS)
        try:
            with anyio.fail_after(_FETCH_SECONDS):
                async with client, client.stream("GET", self._url) as answer:
                    if answer.status_code != 200:
                        raise CredentialsError(f"key set {self._url}: HTTP {answer.status_code}")
                    async for chunk in answer.aiter_bytes():
                        body += chunk
                        if len(body) > _MOST_BYTES:
                            raise CredentialsError(f"key set {self._url}: more than {_MOST_BYTES:,} bytes")
        except (httpx2.HTTPError, OSError, TimeoutError) as error:
            raise CredentialsError(f"key set {self._url}: {str(error) or type(error).__name__}") from error
        return bytes(body)


def parsed(body: bytes, source: str) -> list[Key]:
    """The public signature keys of a JWK Set; others are left out.

    Raises:
        CredentialsError: It is no JWK Set, or it holds private or shared keys, which nobody may publish.
    """
    try:
        found = msgspec.json.decode(body, type=dict[str, Any]).get("keys")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CredentialsError(f"key set {source}: not JSON") from error
    if not isinstance(found, list) or not all(isinstance(key, dict) for key in found):
        raise CredentialsError(f"key set {source}: there is no list of keys")
    if any(_PRIVATE_PARTS & set(key) or key.get("kty") == "oct" for key in found):
        raise CredentialsError(f"key set {source}: it holds a private or shared key; give the public ones only")
    usable = [key for key in found if key.get("kty") in _PUBLIC_KINDS and key.get("use", "sig") == "sig"]
    if not usable:
        raise CredentialsError(f"key set {source}: there is no public signature key")
    return usable


def _chosen(keys: list[Key], kid: str | None) -> Key | None:
    if kid is None:
        return keys[0] if len(keys) == 1 else None
    return next((key for key in keys if key.get("kid") == kid), None)
