"""Ways to answer wrongly. Each takes one exchange and says whether it was wronged."""

import asyncio
import gzip
import json
import random
from collections.abc import Callable
from typing import Any

from tests.faults.proxy import Exchange, Play, failure

GARBAGE = b"\x16\x03\x01 this is no HTTP \xff\xfe\r\n\r\n"
BOMB = gzip.compress(b" " * (512 << 20), 1)
SLOW_SECONDS = 0.4


def refuse(status: int, reason: str = "", message: str = "", **headers: str) -> Play:
    """A Status, always."""

    async def play(exchange: Exchange) -> bool:
        await exchange.reply(status, json.dumps(failure(status, reason, message)).encode(), **headers)
        return True

    return play


def say(status: int, body: bytes, **headers: str) -> Play:
    """Always these bytes, whole."""

    async def play(exchange: Exchange) -> bool:
        await exchange.reply(status, body, **headers)
        return True

    return play


def at_first(play: Play, times: int = 1) -> Play:
    """Wrong the first times something is asked, right afterwards."""

    async def sometimes(exchange: Exchange) -> bool:
        if exchange.attempt <= times:
            return await play(exchange)
        await exchange.right()
        return False

    return sometimes


def bent(bend: Callable[[Any], Any]) -> Play:
    """JSON that was bent; what is refused or is no JSON stays as it is."""

    async def play(exchange: Exchange) -> bool:
        right = None if exchange.whole.status != 200 or exchange.is_log else json.loads(exchange.whole.body)
        wrong = bend(right)
        if wrong == right:
            await exchange.right()
            return False
        await exchange.reply(200, json.dumps(wrong).encode())
        return True

    return play


async def reset(exchange: Exchange) -> bool:
    """Break off before anything is said."""
    exchange.reset()
    return True


async def reset_half_way(exchange: Exchange) -> bool:
    """Break off in the body."""
    body = exchange.whole.body
    await exchange.reply(200, body[: len(body) // 2], length=len(body) + 1, content_type=exchange.whole.content_type)
    # What was sent must be on its way before the connection breaks.
    await asyncio.sleep(0)
    exchange.reset()
    return True


async def end_half_way(exchange: Exchange) -> bool:
    """End the connection in the body, politely."""
    body = exchange.whole.body
    await exchange.reply(200, body[: len(body) // 2], length=len(body) + 1, content_type=exchange.whole.content_type)
    exchange.writer.close()
    return True


async def truncate(exchange: Exchange) -> bool:
    """Half the body, said to be all of it."""
    await exchange.reply(200, exchange.whole.body[: len(exchange.whole.body) // 2])
    return True


async def stall(exchange: Exchange) -> bool:
    """Say nothing."""
    await exchange.gone()
    return True


async def stall_half_way(exchange: Exchange) -> bool:
    """Say half of it, and then nothing."""
    body = exchange.whole.body
    await exchange.reply(200, body[: len(body) // 2], length=len(body) + 1, content_type=exchange.whole.content_type)
    await exchange.gone()
    return True


async def drip(exchange: Exchange) -> bool:
    """A byte now and then."""
    await exchange.reply(200, b"", length=len(exchange.whole.body) + 1, content_type=exchange.whole.content_type)
    gone = asyncio.ensure_future(exchange.gone())
    for byte in exchange.whole.body:
        await asyncio.wait([gone], timeout=0.3)
        if gone.done():
            break
        exchange.writer.write(bytes([byte]))
    await gone
    return True


async def slowly(exchange: Exchange) -> bool:
    """The right answer, a moment late."""
    await asyncio.sleep(SLOW_SECONDS)
    await exchange.right()
    return False


async def one_answer_a_connection(exchange: Exchange) -> bool:
    """The right answer, and the end of the connection."""
    await exchange.right(connection="close")
    exchange.writer.close()
    return False


async def garbage(exchange: Exchange) -> bool:
    """Bytes that are no HTTP."""
    exchange.writer.write(GARBAGE)
    await exchange.writer.drain()
    exchange.writer.close()
    return True


async def without_end(exchange: Exchange) -> bool:
    """Blanks for ever, which are valid JSON so far."""
    await exchange.reply(200, b"", length=1 << 40)
    block = b" " * (1 << 20)
    try:
        while not exchange.writer.transport.is_closing():
            exchange.writer.write(block)
            await exchange.writer.drain()
    except ConnectionError:
        return True
    return True


async def compressed(exchange: Exchange) -> bool:
    """The right answer, compressed where the client allows it."""
    if exchange.headers.get("accept-encoding") != "gzip":
        await exchange.right()
        return False
    body = gzip.compress(exchange.whole.body)
    await exchange.reply(exchange.whole.status, body, content_encoding="gzip", content_type=exchange.whole.content_type)
    return False


def first_pages_only(refusal: Play, *, times: int = 10**9) -> Play:
    """Lists come two entries at a time; going on is refused so many times."""
    refused: dict[str, int] = {}

    async def play(exchange: Exchange) -> bool:
        key = f"{exchange.path}?{exchange.query.get('fieldSelector')}&{exchange.query.get('labelSelector')}"
        if "continue" in exchange.query:
            if refused.get(key, 0) >= times:
                await exchange.right()
                return False
            refused[key] = refused.get(key, 0) + 1
            return await refusal(exchange)
        document = json.loads(exchange.whole.body) if exchange.whole.status == 200 and not exchange.is_log else {}
        if refused.get(key, 0) < times and len(document.get("items") or []) > 2:
            document["items"] = document["items"][:2]
            document["metadata"]["continue"] = "bmV4dA"
            await exchange.reply(200, json.dumps(document).encode())
            return True
        await exchange.right()
        return False

    return play


def oddly(seed: int) -> Callable[[Any], Any]:
    """Bend JSON: now and then a value becomes another kind of value, or is gone."""
    chance = random.Random(seed)  # noqa: S311 - a reproducible fault, not a secret
    texts = ("", "\u0000\ud83d", "0001-01-01T00:00:00Z", "x" * 9999)
    odd = (None, 0, -1, 10**30, 1.5, True, [], {}, [None], {"": None}, *texts)

    def bend(value: Any, depth: int = 0) -> Any:
        if depth > 1 and chance.random() < 0.04:
            return chance.choice(odd)
        if isinstance(value, dict):
            return {key: bend(each, depth + 1) for key, each in value.items()}
        if isinstance(value, list):
            return [bend(each, depth + 1) for each in value]
        return value

    return bend


def dated(date: str) -> Play:
    """The right answer, at the wrong time."""

    async def play(exchange: Exchange) -> bool:
        await exchange.right(date=date)
        return False

    return play
