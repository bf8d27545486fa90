"""The executor `worker`: how tasks get to Celery workers."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence

from kombu.exceptions import LimitExceeded, OperationalError

from backends.queue import health
from backends.queue.batch_sender import load
from backends.queue.messages import queue_of
from backends.queue.publishing import QueueRefused, connection, publish
from scheduling.executor import Executor, Submission
from scheduling.findings import Finding
from scheduling.models import Task

log = logging.getLogger(__name__)


class QueueExecutor(Executor):
    """Publishes one message a task; Celery workers claim and run them."""

    name = "worker"
    in_process = False

    def submit(self, tasks: Sequence[Task]) -> Submission:
        """Publish in order. Stop where the broker does not take a message: the next would wait as long.

        Where the broker refuses a queue, the tasks of the other queues are published all the same.
        """
        handed_over: set[int] = set()
        refused: dict[str, str] = {}
        while left := [each for each in tasks if each.pk not in handed_over and not _of(each, refused)]:
            try:
                for task in publish(left):
                    handed_over.add(task.pk)
                break
            except QueueRefused as exc:
                refused[exc.queue] = f"the broker refuses queue {exc.queue} ({type(exc.__cause__).__name__})"
            except (OperationalError, LimitExceeded, OSError) as exc:
                # Only the type: the text may hold the broker's address with its password.
                why = type(exc.__cause__ or exc).__name__
                log.warning("the broker took %d of %d messages: %s", len(handed_over), len(tasks), why)
                return _submission(tasks, handed_over, f"the broker cannot be reached ({why})")
            except Exception as exc:
                # Such as the AttributeError of a channel that kombu has closed and kept. The tasks are stored and are
                # sent again, so who asked for them must not hear of a fault.
                log.exception("%d of %d messages were not sent", len(tasks) - len(handed_over), len(tasks))
                return _submission(tasks, handed_over, f"the messages were not sent ({type(exc).__name__})")
        return _submission(tasks, handed_over, "; ".join(refused.values()))

    def prepare(self) -> None:
        """Load the client of the broker."""
        load(connection())

    def queue_of(self, queue: str) -> str:
        """The name of the queue at the broker."""
        return queue_of(queue)

    def waiting(self, queues: Collection[str]) -> Mapping[str, int]:
        """How many messages wait in each queue at the broker; empty while the broker does not answer."""
        return health.waiting(queues)

    def health(self) -> Sequence[Finding]:
        """Whether the broker answers."""
        return [health.broker()]

    def processes(self) -> Sequence[Finding]:
        """Whether workers answer, and take the messages that wait."""
        return [health.workers()]


def _of(task: Task, queues: Collection[str]) -> bool:
    """Whether the task's queue is one of these. Hardly ever there are any: its name is looked up only then."""
    return bool(queues) and queue_of(task.queue) in queues


def _submission(tasks: Sequence[Task], handed_over: Collection[int], error: str) -> Submission:
    # In the order of the tasks: RabbitMQ confirms in any order.
    return Submission([task for task in tasks if task.pk in handed_over], error)
