"""Private keys in a text that arrives in pieces: a log prints them over many lines, each harmless to look at."""

import re2

from terway_mcp.knowledge.patterns import re2_options

_MARK = b"PRIVATE KEY-----"
_BEGIN_OR_END = re2.compile(rb"-----(?:BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY-----", re2_options())
_END = re2.compile(rb"-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----", re2_options())
_BODY_LINE = re2.compile(rb"(?:\d{4}-\d\d-\d\dT\S{9,30} )?[A-Za-z0-9+/=]{1,76}\s*", re2_options())
_BLANK = bytes.maketrans(bytes(byte for byte in range(256) if byte != 0x0A), b" " * 255)


class PrivateKeys:
    """Blanks the bodies of PEM private keys; neither the length nor the line breaks of the text change."""

    def __init__(self) -> None:
        self._inside = False

    def blanked(self, piece: bytes) -> bytes:
        """The next piece of the text, which ends where a line ends."""
        if not self._inside and _MARK not in piece:
            return piece
        parts: list[bytes] = []
        position = 0
        while position < len(piece):
            mark = (_END if self._inside else _BEGIN_OR_END).search(piece, position)
            stop = mark.end() if mark else len(piece)
            headless = mark is not None and not self._inside and b"END" in mark.group()
            blank = position if self._inside else _body_before(piece, position, mark.start()) if headless else stop
            parts += (piece[position:blank], piece[blank:stop].translate(_BLANK))
            self._inside ^= mark is not None and not headless
            position = stop
        return b"".join(parts)


def _body_before(piece: bytes, floor: int, end: int) -> int:
    """Where the body begins of a key whose first lines are lost."""
    start = piece.rfind(b"\n", floor, end) + 1
    while start > floor:
        before = max(floor, piece.rfind(b"\n", floor, start - 1) + 1)
        if _BODY_LINE.fullmatch(piece, before, start) is None:
            break
        start = before
    return max(start, floor)
