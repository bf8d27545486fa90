"""Workers that are told to take no more messages, finish what they hold, and wait to be stopped."""

from __future__ import annotations

import logging
import threading
from typing import Any, Final

from celery.worker import state
from celery.worker.control import control_command

from backends.queue.app import app
from backends.queue.publishing import connection

log = logging.getLogger(__name__)

# What the workers' remote control calls it.
COMMAND: Final = "tandem_drain"
# Workers answer within milliseconds; one that is busy starting is waited for.
ANSWER_SECONDS: Final = 1.0

_draining = threading.Event()


def draining() -> bool:
    """Whether this worker was told so. It takes messages again when it is started again."""
    return _draining.is_set()


def drain() -> dict[str, int]:
    """Tell every worker, and return how many messages each still holds: waiting inside it or running.

    Takes ANSWER_SECONDS. Telling one twice changes nothing. Raises one of `depth.errors` where the broker is away.
    """
    with connection() as there:
        there.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
        answers: Any = app.control.broadcast(COMMAND, reply=True, timeout=ANSWER_SECONDS, connection=there)
    return {name: int(answer["held"]) for one in answers or [] for name, answer in one.items() if "held" in answer}


@control_command(name=COMMAND)
def _drain(panel: Any) -> dict[str, int]:
    if not _draining.is_set():
        _draining.set()
        # Deselected, too: it stays so through a reconnect.
        for queue in tuple(app.amqp.queues.consume_from):
            panel.consumer.cancel_task_queue(queue)
        log.warning("this worker was told to take no more messages; start it again to undo that")
    return {"held": len(state.reserved_requests)}
