"""Errors that several of the built-in jobs raise."""

from scheduling.errors import TandemError


class Cancelled(TandemError):
    """The task was asked to stop, and stopped without a result."""

    code = "cancelled"


class TimedOut(TandemError):
    """The work did not end within its time limit."""

    code = "timed_out"


class FileRefused(TandemError):
    """Jobs may not read or write this file, or cannot."""

    code = "file_refused"
