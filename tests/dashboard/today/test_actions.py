"""Acknowledge what failed, and retry all of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.models import Acknowledgement
from scheduling.lifecycle import Status
from scheduling.models import Task
from tests.conftest import a_schedule
from tests.dashboard.test_pages import ended, text_of


def test_what_is_acknowledged_is_no_news_until_it_happens_again(operator: Client) -> None:
    schedule = a_schedule(name="the import")
    tasks = ended(schedule, Status.FAILED, number=3)
    ended(a_schedule(name="the export"), Status.FAILED)
    operator.post(f"/tasks/{tasks[-1].pk}/acknowledge/")
    page = text_of(operator, "/")
    assert ("the import</a><span" in page, "the export</a><span" in page) == (False, True)
    ended_again = ended(a_schedule(name="another"), Status.MISSED)
    assert ended_again
    Task.objects.filter(pk=ended_again[0].pk).update(schedule=schedule, status=Status.FAILED, name="the import")
    page = text_of(operator, "/")
    assert "the import</a><span" in page
    assert "\N{MULTIPLICATION SIGN}" not in page


def test_an_acknowledgement_says_who_and_is_forgotten_after_a_day(operator: Client) -> None:
    (first,) = ended(a_schedule(), Status.FAILED)
    (second,) = ended(a_schedule(), Status.MISSED)
    operator.post(f"/tasks/{first.pk}/acknowledge/")
    found = Acknowledgement.objects.get()
    assert (found.subject, found.task, found.by.startswith("operator")) == (
        f"schedule {first.schedule_id} FAILED", first.pk, True,
    )  # fmt: skip
    Acknowledgement.objects.update(at=timezone.now() - timedelta(days=2))
    operator.post(f"/tasks/{second.pk}/acknowledge/")
    assert Acknowledgement.objects.get().task == second.pk


@pytest.mark.usefixtures("recorded")
def test_all_like_it_are_retried_and_no_others(operator: Client) -> None:
    schedule = a_schedule(overlap="allow")
    failed = ended(schedule, Status.FAILED, number=3)
    ended(a_schedule(), Status.FAILED)
    ended(schedule, Status.MISSED)
    answer = operator.post(f"/tasks/{failed[0].pk}/retry-all/", follow=True)
    assert "3 of 3 tasks" in answer.content.decode()
    queued = set(Task.objects.filter(status=Status.QUEUED).values_list("pk", flat=True))
    assert queued == {task.pk for task in failed}


def test_a_viewer_may_not(viewer: Client) -> None:
    (task,) = ended(a_schedule(), Status.FAILED)
    for action in ("acknowledge", "retry-all"):
        assert viewer.post(f"/tasks/{task.pk}/{action}/").status_code == 403
