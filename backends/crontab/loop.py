"""The loop of a process that works until it is told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import datetime
from types import FrameType
from typing import Final

from django.utils import timezone

# Seconds between two steps: tasks that wait are due by the second.
STEP_SECONDS: Final = 1.0


def run(
    step: Callable[[datetime], None],
    *,
    stop: threading.Event,
    now: Callable[[], datetime] = timezone.now,
    wait: Callable[[float], object] | None = None,
) -> None:
    """Call `step` about every second, at the beginning of a second, until `stop` is set.

    `wait` takes seconds and returns early when `stop` is set; it is given in tests.
    """
    pause = wait or stop.wait
    while not stop.is_set():
        step(now())
        pause(STEP_SECONDS - now().microsecond / 1_000_000)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set. To be called in the main thread."""
    stop = threading.Event()

    def told(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, told)
    signal.signal(signal.SIGINT, told)
    return stop
