"""The broker of an `up --broker redis|rabbitmq` that runs: development uses it where BROKER_URL is not set."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Final

# stack/broker_address.py writes the same name.
_NAME: Final = "broker-address"


def running_broker(var: Path) -> str:
    """The address kept in `var`; empty where there is none, or where the `up` that wrote it has ended.

    A running `up` holds a lock on the file (flock(2)), which no crash leaves behind.
    """
    try:
        with (var / _NAME).open(encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read()
    except OSError:  # no such file: the usual case
        return ""
    return ""
