"""The standard error stream with a redaction in front of it: logs, warnings, usage errors and tracebacks."""

import io
import sys
from typing import TextIO


class RedactedStream(io.TextIOBase):
    """Passes text on to another stream with its secrets masked.

    Each write is judged on its own: loggers and `print` hand over a message whole.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text` redacted; returns how much of it was taken, which is all."""
        from terway_mcp.knowledge.redaction import redact  # noqa: PLC0415 - most commands write nothing here

        self._stream.write(redact(text))
        return len(text)

    def flush(self) -> None:
        """Flush the stream behind."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Whether the stream behind is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """The descriptor of the stream behind, for subprocesses that inherit it."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """Always."""
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Encoding of the stream behind."""
        return self._stream.encoding


def guard_stderr() -> None:
    """Put the redaction in front of this process's stderr, once."""
    if not isinstance(sys.stderr, RedactedStream):
        sys.stderr = RedactedStream(sys.stderr)
