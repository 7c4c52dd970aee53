"""What kind of machine this is, as far as it explains the numbers."""

import subprocess
import sys
from statistics import median
from time import perf_counter

_BUSY = "text = b'x' * 1_000_000\nfor _ in range(400): text.count(b'xy')"
_TURNS = 3


def slowdown_of_two() -> float:
    """How many times as long a busy process takes beside another: 1 where CPUs share nothing, 2 where they are one."""
    ratios = []
    for _ in range(_TURNS):
        alone, both = _seconds(1), _seconds(2)
        ratios.append(both / alone)
    return median(ratios)


def _seconds(processes: int) -> float:
    begun = perf_counter()
    running = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(processes)]
    for process in running:
        process.wait()
    return perf_counter() - begun
