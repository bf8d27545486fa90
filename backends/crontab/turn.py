"""How a process that decides without an agent gives back its turn (backends/crontab/ask_agent.py)."""

from __future__ import annotations

import os
from contextlib import suppress


def give_back() -> None:
    """Let the next process look at what is due. Nothing happens where this process has no turn."""
    file = os.environ.pop("TANDEM_TURN", "")
    if file.isdecimal():
        # It may be closed already: then there is nothing to give back.
        with suppress(OSError):
            os.close(int(file))
