"""What a worker does with a message: the Celery task `tandem.run`. A message holds (task_id, attempt), nothing else."""

from __future__ import annotations

from celery import shared_task

from scheduling import clock, delivery
from scheduling.execution.run import run_attempt, worker_name


@shared_task(name="tandem.run", ignore_result=True)
def run(task_id: int, attempt: int) -> None:
    """Claim the attempt and run it. A message that arrives twice or too late finds nothing to claim: nothing runs."""
    released = run_attempt(task_id, attempt, worker=worker_name("worker"))
    delivery.hand_over(released, now=clock.now())
