"""The audit: one line of JSON for every call, in a file or on stderr."""

import logging
import os
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler
from pathlib import Path

import msgspec

from terway_mcp.cluster.errors import InvalidInput
from terway_mcp.knowledge.redaction import clean
from terway_mcp.server.observation import Observed

_CALLER = 300


class Audit:
    """Writes a line when a call has ended. A line that cannot be written does not keep its answer back.

    Raises:
        InvalidInput: The file cannot be opened.
    """

    def __init__(self, destination: str) -> None:
        """`destination` is a file, or `-` for stderr. The file may be rotated by moving it away."""
        # A logger of this object: it has no parent and no name, so nobody else's lines get into the audit.
        self._logger = logging.Logger("terway_mcp.audit", logging.INFO)
        self._logger.addHandler(logging.StreamHandler() if destination == "-" else _file(Path(destination)))

    def begun(self, tool: str) -> None:
        """A call is told of when it has ended."""

    def ended(self, call: Observed) -> None:
        """Write the line."""
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "caller": clean(call.caller, _CALLER),
            "tool": call.tool,
            "target": call.target,
            "investigation": call.investigation,
            "status": call.status,
            "bytes": call.bytes,
            "ms": call.ms,
        }
        self._logger.info("%s", msgspec.json.encode(line).decode())


class _OwnersFile(WatchedFileHandler):
    """A file for its owner only, also where it is begun anew."""

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        return os.fdopen(os.open(self.baseFilename, flags, 0o600), "a", encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; logging itself lets through what goes wrong while a file is begun anew."""
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)


def _file(path: Path) -> logging.Handler:
    try:
        return _OwnersFile(path)
    except OSError as error:
        raise InvalidInput(f"audit file {path}: {error.strerror}") from error
