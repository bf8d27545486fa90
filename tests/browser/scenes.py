"""What is photographed: the pages of an empty installation, of one at work, and of one where all is well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.template.loader import render_to_string
from django_celery_beat.models import PeriodicTask
from playwright.sync_api import Page, Route

from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task, Workflow

CRONTAB: Final = (
    "MAILTO=ops@example.org\n*/10 * * * * /usr/bin/fetch-orders --all\n0 3 * * * /usr/bin/backup\n"
    "30 2 * * 7 /usr/bin/rotate\n61 * * * * /usr/bin/poll\n0 9 13 * 5 /usr/bin/report\n@reboot /usr/bin/warm-up\n"
)
ADMIN: Final = "ada"
# Has logged in and has no role.
STRANGER: Final = "eve"
NOBODY: Final = ""

# The pages whose addresses are always the same.
_PLAIN: Final = {
    "today": "/",
    "schedules": "/schedules/",
    "schedules-filtered": "/schedules/?tag=shop&sort=due",
    "schedules-none": "/schedules/?q=nothing+like+it",
    "schedule-new": "/schedules/new/",
    "tasks": "/tasks/",
    "tasks-failed": "/tasks/?status=FAILED",
    "workflows": "/workflows/",
    "timeline": "/timeline/",
    "timeline-week": "/timeline/?span=week",
    "timeline-month": "/timeline/?span=month",
    "review-first": "/review/",
    "system": "/system/",
    "sync": "/system/sync/beat/",
    "sync-fits": "/system/sync/crontab/",
    "settings": "/settings/",
    "members": "/settings/members/",
    "secrets": "/settings/secrets/",
    "audit": "/settings/audit/",
    "api-docs": "/api/docs/",
    "not-found": "/schedules/999999/",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """A page at an address, as `who` sees it, after `act` was done on it."""

    address: str
    act: Callable[[Page], None] | None = None
    who: str = ADMIN


def of_nothing() -> dict[str, Scene]:
    """The pages of an installation that was started a minute ago."""
    names = ("today", "schedules", "timeline", "tasks", "workflows")
    return {f"{name}-empty": Scene("/" if name == "today" else f"/{name}/") for name in names}


def of_work(workflow: Workflow, running: Task, failed: Task) -> dict[str, Scene]:
    """All pages, over the sample."""
    schedule = f"/schedules/{failed.schedule_id}/"
    return {name: Scene(address) for name, address in _addresses(schedule, running, failed).items()} | {
        "workflow": Scene(f"/workflows/{workflow.pk}/"),
        "bulk": Scene("/schedules/?tag=shop", _all_paused),
        "schedule-new-faults": Scene("/schedules/new/", _faults),
        "schedule-new-warned": Scene("/schedules/new/", _warned),
        "schedule-change": Scene(f"{schedule}edit/", _changed),
        "review": Scene("/review/", _reviewed),
        "review-plan": Scene("/review/", _planned),
        "settings-made": Scene("/settings/", _token),
        "login": Scene("/login/", who=NOBODY),
        "login-refused": Scene("/login/", _refused, who=NOBODY),
        "no-role": Scene("/", who=STRANGER),
        "fault": Scene("/a-fault/"),
        "admin": Scene("/admin/"),
        "admin-schedules": Scene("/admin/tandem_scheduling/schedule/"),
        "admin-periodic": Scene("/admin/django_celery_beat/periodictask/"),
    }


def _addresses(schedule: str, running: Task, failed: Task) -> dict[str, str]:
    """The pages on which nothing has to be done; `schedule` is the address of the one with most to see."""
    paused = Schedule.objects.get(name="Archive call recordings")
    drifted = Schedule.objects.get(name="Clean up old exports")
    waiting = Task.objects.exclude(waits_for_limit="").latest("pk")
    done = Task.objects.filter(status=Status.COMPLETED, workflow=None).latest("pk")
    foreign = PeriodicTask.objects.get(name="Shop: count the stock")
    return {
        **_PLAIN,
        "schedule": schedule,
        "schedule-drifted": f"/schedules/{drifted.pk}/",
        "schedule-paused": f"/schedules/{paused.pk}/",
        **{step: f"{schedule}{step}/" for step in ("run", "pause", "move")},
        "skip": f"{schedule}skip/?count=5",
        "backfill": f"/schedules/{paused.pk}/backfill/?from=2026-01-01T00:00",
        "adopt": f"/schedules/adopt/beat/{foreign.pk}/",
        "schedule-edit": f"{schedule}edit/",
        "task": f"/tasks/{running.pk}/",
        "task-failed": f"/tasks/{failed.pk}/",
        "task-done": f"/tasks/{done.pk}/",
        "task-waiting": f"/tasks/{waiting.pk}/",
    }


def of_many() -> dict[str, Scene]:
    """The timeline of more schedules than have a lane."""
    return {"timeline-heat": Scene("/timeline/?span=week"), "timeline-heat-day": Scene("/timeline/")}


def of_calm() -> dict[str, Scene]:
    """Today, when everything that failed was acknowledged."""
    return {"today-calm": Scene("/")}


def faulty(route: Route) -> None:
    """The answer to an address at which the server fails."""
    route.fulfill(status=500, content_type="text/html", body=render_to_string("500.html"))


def _all_paused(page: Page) -> None:
    page.get_by_label("All that match").check()
    page.get_by_role("button", name="Pause").click()


def _faults(page: Page) -> None:
    page.get_by_label("Cron expression", exact=True).check()
    page.locator("#cron").fill("61 9 * * 1-5")
    page.locator("#timezone").fill("Mars/Base")
    page.get_by_role("button", name="Create").click()


def _warned(page: Page) -> None:
    page.get_by_label("Name").fill("Report of Friday the 13th")
    page.locator("#job").select_option("http.fetch")
    page.get_by_label("Cron expression", exact=True).check()
    with page.expect_response("**/schedules/preview/"):
        page.locator("#cron").fill("30 2 13 * 5")
    with page.expect_response("**/schedules/preview/"):
        page.locator("#timezone").fill("Europe/Berlin")
    page.locator("details.card > summary").click()
    page.wait_for_timeout(300)


def _changed(page: Page) -> None:
    page.locator("#every").fill("20")
    page.get_by_role("button", name="Save: show what changes").click()


def _reviewed(page: Page) -> None:
    page.locator("#crontab").fill(CRONTAB)
    page.get_by_role("button", name="Review", exact=True).click()
    page.wait_for_selector("#lines")


def _planned(page: Page) -> None:
    _reviewed(page)
    page.get_by_role("button", name="Show what adopting").click()
    page.wait_for_selector("#adoption")


def _token(page: Page) -> None:
    page.get_by_label("What it is for").fill("Nightly deploy")
    page.get_by_role("button", name="Make a token").click()


def _refused(page: Page) -> None:
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("not it")
    page.get_by_role("button", name="Log in").click()
