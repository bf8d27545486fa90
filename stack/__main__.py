"""Runs the development stack until Ctrl-C. Exit code 0 after a stop that was asked for, 1 otherwise."""

from __future__ import annotations

import os
import signal
import sys

from stack import arguments


def main() -> int:
    """Returns the exit code."""
    told = arguments.parser().parse_args()
    # Until the supervisor answers signals nothing runs: Ctrl-C then ends this process, without a traceback. dev.py
    # blocks it until here.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.development")
    # Lines appear when they are written, not when a buffer is full.
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    from stack.up import run  # noqa: PLC0415 - Django takes a second to import; see above

    return run(told)


if __name__ == "__main__":
    sys.exit(main())
