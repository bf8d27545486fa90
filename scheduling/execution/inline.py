"""The executor `inline`: tasks run in the process that fired them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from django.conf import settings

from scheduling import clock, delivery
from scheduling.execution.run import run_attempt, worker_name
from scheduling.executor import Executor, Submission, executor
from scheduling.models import Task


class InlineExecutor(Executor):
    """Runs tasks in the process that fired them: cron needs neither Celery nor a broker."""

    name = "inline"
    in_process = True

    def submit(self, tasks: Sequence[Task]) -> Submission:
        """Run the tasks one after another, and then the tasks that waited for them."""
        waiting = deque(tasks)
        while waiting:
            task = waiting.popleft()
            if not self.may_begin(task):
                continue
            released = run_attempt(task.pk, task.attempt, worker=worker_name(self.name)).released
            here = [each for each in released if _runs_here(each)]
            delivery.hand_over([each for each in released if each not in here], now=clock.now())
            waiting.extend(here)
        return Submission(tasks)

    def may_begin(self, task: Task) -> bool:
        """Asked before each task is claimed. One that may not begin stays queued, and is handed over again later."""
        return True


def _runs_here(task: Task) -> bool:
    return executor(task.executor).in_process and task.host in {"", settings.TANDEM_HOST}
