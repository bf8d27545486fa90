"""When a process that died is started again, and when that is given up. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

WINDOW_SECONDS: Final = 60.0
DEATHS_TOO_MANY: Final = 5
_FIRST_PAUSE_SECONDS: Final = 0.5


class PauseRule(Protocol):
    """Decides, after a death, how long to wait before the next start; None: give up."""

    def __call__(self, deaths: Sequence[float], *, now: float) -> float | None: ...


def pause_before_restart(deaths: Sequence[float], *, now: float) -> float | None:
    """Seconds to wait before the next start, doubling with each death within the last minute; None: give up.

    `deaths` are the instants of all deaths so far, the present one included, on the same clock as `now`.
    """
    recent = sum(1 for death in deaths if now - death < WINDOW_SECONDS)
    if recent >= DEATHS_TOO_MANY:
        return None
    return _FIRST_PAUSE_SECONDS * 2.0 ** max(recent - 1, 0)
