"""Tasks in a queue that no worker takes: their messages are left alone, sent again when lost, and somebody is told."""

from __future__ import annotations

import pytest
from django.utils import timezone

from scheduling import queues, tasks
from scheduling.lifecycle import Status
from scheduling.models import Process, Task
from scheduling.storable import Json
from tests.backends.queue.brokers import application_on
from tests.live.broker_faults import Broker
from tests.live.installation import Installation

pytestmark = pytest.mark.live

MANY = 20


def asked(installation: Installation, queue: str = "") -> tuple[Task, str]:
    """A task that was asked for, and what was said of its delivery."""
    parameters: dict[str, Json] = {"path": str(installation.runs)}
    return tasks.create(now=timezone.now(), name="a task", job="live.append", parameters=parameters, queue=queue)


def sent(queue: str) -> set[int]:
    """How often the tasks of the queue were sent."""
    return set(Task.objects.filter(queue=queue).values_list("sends", flat=True))


def test_tasks_in_a_queue_that_no_worker_takes(on_broker: Installation, broker: Broker) -> None:
    with application_on(broker.url):
        assert asked(on_broker)[1] == "sent; no worker is known to take queue tandem"
        first = on_broker.worker(name="first")
        on_broker.until(lambda: len(on_broker.ran()) == 1 and Process.objects.filter(kind="worker").exists())
        waiting = [asked(on_broker, queue="reports") for _ in range(MANY)]
        assert {said for _, said in waiting} == {"sent; no worker takes queue reports"}
        first.kill()
        lost, said = asked(on_broker)
        assert said == "sent"
        broker.empty("tandem")
        on_broker.worker(name="next")
        on_broker.beat()
        # Whoever finds that this one is lost has looked at the others, too: they were sent before it.
        on_broker.until(lambda: Task.objects.get(pk=lost.pk).status == Status.COMPLETED)
        assert (broker.waiting("reports"), sent("reports")) == (MANY, {1})
        [stuck] = [finding for finding in queues.findings("worker") if not finding.ok]
        assert stuck.detail == f"reports: {MANY} messages wait, {MANY} tasks are queued, no worker takes it"

        broker.empty("reports")
        on_broker.until(lambda: sent("reports") == {2})
        assert broker.waiting("reports") == MANY
        on_broker.worker(name="reports", queue="reports")
        on_broker.until(lambda: not Task.objects.exclude(status=Status.COMPLETED).exists())
        assert sorted(on_broker.ran()) == sorted(Task.objects.values_list("pk", flat=True))
        assert asked(on_broker, queue="reports")[1] == "sent"
