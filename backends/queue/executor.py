"""The executor `worker`: how tasks get to Celery workers."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence

from kombu.exceptions import LimitExceeded, OperationalError

from backends.queue import health
from backends.queue.app import app
from backends.queue.publishing import publish, queue_of
from scheduling.executor import Executor, Submission
from scheduling.findings import Finding
from scheduling.models import Task

log = logging.getLogger(__name__)


class QueueExecutor(Executor):
    """Publishes one message a task; Celery workers claim and run them."""

    name = "worker"
    in_process = False

    def submit(self, tasks: Sequence[Task]) -> Submission:
        """Publish in order. Stop at the first message that the broker does not take: the next would wait as long.

        Where the broker refuses a queue, the tasks of the other queues are published all the same.
        """
        handed_over: list[Task] = []
        refused: list[str] = []
        left = list(tasks)
        while left:
            done = len(handed_over)
            try:
                for task in publish(left):
                    handed_over.append(task)  # noqa: PERF402 - list(publish()) would lose the tasks sent before an error
                break
            except (OperationalError, LimitExceeded, OSError) as exc:
                # Only the type: the text may hold the broker's address with its password.
                log.warning("the broker took %d of %d messages: %s", len(handed_over), len(tasks), type(exc).__name__)
                return Submission(handed_over, f"the broker cannot be reached ({type(exc).__name__})")
            except app.connection_for_write().channel_errors as exc:
                # Such as RabbitMQ's 406: it has a queue of this name with other arguments.
                left = left[len(handed_over) - done :]
                queue = queue_of(left[0].queue)
                refused.append(f"the broker refuses queue {queue} ({type(exc).__name__})")
                left = [task for task in left if queue_of(task.queue) != queue]
            except Exception as exc:
                # Such as the AttributeError of a channel that kombu has closed and kept. The tasks are stored and are
                # sent again, so who asked for them must not hear of a fault.
                log.exception("the message of task %d was not sent", left[len(handed_over) - done].pk)
                return Submission(handed_over, f"the message was not sent ({type(exc).__name__})")
        return Submission(handed_over, "; ".join(refused))

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
