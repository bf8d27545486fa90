"""The one Celery task: a message carries (task_id, attempt) and nothing else."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from scheduling import delivery
from scheduling.execution.run import run_attempt, worker_name


@shared_task(name="tandem.run", ignore_result=True)
def run(task_id: int, attempt: int) -> None:
    """Claim the attempt and run it; a message that comes twice, or too late, finds nothing to claim."""
    released = run_attempt(task_id, attempt, worker=worker_name("worker"))
    delivery.hand_over(released, now=timezone.now())
