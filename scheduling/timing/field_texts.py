"""How values of a cron field are written as text. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from math import gcd

from scheduling.timing.grammar import FieldKind


def compact(kind: FieldKind, values: Iterable[int]) -> str:
    """`*` for all values of a field, else a list of values and ranges."""
    listed = list(values)
    return "*" if len(listed) == kind.last - kind.low + 1 else ranges(listed)


def compact_with_steps(kind: FieldKind, values: tuple[int, ...]) -> str:
    """Like `compact`, but `*/n` for even steps through a whole minute or hour field, `a-b/n` for others."""
    starred, count = fewest_starred(kind, values)
    if count == len(values) > 2:
        return starred
    steps = {later - earlier for earlier, later in pairwise(values)}
    if len(values) > 2 and len(steps) == 1 and steps != {1}:
        return f"{values[0]}-{values[-1]}/{steps.pop()}"
    return compact(kind, values)


def ranges(values: list[int]) -> str:
    """Ascending values as a list, in which three or more neighbours become a range."""
    runs: list[list[int]] = []
    for value in values:
        if runs and runs[-1][-1] == value - 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    texts = [f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in runs]
    return ",".join(texts)


def fewest_starred(kind: FieldKind, values: tuple[int, ...]) -> tuple[str, int]:
    """The `*` or `*/n` with the fewest values that has all these values of a minute or hour, and their number.

    No step is beyond the last value of the field (python-crontab refuses it).
    """
    # gcd is 0 for the value 0 alone. Any step from half of the field on has two values: 0 and one other.
    step = gcd(*values) or (kind.high + 1) // 2
    return f"*/{step}" if step > 1 else "*", len(range(kind.low, kind.high + 1, step))
