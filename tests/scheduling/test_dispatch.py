"""From due rows to tasks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduling import delivery, dispatch, ledger
from scheduling.errors import NotFound
from scheduling.models import Process, Schedule, Task, TaskEvent, Workflow
from scheduling.models.execution_options import ExecutionOptions
from scheduling.timing import tzdata_version
from tests.backends.stored_tasks import a_task, statuses
from tests.conftest import a_schedule, at
from tests.process_rows import a_process
from tests.recording import RecordingExecutor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recorded")]

NOW = at("2026-11-20 10:00")
DUE = at("2026-11-20 10:05")
LATER = at("2026-11-20 10:20")


def test_what_is_due_becomes_one_task_and_is_handed_over(recorded: RecordingExecutor) -> None:
    schedule = a_schedule(now=NOW, parameters={"steps": 2})
    assert len(dispatch.dispatch_due("beat", now=DUE)) == 1
    task = Task.objects.get()
    assert (task.schedule, task.due_at, task.status, task.woken_by, task.executor) == (
        schedule, DUE, "QUEUED", "beat", "worker",
    )  # fmt: skip
    assert (task.job, task.parameters, task.attempt) == ("demo.process_data", {"steps": 2}, 1)
    assert recorded.submitted == [(task.pk, 1)]
    schedule.refresh_from_db()
    assert (schedule.cursor, schedule.next_due_at) == (DUE, at("2026-11-20 10:10"))
    assert len(dispatch.dispatch_due("beat", now=DUE)) == 0
    assert schedule.version == 1


def test_a_task_gets_every_execution_option_of_its_schedule() -> None:
    asked = {
        "priority": 9, "queue": "slow", "limit_key": "warehouse", "retries": {"max": 2}, "soft_timeout": 5,
        "timeout": 7, "on_lost": "retry",
    }  # fmt: skip
    fields = ExecutionOptions._meta.fields
    # A new option is asked for here, too, with a value that is not its default.
    assert {field.name for field in fields if asked.get(field.name, field.get_default()) != field.get_default()} == {
        field.name for field in fields
    }
    schedule = a_schedule(now=NOW, **asked)
    dispatch.dispatch_due("beat", now=DUE)
    task = Task.objects.get(schedule=schedule)
    assert {field.name: getattr(task, field.name) for field in fields} == asked


def test_a_backend_dispatches_its_own_schedules_only(recorded: RecordingExecutor) -> None:
    a_schedule(now=NOW, backend="crontab")
    assert len(dispatch.dispatch_due("beat", now=DUE)) == 0
    assert recorded.submitted == []


def test_what_is_due_comes_in_batches_until_nothing_is(
    recorded: RecordingExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BATCH", 3)
    for _ in range(7):
        a_schedule(now=NOW)
    taken = []
    while due := dispatch.dispatch_due("beat", now=DUE):
        taken.append(len(due))
    assert taken == [3, 3, 1]
    assert len(recorded.submitted) == Task.objects.count() == 7


@pytest.mark.parametrize("count", [1, 50])
def test_a_batch_costs_four_statements(recorded: RecordingExecutor, count: int) -> None:
    for _ in range(count):
        a_schedule(now=NOW)
    with CaptureQueriesContext(connection) as asked:
        dispatch.dispatch_due("beat", now=DUE)
    # Not counted: the begin and the end of the transaction, which the test's own one turns into savepoints.
    statements = [query["sql"] for query in asked if "SAVEPOINT" not in query["sql"]]
    # Lock the due, count what is open, store the decisions, note what was sent. SQLite stores them with three.
    assert len(statements) == {"postgresql": 4, "sqlite": 6}[connection.vendor], statements
    assert len(recorded.submitted) == count


def test_a_batch_that_took_long_to_decide_does_not_count_as_left_behind(
    recorded: RecordingExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "LONG_DECISION", 0.0)
    recorded.error = "the broker is away"
    a_schedule(now=NOW)
    dispatch.dispatch_due("beat", now=DUE)
    send_at = Task.objects.get().send_at
    assert send_at is not None
    assert send_at > DUE + ledger.UNCLAIMED_AFTER


def test_what_another_process_has_taken_meanwhile_is_not_held(recorded: RecordingExecutor) -> None:
    schedule = a_schedule(now=NOW)
    ours, theirs = (a_task(schedule, now=NOW) for _ in range(2))
    Task.objects.filter(pk=theirs.pk).update(send_at=LATER)
    assert ledger.hold([ours, theirs], now=DUE) == [ours]
    assert set(Task.objects.values_list("pk", "send_at")) == {
        (ours.pk, DUE + ledger.UNCLAIMED_AFTER), (theirs.pk, LATER),
    }  # fmt: skip


def test_an_overlap_is_a_row_with_its_reason() -> None:
    schedule = a_schedule(now=NOW)
    dispatch.dispatch_due("beat", now=DUE)
    dispatch.dispatch_due("beat", now=at("2026-11-20 10:10"))
    assert statuses(schedule) == ["QUEUED", "SKIPPED"]
    skipped = Task.objects.get(status="SKIPPED")
    assert "overlap is skip" in skipped.reason
    assert skipped.finished_at == at("2026-11-20 10:10")


def test_replace_stops_what_runs_and_waits_for_its_end(recorded: RecordingExecutor) -> None:
    schedule = a_schedule(now=NOW, overlap="replace")
    dispatch.dispatch_due("beat", now=DUE)
    first = Task.objects.get()
    ledger.claim(first.pk, 1, worker="me", now=DUE)
    dispatch.dispatch_due("beat", now=at("2026-11-20 10:10"))
    assert statuses(schedule) == ["RUNNING", "SCHEDULED"]
    assert ledger.attempt_state(first) == (True, True)
    assert delivery.release(schedule.pk, now=DUE) == []
    # A third one replaces the second, which never ran, and waits in its place.
    dispatch.dispatch_due("beat", now=at("2026-11-20 10:15"))
    assert statuses(schedule) == ["RUNNING", "CANCELLED", "SCHEDULED"]
    assert ledger.stopped(first, reason="replaced", now=DUE)
    [third] = delivery.release(schedule.pk, now=DUE)
    assert (third.due_at, third.status) == (at("2026-11-20 10:15"), "QUEUED")
    assert statuses(schedule) == ["CANCELLED", "CANCELLED", "QUEUED"]


def test_what_a_wake_up_replaces_says_what_woke_us(recorded: RecordingExecutor) -> None:
    a_schedule(now=NOW, overlap="replace")
    dispatch.dispatch_due("beat", now=DUE)
    dispatch.dispatch_due("beat", now=DUE + timedelta(minutes=5))
    cancelled = TaskEvent.objects.select_related("actor").get(status="CANCELLED")
    assert cancelled.actor is not None
    assert cancelled.actor.kind == "beat"


def test_replace_cancels_what_waits_and_runs_at_once(recorded: RecordingExecutor) -> None:
    schedule = a_schedule(now=NOW, overlap="replace")
    dispatch.dispatch_due("beat", now=DUE)
    dispatch.dispatch_due("beat", now=at("2026-11-20 10:10"))
    assert statuses(schedule) == ["CANCELLED", "QUEUED"]
    assert len(recorded.submitted) == 2


def test_a_cursor_that_lags_behind_the_ledger_makes_no_second_task(recorded: RecordingExecutor) -> None:
    schedule = a_schedule(now=NOW, overlap="allow")
    dispatch.dispatch_due("beat", now=DUE)
    Schedule.objects.update(cursor=NOW, next_due_at=DUE)
    dispatch.dispatch_due("beat", now=at("2026-11-20 10:10"))
    assert statuses(schedule) == ["QUEUED", "QUEUED"]
    assert len(recorded.submitted) == 2


def test_a_schedule_that_cannot_be_planned_does_not_stop_the_others(recorded: RecordingExecutor) -> None:
    broken, sound = a_schedule(now=NOW), a_schedule(now=NOW)
    Schedule.objects.filter(pk=broken.pk).update(timezone="Mars/Olympus")
    assert len(dispatch.dispatch_due("beat", now=DUE)) == 2
    assert statuses(sound) == ["QUEUED"]
    broken.refresh_from_db()
    assert broken.next_due_at is None
    assert broken.sync_state == "out_of_sync"
    assert "Mars/Olympus" in broken.sync_error
    sound.refresh_from_db()
    assert (sound.sync_state, sound.sync_error) == ("in_sync", "")


def test_firing_too_early_or_a_schedule_that_is_gone() -> None:
    schedule = a_schedule(now=NOW, backend="crontab")
    assert dispatch.fire(schedule.pk, now=DUE - timedelta(seconds=1), woken_by="crontab") == []
    with pytest.raises(NotFound):
        dispatch.fire(schedule.pk + 1, now=DUE, woken_by="crontab")
    assert Task.objects.count() == 0


def test_a_paused_schedule_does_not_fire() -> None:
    schedule = a_schedule(now=NOW, paused=True)
    assert dispatch.fire(schedule.pk, now=DUE, woken_by="beat") == []
    assert len(dispatch.dispatch_due("beat", now=DUE)) == 0


def test_others_get_their_turn_in_a_long_catch_up(recorded: RecordingExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "BATCH", 20)
    begin = at("2026-11-20 10:00")
    policies = {"catch_up": "all", "overlap": "allow"}
    long = a_schedule(every=1, now=begin, **policies)
    now = at("2026-11-20 10:00:25")
    other = a_schedule(every=5, now=at("2026-11-20 10:00:20"), **policies)
    made: list[list[int | None]] = []
    while dispatch.dispatch_due("beat", now=now):
        ids = [pk for pk, _ in recorded.submitted[sum(map(len, made)) :]]
        made.append(list(Task.objects.filter(pk__in=ids).order_by("pk").values_list("schedule_id", flat=True)))
    assert made == [[long.pk] * 10 + [other.pk], [long.pk] * 10, [long.pk] * 5]
    due = list(Task.objects.filter(schedule=long).order_by("pk").values_list("due_at", flat=True))
    assert due == [begin + timedelta(seconds=second) for second in range(1, 26)]


def test_a_batch_plans_no_further_schedule_when_it_has_decided_enough(
    recorded: RecordingExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BATCH", 4)
    now = at("2026-11-20 10:00:02")
    for _ in range(3):
        a_schedule(every=1, now=at("2026-11-20 10:00"), catch_up="all", overlap="allow")
    dispatch.dispatch_due("beat", now=now)
    assert Task.objects.count() == 4
    assert dispatch.decide_due_on("", "beat", now=now)
    assert Task.objects.count() == 6
    assert not Schedule.objects.filter(next_due_at__lte=now).exists()


def test_a_batch_may_take_only_what_became_due_later() -> None:
    for minute in range(1, 6):
        a_schedule(now=NOW, name=f"at {minute}", cron=f"{minute} * * * *")
    due = dispatch.dispatch_due("beat", now=DUE, after=at("2026-11-20 10:02"), most=2)
    assert due == [at("2026-11-20 10:03"), at("2026-11-20 10:04")]
    assert set(Task.objects.values_list("name", flat=True)) == {"at 3", "at 4"}
    assert len(dispatch.dispatch_due("beat", now=DUE)) == 3


def test_more_may_be_due_after_a_full_batch_and_where_something_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "BATCH", 2)
    later, due, never = (Schedule(next_due_at=time) for time in (LATER, DUE, None))
    assert [dispatch.more_is_due(batch, DUE) for batch in ([later], [never], [due], [later, later])] == [
        False, False, True, True,
    ]  # fmt: skip


def test_a_host_gets_only_what_its_backend_wakes_there() -> None:
    here, elsewhere, routed = (a_schedule(now=NOW, backend="crontab") for _ in range(3))
    Schedule.objects.filter(pk=elsewhere.pk).update(host="far")
    Schedule.objects.filter(pk=routed.pk).update(routed_to="beat")
    assert [task.schedule_id for task in dispatch.decide_due_on("testhost", "crontab", now=DUE)] == [here.pk]


@pytest.mark.parametrize(("kind", "tzdata", "left"), [("beat", "2099a", 1), ("worker", "2099a", 0), ("beat", "", 0)])
def test_what_newer_time_zone_data_planned_is_left_to_who_has_it(kind: str, tzdata: str, left: int) -> None:
    ours, theirs = a_schedule(now=NOW), a_schedule(now=NOW)
    Schedule.objects.filter(pk=theirs.pk).update(tzdata="2099a")
    a_process(kind, tzdata=tzdata or tzdata_version())
    assert len(dispatch.dispatch_due("beat", now=DUE)) == 2 - left
    assert statuses(ours) == ["QUEUED"]
    Process.objects.all().delete()
    assert len(dispatch.dispatch_due("beat", now=DUE)) == left


@pytest.mark.parametrize(
    ("backend", "woken_by", "noted"),
    [
        ("crontab", "crontab", (DUE, None)), ("crontab", "upkeep", (None, DUE)), ("crontab", "request", (None, None)),
        ("beat", "beat", (None, None)), ("beat", "upkeep", (None, None)),
    ],
)  # fmt: skip
def test_a_schedule_of_a_host_notes_whether_its_own_wake_up_came(backend: str, woken_by: str, noted: object) -> None:
    schedule = a_schedule(now=NOW, backend=backend)
    assert dispatch.fire(schedule.pk, now=DUE, woken_by=woken_by)
    schedule.refresh_from_db()
    assert (schedule.woken_at, schedule.overdue_at) == noted


def test_replace_stops_only_tasks_of_its_schedule_and_what_was_missed_does_not_wait() -> None:
    schedule, other = a_schedule(now=NOW, overlap="replace"), a_schedule(now=NOW)
    dispatch.dispatch_due("beat", now=DUE)
    theirs, _ended = (
        Workflow.objects.create(name="w", definition={}, schedule=of, status=status, created_at=NOW)
        for of, status in ((other, "RUNNING"), (schedule, "COMPLETED"))
    )
    dispatch.dispatch_due("beat", now=at("2026-11-20 10:10"))
    theirs.refresh_from_db()
    assert theirs.cancel_asked_at is None
    assert (statuses(schedule), statuses(other)) == (["CANCELLED", "QUEUED"], ["QUEUED", "SKIPPED"])
    ledger.claim(Task.objects.get(schedule=schedule, status="QUEUED").pk, 1, worker="me", now=DUE)
    dispatch.dispatch_due("beat", now=LATER)
    assert statuses(schedule) == ["CANCELLED", "RUNNING", "MISSED", "SCHEDULED"]
    waits = Task.objects.get(status="SCHEDULED")
    assert (waits.reason, waits.send_at) == ("waits for the end of the task that it replaces", None)
