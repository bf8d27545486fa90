"""`manage.py broker`: what it says and does without workers; tests/live/test_switch.py has the rest."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from backends.queue.executor import QueueExecutor
from scheduling.lifecycle import Status
from scheduling.models import Task
from tests.backends.queue.brokers import Broker
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.process_rows import a_process

pytestmark = pytest.mark.django_db


def call(action: str) -> tuple[int, str, str]:
    """Exit code, output and errors."""
    out, err, code = StringIO(), StringIO(), 0
    try:
        call_command("broker", action, stdout=out, stderr=err)
    except SystemExit as exc:
        code = int(str(exc.code))
    return code, out.getvalue(), err.getvalue()


def tasks_of_all_kinds() -> list[Task]:
    """Two queued tasks (one of them handed over), and one each that waits, runs, was cancelled, and is inline."""
    schedule = a_schedule()
    sent, unsent = (a_task(schedule, priority=priority) for priority in (1, 8))
    QueueExecutor().submit([sent])
    Task.objects.filter(pk=sent.pk).update(sends=1)
    for status in (Status.SCHEDULED, Status.RUNNING, Status.CANCELLED):
        a_task(schedule, status=status)
    a_task(schedule, executor="inline", host="elsewhere")
    return [sent, unsent]


def test_status_says_what_waits_and_that_no_worker_is_there(broker: Broker) -> None:
    tasks_of_all_kinds()
    code, out, _ = call("status")
    assert code == 1
    assert "broker     it answers\n" in out
    assert "queue      tandem: 1 messages wait, 2 tasks are queued, no worker is known to take it. Start" in out
    assert "workers    none answers. Start `python -m celery" in out
    assert "1 wait for their time, 2 are queued (1 of them not handed over), 1 run" in out


@pytest.mark.usefixtures("broker")
def test_status_tells_of_each_queue_and_which_of_them_no_worker_takes() -> None:
    reports = [a_task(a_schedule(), queue="reports") for _ in range(3)]
    QueueExecutor().submit(reports)
    a_process("worker", queues=["tandem", "mails"])
    start = "Start a worker that takes it: `python -m celery -A settings.celery worker -Q reports`."
    lines = [line for line in call("status")[1].splitlines() if line.startswith("queue ")]
    assert lines == [
        "queue      tandem: 0 messages wait, 0 tasks are queued, 1 workers take it",
        "queue      mails: 0 messages wait, 0 tasks are queued, 1 workers take it",
        f"queue      reports: 3 messages wait, 3 tasks are queued, no worker takes it. {start}",
    ]


def test_resend_hands_over_what_is_queued_and_nothing_else(broker: Broker) -> None:
    sent, unsent = tasks_of_all_kinds()
    code, out, _ = call("resend")
    assert code == 0
    assert out.startswith("2 tasks were handed over; ")
    assert sorted(arguments for _, arguments in broker.messages()) == [[sent.pk, 1], [sent.pk, 1], [unsent.pk, 1]]
    assert set(Task.objects.filter(status=Status.QUEUED, executor="worker").values_list("sends", flat=True)) == {1}


def test_what_has_priority_is_before_what_was_sent_earlier(broker: Broker) -> None:
    schedule = a_schedule()
    tasks = [a_task(schedule, priority=priority) for priority in (0, 5, 9, 1)]
    QueueExecutor().submit(tasks)
    expected = sorted(tasks, key=lambda task: -task.priority)
    assert [arguments for _, arguments in broker.messages()] == [[task.pk, 1] for task in expected]


@pytest.mark.usefixtures("no_broker")
@pytest.mark.parametrize(
    ("action", "said"),
    [("status", ""), ("drain", "Workers cannot be told"), ("resend", "Beat hands them over later")],
)
def test_a_broker_that_is_away_is_said_and_the_exit_code_tells(action: str, said: str) -> None:
    a_task(a_schedule())
    code, out, err = call(action)
    assert code == 1
    assert said in err
    assert action != "status" or "broker     it does not answer" in out
    task = Task.objects.get()
    assert (task.status, task.sends) == (Status.QUEUED, 0)


def test_drain_with_no_worker_is_done_at_once_unless_something_runs(broker: Broker) -> None:
    assert call("drain")[0] == 0
    task = a_task(a_schedule(), status=Status.RUNNING)
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit):
        call_command("broker", "drain", timeout=0, stdout=out, stderr=err)
    assert "1 run" in out.getvalue()
    assert "Tasks still run" in err.getvalue()
    assert broker.messages() == []
    assert Task.objects.get().pk == task.pk
