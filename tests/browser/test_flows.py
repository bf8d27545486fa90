"""What people do on the dashboard, in a real browser: make and change schedules, review, undo, follow a workflow."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from scheduling import schedules
from scheduling.models import Schedule
from tests.browser.conftest import Visit
from tests.browser.test_dashboard import PATIENCE, PHONE, findings, tab_to
from tests.conftest import a_schedule
from tests.live.installation import Installation

pytestmark = pytest.mark.live

CRONTAB = "0 3 * * * /usr/bin/backup --all\n61 * * * * /bin/false\n*/40 * * * * /usr/bin/poll\n"


def test_what_it_would_do_follows_what_one_types(visit: Visit) -> None:
    page = visit.page(locale="en-GB")
    page.goto("/schedules/new/")
    page.get_by_label("Name").fill("Morning report")
    page.get_by_label("How often").select_option("daily")
    page.get_by_label("At", exact=True).fill("06:15")
    expect(page.locator("#trial-when")).to_have_text(re.compile("At 06:15"), timeout=PATIENCE)
    page.get_by_label("Cron expression", exact=True).check()
    # The builder has written it.
    expect(page.locator("#cron")).to_have_value("15 6 * * *", timeout=PATIENCE)
    page.locator("#cron").fill("5/10 * * * *")
    expect(page.locator("#fault-cron")).to_contain_text("5-59/10", timeout=PATIENCE)
    page.locator("#cron").fill("0 9 13 * 5")
    expect(page.locator("#trial")).to_contain_text("joined by 'or'", timeout=PATIENCE)
    assert findings(page) == []
    page.get_by_label("Job", exact=True).select_option("http.fetch")
    with page.expect_response("**/schedules/preview/", timeout=PATIENCE):
        page.locator('[id="parameters.url"]').fill("https://example.org/", timeout=PATIENCE)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="Morning report")).to_be_visible(timeout=PATIENCE)
    made = Schedule.objects.get()
    assert (made.cron, made.job, made.parameters) == ("0 9 13 * 5", "http.fetch", {"url": "https://example.org/"})
    assert visit.complaints == []


def test_a_schedule_is_made_before_any_script_has_loaded(visit: Visit) -> None:
    page = visit.page(java_script_enabled=False, viewport=PHONE)
    page.goto("/schedules/new/")
    page.get_by_role("button", name=re.compile("Every 5 minutes")).click()
    expect(page.locator("#cron")).to_have_value("*/5 * * * *")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert")).to_contain_text("Write a name.")
    page.get_by_label("Name").fill("Often")
    page.get_by_label("Name").press("Enter")
    expect(page.get_by_role("heading", name="Often")).to_be_visible()
    assert Schedule.objects.get().cron == "*/5 * * * *"


def test_two_people_who_edit_one_schedule_lose_nothing(visit: Visit) -> None:
    schedule = a_schedule(name="Report", cron="0 9 * * *")
    page = visit.page()
    page.goto(f"/schedules/{schedule.pk}/edit/")
    page.get_by_label("Name").fill("My report")
    schedules.update(schedule.pk, now=timezone.now(), name="Their report")
    page.get_by_role("button", name="Save: show what changes").click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody else has changed this schedule")
    assert findings(page) == []
    assert Schedule.objects.get().name == "Their report"
    page.get_by_label("At", exact=True).fill("10:00")
    page.get_by_role("button", name="Save: show what changes").click()
    expect(page.get_by_role("heading", name="What changes")).to_be_visible()
    assert findings(page) == []
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="My report")).to_be_visible()
    assert Schedule.objects.get().cron == "0 10 * * *"
    # The refusal is the server's answer to a stale form, and no fault of the page.
    assert [said for said in visit.complaints if "409" not in said] == []


def test_many_are_paused_and_that_is_undone(visit: Visit) -> None:
    for number in range(3):
        a_schedule(name=f"Report {number}")
    page = visit.page(viewport=PHONE)
    page.goto("/schedules/")
    for number in (0, 2):
        page.get_by_label(f"Choose Report {number}").check()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("heading", name="Pause 2 schedules?")).to_be_visible()
    assert findings(page) == []
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status")).to_contain_text("2 of 2 schedules paused.")
    assert Schedule.objects.filter(paused=True).count() == 2
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_contain_text("Taken back for 2 schedules.")
    assert not Schedule.objects.filter(paused=True).exists()


def test_a_crontab_is_dropped_and_read(visit: Visit) -> None:
    page = visit.page()
    page.goto("/review/")
    dropped = {"name": "crontab", "mimeType": "text/plain", "buffer": CRONTAB.encode()}
    page.get_by_label("Or drop a file").set_input_files(dropped)  # type: ignore[arg-type]  # a TypedDict of Playwright's own
    page.get_by_label("Language").select_option("fr")
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_text("2 entries, 1 line with an error")).to_be_visible()
    assert findings(page) == []
    # All lines are chosen at first.
    page.locator('input[name="line"]').last.uncheck()
    page.get_by_role("button", name=re.compile("Show what adopting")).click()
    expect(page.get_by_role("heading", name="What adopting would do")).to_be_visible()
    expect(page.get_by_text("Not mapped")).to_have_count(1)
    assert findings(page) == []
    assert visit.complaints == []


def test_a_workflow_is_followed_as_it_runs(visit: Visit, on_postgres: Installation) -> None:
    step = {"job": "demo.process_data"}
    members = [{**step, "name": f"step {number}"} for number in range(2)]
    made = visit.web.post("/api/workflows/", {"name": "closing", "workflow": {"chain": members}})
    page = visit.page()
    page.goto(f"/workflows/{made['id']}/")
    expect(page.locator("#live-word")).to_have_text("live", timeout=PATIENCE)
    expect(page.locator(".lead")).to_contain_text("0 of 2 tasks completed")
    on_postgres.worker()
    expect(page.locator(".lead")).to_contain_text("2 of 2 tasks completed", timeout=PATIENCE)
    expect(page.locator(".lead .badge")).to_have_text("Completed", timeout=PATIENCE)
    assert visit.complaints == []


def test_a_token_is_made_without_a_mouse(visit: Visit) -> None:
    page = visit.page()
    page.goto("/settings/")
    page.get_by_label("What it is for").focus()
    page.keyboard.type("deploy script")
    tab_to(page, "Make a token")
    page.keyboard.press("Enter")
    expect(page.locator("#token")).to_have_text(re.compile("tandem_[A-Za-z0-9]{43}"))
    assert findings(page) == []


def test_a_browser_that_opens_the_api_sees_a_page(visit: Visit) -> None:
    schedule = a_schedule(name="Report")
    page = visit.page()
    page.goto(f"/api/schedules/{schedule.pk}/")
    expect(page.get_by_role("heading", name="Report")).to_be_visible()


def test_the_timeline_is_read_with_the_keyboard(visit: Visit) -> None:
    schedule = a_schedule(name="Report")
    page = visit.page()
    page.goto("/timeline/")
    tab_to(page, "7 days")
    _enter(page)
    assert "span=week" in page.url
    tab_to(page, schedule.name)
    _enter(page)
    expect(page.get_by_role("heading", name="Report")).to_be_visible()


def _enter(page: Page) -> None:
    with page.expect_navigation():
        page.keyboard.press("Enter")
