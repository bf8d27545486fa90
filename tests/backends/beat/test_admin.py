"""Our PeriodicTasks in the admin: read-only, and run as it says. Those of others are as before."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from scheduling.models import Schedule, Task
from tests.conftest import a_schedule

LIST = "/admin/django_celery_beat/periodictask/"


@pytest.fixture
def root(db: None, client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def ours(db: None) -> Schedule:
    return a_schedule(name="the import")


@pytest.fixture
def other(db: None) -> PeriodicTask:
    every = IntervalSchedule.objects.create(every=5, period="minutes")
    return PeriodicTask.objects.create(name="theirs", task="shop.tasks.clean", interval=every)


def row_of(schedule: Schedule) -> PeriodicTask:
    return PeriodicTask.objects.get(name=f"tandem:{schedule.pk}:0")


def act(root: Client, action: str, *rows: PeriodicTask) -> Any:
    return root.post(LIST, {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True)


def test_our_row_is_read_only_and_another_is_not(root: Client, ours: Schedule, other: PeriodicTask) -> None:
    mine = root.get(f"{LIST}{row_of(ours).pk}/change/").content.decode()
    theirs = root.get(f"{LIST}{other.pk}/change/").content.decode()
    assert ('name="_save"' in mine, 'name="_save"' in theirs) == (False, True)
    assert root.post(f"{LIST}{row_of(ours).pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("action", ["disable_tasks", "toggle_tasks"])
def test_an_action_leaves_our_rows_out_and_says_so(
    root: Client, ours: Schedule, other: PeriodicTask, action: str
) -> None:
    page = act(root, action, row_of(ours), other).content.decode()
    assert "Rows of Tandem were left out" in page
    other.refresh_from_db()
    assert (row_of(ours).enabled, other.enabled) == (True, False)


def test_delete_selected_refuses_our_rows(root: Client, ours: Schedule, other: PeriodicTask) -> None:
    root.post(LIST, {"action": "delete_selected", "_selected_action": [row_of(ours).pk, other.pk], "post": "yes"})
    assert PeriodicTask.objects.filter(name__startswith="tandem:").count() == 1


@pytest.mark.usefixtures("recorded")
def test_run_selected_runs_the_job_of_the_schedule(root: Client, ours: Schedule) -> None:
    page = act(root, "run_tasks", row_of(ours)).content.decode()
    task = Task.objects.get()
    assert (task.schedule_id, task.woken_by) == (ours.pk, "request")
    assert f"task {task.pk} was created" in page


@pytest.mark.usefixtures("recorded")
def test_run_selected_leaves_those_of_others_to_celery(root: Client, ours: Schedule, other: PeriodicTask) -> None:
    not_chosen = a_schedule(name="not chosen")
    PeriodicTask.objects.filter(pk=other.pk).update(args=f"[{not_chosen.pk}]")
    page = act(root, "run_tasks", row_of(ours), other).content.decode()
    assert [task.schedule_id for task in Task.objects.all()] == [ours.pk]
    assert "shop.tasks.clean" in page.partition("messagelist")[2].partition("</ul>")[0]


def test_a_wake_up_that_somebody_made_by_hand_is_read_only_too(root: Client, other: PeriodicTask) -> None:
    PeriodicTask.objects.filter(pk=other.pk).update(task="tandem.fire")
    assert 'name="_save"' not in root.get(f"{LIST}{other.pk}/change/").content.decode()


def test_run_selected_says_that_a_schedule_is_gone(root: Client, ours: Schedule) -> None:
    row = row_of(ours)
    PeriodicTask.objects.filter(pk=row.pk).update(args="broken")
    assert "There is no schedule 0." in act(root, "run_tasks", row).content.decode()
