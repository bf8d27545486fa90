"""The switch drill: an environment moves to another broker while it works, and back. docs/switching-brokers.md."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from django.db import transaction
from django.utils import timezone

from scheduling import ledger
from scheduling.dispatch import extra_task
from scheduling.lifecycle import OPEN, Status
from scheduling.models import Schedule, Task
from tests.conftest import a_schedule
from tests.live.broker_faults import Broker, broker_of
from tests.live.installation import Installation, Process, suspend
from tests.process_rows import ended_process
from tests.servers.plugin import require

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

RUNNING: Final = 8
# The waiting tasks come due one after the other: so many per second.
A_SECOND: Final = 33
SPREAD: Final = timedelta(seconds=10)
# How much later than without a move a task may start. A busy test machine gets more.
LATEST: Final = timedelta(seconds=60)
# Of queued tasks, in the order in which they were made.
PRIORITIES: Final = [0, 9, 4, 1, 8, 5, 2]


@pytest.fixture
def brokers(request: pytest.FixtureRequest) -> Iterator[list[Broker]]:
    """The brokers of the parameter, in its order."""
    if "rabbitmq" in request.param:
        require("RabbitMQ")
    with ExitStack() as stack:
        made = {kind: broker_of(kind) for kind in request.param}
        for broker in made.values():
            stack.enter_context(broker.server)
            stack.callback(broker.server.kill)
        yield [made[kind] for kind in request.param]


def several(count: int, schedule: Schedule, now: datetime, **fields: Any) -> list[Task]:
    """Stored tasks of the schedule. A field that is a list has one value per task."""
    tasks = [extra_task(schedule, now=now, woken_by="request") for _ in range(count)]
    for number, task in enumerate(tasks):
        for name, value in fields.items():
            setattr(task, name, value[number] if isinstance(value, list) else value)
    with transaction.atomic():
        return ledger.record(tasks, now)


def pattern(installation: Installation, **wanted: Any) -> Schedule:
    """A schedule that is not due during the test. Its tasks are made by hand."""
    parameters = {"path": str(installation.runs)} | wanted.pop("parameters", {})
    return a_schedule(every=86_400, parameters=parameters, **({"job": "live.append"} | wanted))


def count(**wanted: Any) -> int:
    return Task.objects.filter(**wanted).count()


class Drill:
    """A running environment that can be moved to another broker."""

    def __init__(self, installation: Installation, *, waiting: int, queued: int) -> None:
        self.installation, self.queued = installation, queued
        self.everything = pattern(installation)
        self.firing = a_schedule(
            every=1, overlap="allow", catch_up="all", job="live.append", parameters={"path": str(installation.runs)}
        )
        self._hops = 0
        now = timezone.now()
        spread = max(SPREAD, timedelta(seconds=waiting / A_SECOND))
        times = [now + spread * number / waiting for number in range(waiting)]
        tasks = several(waiting, self.everything, now, status=Status.SCHEDULED, wait_until=times, send_at=None)
        self.due = {task.pk: at for task, at in zip(tasks, times, strict=True)}
        self.start()

    def start(self) -> None:
        """Start worker and beat on the present broker."""
        self.worker = self.installation.worker(processes=RUNNING + 2)
        self.beat = self.installation.beat()

    def move(self, to: Broker, *, by_hand: bool) -> None:
        """Follow docs/switching-brokers.md: stop, change the URL, start. `by_hand` adds drain and resend."""
        self._hops += 1
        gate = self.installation.folder / f"gate-{self._hops}"
        slow = pattern(self.installation, job="live.wait_at_first", parameters={"gate": str(gate)})
        several(RUNNING, slow, timezone.now(), send_at=timezone.now())
        self.until(lambda: count(schedule=slow, status=Status.RUNNING) == RUNNING)
        stopping = self._command("drain") if by_hand else self._told_to_stop()
        self.until(lambda: ("told to take no more" if by_hand else "Warm shutdown") in self.worker.said())
        # These come due while no worker takes messages, so their messages stay at the old broker.
        now = timezone.now()
        queued = several(self.queued, self.everything, now, send_at=now)
        self.due |= {task.pk: now for task in queued}
        ids = [task.pk for task in queued]
        self.until(lambda: not count(pk__in=ids, status=Status.QUEUED, sends=0))
        assert count(pk__in=ids, status=Status.QUEUED) > self.queued / 2
        gate.touch()
        assert stopping.wait() == 0, stopping.said()
        ended(self._told_to_stop(), self.worker, self.beat)
        assert count(status=Status.RUNNING) == 0
        self.installation.broker_url = to.url
        self.start()
        if by_hand:
            assert self._command("resend").wait() == 0
        self.until(lambda: count(pk__in=ids, status=Status.COMPLETED) == self.queued)

    def roll(self, to: Broker) -> None:
        """Without a pause: worker and beat on the new broker first; then the old ones end, and the rest is resent."""
        self._hops += 1
        gate = self.installation.folder / f"gate-{self._hops}"
        slow = pattern(self.installation, job="live.wait_at_first", parameters={"gate": str(gate)})
        several(RUNNING, slow, timezone.now(), send_at=timezone.now())
        self.until(lambda: count(schedule=slow, status=Status.RUNNING) == RUNNING)
        before = (self.worker, self.beat)
        self.installation.broker_url = to.url
        self.start()
        self.until(lambda: " ready." in self.worker.said())
        now = timezone.now()
        queued = several(self.queued, self.everything, now, send_at=now)
        self.due |= {task.pk: now for task in queued}
        gate.touch()
        ended(*before)
        assert self._command("resend").wait() == 0
        self.until(lambda: not count(pk__in=[task.pk for task in queued], status__in=OPEN))

    def ends_well(self) -> timedelta:
        """Check that every task ran once and no occurrence is missing. Returns how late the latest task started."""
        self.until(lambda: count(pk__in=self.due, status=Status.COMPLETED) == len(self.due))
        before = Task.objects.filter(created_at__lte=timezone.now())
        self.until(lambda: not before.filter(status__in=OPEN).exists())
        assert set(before.values_list("status", flat=True)) == {Status.COMPLETED}
        completed = set(before.values_list("pk", flat=True))
        assert completed <= set(self.installation.ran())
        assert [pk for pk, times in Counter(self.installation.ran()).items() if times > 1] == []
        due = list(Task.objects.filter(schedule=self.firing).order_by("due_at").values_list("due_at", flat=True))
        assert due == [self.firing.anchor + timedelta(seconds=number + 1) for number in range(len(due))]
        started = before.filter(pk__in=self.due, started_at__isnull=False).values_list("pk", "started_at")
        return max(at - self.due[pk] for pk, at in started if at is not None)

    def until(self, condition: Callable[[], Any]) -> None:
        self.installation.until(condition, longest=120)

    def _command(self, action: str) -> Process:
        return self.installation.start("manage.py", "broker", action)

    def _told_to_stop(self) -> Process:
        self.worker.popen.send_signal(signal.SIGTERM)
        return self.worker


def ended(*processes: Process) -> None:
    """Send SIGTERM to each process and wait for its end."""
    for process in processes:
        process.popen.send_signal(signal.SIGTERM)
        process.wait()


def move_and_back(installation: Installation, brokers: list[Broker], *, waiting: int, queued: int) -> timedelta:
    """Move without drain and resend, then back with both. Returns how late the latest task started."""
    installation.broker_url = brokers[0].url
    drill = Drill(installation, waiting=waiting, queued=queued)
    for number, broker in enumerate(brokers[1:]):
        drill.move(broker, by_hand=bool(number % 2))
    return drill.ends_well()


@pytest.mark.drill
@pytest.mark.parametrize("brokers", [("redis", "rabbitmq", "redis")], indirect=True, ids="-".join)
def test_an_environment_moves_and_back_and_each_task_starts_once(
    on_postgres: Installation, brokers: list[Broker]
) -> None:
    assert move_and_back(on_postgres, brokers, waiting=100, queued=50) < LATEST


@pytest.mark.drill
@pytest.mark.parametrize(
    "brokers",
    # The first one does not move: the others are compared with it.
    [("redis",), ("redis", "rabbitmq", "redis"), ("embedded", "redis", "embedded")],
    indirect=True,
    ids="-".join,
)
def test_an_environment_with_much_to_do_moves_and_back(
    on_postgres: Installation, brokers: list[Broker], record_property: Callable[[str, object], None]
) -> None:
    latest = move_and_back(on_postgres, brokers, waiting=1000, queued=200)
    record_property("seconds that the latest task started after its time", latest.total_seconds())
    assert latest < LATEST


@pytest.mark.drill
@pytest.mark.parametrize(
    "brokers", [("redis", "rabbitmq", "redis"), ("embedded", "redis", "embedded")], indirect=True, ids="-".join
)
def test_an_environment_with_much_to_do_rolls_over_without_a_pause(
    on_postgres: Installation, brokers: list[Broker], record_property: Callable[[str, object], None]
) -> None:
    on_postgres.broker_url = brokers[0].url
    drill = Drill(on_postgres, waiting=1000, queued=200)
    for broker in brokers[1:]:
        drill.roll(broker)
    latest = drill.ends_well()
    record_property("seconds that the latest task started after its time", latest.total_seconds())
    assert latest < LATEST


@pytest.mark.parametrize(
    "brokers",
    [
        pytest.param(("redis", "rabbitmq"), id="redis-rabbitmq"),
        pytest.param(("rabbitmq", "redis"), id="rabbitmq-redis", marks=pytest.mark.drill),
    ],
    indirect=True,
)
def test_tasks_in_every_state_at_the_old_broker_run_once(on_postgres: Installation, brokers: list[Broker]) -> None:
    old, new = brokers
    there, now = on_postgres, timezone.now()
    gate, plain = there.folder / "gate", pattern(there)
    [lost] = several(1, pattern(there, job="live.hang_at_first", on_lost="retry"), now)
    slow = pattern(there, job="live.wait_at_first", parameters={"gate": str(gate)}, on_lost="retry")
    [late] = several(1, slow, now)
    queued = several(len(PRIORITIES), plain, now, priority=PRIORITIES)
    [cancelled] = several(1, plain, now)
    later = several(1, plain, now, status=Status.SCHEDULED, wait_until=now + timedelta(seconds=15), send_at=None)
    _, sent_to_old, sent_to_both, *_ = queued

    there.broker_url = old.url
    started(there, lost).kill()
    old_worker = started(there, late)
    # Like a suspended machine: its heartbeats stop, and later it goes on.
    suspend(old_worker)
    send(there, sent_to_old, sent_to_both, cancelled)
    ledger.cancel(cancelled.pk, reason="no", now=timezone.now())
    # Both have been silent for long.
    Task.objects.filter(status=Status.RUNNING).update(process=ended_process())

    there.broker_url = new.url
    send(there, sent_to_both)
    resend_twice_at_once(there)
    there.worker(name="new")
    there.beat()
    done = [lost, late, *queued, *later]
    there.until(lambda: count(pk__in=[task.pk for task in done], status=Status.COMPLETED) == len(done))
    in_order = [task.pk for task in sorted(queued, key=lambda task: -task.priority) if task != sent_to_both]
    assert [pk for pk in there.ran() if pk in in_order] == in_order

    gate.touch()
    goes_on_for_nothing(there, old_worker)
    assert old.waiting() == 0
    assert Counter(there.ran()) == dict.fromkeys([task.pk for task in done], 1) | {lost.pk: 2, late.pk: 2}
    assert [ends(task) for task in (lost, late)] == [[Status.FAILED, Status.COMPLETED]] * 2
    assert Task.objects.get(pk=late.pk).result == 2
    assert count(status=Status.COMPLETED) == len(done)
    assert Task.objects.get(pk=cancelled.pk).status == Status.CANCELLED


def resend_twice_at_once(there: Installation) -> None:
    """`manage.py broker resend`, by two people."""
    sweeps = [there.start("manage.py", "broker", "resend") for _ in range(2)]
    assert [sweep.wait() for sweep in sweeps] == [0, 0]


def goes_on_for_nothing(there: Installation, worker: Process) -> None:
    """A suspended worker goes on: the end of its attempt is not recorded, and its three messages claim nothing."""
    os.killpg(worker.popen.pid, signal.SIGCONT)
    there.until(lambda: "the end of an attempt was not recorded" in worker.said())
    there.until(lambda: worker.said().count("nothing to claim") == 3)


def ends(task: Task) -> list[str]:
    """How each attempt of a task ended, in order."""
    return list(task.attempts.order_by("number").values_list("status", flat=True))


def started(installation: Installation, task: Task) -> Process:
    """A worker of its own that runs the job of the task just now: it is RUNNING a little before that."""
    send(installation, task)
    worker = installation.worker(name=f"worker-{task.pk}")
    installation.until(lambda: task.pk in installation.ran())
    return worker


def send(installation: Installation, *tasks: Task) -> None:
    """Send the message of each task to the present broker, even if it was sent before."""
    for task in tasks:
        installation.publish(task.pk, task.attempt)
