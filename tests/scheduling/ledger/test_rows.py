"""What each move writes: the columns of the task, its event and its attempt, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.forms import model_to_dict

from scheduling import ledger
from scheduling.caller import Caller, acting
from scheduling.lifecycle import Status
from scheduling.models import Actor, Task, TaskAttempt, TaskEvent
from tests.conftest import at

pytestmark = pytest.mark.django_db

BORN = at("2026-11-20 09:59")
NOW = at("2026-11-20 10:00")
LATER = at("2026-11-20 10:01")
SOON = NOW + ledger.UNCLAIMED_AFTER
OVER_A_LIMIT = {"waits_for_limit": "job:demo.process_data", "place_until": LATER}


def stored(status: Status, **fields: Any) -> Task:
    """A task with something in every column that a move may clear. What is queued waits for no time."""
    full = {
        "send_at": BORN, "sends": 3, "reason": "earlier", "error": "earlier",
        "progress": {"done": 1}, "expires": LATER, "executor": "worker",
        "wait_until": None if status is Status.QUEUED else BORN,
    }  # fmt: skip
    task = Task(name="a task", job="demo.process_data", woken_by="request", status=status, **(full | fields))
    return ledger.record([task], BORN)[0]


def waiting() -> Task:
    return stored(Status.SCHEDULED)


def queued() -> Task:
    return stored(Status.QUEUED)


def over_a_limit() -> Task:
    return stored(Status.QUEUED, **OVER_A_LIMIT, wait_until=BORN)


def running(**fields: Any) -> Task:
    task = ledger.claim(stored(Status.QUEUED, **fields).pk, 1, worker="me", now=BORN)
    assert task is not None
    return task


def asked_to_stop() -> Task:
    task = running()
    ledger.ask_to_stop(task.pk, reason="enough", now=BORN)
    task.refresh_from_db()
    return task


def failed() -> Task:
    # Without any limit, what waited for one is claimed as it is.
    task = running(**OVER_A_LIMIT)
    ledger.fail(task, error="no", now=BORN)
    task.refresh_from_db()
    return task


def columns(task: Task) -> dict[str, Any]:
    row = Task.objects.get(pk=task.pk)
    return {field.attname: getattr(row, field.attname) for field in Task._meta.concrete_fields}


Move = Callable[[Task], object]
END = {"ended_at": NOW}
# Columns that change, and the detail of the event.
Written = tuple[dict[str, Any], dict[str, Any]]
ASKED_TO_STOP: Written = (
    {"cancel_asked_at": NOW, "reason": "enough"}, {"cancel_asked": True, "reason": "enough"},
)  # fmt: skip
AFRESH: Written = (
    {
        "status": "QUEUED", "attempt": 2, "send_at": SOON, "sends": 0, "started_at": None, "finished_at": None,
        "error": "", "reason": "", "progress": None, "expires": None, "waits_for_limit": None, "place_until": None,
    },
    {"attempt": 2, "retry": True},
)  # fmt: skip

MOVES: list[tuple[str, Callable[[], Task], Move, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    # name; before; the move; columns that change; detail of the event; what changes of the attempt
    (
        "claim", queued, lambda task: ledger.claim(task.pk, 1, worker="me", process="a key", now=NOW),
        {"status": "RUNNING", "started_at": NOW, "process": "a key", "send_at": None},
        {"worker": "me", "attempt": 1},
        {"number": 1, "status": "RUNNING", "executor": "worker", "worker": "me", "started_at": NOW},
    ),
    (
        "queue_waiting", waiting, lambda task: ledger.queue_waiting([task.pk], now=NOW),
        {"status": "QUEUED", "send_at": SOON, "sends": 0, "wait_until": None, "reason": ""}, {}, {},
    ),
    (
        "cancel_unclaimed", queued, lambda task: ledger.cancel_unclaimed([task.pk], reason="no need", now=NOW),
        {"status": "CANCELLED", "reason": "no need", "finished_at": NOW, "send_at": None, "wait_until": None},
        {"reason": "no need"}, {},
    ),
    (
        "cancel", queued, lambda task: ledger.cancel(task.pk, reason="no need", now=NOW),
        {"status": "CANCELLED", "reason": "no need", "finished_at": NOW, "send_at": None, "wait_until": None},
        {"reason": "no need"}, {},
    ),
    (
        "cancel over a limit", over_a_limit, lambda task: ledger.cancel(task.pk, reason="no need", now=NOW),
        {
            "status": "CANCELLED", "reason": "no need", "finished_at": NOW, "send_at": None, "wait_until": None,
            "waits_for_limit": None,
        },
        {"reason": "no need"}, {},
    ),
    (
        "cancel while it runs", running, lambda task: ledger.cancel(task.pk, reason="no need", now=NOW),
        {"status": "CANCELLED", "reason": "no need", "finished_at": NOW, "wait_until": None},
        {"reason": "no need"}, END | {"status": "CANCELLED"},
    ),
    (
        "complete", running, lambda task: ledger.complete(task, result=[7], now=NOW),
        {"status": "COMPLETED", "result": [7], "error": "", "finished_at": NOW},
        {"result": [7]}, END | {"status": "COMPLETED"},
    ),
    (
        "fail", running, lambda task: ledger.fail(task, error="no", traceback="line 1", now=NOW),
        {"status": "FAILED", "error": "no", "finished_at": NOW},
        {"error": "no"}, END | {"status": "FAILED", "error": "no", "traceback": "line 1"},
    ),
    (
        "schedule_retry", running,
        lambda task: ledger.schedule_retry(task, error="no", traceback="line 1", wait_until=LATER, now=NOW),
        {"status": "RETRYING", "error": "no", "wait_until": LATER, "attempt": 2},
        {"error": "no", "wait_until": LATER.isoformat(), "attempt": 2},
        END | {"status": "FAILED", "error": "no", "traceback": "line 1"},
    ),
    (
        "stopped", asked_to_stop, lambda task: ledger.stopped(task, reason="half is done", now=NOW),
        {"status": "CANCELLED", "finished_at": NOW, "reason": "half is done"},
        {"reason": "half is done"}, END | {"status": "CANCELLED"},
    ),
    (
        "ask_to_stop", running, lambda task: ledger.ask_to_stop(task.pk, reason="enough", now=NOW),
        *ASKED_TO_STOP, {},
    ),
    (
        "ask_all_to_stop", running, lambda task: ledger.ask_all_to_stop([task.pk], reason="enough", now=NOW),
        *ASKED_TO_STOP, {},
    ),
    ("retry", failed, lambda task: ledger.retry(task, now=NOW), *AFRESH, {}),
    ("retry_all", failed, lambda task: ledger.retry_all([task], now=NOW), *AFRESH, {}),
    (
        "progress", running, lambda task: ledger.progress(task, done=1, total=2, message="half", now=NOW),
        {"progress": {"done": 1, "total": 2, "message": "half"}},
        {"progress": {"done": 1, "total": 2, "message": "half"}}, {},
    ),
]  # fmt: skip


def attempt_of(task: Task) -> dict[str, Any]:
    row = TaskAttempt.objects.filter(task=task).first()
    if row is None:
        return {}
    return model_to_dict(row, exclude=["id", "task"])


@pytest.mark.parametrize(
    ("before", "move", "changes", "detail", "attempt"), [row[1:] for row in MOVES], ids=[row[0] for row in MOVES]
)
def test_a_move_writes_these_columns_one_event_and_its_attempt(
    before: Callable[[], Task], move: Move, changes: dict[str, Any], detail: dict[str, Any], attempt: dict[str, Any]
) -> None:
    task, untouched = before(), before()
    columns_before, attempt_before, others = (
        columns(task),
        attempt_of(task),
        (columns(untouched), attempt_of(untouched)),
    )
    with transaction.atomic(), acting(Caller("user", user="ada")):
        assert move(task) is not False
    assert columns(task) == columns_before | changes | {"events": columns_before["events"] + 1}
    event = TaskEvent.objects.get(task=task, number=columns_before["events"] + 1)
    assert (event.status, event.at, event.detail) == (columns(task)["status"], NOW, detail)
    assert event.actor == Actor.objects.get(user="ada")
    blank = {"ended_at": None, "error": "", "traceback": ""} if attempt and not attempt_before else {}
    assert attempt_of(task) == attempt_before | blank | attempt
    assert (columns(untouched), attempt_of(untouched)) == others


def test_a_new_task_has_its_first_event_with_its_reason() -> None:
    task = stored(Status.MISSED, reason="too late")
    row = columns(task)
    assert (row["created_at"], row["events"]) == (BORN, 1)
    event = TaskEvent.objects.get(task=task)
    assert (event.number, event.at, event.status, event.detail) == (1, BORN, "MISSED", {"reason": "too late"})
    assert TaskEvent.objects.get(task=stored(Status.QUEUED, reason="")).detail == {}


def test_a_new_task_and_its_first_event_have_who_asks_or_else_who_asked_before() -> None:
    with acting(Caller("user", user="ada")):
        by_ada = stored(Status.QUEUED)
    ada = Actor.objects.get(user="ada")
    member = stored(Status.QUEUED, created_by=ada)
    for task in (by_ada, member):
        assert columns(task)["created_by_id"] == ada.pk
        assert TaskEvent.objects.get(task=task).actor == ada
    assert columns(stored(Status.QUEUED))["created_by_id"] is None


@pytest.mark.parametrize("other", [waiting, queued, failed, asked_to_stop])
def test_only_what_runs_is_asked_to_stop_and_only_once(other: Callable[[], Task]) -> None:
    task = other()
    before = columns(task)
    with transaction.atomic():
        ledger.ask_all_to_stop([task.pk], reason="again", now=NOW)
    assert columns(task) == before


def test_what_bulk_moves_return_is_what_they_wrote() -> None:
    moved = [*ledger.queue_waiting([waiting().pk], now=NOW), *ledger.retry_all([failed()], now=NOW)]
    assert len(moved) == 2
    for task in moved:
        assert {field.attname: getattr(task, field.attname) for field in Task._meta.concrete_fields} == columns(task)


@pytest.mark.parametrize("status", [Status.RUNNING, Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.MISSED])
def test_what_was_claimed_or_has_ended_is_not_cancelled_as_unclaimed(status: Status) -> None:
    task = stored(status)
    before = columns(task)
    unclaimed = stored(Status.SCHEDULED)
    assert ledger.cancel_unclaimed([task.pk, unclaimed.pk], reason="no need", now=NOW) == [unclaimed.pk]
    assert columns(task) == before


def test_a_message_about_progress_and_an_error_are_cut() -> None:
    task = running()
    ledger.progress(task, done=1, total=2, message="x" * 600, now=NOW)
    assert columns(task)["progress"]["message"] == "x" * 500
    ledger.schedule_retry(task, error="x" * 20_001, traceback="y" + "x" * 20_000, wait_until=LATER, now=NOW)
    assert columns(task)["error"] == "x" * 20_000
    assert attempt_of(task)["traceback"] == "x" * 20_000


def test_each_task_waits_as_long_as_its_own_sends_say() -> None:
    first, second = stored(Status.QUEUED, sends=0), stored(Status.QUEUED, sends=2)
    ledger.sent([first, second], now=NOW)
    found = [(row["send_at"], row["sends"]) for row in (columns(first), columns(second))]
    assert found == [(NOW + timedelta(minutes=1), 1), (NOW + timedelta(minutes=4), 3)]


LOST = [
    # on_lost, max of retries, the attempt that is lost; what follows
    ("fail", 5, 1, Status.FAILED),
    ("retry", 0, 3, Status.RETRYING),
    ("retry", 0, 4, Status.FAILED),
    ("retry", 5, 5, Status.RETRYING),
    ("retry", 5, 6, Status.FAILED),
]


@pytest.mark.parametrize(("on_lost", "most", "attempt", "status"), LOST)
def test_a_lost_attempt_is_followed_by_another_within_bounds(
    on_lost: str, most: int, attempt: int, status: Status
) -> None:
    retries = {"max": most} if most else {}
    task = stored(Status.QUEUED, on_lost=on_lost, retries=retries, attempt=attempt)
    claimed = ledger.claim(task.pk, attempt, worker="me", now=BORN)
    assert claimed is not None
    assert ledger.lose(claimed, error="gone", now=NOW)
    row = columns(task)
    assert (row["status"], row["error"]) == (status, "gone")
    if status is Status.RETRYING:
        assert row["wait_until"] == NOW
