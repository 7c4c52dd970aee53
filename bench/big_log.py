"""Terway logs of any size: mostly chatter, with an error now and then, in the forms the daemon writes."""

from pathlib import Path

_SECOND = "2026-07-01T{hour:02d}:{minute:02d}:{second:02d}.{fraction:09d}Z"
_CHATTER = (
    'daemon.go:109] "alloc ip req" pod="shop/web-7d9c5b6f4-{pod}" containerID="{sandbox:064x}"',
    'daemon.go:141] "alloc ip" pod="shop/web-7d9c5b6f4-{pod}" reply="IPType:TypeENIMultiIP Success:true IPv4:true"',
    'pool.go:208] "pool status" total=12 idle=3 inuse=9 eni="eni-bp1{sandbox:017x}"',
    'k8s.go:1105] "sync node" resourceVersion="{sandbox}" took="{pod}ms"',
)
_TROUBLE = (
    'daemon.go:139] "alloc ip failed" err="errCode: InvalidVSwitchId.IpNotEnough, msg: vsw-bp1abcdefgh, requestID: '
    '5F3B7A10-1111-4222-8333-{sandbox:012X}" pod="shop/web-7d9c5b6f4-{pod}"'
)
_ONE_IN = 1000
_BLOCK_LINES = 20_000


def write(path: Path, size: int) -> int:
    """Write at least `size` bytes, which need not fit in memory; returns how many lines tell of trouble."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, told, written = 0, 0, 0
    with path.open("wb") as file:
        while written < size:
            block = "".join(_line(each) for each in range(number, number + _BLOCK_LINES)).encode()
            number += _BLOCK_LINES
            # Writing is repeated rather than composed anew: a gigabyte of distinct lines would take minutes.
            for _ in range(min(8, 1 + (size - written) // len(block))):
                written += file.write(block)
                told += _BLOCK_LINES // _ONE_IN
    return told


def _line(number: int) -> str:
    stamp = _SECOND.format(
        hour=number // 3_600_000 % 24, minute=number // 60_000 % 60, second=number // 1000 % 60, fraction=number % 1000
    )
    level, text = ("E", _TROUBLE) if number % _ONE_IN == 0 else ("I", _CHATTER[number % len(_CHATTER)])
    return f"{stamp} {level}0701 16:30:00.{number % 1_000_000:06d}       1 {text.format(pod=number, sandbox=number)}\n"
