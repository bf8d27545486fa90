"""The page of the system: queues with what waits in them, and the sync of a backend."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django_celery_beat.models import PeriodicTask

from scheduling.lifecycle import Status
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule


def words(page: bytes) -> str:
    return " ".join(re.sub("<[^>]+>", " ", page.decode()).split())


@pytest.mark.django_db
def test_a_queue_is_shown_with_what_waits_and_since_when(operator: Client) -> None:
    a_task(a_schedule(), status=Status.QUEUED, queue="reports")
    page = words(operator.get("/system/").content)
    # A busy machine may take a moment until the page is asked for.
    assert re.search(r"Nobody takes it reports not told 1 (now|\d+ s ago) 0", page)
    assert "attention." in page
    assert "no occurrence was handed over within a day" in page


@pytest.mark.usefixtures("recorded")
def test_a_sync_is_shown_and_then_done(admin: Client) -> None:
    schedule = a_schedule(cron="0 9 * * *")
    PeriodicTask.objects.filter(task="tandem.fire").delete()
    page = words(admin.get("/system/sync/beat/").content)
    assert "What will be mended Missing there should be" in page
    assert not PeriodicTask.objects.filter(task="tandem.fire").exists()
    answer = admin.post("/system/sync/beat/")
    assert answer.headers["Location"] == "/system/"
    assert PeriodicTask.objects.get(task="tandem.fire").args == f"[{schedule.pk}]"
    assert "Everything fits" in words(admin.get("/system/sync/beat/").content)


@pytest.mark.django_db
def test_a_backend_that_there_is_not_has_no_page(admin: Client) -> None:
    assert admin.get("/system/sync/elsewhere/").status_code == 404
    assert admin.post("/system/sync/elsewhere/").status_code == 404


@pytest.mark.django_db
def test_only_an_admin_may_sync(operator: Client) -> None:
    assert operator.post("/system/sync/beat/").status_code == 403
    assert "/system/sync/" not in operator.get("/system/").content.decode()
