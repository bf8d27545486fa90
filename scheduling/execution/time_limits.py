"""The time limits of a running job. They need no database."""

from __future__ import annotations

from django.conf import settings

from scheduling.execution.interruption import Interruption, SoftLimit
from scheduling.models.execution_options import ExecutionOptions


class TimeLimits:
    """The soft and the hard limit of one attempt, in seconds; None is no limit."""

    def __init__(self, soft: int | None, hard: int | None, interruption: Interruption) -> None:
        self._soft = soft
        self._hard = hard
        self._interruption = interruption
        self._warned = False

    @classmethod
    def of(cls, options: ExecutionOptions, interruption: Interruption) -> TimeLimits:
        """The limits of a schedule or a task; those of the settings where it has none."""
        soft = _or_usual(options.soft_timeout, settings.TANDEM_SOFT_TIMEOUT)
        return cls(soft, _or_usual(options.timeout, settings.TANDEM_TIMEOUT), interruption)

    def check(self, running: float) -> str:
        """Interrupt the job once when it has run for its soft limit. Returns the error of a hard limit that has passed.

        The caller records that error and ends the process. '' while there is time left.
        """
        if self._soft is not None and running >= self._soft and not self._warned:
            self._warned = True
            self._interruption.interrupt(SoftLimit(f"The soft time limit of {self._soft} s has passed."))
        if self._hard is not None and running >= self._hard:
            return f"HardLimit: The hard time limit of {self._hard} s has passed."
        return ""


def _or_usual(own: int | None, usual: int) -> int | None:
    """In the settings, 0 is no limit."""
    return own if own is not None else usual or None
