"""A POST with an Idempotency-Key that is sent again is done once, and answered with the first answer."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from api.idempotency import KEPT
from api.models import KeptAnswer
from scheduling import delivery
from scheduling.models import Schedule, Task, Workflow
from tests.api.asking import SCHEDULES, made, of, wanted
from tests.api.conformance import CheckedClient, openapi
from tests.api.conftest import checked
from tests.recording import RecordingExecutor

TASKS = "/api/tasks/"
BODY = {"name": "a task", "parameters": {"steps": 1}}
# Reading in the form of a POST: what is sent again is only read again.
READS = {"/api/schedules/{id}/preview/", "/api/cron/describe/", "/api/cron/review/"}
# Its answer holds a token, which is shown once and kept nowhere.
TOKENS = {"/api/tokens/"}


def post(client: CheckedClient, address: str, body: Any = None, *, key: str = "k1") -> Any:
    return client.post(address, body, format="json", HTTP_IDEMPOTENCY_KEY=key)


def same(first: Any, again: Any) -> None:
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    for header in ("ETag", "Location", "Content-Type"):
        assert again.headers.get(header) == first.headers.get(header)


def test_a_task_is_created_once(operator: CheckedClient, recorded: RecordingExecutor) -> None:
    first = post(operator, TASKS, BODY)
    assert first.headers["Location"] == f"/api/tasks/{first.json()['id']}/"
    same(first, post(operator, TASKS, BODY))
    # Neither the order of the members nor the quotes of the draft make another request of it.
    same(first, post(operator, TASKS, dict(reversed(BODY.items())), key='"k1"'))
    assert Task.objects.count() == 1
    assert len(recorded.submitted) == 1
    assert post(operator, TASKS, BODY, key="k2").json()["id"] != first.json()["id"]


def test_each_write_is_done_once(operator: CheckedClient, crontab: Path, recorded: RecordingExecutor) -> None:
    schedule = post(operator, SCHEDULES, wanted(), key="create")
    same(schedule, post(operator, SCHEDULES, wanted(), key="create"))
    assert Schedule.objects.count() == 1
    for action in ("pause", "resume", "trigger"):
        first = post(operator, of(schedule.json(), action), key=action)
        same(first, post(operator, of(schedule.json(), action), key=action))
    move = {"backend": "crontab"}
    same(
        post(operator, of(schedule.json(), "move"), move, key="m"),
        post(operator, of(schedule.json(), "move"), move, key="m"),
    )
    assert Schedule.objects.get().version == 4
    task = Task.objects.get()
    for action in ("cancel", "retry"):
        first = post(operator, f"{TASKS}{task.pk}/{action}/", key=f"task {action}".replace(" ", "-"))
        same(first, post(operator, f"{TASKS}{task.pk}/{action}/", key=f"task-{action}"))
    workflow = {"name": "w", "workflow": {"job": "demo.process_data"}}
    first = post(operator, "/api/workflows/", workflow, key="w")
    same(first, post(operator, "/api/workflows/", workflow, key="w"))
    assert Workflow.objects.count() == 1
    for action in ("cancel", "retry"):
        address = f"/api/workflows/{first.json()['id']}/{action}/"
        same(post(operator, address, key=f"w-{action}"), post(operator, address, key=f"w-{action}"))


def test_a_key_is_for_one_request(operator: CheckedClient, crontab: Path, recorded: RecordingExecutor) -> None:
    post(operator, TASKS, BODY)
    for address, body in ((TASKS, BODY | {"name": "another"}), (SCHEDULES, wanted()), (TASKS, [])):
        refused = post(operator, address, body)
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert (Task.objects.count(), Schedule.objects.count()) == (1, 0)


def test_keys_of_two_users_have_nothing_to_do_with_each_other(
    operator: CheckedClient, recorded: RecordingExecutor
) -> None:
    first, other = post(operator, TASKS, BODY), post(checked("operator"), TASKS, BODY)
    assert first.json()["id"] != other.json()["id"]


def test_what_was_refused_may_be_mended_with_the_same_key(operator: CheckedClient, recorded: RecordingExecutor) -> None:
    assert post(operator, TASKS, {"name": ""}).status_code == 400
    assert post(operator, TASKS, BODY).status_code == 201


def test_a_key_may_be_used_again_after_a_day_and_is_forgotten(
    operator: CheckedClient, recorded: RecordingExecutor
) -> None:
    first = post(operator, TASKS, BODY)
    post(operator, TASKS, BODY, key="old")
    KeptAnswer.objects.update(kept_at=timezone.now() - KEPT - timedelta(seconds=1))
    assert post(operator, TASKS, BODY | {"name": "new"}).json()["id"] != first.json()["id"]
    assert [one.key for one in KeptAnswer.objects.all()] == ["k1"]


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "h\xe9", '"', 'a"b'])
def test_what_is_no_key_is_refused(operator: CheckedClient, key: str) -> None:
    refused = post(operator, TASKS, BODY, key=key)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "idempotency_key")
    assert Task.objects.count() == 0


def test_of_two_at_the_same_time_one_is_told_to_ask_again(
    operator: CheckedClient, recorded: RecordingExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one begins before the first one is stored, and is stored after it."""
    answers: list[Any] = []
    real = KeptAnswer.objects.filter

    def meanwhile(*args: Any, **kwargs: Any) -> Any:
        found = real(*args, **kwargs).all()
        if not answers and "kept_at__gt" in kwargs:
            nothing = found.none()
            answers.append(None)
            answers[0] = post(operator, TASKS, BODY)
            return nothing
        return found

    monkeypatch.setattr(KeptAnswer.objects, "filter", meanwhile)
    late = post(operator, TASKS, BODY)
    assert (answers[0].status_code, late.status_code) == (201, 409)
    assert late.json()["code"] == "idempotency_key_in_use"
    assert Task.objects.count() == 1
    same(answers[0], post(operator, TASKS, BODY))


class Gone(BaseException):
    """The process ends here."""


def test_a_process_that_ends_after_its_commit_has_answered(
    operator: CheckedClient, recorded: RecordingExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any, **__: Any) -> str:
        raise Gone

    with monkeypatch.context() as patch:
        patch.setattr(delivery, "hand_over", gone)
        with pytest.raises(Gone):
            post(operator, TASKS, BODY)
    again = post(operator, TASKS, BODY)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    task = Task.objects.get()
    assert (again.json()["id"], again.json()["delivery"], again.json()["status"]) == (task.pk, "stored", "QUEUED")


def test_a_dry_run_keeps_no_answer(operator: CheckedClient, recorded: RecordingExecutor) -> None:
    assert post(operator, f"{TASKS}?dry_run=true", BODY).status_code == 200
    assert not KeptAnswer.objects.exists()
    assert post(operator, TASKS, BODY).status_code == 201


def test_every_post_that_writes_takes_a_key() -> None:
    without = {
        path
        for path, methods in openapi()["paths"].items()
        if "post" in methods
        and "Idempotency-Key" not in {about["name"] for about in methods["post"].get("parameters", [])}
    }
    assert without == READS | TOKENS


def test_a_sync_is_answered_again(admin: CheckedClient, crontab: Path) -> None:
    made(admin)
    first = post(admin, "/api/backends/beat/sync/", {"apply": True})
    same(first, post(admin, "/api/backends/beat/sync/", {"apply": True}))
