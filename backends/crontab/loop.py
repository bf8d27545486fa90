"""How a process does one step each second until it is told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import datetime
from types import FrameType
from typing import Final

from scheduling import clock, processes

# Seconds between two steps: tasks that wait are due by the second.
STEP_SECONDS: Final = 1.0


def run(
    step: Callable[[datetime], None],
    *,
    stop: threading.Event,
    now: Callable[[], datetime] = clock.estimate,
    wait: Callable[[float], object] | None = None,
) -> None:
    """Call `step` at the beginning of about every second, until `stop` is set.

    `wait` takes seconds and returns early if `stop` is set. Only tests pass it.
    """
    pause = wait or stop.wait
    while not stop.is_set():
        step(now())
        processes.came_round()
        pause(STEP_SECONDS - now().microsecond / 1_000_000)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set. Must be called in the main thread."""
    stop = threading.Event()

    def set_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, set_stop)
    signal.signal(signal.SIGINT, set_stop)
    return stop
