"""What a job found: rows of named numbers, and which of them are drawn over what."""

from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter
from typing import TypeVar

import msgspec

T = TypeVar("T")


class Row(msgspec.Struct, frozen=True):
    """One case; `x` is where it stands on the plot's axis, 0 where cases have no order."""

    case: str
    values: dict[str, float]
    x: float = 0


class Result(msgspec.Struct):
    """One job's table. `drawn` are the columns of the plot, against `axis`."""

    job: str
    title: str
    axis: str
    unit: str
    drawn: list[str]
    rows: list[Row] = []
    notes: list[str] = []


def side_by_side(
    repeats: int, *works: Callable[[], T], of: Callable[[Sequence[float]], float] = median
) -> list[tuple[float, T]]:
    """Median seconds and last answer of each work; they take turns, so that a busy machine slows all of them."""
    seconds: list[list[float]] = [[] for _ in works]
    answers: list[T] = []
    for _ in range(repeats):
        answers = []
        for index, work in enumerate(works):
            begun = perf_counter()
            answers.append(work())
            seconds[index].append(perf_counter() - begun)
    return [(of(taken), answer) for taken, answer in zip(seconds, answers, strict=True)]


def middle(values: Sequence[float]) -> float:
    """The median, rounded for a table."""
    return round(median(values), 2)
