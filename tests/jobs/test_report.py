"""report.tasks, on real rows of the ledger."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from jobs.confinement import FolderRefused
from jobs.errors import Cancelled
from jobs.summary import rows
from scheduling.errors import InvalidRequest
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task
from scheduling.registry import definition
from tests.conftest import a_schedule
from tests.jobs.contexts import Recorder
from tests.jobs.run_job import run_job
from tests.jobs.smtp import MailServer, mail_server

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(tmp_path: Path, settings: Settings) -> Path:
    settings.TANDEM_FILES_ROOTS = [str(tmp_path)]
    return tmp_path


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with mail_server() as running:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        yield running


@pytest.fixture
def schedule() -> Schedule:
    return a_schedule(name="=nightly <b>")


def ended(schedule: Schedule, *, minutes_ago: float = 1, seconds: float = 2, error: str = "") -> None:
    """A task that started two minutes late and ended at this time."""
    end = timezone.now() - timedelta(minutes=minutes_ago)
    start = end - timedelta(seconds=seconds)
    Task.objects.create(
        schedule=schedule,
        name=schedule.name,
        job=schedule.job,
        woken_by="request",
        executor="worker",
        status=Status.FAILED if error else Status.COMPLETED,
        error=error,
        created_at=start,
        due_at=start - timedelta(minutes=2),
        started_at=start,
        finished_at=end,
    )


def test_what_ended_in_the_period_is_counted(schedule: Schedule) -> None:
    ended(schedule, seconds=2)
    ended(schedule, minutes_ago=59, seconds=4)
    ended(schedule, minutes_ago=61)
    Task.objects.create(name="open", job="a.b", executor="worker", status=Status.QUEUED, created_at=timezone.now())
    result = run_job("report.tasks", hours=1)
    assert (result["tasks"], result["statuses"]["COMPLETED"], result["late"]) == (2, 2, 2)
    assert (result["p50_seconds"], result["p95_seconds"]) == (2, 4)
    assert (result["complete"], result["files"], result["mailed"]) == (True, [], 0)
    assert run_job("report.tasks", hours=1, late_after=121)["late"] == 0


def test_a_task_of_an_owner_reports_on_its_owner_only(schedule: Schedule) -> None:
    reporting = Task.objects.create(
        name="report", job="report.tasks", executor="worker", status=Status.RUNNING, created_at=timezone.now(), owner=7
    )
    ended(schedule)
    ended(schedule)
    Task.objects.filter(pk=Task.objects.latest("pk").pk).update(owner=7)
    context = replace(Recorder().context, task_id=reporting.pk)
    result = definition("report.tasks").run(context, {"hours": 1})
    assert isinstance(result, dict)
    assert result["tasks"] == 1


def test_the_period_ends_where_it_is_said(schedule: Schedule) -> None:
    ended(schedule, minutes_ago=90)
    until = (timezone.now() - timedelta(hours=1)).isoformat()
    assert run_job("report.tasks", hours=1, until=until)["tasks"] == 1
    assert run_job("report.tasks", hours=1)["tasks"] == 0


def test_files_are_written_within_the_roots(root: Path, schedule: Schedule) -> None:
    ended(schedule, error="Boom: <script>\nmore")
    result = run_job("report.tasks", folder=f"{root}/", until="2100-01-01T00:00:00Z", hours=8784)
    assert result["tasks"] == 0
    result = run_job("report.tasks", folder=str(root), formats=["csv"])
    [table] = [Path(path) for path in result["files"]]
    assert table.suffix == ".csv"
    with table.open(newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file))
    assert ["schedule", "'=nightly <b>"] in [line[:2] for line in lines]
    assert lines[-1][-1] == "Boom: <script>"
    assert sorted(path.name for path in root.iterdir()) == sorted(
        ["tasks-21000101T000000Z.csv", "tasks-21000101T000000Z.html", table.name]
    )


def test_a_folder_outside_of_the_roots_is_refused(root: Path) -> None:
    with pytest.raises(FolderRefused):
        run_job("report.tasks", folder="/etc")


def test_it_is_mailed_as_html_text_and_table(server: MailServer, schedule: Schedule) -> None:
    ended(schedule, error="Boom: <script>")
    result = run_job("report.tasks", to=["ops@example.org"])
    [delivery] = server.deliveries
    body, table = delivery.message.iter_parts()
    text, html = body.iter_parts()
    assert delivery.message["Subject"].startswith("1 tasks, 1 failed")
    assert "Boom: <script>" in text.get_content()
    assert "Boom: &lt;script&gt;" in html.get_content()
    assert str(table.get_filename()).endswith(".csv")
    assert result["mailed"] == 1


def test_rows_are_read_a_page_at_a_time(
    schedule: Schedule, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(rows, "_PAGE", 2)
    for _ in range(5):
        ended(schedule)
    recorder = Recorder()
    # One for the owner, and one for each page.
    with django_assert_num_queries(4):
        assert run_job("report.tasks", recorder)["tasks"] == 5
    assert [done for done, _, _ in recorder.reports] == [2, 4, 5]


def test_a_long_error_is_not_read_whole(schedule: Schedule) -> None:
    ended(schedule, error="x" * 20_000)
    now = timezone.now()
    [found] = rows.ended(now - timedelta(hours=1), now, page_read=lambda _: None)
    assert len(found.error) == 1000
    assert found.task_id == Task.objects.get().pk


def test_it_stops_when_cancelled(root: Path, schedule: Schedule) -> None:
    ended(schedule)
    with pytest.raises(Cancelled):
        run_job("report.tasks", Recorder(lambda: True), folder=str(root))
    assert list(root.iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [{"hours": 0}, {"hours": 9000}, {"until": "yesterday"}, {"until": "2026-01-01T00:00:00"}, {"formats": ["pdf"]},
     {"folder": "here"}, {"to": ["nobody"]}, {"subject": "a\nb"}],
)  # fmt: skip
def test_parameters_out_of_bounds_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        definition("report.tasks").check(wrong)
