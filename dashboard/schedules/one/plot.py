"""How long the latest runs of a schedule took, and how late they began, as bars. Templates only draw. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from dashboard.readable import LOOKS, Look
from scheduling.outcomes import Outcome

# Units of the picture across, and of one run.
STEP: Final = 12
# Height of the bars of durations: as tall as three lines of text. Those of lateness hang below.
TALL: Final = 96
# As above: a third, because the run matters more than its delay.
LATE: Final = 32
# The scale ends above the 95 %: one run of a day among runs of a minute is cut, and the others can be seen.
_ABOVE: Final = 2.0
# No bar is lower: it could not be seen.
_LOWEST: Final = 2.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A run: where its bar begins across, how high it is, and how far the one of its lateness hangs."""

    outcome: Outcome
    look: Look
    x: int
    height: float
    late: float
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Plot:
    """The picture. `lines` are the heights of the median and the 95 %, each with its name."""

    bars: list[Bar]
    width: int
    lines: list[tuple[str, float]]
    median: timedelta | None
    slowest: timedelta | None
    median_late: timedelta | None
    latest: timedelta | None


def plot(outcomes: Sequence[Outcome], places: int) -> Plot:
    """The bars of these runs, oldest first, with the newest at the right of `places`."""
    lasted = sorted(each.lasted for each in outcomes if each.lasted is not None)
    late = sorted(each.late for each in outcomes if each.late is not None)
    median, slowest = at(lasted, 0.5), at(lasted, 0.95)
    top, late_top = _top(lasted), _top(late)
    bars = [
        Bar(
            each, LOOKS[each.status], STEP * (places - len(outcomes) + number), _height(each.lasted, top, TALL),
            _height(each.late, late_top, LATE), is_cut=each.lasted is not None and each.lasted > top,
        )
        for number, each in enumerate(outcomes)
    ]  # fmt: skip
    named = (("median", median), ("95 %", slowest))
    lines = [(name, _height(span, top, TALL)) for name, span in named if span is not None]
    return Plot(bars, STEP * places, lines, median, slowest, at(late, 0.5), at(late, 0.95))


def at(ordered: Sequence[timedelta], share: float) -> timedelta | None:
    """The value at this share of an ordered list; None where there is none."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else None


def _top(ordered: Sequence[timedelta]) -> timedelta:
    """What the scale ends with: the longest, or a multiple of the 95 % where that is less."""
    longest, most = max(ordered, default=timedelta()), at(ordered, 0.95) or timedelta()
    return max(min(longest, most * _ABOVE), timedelta(microseconds=1))


def _height(span: timedelta | None, top: timedelta, tall: int) -> float:
    if span is None or span <= timedelta():
        return 0.0
    return round(max(min(span / top, 1.0) * tall, _LOWEST), 1)
