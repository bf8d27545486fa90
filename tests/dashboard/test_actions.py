"""The buttons: what they do, who may press them, and where they lead."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from scheduling import ledger, tasks
from scheduling.lifecycle import Status
from scheduling.models import Task


def said(answer: object) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]  # type: ignore[attr-defined]  # of the client


def a_failed_task() -> Task:
    task, _ = tasks.create(now=timezone.now(), name="a task")
    claimed = ledger.claim(task.pk, 1, worker="w", now=timezone.now())
    assert claimed is not None
    ledger.fail(claimed, error="it broke", now=timezone.now())
    return claimed


@pytest.mark.usefixtures("recorded")
def test_retry_and_cancel(operator: Client) -> None:
    task = a_failed_task()
    operator.post(f"/tasks/{task.pk}/retry/")
    task.refresh_from_db()
    assert (task.status, task.attempt) == (Status.QUEUED, 2)
    operator.post(f"/tasks/{task.pk}/cancel/")
    task.refresh_from_db()
    assert task.status == Status.CANCELLED
    assert task.reason.startswith("cancelled by operator")


@pytest.mark.usefixtures("recorded")
def test_a_refusal_is_a_message_and_changes_nothing(operator: Client) -> None:
    task = a_failed_task()
    answer = operator.post(f"/tasks/{task.pk}/cancel/", {"next": f"/tasks/{task.pk}/"})
    assert said(answer) == ["The task has finished already: it is FAILED."]
    assert answer.headers["Location"] == f"/tasks/{task.pk}/"


def test_a_viewer_sees_no_buttons_and_may_press_none(viewer: Client) -> None:
    task = a_failed_task()
    assert "/retry/" not in viewer.get(f"/tasks/{task.pk}/").content.decode()
    answer = viewer.post(f"/tasks/{task.pk}/retry/")
    assert answer.status_code == 403
    assert "Your role does not allow" in answer.content.decode()


def test_a_button_needs_a_form_of_this_site(operator: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = operator.cookies
    task = a_failed_task()
    assert strict.post(f"/tasks/{task.pk}/retry/").status_code == 403
    assert operator.get(f"/tasks/{task.pk}/retry/").status_code == 405


@pytest.mark.parametrize("next_page", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"])
def test_a_button_never_leads_to_another_site(operator: Client, next_page: str) -> None:
    answer = operator.post(f"/tasks/{a_failed_task().pk}/cancel/", {"next": next_page})
    assert answer.headers["Location"] == "/tasks/"


def test_login_and_logout(db: None, client: Client) -> None:

    User.objects.create_user("ada", password="right-and-long-9")
    wrong = client.post("/login/", {"username": "ada", "password": "wrong"})
    assert "do not fit together" in wrong.content.decode()
    right = client.post("/login/", {"username": "ada", "password": "right-and-long-9", "next": "/tasks/"})
    assert right.headers["Location"] == "/tasks/"
    assert client.post("/logout/").headers["Location"] == "/login/"
    assert client.get("/tasks/").status_code == 302
