"""Private keys in a stream of lines are blanked wherever the stream is cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terway_mcp.knowledge.private_keys import PrivateKeys

_BODY = ("MIIEowIBAAKCAQEAplanted", "bodyOfTheKey0123456789", "shortEnd==")
_KEY = ["-----BEGIN RSA PRIVATE KEY-----", *_BODY, "-----END RSA PRIVATE KEY-----"]


def blanked(lines: list[str], cuts: list[int]) -> list[str]:
    """Feed the lines in pieces that end where a line ends, and read them back."""
    keys, bounds = PrivateKeys(), sorted({0, len(lines), *(cut % (len(lines) + 1) for cut in cuts)})
    pieces = ["".join(f"{line}\n" for line in lines[a:b]) for a, b in pairwise(bounds)]
    return "".join(keys.blanked(piece.encode()).decode() for piece in pieces).splitlines()


@given(cuts=st.lists(st.integers(0, 9), max_size=4), stamped=st.booleans())
def test_no_line_of_a_key_is_left_however_the_log_is_cut(cuts: list[int], stamped: bool) -> None:
    stamp = "2026-07-01T08:30:00.123456789Z " if stamped else ""
    lines = [f"{stamp}{line}" for line in ("before", *_KEY, "after")]
    found = blanked(lines, cuts)
    assert [part for part in _BODY if part in "\n".join(found)] == []
    assert found[0] == lines[0]
    assert found[-1] == lines[-1]
    assert list(map(len, found)) == list(map(len, lines)), "positions in the log stay what they were"


@pytest.mark.parametrize("first", [1, 2, 3])
def test_a_key_whose_first_lines_were_rotated_away_is_blanked_from_its_end(first: int) -> None:
    found = blanked([*_KEY[first:], "after"], [])
    assert [part for part in _BODY if part in "\n".join(found)] == []
    assert found[-1] == "after"


def test_a_log_without_keys_stays_as_it_is() -> None:
    piece = b"level=error msg=x\n" * 3
    assert PrivateKeys().blanked(piece) is piece
