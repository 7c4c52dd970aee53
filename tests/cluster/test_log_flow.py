"""How long a log may be waited for."""

import anyio
import pytest

from terway_mcp.cluster.errors import ClusterUnreachable
from terway_mcp.cluster.log_flow import Patience, flowing

pytestmark = pytest.mark.anyio


async def some_time() -> float:
    """Let a little time pass; returns when it began."""
    begun = anyio.current_time()
    await anyio.sleep(0.1)
    return begun


async def test_a_log_that_flows_keeps_its_time_beside_one_that_drips() -> None:
    patience = Patience(10)
    before, begun = patience.deadline, await some_time()
    patience.give_back(begun, most=0.001)
    assert patience.deadline - before == pytest.approx(0.001, abs=1e-4)
    patience.give_back(begun, most=1.0)
    assert patience.deadline - before >= 0.1


async def test_no_second_is_given_back_twice() -> None:
    patience = Patience(10)
    before, begun = patience.deadline, await some_time()
    for _ in range(3):
        patience.give_back(begun, most=1.0)
    assert patience.deadline - before <= anyio.current_time() - begun


async def test_a_log_that_never_waits_ends_in_time_all_the_same() -> None:
    class Captured:
        """Blocks that are there at once, without end and without a pause."""

        def __aiter__(self) -> "Captured":
            return self

        async def __anext__(self) -> bytes:
            return b"x" * 16384

    with pytest.raises(ClusterUnreachable, match="no more of it was read after 0 s"):
        async for _ in flowing(Captured(), Patience(10), anyio.current_time() + 0.1):
            pass
