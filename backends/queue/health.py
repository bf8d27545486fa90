"""Do the broker and the workers answer?"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

from backends.queue.app import app
from backends.queue.publishing import opened
from backends.queue.queue_depth import errors, messages_waiting
from scheduling.findings import Finding

log = logging.getLogger(__name__)

# The remote control command that a worker's watchdog answers.
COMMAND: Final = "tandem_watch"
# A running worker answers within milliseconds; one that is just starting needs longer.
ANSWER_SECONDS: Final = 1.0

_BROKER_AWAY: Final = "Start the broker, or set BROKER_URL to where it is. Until then tasks are kept and sent later."
_START: Final = "Start `python -m celery -A settings.celery worker`."


def broker() -> Finding:
    """Whether the broker answers. Never raises."""
    try:
        with opened():
            return Finding("broker", ok=True, detail="it answers")
    except errors() as exc:
        log.debug("the broker does not answer", exc_info=True)
        detail = f"it does not answer ({type(exc).__name__})"
        return Finding("broker", ok=False, detail=detail, advice=_BROKER_AWAY)


def waiting(queues: Iterable[str]) -> dict[str, int]:
    """How many messages wait in each of the queues; empty while the broker does not answer. Never raises."""
    try:
        with opened() as connection:
            return messages_waiting(connection, queues)
    except errors():
        log.debug("the broker does not answer", exc_info=True)
        return {}


def workers() -> Finding:
    """Whether workers answer, and take the messages that wait. Never raises."""
    try:
        with opened() as connection:
            inspect = app.control.inspect(timeout=ANSWER_SECONDS, connection=connection)
            answers: Any = inspect._request(COMMAND)  # noqa: SLF001 - how Celery sends a command that we defined
    except errors() as exc:
        log.debug("workers cannot be asked", exc_info=True)
        detail = f"they cannot be asked while the broker is away ({type(exc).__name__})"
        return Finding("workers", ok=False, detail=detail, advice=_BROKER_AWAY)
    return _finding(answers or {})


def _finding(answers: Mapping[str, Mapping[str, Any]]) -> Finding:
    if not answers:
        return Finding("workers", ok=False, detail="none answers", advice=_START)
    stalled = sorted(name for name, answer in answers.items() if answer.get("stalled"))
    if stalled:
        detail = f"{', '.join(stalled)} take nothing while messages wait"
        return Finding("workers", ok=False, detail=detail, advice="Restart them, or set TANDEM_RESTART_STALLED=true.")
    return Finding("workers", ok=True, detail=f"{len(answers)} answer: {', '.join(sorted(answers))}")
