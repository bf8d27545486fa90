"""Celery tasks of a user's application, offered as jobs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.utils import timezone
from pytest_django import Settings

from backends.queue.celery_jobs import register, shown_name
from backends.queue.executor import QueueExecutor
from scheduling import registry
from scheduling.errors import InvalidRequest, Misconfigured
from scheduling.execution.run import run_attempt
from scheduling.job_context import JobContext
from scheduling.lifecycle import Status
from scheduling.models import Task
from scheduling.registry import definition
from scheduling.retry_policy import Retry
from tests.backends.crontab.test_processes import database_url
from tests.backends.queue import celery_tasks
from tests.backends.queue.brokers import Broker
from tests.backends.queue.workers import until, worker

HERE = celery_tasks.__name__
NAMES = [
    "add",
    "about_me",
    "comes_back",
    "autoretries",
    "watched",
    "ships",
    "says_odd_things",
    "hinted_for_checkers_only",
]


@pytest.fixture(autouse=True)
def _offered(settings: Settings) -> Iterator[None]:
    before = dict(registry._jobs)
    settings.TANDEM_CELERY_JOBS = {f"own.{name}": f"{HERE}.{name}" for name in NAMES}
    register()
    yield
    registry._jobs.clear()
    registry._jobs.update(before)


def run(name: str, *, attempt: int = 1, **parameters: Any) -> Any:
    context = JobContext(
        task_id=42,
        attempt=attempt,
        due_at=None,
        log=logging.getLogger("tests.job"),
        report=lambda done, total, message: None,
        ask_cancelled=lambda: False,
    )
    return definition(name).run(context, parameters)


def queued(job: str, parameters: dict[str, Any]) -> Task:
    """A task that waits to be claimed."""
    return Task.objects.create(
        name="sum",
        job=job,
        parameters=parameters,
        executor="worker",
        status=Status.QUEUED,
        created_at=timezone.now(),
    )


def test_a_task_has_the_schema_of_its_signature() -> None:
    offered = definition("own.add")
    assert offered.schema()["required"] == ["x"]
    assert offered.schema()["properties"]["y"] == {"default": 2, "title": "Y", "type": "integer"}
    assert offered.summary == "Add two numbers."
    assert run("own.add", x=1) == 3
    with pytest.raises(InvalidRequest) as refused:
        offered.check({"x": "many", "z": 1})
    assert [problem.field for problem in refused.value.problems] == ["parameters.x", "parameters.z"]


def test_a_bound_task_has_its_request_and_is_the_current_one() -> None:
    found = run("own.about_me", attempt=2, when="2026-01-02T00:00:00Z", untyped={"a": [1]})
    assert found == {
        "name": f"{HERE}.about_me",
        "id": "tandem-42-2",
        "retries": 1,
        "current": f"{HERE}.about_me",
        "when": "2026-01-02T00:00:00Z",
        "untyped": {"a": [1]},
        "rest": [],
    }
    assert sorted(definition("own.about_me").schema()["properties"]) == ["untyped", "when"]
    assert current_app.current_task is None


def test_a_hint_that_only_a_type_checker_can_follow_takes_any_json() -> None:
    assert run("own.hinted_for_checkers_only", number="41") == 42


@pytest.mark.parametrize("as_time", [False, True])
def test_a_retry_becomes_one_of_the_ledger_and_sends_no_message(as_time: bool) -> None:
    # There is no broker: a message could not be sent.
    with pytest.raises(Retry, match="not there yet") as asked:
        run("own.comes_back", seconds=90, as_time=as_time)
    assert asked.value.after == pytest.approx(90, abs=5)
    assert definition("own.comes_back").worth_a_retry(asked.value)
    assert definition("own.comes_back").retries.max == 2


def test_after_its_last_retry_a_task_fails_with_its_own_error() -> None:
    with pytest.raises(LookupError, match="not there yet") as failed:
        run("own.comes_back", attempt=3, seconds=90)
    assert not definition("own.comes_back").worth_a_retry(failed.value)


def test_autoretry_is_for_the_exceptions_it_names() -> None:
    with pytest.raises(Retry) as asked:
        run("own.autoretries", kind="connection")
    assert asked.value.after == 7
    with pytest.raises(ValueError, match="no"):
        run("own.autoretries", kind="value")


def test_the_handlers_of_a_base_class_are_called() -> None:
    heard = celery_tasks.Watched.heard
    heard.clear()
    assert run("own.watched") == "fine"
    assert heard == ["before tandem-42-1", "call", "success fine", "after SUCCESS"]
    heard.clear()
    with pytest.raises(ValueError, match="as asked"):
        run("own.watched", fail=True)
    assert heard == ["before tandem-42-1", "call", "failure as asked", "after FAILURE"]


def test_pydantic_models_are_schema_argument_and_result() -> None:
    assert run("own.ships", parcel={"weight": 1, "to": "Ada"}) == {"weight": 2, "to": "Ada"}
    with pytest.raises(InvalidRequest) as refused:
        definition("own.ships").check({"parcel": {"weight": "x"}})
    assert [problem.field for problem in refused.value.problems] == ["parameters.parcel.weight", "parameters.parcel.to"]


def test_a_result_becomes_json_or_a_clear_failure() -> None:
    assert run("own.says_odd_things", what="time") == "2026-01-02T00:00:00Z"
    assert run("own.says_odd_things", what="set") == [1]
    assert run("own.says_odd_things", what="ignore") is None
    with pytest.raises(ValueError, match="Unable to serialize unknown type"):
        run("own.says_odd_things", what="object")


@pytest.mark.parametrize("name", ["not_a_task", "by_position_only", "missing"])
def test_what_cannot_be_a_job_stops_the_start(settings: Settings, name: str) -> None:
    settings.TANDEM_CELERY_JOBS = {"own.wrong": f"{HERE}.{name}"}
    with pytest.raises(Misconfigured, match=name):
        register()


def test_a_name_that_is_taken_stops_the_start(settings: Settings) -> None:
    settings.TANDEM_CELERY_JOBS = {"demo.process_data": f"{HERE}.add"}
    with pytest.raises(Misconfigured, match=r"Two jobs are called demo\.process_data"):
        register()


def test_flower_and_logs_show_a_celery_task_under_its_own_name() -> None:
    assert shown_name("own.add") == f"{HERE}.add"
    assert shown_name("http.fetch") == "http.fetch"


def test_the_task_itself_is_unchanged() -> None:
    assert celery_tasks.add(1, 1) == 2
    assert celery_tasks.add.apply(args=(1,)).get() == 3


@pytest.mark.django_db
def test_the_ledger_records_it_like_any_job() -> None:
    task = queued("own.add", {"x": 40})
    run_attempt(task.pk, 1, worker="here")
    task.refresh_from_db()
    assert (task.status, task.result) == (Status.COMPLETED, 42)


@pytest.mark.live
@pytest.mark.django_db(transaction=True)
def test_a_worker_runs_it_and_writes_its_own_name(broker: Broker, tmp_path: Path) -> None:
    offered = f"own.add={HERE}.add"
    with worker(tmp_path, DATABASE_URL=database_url(), TANDEM_CELERY_JOBS=offered, LOG_LEVEL="INFO") as running:
        tasks = [queued("own.add", {"x": 40}), queued("demo.process_data", {"steps": 1})]
        assert QueueExecutor().submit(tasks).error == ""
        until(lambda: Task.objects.filter(status=Status.COMPLETED).count() == 2, "both to be done", running)
        # Its last line comes after the row.
        until(lambda: running.log.count(" succeeded ") == 2, "both to be told", running)
    tasks[0].refresh_from_db()
    assert tasks[0].result == 42
    assert f"Task {HERE}.add[task-{tasks[0].pk}-" in running.log
    assert f"Task demo.process_data[task-{tasks[1].pk}-" in running.log
    assert "Task tandem.run[" not in running.log
