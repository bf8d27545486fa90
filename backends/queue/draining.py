"""How workers are told to take no more messages, to finish those they hold, and to wait until they are stopped."""

from __future__ import annotations

import logging
import threading
from typing import Any, Final

from celery.worker import state
from celery.worker.control import control_command

from backends.queue.app import app
from backends.queue.publishing import connection

log = logging.getLogger(__name__)

# The name of the command in the workers' remote control.
COMMAND: Final = "tandem_drain"
# Workers answer within milliseconds; one that is busy starting is waited for.
ANSWER_SECONDS: Final = 1.0

_draining = threading.Event()


def draining() -> bool:
    """Whether this worker was told to take no more messages. It takes messages again after a restart."""
    return _draining.is_set()


def drain() -> dict[str, int]:
    """Tell every worker to take no more messages, and return {worker: number of messages it still holds}.

    A worker holds the messages whose tasks run, and those that wait inside it. Takes ANSWER_SECONDS. A second call is
    harmless. Raises one of `queue_depth.errors` if the broker is away.
    """
    with connection() as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
        answers: Any = app.control.broadcast(COMMAND, reply=True, timeout=ANSWER_SECONDS, connection=broker)
    return {name: int(answer["held"]) for one in answers or [] for name, answer in one.items() if "held" in answer}


@control_command(name=COMMAND)
def _drain(panel: Any) -> dict[str, int]:
    if not _draining.is_set():
        _draining.set()
        # cancel_task_queue also deselects the queue, so that a reconnect does not bring it back.
        for queue in tuple(app.amqp.queues.consume_from):
            panel.consumer.cancel_task_queue(queue)
        log.warning("this worker was told to take no more messages; it takes them again after a restart")
    return {"held": len(state.reserved_requests)}
