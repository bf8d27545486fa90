"""Writing schedules: what is stored, when the schedule is due next, and that a refused request stores nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from pytest_django import Settings

from scheduling import dispatch, drift, ledger, queries, schedules
from scheduling.errors import BackendError, InvalidRequest, NotFound, StaleVersion
from scheduling.executor import executor
from scheduling.models import Schedule, SyncState, Task
from tests.conftest import a_schedule, at
from tests.recording import MemoryBackend, RecordingExecutor, in_memory

pytestmark = pytest.mark.django_db

NOW = at("2026-11-20 10:00")


@pytest.fixture(autouse=True)
def memory(settings: Settings) -> MemoryBackend:
    """Backends and executors in memory."""
    return in_memory(settings, MemoryBackend)


def refused(**wanted: Any) -> dict[str, str]:
    """The problems of a refused request, as {field: code}. Checks that nothing was stored."""
    with pytest.raises(InvalidRequest) as exc:
        a_schedule(now=NOW, backend="memory", **wanted)
    assert Schedule.objects.count() == 0
    return {problem.field: problem.code for problem in exc.value.problems}


def test_an_interval_counts_from_a_whole_minute_so_that_cron_can_hold_it() -> None:
    now = at("2026-11-20 10:00:42") + timedelta(microseconds=7)
    assert a_schedule(now=now, backend="memory", every=300).next_due_at == at("2026-11-20 10:05")
    assert a_schedule(now=now, backend="memory", every=90).next_due_at == at("2026-11-20 10:02:12")


def test_an_interval_with_a_start_counts_from_it() -> None:
    schedule = a_schedule(now=NOW, backend="memory", every=3600, starts_at=at("2026-11-20 10:30:15"))
    assert queries.next_occurrences(schedule, count=2) == [at("2026-11-20 10:30:15"), at("2026-11-20 11:30:15")]


def test_the_end_bounds_what_is_to_come() -> None:
    schedule = a_schedule(now=NOW, backend="memory", cron="0 * * * *", ends_at=at("2026-11-20 12:00"))
    assert queries.next_occurrences(schedule, count=9) == [at("2026-11-20 11:00"), at("2026-11-20 12:00")]


def test_the_expression_is_kept_normalised() -> None:
    assert a_schedule(now=NOW, backend="memory", cron=" @daily ").cron == "0 0 * * *"


WRONG = [
    ({"cron": "61 * * * *"}, {"cron": "invalid_trigger"}),
    ({"cron": ""}, {"cron": "one_trigger"}),
    ({"every": 0}, {"every": "out_of_range"}),
    ({"every": 400 * 86_400}, {"every": "out_of_range"}),
    ({"timezone": "Europe/Berln"}, {"timezone": "invalid_trigger"}),
    ({"job": "demo.nothing"}, {"job": "unknown_job"}),
    ({"parameters": {"steps": 0}}, {"parameters.steps": "greater_than_equal"}),
    ({"parameters": {"stepz": 1}}, {"parameters.stepz": "extra_forbidden"}),
    ({"parameters": []}, {"parameters": "not_an_object"}),
    ({"name": " "}, {"name": "blank"}),
    ({"name": "a\x00b"}, {"name": "not_storable"}),
    ({"overlap": "perhaps"}, {"overlap": "unknown_choice"}),
    ({"catch_up": "all"}, {"overlap": "contradicts_catch_up"}),
    ({"database_away": "perhaps"}, {"database_away": "unknown_choice"}),
    ({"database_away": "run"}, {"database_away": "needs_inline"}),
    ({"limit_key": "a'b"}, {"limit_key": "not_a_name"}),
    (
        {"database_away": "run", "grace": timedelta(seconds=59)},
        {"grace": "contradicts_database_away", "database_away": "needs_inline"},
    ),
    ({"key": "Not a key"}, {"key": "not_a_key"}),
    ({"grace": timedelta(days=400)}, {"grace": "out_of_range"}),
    ({"grace": timedelta(seconds=-1)}, {"grace": "out_of_range"}),
    ({"starts_at": at("2026-11-21 00:00"), "ends_at": at("2026-11-21 00:00")}, {"ends_at": "ends_before_start"}),
    ({"executor": "elsewhere"}, {"executor": "unknown_executor"}),
    ({"cron": "x", "job": "y", "name": ""}, {"cron": "invalid_trigger", "job": "unknown_job", "name": "blank"}),
]


@pytest.mark.parametrize(("wanted", "problems"), WRONG)
def test_a_wrong_request_is_refused_with_every_problem(wanted: dict[str, Any], problems: dict[str, str]) -> None:
    assert refused(**wanted) == problems


def test_a_refused_change_changes_nothing() -> None:
    schedule = a_schedule(now=NOW, backend="memory")
    with pytest.raises(InvalidRequest):
        schedules.update(schedule.pk, now=NOW, name="new", cron="nonsense")
    again = queries.schedule(schedule.pk)
    assert (again.name, again.version, again.updated_at) == ("a schedule", 1, NOW)


def test_a_change_counts_versions_and_refuses_a_stale_one() -> None:
    schedule = a_schedule(now=NOW, backend="memory")
    assert schedules.update(schedule.pk, now=NOW, version=1, name="new").version == 2
    with pytest.raises(StaleVersion):
        schedules.update(schedule.pk, now=NOW, version=1, name="newer")
    assert queries.schedule(schedule.pk).name == "new"


def test_naming_one_kind_of_trigger_takes_the_other_away() -> None:
    schedule = a_schedule(now=NOW, backend="memory")
    changed = schedules.update(schedule.pk, now=NOW, every=60)
    assert (changed.cron, changed.every) == ("", 60)
    changed = schedules.update(schedule.pk, now=NOW, cron="@hourly")
    assert (changed.cron, changed.every) == ("0 * * * *", None)


def test_a_new_trigger_is_not_due_for_the_past() -> None:
    schedule = a_schedule(now=NOW, backend="memory", cron="0 0 1 1 *")
    changed = schedules.update(schedule.pk, now=at("2026-11-20 10:30"), cron="* * * * *")
    assert changed.next_due_at == at("2026-11-20 10:31")


LATE = at("2026-11-20 10:05:30")
EDITS: list[tuple[dict[str, Any], list[str]]] = [
    ({"name": "new"}, ["QUEUED"] * 5),
    ({"cron": "0 0 1 1 *"}, ["QUEUED"] * 5),
    ({"every": 3600}, ["QUEUED"] * 5),
    ({"timezone": "Europe/Berlin"}, ["QUEUED"] * 5),
    ({"ends_at": at("2026-11-20 10:03")}, ["QUEUED"] * 5),
    ({"ends_at": at("2026-11-20 12:00")}, ["QUEUED"] * 5),
    ({"starts_at": at("2026-11-20 12:00")}, ["QUEUED"] * 5),
    ({"job": "files.clean", "parameters": {"folder": "/x", "days": 1}}, ["QUEUED"] * 5),
    ({"paused": True}, ["SKIPPED"] * 5),
    ({"name": "a schedule"}, []),
]


@pytest.mark.parametrize(("edit", "statuses"), EDITS)
def test_what_is_due_is_decided_before_a_schedule_changes(edit: dict[str, Any], statuses: list[str]) -> None:
    """Nobody dispatched for five minutes: each of the five occurrences has a row, with the job it was due for."""
    schedule = a_schedule(now=NOW, backend="memory", cron="* * * * *", catch_up="all", overlap="allow")
    schedules.update(schedule.pk, now=LATE, **edit)
    rows = Task.objects.order_by("due_at")
    assert [row.status for row in rows] == statuses
    assert {row.job for row in rows} <= {"demo.process_data"}
    assert all("paused" in row.reason for row in rows if row.status == "SKIPPED")
    after = queries.schedule(schedule.pk)
    assert after.next_due_at is None or after.next_due_at > LATE or not statuses


def test_what_was_due_before_an_edit_is_handed_over() -> None:
    schedule = a_schedule(now=NOW, backend="memory", cron="* * * * *")
    schedules.update(schedule.pk, now=at("2026-11-20 10:01:10"), cron="@daily")
    worker = executor("worker")
    assert isinstance(worker, RecordingExecutor)
    assert worker.submitted == [(Task.objects.get().pk, 1)]


def test_an_edit_that_is_refused_decides_nothing() -> None:
    schedule = a_schedule(now=NOW, backend="memory", cron="* * * * *")
    with pytest.raises(InvalidRequest):
        schedules.update(schedule.pk, now=LATE, cron="61 * * * *")
    assert Task.objects.count() == 0


def test_an_end_that_had_passed_and_is_moved_catches_nothing_up() -> None:
    schedule = a_schedule(
        now=NOW, backend="memory", cron="* * * * *", ends_at=at("2026-11-20 10:02"), catch_up="latest"
    )
    dispatch.dispatch_due("memory", now=at("2026-11-20 10:03"))
    known = Task.objects.count()
    changed = schedules.update(schedule.pk, now=at("2026-11-20 10:30:30"), ends_at=at("2026-11-20 11:00"))
    assert changed.next_due_at == at("2026-11-20 10:31")
    assert Task.objects.count() == known


def test_replacing_sets_what_is_not_named_back_to_its_default() -> None:
    schedule = a_schedule(now=NOW, backend="memory", overlap="allow", description="long", grace=timedelta(seconds=30))
    replaced = schedules.replace(schedule.pk, now=NOW, name="n", job="demo.process_data", cron="@daily")
    assert (replaced.overlap, replaced.description, replaced.grace) == ("skip", "", timedelta(minutes=5))
    assert (replaced.backend, replaced.routed_to) == ("auto", "beat")


def test_a_pause_is_not_caught_up() -> None:
    schedule = a_schedule(now=NOW, backend="memory", every=60, catch_up="all", overlap="allow")
    assert schedules.pause(schedule.pk, now=NOW).next_due_at is None
    resumed = schedules.resume(schedule.pk, now=at("2026-11-20 11:00:30"))
    assert resumed.next_due_at == at("2026-11-20 11:01")
    assert resumed.anchor == NOW


def test_deleting_cancels_what_waits_and_keeps_what_ran() -> None:
    schedule = a_schedule(now=NOW, backend="memory", overlap="allow", cron="* * * * *")
    ran, waits = (
        dispatch.fire(schedule.pk, now=at(f"2026-11-20 10:0{minute}"), woken_by="memory")[0] for minute in (1, 2)
    )
    claimed = ledger.claim(ran.pk, 1, worker="me", now=NOW)
    assert claimed is not None
    ledger.complete(claimed, result=1, now=NOW)
    deletion = schedules.delete(schedule.pk, now=NOW)
    assert deletion == schedules.Deletion(cancelled=(waits.pk,), running=())
    assert dict(Task.objects.values_list("pk", "status")) == {ran.pk: "COMPLETED", waits.pk: "CANCELLED"}
    assert set(Task.objects.values_list("schedule_id", flat=True)) == {schedule.pk}
    with pytest.raises(NotFound):
        schedules.delete(schedule.pk, now=NOW)


def test_deleting_ends_retries_and_lets_a_running_attempt_be_the_last() -> None:
    schedule = a_schedule(now=NOW, backend="memory", overlap="allow", cron="* * * * *", retries={"max": 5})
    again, runs = (
        dispatch.fire(schedule.pk, now=at(f"2026-11-20 10:0{minute}"), woken_by="memory")[0] for minute in (1, 2)
    )
    for task in (again, runs):
        assert ledger.claim(task.pk, 1, worker="me", now=NOW)
    ledger.schedule_retry(again, error="no", wait_until=LATE, now=NOW)
    deletion = schedules.delete(schedule.pk, now=at("2026-11-20 10:03:30"))
    assert deletion == schedules.Deletion(cancelled=(again.pk,), running=(runs.pk,))
    rows = Task.objects.order_by("due_at").values_list("status", "reason")
    assert list(rows) == [
        ("CANCELLED", "its schedule was deleted"),
        ("RUNNING", ""),
        ("SKIPPED", "its schedule was deleted"),
    ]
    runs.refresh_from_db()
    assert (runs.retries, runs.on_lost) == ({"max": 0}, "fail")


def test_triggering_makes_a_task_beside_the_occurrences() -> None:
    schedule = a_schedule(now=NOW, backend="memory")
    task, said = schedules.trigger(schedule.pk, now=NOW)
    worker = executor("worker")
    assert isinstance(worker, RecordingExecutor)
    assert (task.due_at, task.woken_by, said) == (None, "request", "sent")
    assert worker.submitted == [(task.pk, 1)]
    assert queries.schedule(schedule.pk).next_due_at == at("2026-11-20 10:05")


def test_triggering_says_when_the_broker_is_away_and_keeps_the_task() -> None:
    schedule = a_schedule(now=NOW, backend="memory")
    worker = executor("worker")
    assert isinstance(worker, RecordingExecutor)
    worker.error = "away"
    task, said = schedules.trigger(schedule.pk, now=NOW)
    assert said == "away"
    assert Task.objects.get(pk=task.pk).status == "QUEUED"


def test_an_engine_that_cannot_be_written_leaves_the_schedule_stored_and_says_why(memory: MemoryBackend) -> None:
    memory.error = "the disk is full"
    schedule = a_schedule(now=NOW, backend="memory")
    assert (schedule.sync_state, schedule.sync_error) == ("out_of_sync", "the disk is full")
    with pytest.raises(BackendError):
        drift.sync(memory)
    memory.error = ""
    assert [entry.schedule_ids for entry in drift.sync(memory).missing] == [(schedule.pk,)]
    assert queries.schedule(schedule.pk).sync_state == "in_sync"


def test_a_schedule_that_changes_while_the_engine_is_written_stays_pending(settings: Settings) -> None:
    class Slow(MemoryBackend):
        """A backend during whose sync another process changes the schedule."""

        def sync(self) -> None:
            super().sync()
            Schedule.objects.update(version=F("version") + 1)

    schedule = a_schedule(now=NOW, backend="memory")
    Schedule.objects.update(sync_state=SyncState.PENDING)
    drift.sync(Slow())
    assert queries.schedule(schedule.pk).sync_state == SyncState.PENDING


def test_occurrences_show_past_and_future_in_one_list() -> None:
    schedule = a_schedule(now=NOW, backend="memory", cron="0 * * * *")
    dispatch.fire(schedule.pk, now=at("2026-11-20 11:00"), woken_by="memory")
    found = queries.occurrences(queries.schedule(schedule.pk), start=at("2026-11-20 09:00"), end=at("2026-11-20 13:00"))
    shown = [(f"{occurrence.due_at:%H}", occurrence.task is not None) for occurrence in found]
    assert shown == [("11", True), ("12", False), ("13", False)]
