"""Many processes write django-celery-beat's rows at the same time."""

from __future__ import annotations

import pytest
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from backends.beat.backend import BeatBackend
from scheduling import drift
from tests.conftest import a_schedule
from tests.live.installation import Installation

pytestmark = [pytest.mark.live, pytest.mark.drill]


def test_a_shared_clock_is_not_deleted_while_a_row_uses_it(installation: Installation) -> None:
    kept = a_schedule(cron="30 9 1 * *")
    theirs = PeriodicTask.objects.create(
        name="theirs", task="theirs.task", crontab=CrontabSchedule.objects.create(minute="0", hour="9")
    )
    processes = [installation.dispatcher("churn") for _ in range(4)]
    for process in processes:
        process.go()
    ends = [process.wait() for process in processes]
    assert ends == [0] * len(processes), [process.said() for process in processes]
    assert not drift.find(BeatBackend())
    names = set(PeriodicTask.objects.values_list("name", flat=True))
    assert names == {f"tandem:{kept.pk}:0", theirs.name}
    assert {task.crontab.minute for task in PeriodicTask.objects.all()} == {"30", "0"}
