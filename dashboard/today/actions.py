"""The buttons of Today that concern several tasks: acknowledge, and retry all like it."""

from __future__ import annotations

from typing import Final

from django.db.models import QuerySet

from dashboard.models import Acknowledgement
from dashboard.page import Action
from dashboard.today.attention import NEWS_FOR, subject_of
from scheduling import clock, queries, tasks
from scheduling.errors import TandemError
from scheduling.models import Task

# Each is a transaction of its own, and a request must end soon.
MOST_RETRIED: Final = 100


class Acknowledge(Action):
    """Takes an item from Today, for everybody, until something like it happens again."""

    def act(self, pk: int) -> str:
        task, now = queries.task(pk), clock.now()
        seen = {"task": task.pk, "by": self.request.user.get_username(), "at": now}
        subject = subject_of(task.schedule_id, task.job, task.status)
        Acknowledgement.objects.update_or_create(subject=subject, defaults=seen)
        # Of what is no news any more nobody need know that it was seen.
        Acknowledgement.objects.filter(at__lt=now - NEWS_FOR).delete()
        return f"{task.name} is acknowledged."


class RetryAll(Action):
    """Tries everything again that ended in the last day like this task: of its schedule, or of its job."""

    def act(self, pk: int) -> str:
        task, now = queries.task(pk), clock.now()
        alike = self._like(task).filter(finished_at__gt=now - NEWS_FOR).order_by("pk")
        ids = list(alike.values_list("pk", flat=True)[:MOST_RETRIED])
        done = 0
        for each in ids:
            try:
                tasks.retry(each, now=now)
                done += 1
            except TandemError:
                continue  # it was retried or deleted meanwhile: the numbers say so
        return f"{done} of {len(ids)} tasks of {task.name} are tried again."

    def _like(self, task: Task) -> QuerySet[Task]:
        rows = queries.tasks().filter(status=task.status, workflow=None)
        if task.schedule_id:
            return rows.filter(schedule_id=task.schedule_id)
        return rows.filter(schedule=None, job=task.job)
