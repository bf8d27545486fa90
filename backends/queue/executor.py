"""The executor `worker`: how tasks get to Celery workers."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from kombu.exceptions import LimitExceeded, OperationalError

from backends.queue import health
from backends.queue.publishing import publish
from scheduling.executor import Executor, Submission
from scheduling.findings import Finding
from scheduling.models import Task

log = logging.getLogger(__name__)


class QueueExecutor(Executor):
    """Publishes one message a task; Celery workers claim and run them."""

    name = "worker"
    in_process = False

    def submit(self, tasks: Sequence[Task]) -> Submission:
        """Publish in order. Stop at the first message that the broker does not take: the next would wait as long."""
        handed_over: list[Task] = []
        try:
            for task in publish(tasks):
                handed_over.append(task)  # noqa: PERF402 - list(publish()) would lose the tasks sent before an error
        except (OperationalError, LimitExceeded, OSError) as exc:
            # Only the type: the text may hold the broker's address with its password.
            log.warning("the broker took %d of %d messages: %s", len(handed_over), len(tasks), type(exc).__name__)
            return Submission(handed_over, f"the broker cannot be reached ({type(exc).__name__})")
        return Submission(handed_over)

    def waiting(self) -> int | None:
        """How many messages wait at the broker; None while the broker does not answer."""
        return health.waiting()

    def health(self) -> Sequence[Finding]:
        """Whether the broker answers, and how many messages wait there."""
        return [health.broker()]

    def processes(self) -> Sequence[Finding]:
        """Whether workers answer, and take the messages that wait."""
        return [health.workers()]
