"""Every page: who may see it, what it shows without rows and with many, and that no name becomes markup."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from scheduling import ledger, outcomes, tasks
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task
from tests.conftest import a_schedule
from tests.dashboard.conftest import browser_as
from tests.process_rows import a_process

LISTS = ["/", "/schedules/", "/tasks/", "/system/"]
HOSTILE = '<script>alert("1")</script>&amp;{{ 7 }}'


def ended(schedule: Schedule, status: Status, *, number: int = 1, **fields: object) -> list[Task]:
    """Tasks of the schedule that ended with this status within the last hours."""
    now = timezone.now()
    made = [
        Task(
            schedule=schedule, name=schedule.name, job=schedule.job, woken_by="beat", executor="worker", status=status,
            due_at=now - timedelta(minutes=each + 1), started_at=now - timedelta(minutes=each + 1),
            finished_at=now - timedelta(minutes=each), **fields,
        )
        for each in range(number)
    ]  # fmt: skip
    return ledger.record(made, now)


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("address", [*LISTS, "/schedules/1/", "/tasks/1/"])
def test_without_a_login_every_page_leads_to_the_login(db: None, client: Client, address: str) -> None:
    answer = client.get(address)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/login/?next={address}")


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("/", "No schedules yet"),
        ("/schedules/", "POST /api/schedules/"),
        ("/tasks/", "A task appears when"),
        ("/system/", "No machine has a crontab"),
    ],
)
def test_pages_without_any_row_teach(viewer: Client, address: str, text: str) -> None:
    assert text in text_of(viewer, address)


def test_all_well_is_one_calm_sentence(viewer: Client) -> None:
    for kind in ("beat", "worker"):
        a_process(kind=kind)
    assert "All is well: nothing failed in the last day" in text_of(viewer, "/")


def test_a_process_that_fell_silent_is_told(viewer: Client) -> None:
    a_process(kind="beat")
    page = text_of(viewer, "/")
    assert ("No beat is running" in page, "No worker is running" in page) == (False, True)


@pytest.mark.parametrize("address", LISTS)
def test_without_a_role_there_is_nothing_to_see(db: None, address: str) -> None:
    answer = browser_as("stranger").get(address)
    assert answer.status_code == 403
    assert "Your role does not allow" in answer.content.decode()


@pytest.mark.parametrize("address", ["/schedules/77/", "/tasks/77/", "/nothing/here/"])
def test_what_is_not_there_is_a_page_that_says_so(viewer: Client, address: str) -> None:
    answer = viewer.get(address)
    assert answer.status_code == 404
    assert "There is no page at this address" in answer.content.decode()


def test_a_list_of_many_costs_as_many_statements_as_a_list_of_few(viewer: Client) -> None:
    def statements(address: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            text_of(viewer, address)
        return len(asked)

    for number in range(3):
        ended(a_schedule(name=f"schedule {number}"), Status.FAILED, number=3)
    text_of(viewer, "/system/")
    few = {address: statements(address) for address in LISTS}
    for number in range(27):
        ended(a_schedule(name=f"more {number}"), Status.FAILED, number=3)
    assert {address: statements(address) for address in LISTS} == few


@pytest.mark.parametrize("address", ["/", "/schedules/", "/tasks/", "/schedules/{schedule}/", "/tasks/{task}/"])
def test_what_people_write_is_shown_as_they_wrote_it(viewer: Client, address: str) -> None:
    schedule = a_schedule(name=HOSTILE, description=HOSTILE)
    (task,) = ended(schedule, Status.FAILED, error=HOSTILE, result={"a": HOSTILE})
    page = text_of(viewer, address.format(schedule=schedule.pk, task=task.pk))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;amp;{{ 7 }}" in page


def test_no_page_holds_inline_script_or_style(viewer: Client) -> None:
    """So that the Content-Security-Policy can forbid both."""
    schedule = a_schedule()
    (task,) = ended(schedule, Status.COMPLETED)
    for address in [*LISTS, f"/schedules/{schedule.pk}/", f"/tasks/{task.pk}/"]:
        page = text_of(viewer, address)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page), address
        assert all("src=" in script for script in re.findall(r"<script[^>]*>", page)), address


def test_a_list_is_cut_into_pages_that_hold_every_row_once(viewer: Client) -> None:
    schedule = a_schedule()
    made = {task.pk for task in ended(schedule, Status.COMPLETED, number=120)}
    address, seen = "/tasks/", list[int]()
    while address:
        page = text_of(viewer, address)
        seen += [int(pk) for pk in re.findall(r'href="/tasks/(\d+)/"', page)]
        older = re.search(r'href="(\?before=\d+)" rel="next"', page)
        address = f"/tasks/{older[1]}" if older else ""
    assert (len(seen), set(seen)) == (120, made)


@pytest.mark.parametrize("asked", ["abc", "-1", "9" * 30, "\N{SUPERSCRIPT TWO}", "77"])
def test_tasks_of_no_schedule_are_a_page_all_the_same(viewer: Client, asked: str) -> None:
    assert viewer.get("/tasks/", {"schedule": asked}).status_code == 200


def test_filters_show_what_they_say_and_stay_in_the_address_of_the_next_page(viewer: Client) -> None:
    for number in range(60):
        a_schedule(name=f"backup {number}")
    a_schedule(name="report", paused=True)
    page = text_of(viewer, "/schedules/?q=backup")
    assert "report" not in page
    assert re.search(r'href="\?q=backup&amp;before=\d+"', page)
    paused = text_of(viewer, "/schedules/?state=paused")
    assert ("report" in paused, "backup" in paused) == (True, False)
    assert "No schedule matches" in text_of(viewer, "/schedules/?q=nothing+like+it")


def test_the_words_are_in_the_language_of_the_browser(viewer: Client) -> None:
    a_schedule(cron="0 9 * * *")
    assert "Um 09:00" in viewer.get("/schedules/", headers={"Accept-Language": "de-AT,en;q=0.5"}).content.decode()
    assert "At 09:00" in viewer.get("/schedules/", headers={"Accept-Language": "tlh"}).content.decode()


def test_failures_of_the_same_schedule_are_one_item(viewer: Client) -> None:
    ended(a_schedule(name="the import"), Status.FAILED, number=7, error="it broke")
    page = text_of(viewer, "/")
    assert page.count("the import</a><span") == 1
    assert "Failed \N{MULTIPLICATION SIGN} 7" in page


def test_a_failure_of_yesterday_is_no_news(viewer: Client) -> None:
    (task,) = ended(a_schedule(name="the import"), Status.FAILED)
    assert "the import</a><span" in text_of(viewer, "/")
    Task.objects.filter(pk=task.pk).update(finished_at=timezone.now() - timedelta(days=1, seconds=1))
    assert "the import</a><span" not in text_of(viewer, "/")


@pytest.mark.django_db
def test_outcomes_are_the_newest_of_each_schedule_oldest_first() -> None:
    many, few, none = a_schedule(), a_schedule(), a_schedule()
    ended(many, Status.COMPLETED, number=25)
    newest = ended(many, Status.FAILED, number=2)
    ended(few, Status.MISSED, number=2)
    found = outcomes.latest([many, few, none], count=5)
    assert [each.status for each in found[many.pk]] == ["COMPLETED"] * 3 + ["FAILED"] * 2
    assert found[many.pk][-1].task_id == newest[-1].pk
    assert (len(found[few.pk]), found[none.pk]) == (2, [])


@pytest.mark.usefixtures("recorded")
def test_a_task_says_which_limit_holds_it_back(viewer: Client, settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = {"key:shop": {"concurrency": 1}}
    now = timezone.now()
    first, second = (tasks.create(now=now, name="import", limit_key="shop")[0] for _ in range(2))
    for task in (first, second):
        ledger.claim(task.pk, 1, worker="me", now=now)
    page = text_of(viewer, f"/tasks/{second.pk}/")
    assert "Why it has not run" in page
    assert "It waits for the limit key:shop (1 at once)" in page
    assert "Why it has not run" not in text_of(viewer, f"/tasks/{first.pk}/")
    system = text_of(viewer, "/system/")
    assert re.search(r"Holds back.*?key:shop.*?1 at once", system)


@pytest.mark.parametrize(("days", "shown"), [(1, "Last day"), (7, "Last 7 days"), (30, "Last 30 days")])
def test_a_backfill_offers_spans(operator: Client, days: int, shown: str) -> None:
    schedule = a_schedule(paused=True, cron="0 9 * * *")
    page = text_of(operator, f"/schedules/{schedule.pk}/backfill/")
    [start] = re.findall(rf'href="\?from=([^"]+)"[^>]*>{shown}<', page)
    answer = operator.get(f"/schedules/{schedule.pk}/backfill/?from={start}")
    assert answer.context["plan"].said.startswith("This" if days == 1 else f"These {days}")
