"""The executor `worker`."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from kombu.exceptions import OperationalError

from backends.queue.app import app
from backends.queue.tasks import run
from scheduling.executor import Executor, Submission
from scheduling.models import Task

log = logging.getLogger(__name__)


class QueueExecutor(Executor):
    """Publishes one message a task; Celery workers claim and run them."""

    name = "worker"
    in_process = False

    def submit(self, tasks: Sequence[Task]) -> Submission:
        """Publish in order, and stop at the first message the broker does not take: the next would wait as long."""
        handed_over: list[Task] = []
        try:
            with app.producer_pool.acquire(block=True) as producer:
                for task in tasks:
                    run.apply_async(args=(task.pk, task.attempt), producer=producer)
                    handed_over.append(task)
        except (OperationalError, OSError) as exc:
            log.warning("the broker took %d of %d messages: %s", len(handed_over), len(tasks), type(exc).__name__)
            return Submission(handed_over, f"the broker cannot be reached ({type(exc).__name__})")
        return Submission(handed_over)
