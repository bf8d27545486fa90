"""The dashboard in a real browser: live pages, the keyboard, a phone, a reader of screens."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask
from playwright.sync_api import Page, expect

from scheduling import ledger
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task
from scheduling.workflows import service as workflows
from tests.browser.conftest import Visit
from tests.conftest import a_schedule
from tests.live.installation import Installation

pytestmark = pytest.mark.live

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}
# Milliseconds: a busy machine takes its time.
PATIENCE = 60_000
# How the sign of a live page looks once the page was asked for again.
AFTER_NEWS = """() => new Promise((done) => {
  const look = () => done(document.getElementById("live-dot").className);
  document.body.addEventListener("htmx:afterSettle", look, { once: true });
  htmx.trigger("#live", "news");
})"""
# Tables that a screen reader cannot name: without a caption, a label, or a group with one.
UNLABELLED = """() => [...document.querySelectorAll("table")]
  .filter((table) => !table.caption && !table.closest("[role=group][aria-label]")).length"""


def filled() -> list[str]:
    """A schedule with tasks in every status. Returns the addresses of all pages."""
    schedule = a_schedule(name="Import orders from the shop")
    now = timezone.now()
    made = ledger.record(
        [
            Task(
                schedule=schedule, name=schedule.name, job=schedule.job, woken_by="beat", executor="worker",
                status=status, due_at=now - timedelta(minutes=number), started_at=now - timedelta(minutes=number),
                finished_at=now, error="it broke\n" * 3 if status is Status.FAILED else "",
                result={"rows": [1, {"a": None}]},
            )
            for number, status in enumerate((Status.COMPLETED, Status.FAILED, Status.MISSED, Status.SKIPPED))
        ],
        now,
    )  # fmt: skip
    workflow, _ = workflows.create(
        now=now, name="Closing", workflow={"chain": [{"job": "demo.process_data"}, {"job": "demo.process_data"}]}
    )
    clock = CrontabSchedule.objects.create(minute="30", hour="4")
    foreign = PeriodicTask.objects.create(name="Of another application", task="demo.process_data", crontab=clock)
    return [
        "/", "/schedules/", f"/schedules/{schedule.pk}/", "/schedules/new/", f"/schedules/{schedule.pk}/edit/",
        *(f"/schedules/{schedule.pk}/{step}/" for step in ("run", "pause", "skip", "backfill", "move")),
        "/timeline/", "/timeline/?span=week", "/tasks/", f"/tasks/{made[1].pk}/", f"/tasks/{made[0].pk}/",
        "/workflows/", f"/workflows/{workflow.pk}/", "/review/", "/system/", "/settings/", "/settings/members/",
        "/system/sync/beat/", "/settings/secrets/", "/settings/audit/", "/schedules/?sort=due&q=orders",
        f"/schedules/adopt/beat/{foreign.pk}/", "/login/",
    ]  # fmt: skip


def findings(page: Page) -> list[Any]:
    """What axe (https://github.com/dequelabs/axe-core) finds wrong on the page."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run({resultTypes: ['violations']})")
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]]


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the element with this text has the focus, as somebody without a mouse does."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.textContent.trim()") == name:
            return
    raise AssertionError(f"{name} cannot be reached with the keyboard")


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.drill)])
def test_every_page_is_whole_for_everybody(visit: Visit, scheme: str) -> None:
    """No finding of axe, nothing wider than the window, no complaint of the browser."""
    addresses = filled()
    for viewport in (DESK, PHONE):
        page = visit.page(viewport=viewport, color_scheme=scheme)
        for address in addresses:
            page.goto(address)
            assert findings(page) == [], (address, viewport)
            assert page.evaluate(UNLABELLED) == 0, (address, viewport)
            wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide == 0, (address, viewport)
    assert visit.complaints == []


def test_a_task_is_seen_as_it_runs(visit: Visit, on_postgres: Installation) -> None:
    gate = on_postgres.folder / "gate"
    on_postgres.worker()
    made = visit.web.post(
        "/api/tasks/",
        {
            "name": "slow",
            "job": "live.wait_at_first",
            "parameters": {"path": str(on_postgres.runs), "gate": str(gate)},
        },
    )
    page = visit.page()
    page.goto(f"/tasks/{made['id']}/")
    expect(page.locator(".lead .badge")).to_have_text("Running", timeout=PATIENCE)
    expect(page.locator("#live-word")).to_have_text("live", timeout=PATIENCE)
    assert page.evaluate(AFTER_NEWS) == "live-dot on"
    gate.touch()
    expect(page.locator(".lead .badge")).to_have_text("Completed", timeout=PATIENCE)
    # Who does not see the page hears it.
    expect(page.locator("#live-said")).to_have_text("Completed", timeout=PATIENCE)
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    assert visit.complaints == []


def test_a_page_that_lost_its_server_goes_on_when_that_is_back(visit: Visit, on_postgres: Installation) -> None:
    made = visit.web.post("/api/tasks/", {"name": "waits"})
    page = visit.page()
    page.goto(f"/tasks/{made['id']}/")
    expect(page.locator("#live-word")).to_have_text("live", timeout=PATIENCE)
    visit.web.restart()
    expect(page.locator("#live-word")).to_have_text("live", timeout=PATIENCE)
    on_postgres.worker()
    expect(page.locator(".lead .badge")).to_have_text("Completed", timeout=PATIENCE)


def test_an_operator_needs_no_mouse(visit: Visit) -> None:
    schedule = a_schedule(name="Import orders from the shop")
    page = visit.page()
    page.goto("/")
    # The second time it is the button of the page that says what will follow.
    for name in ("Schedules", schedule.name, "Pause", "Pause"):
        tab_to(page, name)
        with page.expect_navigation():
            page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("is paused", timeout=PATIENCE)
    schedule.refresh_from_db()
    assert schedule.paused


def test_the_first_tab_leads_to_the_content(visit: Visit) -> None:
    page = visit.page()
    page.goto("/schedules/")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Skip to the content"


def test_everything_works_before_any_script_has_loaded(visit: Visit) -> None:
    schedule = a_schedule(name="Import orders from the shop")
    page = visit.page(java_script_enabled=False)
    page.goto("/")
    page.get_by_role("link", name="Schedules", exact=True).click()
    page.get_by_label("Search").fill("orders")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name=schedule.name).click()
    for step in ("Pause", "Resume"):
        page.get_by_role("link", name=step, exact=True).click()
        page.get_by_role("button", name=step, exact=True).click()
    assert not Schedule.objects.get(pk=schedule.pk).paused
    page.get_by_role("link", name="Skip", exact=True).click()
    page.get_by_label("How many").fill("2")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("button", name="Skip", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("2 occurrences")
    assert Task.objects.filter(schedule=schedule, status=Status.SKIPPED).count() == 2
