"""Creating, cancelling and retrying one-off tasks over REST."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from scheduling import ledger
from scheduling.execution.run import run_attempt
from scheduling.models import Task
from tests.api.conformance import CheckedClient
from tests.recording import SETTINGS_EXECUTORS

pytestmark = pytest.mark.django_db

TASKS = "/api/tasks/"
THE_BODY = {
    "name": "Data Processing Task",
    "description": "Process some data in the background.",
    "scheduled_time": "2024-11-20T10:00:00Z",
}


@pytest.fixture(autouse=True)
def in_memory(settings: Settings) -> None:
    """Executors in memory: no broker is needed."""
    settings.TANDEM_EXECUTORS = SETTINGS_EXECUTORS


def asked(client: CheckedClient, **body: Any) -> dict[str, Any]:
    """Create a task over REST and return the answer."""
    response = client.post(TASKS, {"name": "a task", **body}, format="json")
    assert response.status_code == 201, response.json()
    found: dict[str, Any] = response.json()
    return found


def test_the_simplest_body_works_as_it_stands_and_its_past_time_means_now(operator: CheckedClient) -> None:
    response = operator.post(TASKS, THE_BODY, format="json")
    assert response.status_code == 201
    body = response.json()
    assert (body["status"], body["job"], body["delivery"]) == ("QUEUED", "demo.process_data", "sent")
    run_attempt(body["id"], 1, worker="test")
    done = operator.get(f"{TASKS}{body['id']}/").json()
    assert (done["status"], done["result"]) == ("COMPLETED", {"message": "Data processed successfully"})


def test_a_task_for_later_waits_and_says_for_what(operator: CheckedClient) -> None:
    body = asked(operator, scheduled_time="2090-01-01T00:00:00+02:00")
    assert (body["status"], body["scheduled_time"]) == ("SCHEDULED", "2089-12-31T22:00:00Z")
    assert body["due_at"] == body["waits_until"] == body["scheduled_time"]
    assert body["delivery"].startswith("its time, 2089-12-31T22:00:00")


def test_everything_that_can_be_said_of_a_task_is_kept(operator: CheckedClient) -> None:
    body = asked(
        operator,
        parameters={"steps": 3},
        priority=9,
        queue="reports",
        retries=3,
        timeout="PT10M",
        soft_timeout=300,
        on_lost="retry",
        expires="2090-01-01T00:00:00Z",
    )
    kept = {name: body[name] for name in ("parameters", "priority", "queue", "retries", "timeout", "soft_timeout")}
    assert kept == {
        "parameters": {"steps": 3},
        "priority": 9,
        "queue": "reports",
        "retries": {"max": 3},
        "timeout": 600,
        "soft_timeout": 300,
    }
    assert (body["on_lost"], body["expires"]) == ("retry", "2090-01-01T00:00:00Z")


WRONG = [
    ({"name": ""}, "/name"),
    ({"name": 5}, "/name"),
    ({"scheduled_time": "2024-11-20T10:00:00"}, "/scheduled_time"),
    ({"scheduled_time": 1732096800}, "/scheduled_time"),
    ({"job": "no.such"}, "/job"),
    ({"parameters": {"steps": 0}}, "/parameters/steps"),
    ({"priority": 10}, "/priority"),
    ({"priority": "high"}, "/priority"),
    ({"queue": "a b"}, "/queue"),
    ({"retries": {"max": -1}}, "/retries/max"),
    ({"retries": "many"}, "/retries"),
    ({"timeout": 0}, "/timeout"),
    ({"timeout": 5, "soft_timeout": 6}, "/soft_timeout"),
    ({"expires": "2020-01-01T00:00:00Z"}, "/expires"),
    ({"executor": "nowhere"}, "/executor"),
    ({"on_lost": "cry"}, "/on_lost"),
    ({"when": "now"}, "/when"),
]


@pytest.mark.parametrize(("wrong", "pointer"), WRONG)
def test_a_wrong_body_is_refused_and_leaves_nothing(
    operator: CheckedClient, wrong: dict[str, Any], pointer: str
) -> None:
    response = operator.post(TASKS, {"name": "a task", **wrong}, format="json")
    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]
    assert Task.objects.count() == 0


def test_a_waiting_task_is_cancelled_and_can_be_retried(operator: CheckedClient) -> None:
    pk = asked(operator)["id"]
    cancelled = operator.post(f"{TASKS}{pk}/cancel/")
    assert (cancelled.status_code, cancelled.json()["status"]) == (202, "CANCELLED")
    again = operator.post(f"{TASKS}{pk}/cancel/")
    assert (again.status_code, again.json()["code"]) == (409, "already_finished")
    assert "CANCELLED" in again.json()["detail"]
    repeated = operator.post(f"{TASKS}{pk}/retry/")
    assert (repeated.status_code, repeated.json()["status"]) == (202, "QUEUED")
    too_early = operator.post(f"{TASKS}{pk}/retry/")
    assert (too_early.status_code, too_early.json()["code"]) == (409, "not_retryable")


def test_what_runs_is_asked_to_stop(operator: CheckedClient) -> None:
    pk = asked(operator)["id"]
    ledger.claim(pk, 1, worker="test", now=timezone.now())
    response = operator.post(f"{TASKS}{pk}/cancel/")
    assert (response.status_code, response.json()["status"]) == (202, "RUNNING")
    assert Task.objects.get(pk=pk).cancel_asked_at is not None


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_an_unknown_task_is_not_found(operator: CheckedClient, action: str) -> None:
    assert operator.post(f"{TASKS}4711/{action}/").status_code == 404


def test_the_log_of_a_job_is_shown(operator: CheckedClient) -> None:
    pk = asked(operator)["id"]
    task = ledger.claim(pk, 1, worker="test", now=timezone.now())
    assert task is not None
    task.lines.create(attempt=1, at=timezone.now(), level="INFO", message="half way")
    [line] = operator.get(f"{TASKS}{pk}/log/").json()
    assert (line["attempt"], line["level"], line["message"]) == (1, "INFO", "half way")


def test_a_task_is_created_and_shown_with_few_statements(
    operator: CheckedClient, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    # Who asks is looked up once a process, and kept when the transaction is over.
    with django_capture_on_commit_callbacks(execute=True):
        asked(operator)
    with CaptureQueriesContext(connection) as captured:
        asked(operator)
    statements = [each["sql"] for each in captured if "SAVEPOINT" not in str(each["sql"])]
    # Who asks, with the groups (the use of the token is noted once a minute); the task, its event, the number and the
    # entry of the audit log, and that it was handed over. No attempt is looked for.
    assert len(statements) == 7, statements
    assert not [each for each in statements if "taskattempt" in each]
