"""How many retries a task has, and how long to wait before each. Pure: the random number is an argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final

from scheduling.errors import Problem
from scheduling.phrases import phrase

# More attempts than this are a schedule, not a retry.
MOST_RETRIES: Final = 100
# Seconds (30 days): as long as finished tasks are kept by default.
LONGEST_WAIT: Final = 30 * 24 * 3600.0


class Retry(Exception):
    """A job raises this to ask for another attempt, if given `after` this many seconds.

    The new attempt counts as a retry. When no retry is left, the task fails.
    """

    def __init__(self, reason: str = "the job asked for another attempt", *, after: float | None = None) -> None:
        self.after = after
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Up to `max` retries. The n-th waits base * factor^(n-1) seconds, at most `cap`, then plus or minus a share.

    The share is random, and at most `jitter`.
    """

    max: int = 0
    base: float = 1.0
    factor: float = 2.0
    cap: float = 600.0
    jitter: float = 0.1

    def delay(self, attempt: int, chance: float) -> timedelta:
        """How long to wait after attempt number `attempt` (from 1) failed. `chance` is a random number in [0, 1)."""
        exponent = min(attempt - 1, 64)
        wait = min(self.cap, self.base * self.factor**exponent)
        return timedelta(seconds=wait * (1 + self.jitter * (2 * chance - 1)))

    def allows(self, attempt: int) -> bool:
        """Whether another attempt may follow number `attempt`."""
        return attempt <= self.max

    def as_json(self) -> dict[str, float]:
        """The policy as it is stored."""
        return asdict(self)


_BOUNDS: Final[dict[str, tuple[float, float]]] = {
    "max": (0, MOST_RETRIES),
    "base": (0, LONGEST_WAIT),
    "factor": (1, 100),
    "cap": (0, LONGEST_WAIT),
    "jitter": (0, 1),
}


def problems_with(given: object) -> list[Problem]:
    """What is wrong with a requested policy. It must be an object with some of max, base, factor, cap, jitter."""
    if not isinstance(given, Mapping):
        return [
            Problem(
                "retries", "not_an_object", phrase("Write an object with some of {known}.", known=", ".join(_BOUNDS))
            )
        ]
    found = []
    for name, value in given.items():
        if name not in _BOUNDS:
            detail = phrase("There is no such member: choose from {known}.", known=", ".join(_BOUNDS))
            found.append(Problem(f"retries.{name}", "unknown", detail))
            continue
        low, high = _BOUNDS[name]
        whole_only = name == "max" and not isinstance(value, int)
        if isinstance(value, bool) or not isinstance(value, int | float) or whole_only or not low <= value <= high:
            if name == "max":
                detail = phrase("Write a whole number from {low:g} to {high:g}.", low=low, high=high)
            else:
                detail = phrase("Write a number from {low:g} to {high:g}.", low=low, high=high)
            found.append(Problem(f"retries.{name}", "out_of_range", detail))
    return found


def policy(given: Mapping[str, Any], otherwise: RetryPolicy) -> RetryPolicy:
    """The policy of a task: the values in `given`, and those of `otherwise` (the job's policy) for the rest."""
    return RetryPolicy(**{**asdict(otherwise), **given})
