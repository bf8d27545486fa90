"""PeriodicTasks that are not ours, several `celery beat` processes, and what arrives at the broker."""

from __future__ import annotations

import time
from collections import Counter

import pytest
import redis
from django.db.models import Sum
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from tests.backends.beat.ticking import KINDS, due_row
from tests.backends.queue.brokers import stored_messages
from tests.live.installation import Installation, Process

pytestmark = pytest.mark.live

EVERY_SECOND = "every second"


def arrived(installation: Installation) -> Counter[str]:
    """How often each PeriodicTask was sent."""
    with redis.Redis.from_url(installation.broker_url) as client:
        return Counter(headers["periodic_task_name"] for headers, _ in stored_messages(client))


def beats(installation: Installation, count: int) -> list[Process]:
    """Beats that log each run that they send, and each that another one sends."""
    command = ("-m", "celery", "-A", "settings.celery", "beat")
    return [installation.start(*command, LOG_LEVEL="DEBUG") for _ in range(count)]


def every_second(name: str = EVERY_SECOND) -> None:
    second, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
    PeriodicTask.objects.create(name=name, task="theirs.task", interval=second)


def attempts(beat: Process, name: str = EVERY_SECOND) -> int:
    """How often this beat has tried to send a PeriodicTask."""
    said = beat.said()
    return said.count(f"sending {name} ") + said.count(f"{name} was sent by another beat")


def all_try_again(installation: Installation, running: list[Process], name: str = EVERY_SECOND) -> None:
    """Return once each beat has tried to send three more times."""
    before = [attempts(beat, name) for beat in running]
    installation.until(lambda: all(attempts(beat, name) >= had + 3 for beat, had in zip(running, before, strict=True)))


@pytest.mark.parametrize("count", [2, pytest.param(5, marks=pytest.mark.drill)])
def test_each_kind_that_is_due_is_sent_once(installation: Installation, count: int) -> None:
    every_second()
    running = beats(installation, count)
    all_try_again(installation, running)
    kinds = [kind for kind in KINDS if isinstance(kind, str)]
    for kind in kinds:
        due_row(kind)
    installation.until(lambda: arrived(installation).keys() >= set(kinds))
    all_try_again(installation, running)
    assert {kind: times for kind, times in arrived(installation).items() if kind in kinds} == dict.fromkeys(kinds, 1)


@pytest.mark.drill
def test_a_beat_that_is_killed_costs_one_run_at_the_most(installation: Installation) -> None:
    names = [f"every second, {number}" for number in range(20)]
    began = time.monotonic()
    for name in names:
        every_second(name)
    first, *others = beats(installation, 5)
    for name in (names[0], names[-1]):
        all_try_again(installation, [first, *others], name)
    first.kill()
    all_try_again(installation, others, names[0])
    # No beat claims a run from here on: those that are claimed arrive.
    PeriodicTask.objects.filter(task="theirs.task").update(enabled=False)
    noted = PeriodicTask.objects.filter(task="theirs.task").aggregate(runs=Sum("total_run_count"))["runs"]
    installation.until(lambda: arrived(installation).total() >= noted - 1)
    seconds = time.monotonic() - began
    found = arrived(installation)
    assert found.total() <= noted
    assert found.keys() == set(names)
    # None runs more often than it should: a beat that is late does not send what another one has sent.
    assert max(found.values()) <= seconds
