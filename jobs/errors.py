"""Why the jobs that ship fail, where several of them have the same reason."""

from scheduling.errors import TandemError


class Cancelled(TandemError):
    """The task was asked to stop, and stopped before there was anything to keep."""

    code = "cancelled"


class TimedOut(TandemError):
    """It did not end in time."""

    code = "timed_out"


class FileRefused(TandemError):
    """This file is not one that jobs may read or write."""

    code = "file_refused"
