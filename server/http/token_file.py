"""Bearer tokens of named clients, kept as hashes in a file that may be edited while the server runs.

A line is `NAME sha256:HEX`, where HEX is the SHA-256 of the token; a name may have several lines, so that its old token
works until the new one is in place. Empty lines and lines that begin with `#` mean nothing. A token has 256 random
bits, so a plain hash of it cannot be turned back; nothing is gained by salt or a slow hash.
"""

import hashlib
import logging
import os
import re
import secrets
import stat
from hmac import compare_digest
from pathlib import Path

from mcp.server.auth.provider import AccessToken

from terway_mcp.cluster.errors import CredentialsError, InvalidInput
from terway_mcp.server.callers import LOCAL, NOT_KEPT
from terway_mcp.server.http.watched import Stamp, stamp_of

logger = logging.getLogger(__name__)

_PREFIX = "terway_"
"""Tells people and secret scanners what they have found."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LINE = re.compile(rf"(?P<name>{_NAME.pattern})[ \t]+sha256:(?P<hash>[0-9a-f]{{64}})")
_FOREIGN_ACCESS = stat.S_IRWXO | stat.S_IWGRP


class TokenFile:
    """Verifies bearer tokens against a file. A change of the file takes effect with the next request.

    Where the changed file cannot be used, its last usable state goes on and the log says why: a typing mistake must
    neither let anybody in nor keep everybody out.

    Raises:
        CredentialsError: At the start the file cannot be used, or names no client.
    """

    def __init__(self, path: Path, *, scopes: list[str] | None = None, resource: str | None = None) -> None:
        """Tokens of the file carry these scopes and are for this resource: the file itself is the permission."""
        self._path = path
        self._scopes = scopes or []
        self._resource = resource
        self._stamp: Stamp = stamp_of(path)
        self._hashes = _read(path)
        if not self._hashes:
            raise CredentialsError(f"token file {path} names no client; make a line with: terway-mcp token NAME")

    async def verify_token(self, token: str) -> AccessToken | None:
        """The client that a token belongs to."""
        self._reread()
        presented = _hash(token)
        found = ""
        # Every line is compared in full, so that the time taken tells nothing about which came close.
        for kept, name in self._hashes:
            if compare_digest(kept, presented):
                found = name
        if not found:
            return None
        return AccessToken(token=NOT_KEPT, client_id=found, scopes=self._scopes, resource=self._resource)

    def _reread(self) -> None:
        stamp = stamp_of(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._hashes = _read(self._path)
        except CredentialsError as error:
            logger.error("%s; the tokens read before stay in force", error)  # noqa: TRY400 - the message says it all


def new_token(name: str) -> tuple[str, str]:
    """A token for a client, and the line that goes into the file.

    Raises:
        InvalidInput: The name could not stand in a token file.
    """
    if not _NAME.fullmatch(name) or name == LOCAL:
        raise InvalidInput(
            f"{name[:80]!r} is no name for a client: letters, digits, '.', '_' and '-', at most 64, and not {LOCAL!r}"
        )
    token = _PREFIX + secrets.token_urlsafe(32)
    return token, f"{name} sha256:{_hash(token)}"


def add_line(path: Path, line: str) -> None:
    """Put a line at the end of a token file; a new file is readable by its owner only.

    Raises:
        CredentialsError: The file there cannot be used, or not be written.
    """
    try:
        if path.exists():
            _read(path)
        text = path.read_bytes() if path.exists() else b""
        newline = "" if text.endswith(b"\n") or not text else "\n"
        _append(path, f"{newline}{line}\n".encode())
    except OSError as error:
        raise CredentialsError(f"token file {path}: {error.strerror}") from error


def _append(path: Path, text: bytes) -> None:
    """Add all of it or nothing: half a line would make the file unusable. Owner and mode of the file stay."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb", buffering=0) as file:
        before = os.fstat(file.fileno()).st_size
        try:
            while text:
                text = text[file.write(text) :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(before)
            raise


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _read(path: Path) -> list[tuple[str, str]]:
    """Hashes with the names they stand for.

    Raises:
        CredentialsError: The file cannot be read, others may read or change it, or a line is malformed.
    """
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialsError(f"token file {path}: {getattr(error, 'strerror', None) or 'not a text'}") from error
    if mode & _FOREIGN_ACCESS:
        raise CredentialsError(
            f"token file {path} can be read or changed by others (mode {stat.S_IMODE(mode):04o}); run: chmod 600 {path}"
        )
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        # A malformed line is not repeated: somebody may have put the token itself there.
        match = _LINE.fullmatch(text)
        if match is None or match["name"] == LOCAL:
            raise CredentialsError(f"token file {path}, line {number}: not NAME sha256:HEX with 64 lower-case digits")
        if found.setdefault(match["hash"], match["name"]) != match["name"]:
            raise CredentialsError(f"token file {path}, line {number}: this token belongs to another client already")
    return list(found.items())
