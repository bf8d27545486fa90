"""The page of a schedule: its owner and tags, who changed it, how it went."""

from __future__ import annotations

import re
from datetime import timedelta

from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from scheduling import caller, schedules
from scheduling.caller import Caller
from scheduling.lifecycle import Status
from scheduling.models import DriftRecord, Schedule, SyncState, Task
from scheduling.models.drift import DriftSchedule
from scheduling.storable import Json
from tests.conftest import a_schedule
from tests.dashboard.test_pages import ended, text_of


def test_who_changed_what_is_told_field_by_field(operator: Client) -> None:
    with caller.acting(Caller("user", user="ada")):
        schedule = a_schedule(cron="0 9 * * *", name="report")
    with caller.acting(Caller("token", user="ben", token="abc deploy")):
        schedules.update(schedule.pk, now=timezone.now(), cron="0 10 * * *", grace=timedelta(minutes=1))
    page = text_of(operator, f"/schedules/{schedule.pk}/")
    assert "ben (token abc deploy)" in page
    assert re.search(r"<del>.*?</span>0 9 \* \* \*</del><ins>.*?</span>0 10 \* \* \*</ins>", page)
    assert re.search(r"<del>.*?</span>5 min</del><ins>.*?</span>1 min</ins>", page)
    assert page.index("ben (token") < page.index("ada")


def test_what_is_out_of_sync_leads_an_admin_to_where_it_is_mended(operator: Client, admin: Client) -> None:
    schedule = a_schedule(cron="0 9 * * *")
    assert "/system/sync/beat/" not in text_of(admin, f"/schedules/{schedule.pk}/")
    Schedule.objects.update(sync_state=SyncState.OUT_OF_SYNC, sync_error="Its row has changed.")
    assert 'href="/system/sync/beat/"' in text_of(admin, f"/schedules/{schedule.pk}/")
    assert "/system/sync/beat/" not in text_of(operator, f"/schedules/{schedule.pk}/")


def test_a_secret_is_named_by_its_reference(operator: Client, settings: Settings) -> None:
    settings.TANDEM_SECRETS = {"shop-token": "long-enough"}
    schedule = a_schedule(job="http.fetch", parameters={"url": "https://example.org/"})
    headers: Json = {"Authorization": {"$secret": "shop-token"}}
    schedules.update(schedule.pk, now=timezone.now(), parameters={"url": "https://example.org/", "headers": headers})
    assert "the secret shop-token" in text_of(operator, f"/schedules/{schedule.pk}/")
    assert "***" not in text_of(operator, f"/schedules/{schedule.pk}/")


def test_owner_and_tags_lead_to_all_that_have_them(viewer: Client) -> None:
    group = Group.objects.create(name="shop & co")
    schedule = a_schedule(name="import", tags=["eu", "nightly"], owner=group.pk)
    other = a_schedule(name="backup", tags=["eu"])
    page = text_of(viewer, f"/schedules/{schedule.pk}/")
    assert 'href="/schedules/?owner=shop%20%26%20co"' in page
    assert 'href="/schedules/?tag=nightly"' in page
    for query, names in {
        "?tag=eu": {"import", "backup"}, "?tag=nightly": {"import"}, "?tag=other": set(),
        "?owner=shop+%26+co": {"import"}, "?owner=nobody": set(), "?tag=eu&owner=shop+%26+co": {"import"},
    }.items():  # fmt: skip
        found = text_of(viewer, f"/schedules/{query}")
        assert {name for name in ("import", "backup") if f">{name}</a>" in found} == names, query
    for address in ("/tasks/", "/workflows/", "/timeline/"):
        assert viewer.get(f"{address}?tag=eu&owner=shop+%26+co").status_code == 200
    ended(other, Status.COMPLETED)
    assert "No tasks here" in text_of(viewer, "/tasks/?tag=nightly")


def test_the_picture_has_a_bar_for_each_run_and_says_what_it_cannot_draw(viewer: Client) -> None:
    schedule = a_schedule()
    ended(schedule, Status.COMPLETED, number=70)
    ended(schedule, Status.MISSED)
    page = text_of(viewer, f"/schedules/{schedule.pk}/")
    plot = page[page.index('class="plot"') : page.index("</figure>")]
    assert (plot.count("<g>"), plot.count("<tr>")) == (60, 61)
    assert "95 % begin within" in page


def test_the_page_costs_as_many_statements_with_a_long_history(operator: Client) -> None:
    def statements(schedule: Schedule) -> int:
        with CaptureQueriesContext(connection) as asked:
            page = text_of(operator, f"/schedules/{schedule.pk}/")
        assert len(page.encode()) < 100_000
        return len(asked)

    few, many = a_schedule(), a_schedule()
    ended(few, Status.COMPLETED)
    ended(many, Status.COMPLETED, number=80)
    for minute in range(20):
        schedules.update(many.pk, now=timezone.now(), cron=f"{minute} 5 * * *")
    assert statements(few) == statements(many)


def test_policies_are_sentences(viewer: Client) -> None:
    schedule = a_schedule(overlap="queue", catch_up="all", retries={"max": 3}, timeout=90)
    page = text_of(viewer, f"/schedules/{schedule.pk}/")
    for sentence in (
        "An occurrence waits until earlier runs have ended.", "After an outage all of the last 1 d run.",
        "tried again 3 times.", "A run is ended by force after 1 min 30 s.", "It has priority 5 of 9",
    ):  # fmt: skip
        assert sentence in page


def test_next_runs_are_told_in_the_zone_of_the_schedule_and_in_utc(viewer: Client) -> None:
    schedule = a_schedule(cron="30 14 * * *", timezone="Asia/Kolkata")
    page = text_of(viewer, f"/schedules/{schedule.pk}/")
    assert re.search(r"<span class=\"mono\">\w{3} \d{4}-\d\d-\d\d 14:30</span>", page)
    assert re.search(r"\d{4}-\d\d-\d\d 09:00 UTC", page)


def test_what_differs_is_struck_through_and_what_should_be_is_beside_it(viewer: Client) -> None:
    schedule = a_schedule(backend="crontab")
    record = DriftRecord.objects.create(
        number=1, backend="crontab", kind="changed", wanted="should be", found="there is", noticed_by="agent",
        noticed_at=timezone.now(), seen_at=timezone.now(),
    )  # fmt: skip
    DriftSchedule.objects.create(record=record, schedule_id=schedule.pk)
    page = text_of(viewer, f"/schedules/{schedule.pk}/")
    assert re.search(r"<del>.*?</span>there is</del><ins>.*?</span>should be</ins>", page)


def test_a_list_tells_how_durations_go(viewer: Client) -> None:
    schedule = a_schedule(name="import")
    now = timezone.now()
    for seconds in (10, 10, 10, 10, 30, 30, 30):
        (task,) = ended(schedule, Status.COMPLETED)
        Task.objects.filter(pk=task.pk).update(started_at=now - timedelta(seconds=seconds), finished_at=now)
    page = text_of(viewer, "/schedules/")
    assert 'aria-label="Durations: longer"' in page
    assert '<span class="unseen">median </span>10 s</span>' in page
