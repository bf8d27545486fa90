"""Each flow of the dashboard where no script runs: everything is a link or a form."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask
from playwright.sync_api import Page, expect

from api.models import ApiToken
from dashboard.models import SavedView
from scheduling import ledger
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task
from tests.browser.conftest import Visit
from tests.browser.test_dashboard import PHONE
from tests.conftest import a_schedule

pytestmark = [pytest.mark.live, pytest.mark.drill]


@pytest.fixture(params=["desk", "phone"])
def page(visit: Visit, request: pytest.FixtureRequest) -> Page:
    how = {"viewport": PHONE} if request.param == "phone" else {}
    return visit.page(java_script_enabled=False, **how)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_a_schedule_is_made_changed_and_moved(page: Page) -> None:
    page.goto("/schedules/new/")
    page.get_by_label("Name").fill("Report")
    page.get_by_label("Tags").fill("nightly")
    page.locator("details.card > summary").click()
    page.get_by_label("Limit key").fill("shop")
    press(page, "Create")
    made = Schedule.objects.get()
    assert (made.tags, made.limit_key) == (["nightly"], "shop")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("At", exact=True).fill("10:30")
    press(page, "Save: show what changes")
    press(page, "Save")
    made.refresh_from_db()
    assert made.cron == "30 10 * * 1-5"
    page.get_by_role("link", name="Move").click()
    press(page, "Move")
    made.refresh_from_db()
    assert made.routed_to == "crontab"
    page.get_by_role("link", name="Run now").click()
    press(page, "Run now")
    assert Task.objects.filter(schedule=made).count() == 1


def test_past_occurrences_run_and_coming_ones_do_not(page: Page) -> None:
    schedule = a_schedule(name="Report", cron="0 9 * * *")
    page.goto(f"/schedules/{schedule.pk}/backfill/")
    page.get_by_role("link", name="Last 7 days").click()
    press(page, "Backfill")
    expect(page.get_by_role("status")).to_contain_text("7 past occurrences")
    page.get_by_role("link", name="Skip", exact=True).click()
    press(page, "Skip")
    assert Task.objects.filter(schedule=schedule, status=Status.SKIPPED).count() == 1


def test_all_of_a_filter_are_paused_saved_as_a_view_and_taken_back(page: Page) -> None:
    for name in ("report 1", "report 2", "backup"):
        a_schedule(name=name)
    page.goto("/schedules/")
    page.get_by_label("Search").fill("report")
    press(page, "Show")
    page.locator("summary", has_text="Save this view").click()
    page.get_by_label("Name of the view").fill("Reports")
    press(page, "Save")
    assert "q=report" in SavedView.objects.get().query
    page.get_by_label("All that match").check()
    press(page, "Pause")
    press(page, "Pause")
    assert Schedule.objects.filter(paused=True).count() == 2
    press(page, "Undo")
    assert not Schedule.objects.filter(paused=True).exists()


def test_what_failed_is_retried_and_acknowledged(page: Page) -> None:
    now = timezone.now()
    rows = [
        Task(
            schedule=a_schedule(name=name), name=name, job="demo.process_data", woken_by="beat", executor="worker",
            status=Status.FAILED, due_at=now - timedelta(minutes=5), started_at=now, finished_at=now, error="it broke",
        )
        for name in ("import", "export")
    ]  # fmt: skip
    ledger.record(rows, now)
    page.goto("/")
    page.get_by_role("button", name="Acknowledge import").click()
    page.get_by_role("button", name="Retry of export").click()
    assert Task.objects.get(name="export").status == Status.QUEUED
    page.get_by_role("link", name="1 queued").click()
    page.get_by_role("link", name="export").click()
    expect(page.get_by_role("heading", name="Why it has not run")).to_be_visible()
    press(page, "Cancel")
    assert Task.objects.get(name="export").status == Status.CANCELLED


def test_a_foreign_entry_is_adopted(page: Page) -> None:
    clock = CrontabSchedule.objects.create(minute="30", hour="4")
    PeriodicTask.objects.create(name="Theirs", task="demo.process_data", crontab=clock)
    page.goto("/schedules/")
    page.get_by_role("link", name="Adopt Theirs").click()
    press(page, "Adopt")
    assert Schedule.objects.get().name == "Theirs"


def test_a_crontab_is_read_and_what_adopting_would_do(page: Page) -> None:
    page.goto("/review/")
    page.get_by_label("Paste it here").fill("0 3 * * * /usr/bin/backup\n")
    press(page, "Review")
    expect(page.locator('input[name="line"]')).to_be_checked()
    press(page, "Show what adopting the chosen lines would do")
    expect(page.get_by_text("Not mapped")).to_be_visible()
    expect(page.locator('input[name="line"]')).to_be_checked()


def test_the_settings_are_changed(page: Page) -> None:
    other = User.objects.create_user("eve")
    Group.objects.get_or_create(name="operator")
    page.goto("/settings/")
    page.get_by_label("What it is for").fill("deploy")
    press(page, "Make a token")
    expect(page.locator("#token")).to_contain_text("tandem_")
    page.get_by_role("button", name="Revoke deploy").click()
    assert ApiToken.objects.get(name="deploy").revoked_at is not None
    page.get_by_role("link", name="Members").click()
    page.get_by_label("Role of eve").select_option("operator")
    page.get_by_role("button", name="Save the role of eve").click()
    assert [group.name for group in other.groups.all()] == ["operator"]
    page.get_by_role("link", name="Audit").click()
    page.get_by_label("Who").fill("nobody")
    press(page, "Show")
    expect(page.get_by_role("heading", name="No entries here")).to_be_visible()
