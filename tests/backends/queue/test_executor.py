"""The executor `worker`: the messages it publishes, and the error if the broker does not take one."""

from __future__ import annotations

import pytest
from django.utils import timezone
from kombu import Connection
from kombu.transport.redis import Channel

from backends.queue.executor import QueueExecutor
from scheduling import delivery, ledger
from scheduling.lifecycle import Status
from scheduling.models import Task
from scheduling.upkeep.sweep import sweep
from tests.backends.queue.brokers import Broker
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule

pytestmark = pytest.mark.django_db


def queued_tasks(count: int) -> list[Task]:
    schedule = a_schedule()
    return [a_task(schedule) for _ in range(count)]


def test_a_message_is_the_task_and_the_attempt_and_nothing_else(broker: Broker) -> None:
    tasks = queued_tasks(3)
    submission = QueueExecutor().submit(tasks)
    assert submission.handed_over == tasks
    assert submission.error == ""
    assert broker.messages() == [("tandem.run", [task.pk, 1]) for task in tasks]


@pytest.mark.usefixtures("broker")
def test_the_messages_of_each_queue_are_counted_apart() -> None:
    first, second, third = queued_tasks(3)
    first.queue = second.queue = "reports"
    QueueExecutor().submit([first, second, third])
    default = QueueExecutor().queue_of("")
    assert QueueExecutor().waiting(["reports", default, "never"]) == {"reports": 2, default: 1, "never": 0}


@pytest.mark.usefixtures("no_broker")
def test_a_broker_that_is_away_is_not_taken_for_empty() -> None:
    assert QueueExecutor().waiting(["tandem"]) == {}


@pytest.mark.usefixtures("no_broker")
def test_a_broker_that_is_away_is_an_error_of_the_submission() -> None:
    submission = QueueExecutor().submit(queued_tasks(2))
    assert list(submission.handed_over) == []
    assert "the broker cannot be reached" in submission.error


def test_a_broker_that_comes_back_is_used_again(broker: Broker) -> None:
    first, second, third = queued_tasks(3)
    QueueExecutor().submit([first])
    broker.server.kill()
    assert QueueExecutor().submit([second]).error
    broker.server.start()
    assert QueueExecutor().submit([third]).handed_over == [third]
    assert broker.messages() == [("tandem.run", [third.pk, 1])]


def test_a_full_broker_is_an_error_of_the_submission(broker: Broker) -> None:
    tasks = queued_tasks(2)
    QueueExecutor().submit(tasks[:1])
    broker.set_memory_limit("1")
    submission = QueueExecutor().submit(tasks[1:])
    assert list(submission.handed_over) == []
    assert submission.error


@pytest.mark.usefixtures("no_broker")
def test_what_was_not_handed_over_stays_queued_and_is_sent_again_soon() -> None:
    [task] = queued_tasks(1)
    now = timezone.now()
    assert delivery.submit([task], now=now)
    task.refresh_from_db()
    assert (task.status, task.sends) == (Status.QUEUED, 0)
    assert task.send_at is not None
    assert task.send_at <= now + ledger.UNCLAIMED_AFTER


def test_what_was_handed_over_is_sent_again_only_when_nobody_claims_it(broker: Broker) -> None:
    [task] = queued_tasks(1)
    now = timezone.now()
    assert delivery.submit([task], now=now) == ""
    task.refresh_from_db()
    assert (task.send_at, task.sends) == (now + ledger.SEND_AGAIN, 1)
    sweep(now=now + ledger.SEND_AGAIN)
    assert broker.messages() == [("tandem.run", [task.pk, 1])] * 2


def test_a_fault_of_kombu_is_an_error_of_the_submission_and_its_connection_is_not_used_again(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second, third = queued_tasks(3)
    used: list[Connection | None] = []

    def fails(channel: Channel, *_: object, **__: object) -> None:
        # What a channel says that kombu has closed and kept; seen after a broker that was full.
        used.append(channel.connection.client)
        raise AttributeError("'NoneType' object has no attribute 'client'")

    QueueExecutor().submit([first])
    with monkeypatch.context() as patched:
        patched.setattr(Channel, "basic_publish", fails)
        submission = QueueExecutor().submit([second])
    assert list(submission.handed_over) == []
    assert submission.error == "the messages were not sent (AttributeError)"
    assert "1 of 1 messages were not sent" in caplog.text
    assert [each.connected for each in used if each] == [False]
    assert QueueExecutor().submit([third]).handed_over == [third]
    assert broker.messages() == [("tandem.run", [task.pk, 1]) for task in (first, third)]
