"""The form: what it stores, what it says at which field, and what happens when two people edit one schedule."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.contrib.messages import get_messages
from django.test import Client

from api.schedules.serializers import ScheduleInput
from dashboard.schedules.edit import form
from scheduling import schedules
from scheduling.models import Schedule
from tests.conftest import a_schedule, at
from tests.dashboard.conftest import browser_as

NEW: dict[str, Any] = {
    "do": "save", "name": "Morning report", "job": "demo.process_data", "parameters.steps": "7", "kind": "build",
    "often": "weekly", "time": "09:00", "weekdays": ["1", "2"], "timezone": "Europe/Berlin",
}  # fmt: skip


def sent(schedule: Schedule, **changes: Any) -> dict[str, Any]:
    """What the form of this schedule sends, with some fields changed."""
    shown = form.of(schedule)
    parameters = {f"parameters.{name}": value for name, value in shown.parameters.items()}
    return {**shown.values, **parameters, "weekdays": shown.weekdays, "version": schedule.version, **changes}


def test_a_new_schedule_is_stored_as_it_was_entered(operator: Client) -> None:
    answer = operator.post("/schedules/new/", {**NEW, "retries": "2", "starts_at": "2030-01-01T08:00"})
    made = Schedule.objects.get()
    assert answer.headers["Location"] == f"/schedules/{made.pk}/"
    assert (made.cron, made.timezone, made.parameters) == ("0 9 * * 1,2", "Europe/Berlin", {"steps": 7})
    assert (made.retries, made.starts_at, made.grace.seconds) == ({"max": 2}, at("2030-01-01 07:00"), 300)


def test_all_faults_are_told_at_once_each_at_its_field(operator: Client) -> None:
    answer = operator.post(
        "/schedules/new/",
        {**NEW, "name": " ", "kind": "cron", "cron": "61 * * * *", "job": "http.fetch", "priority": "high",
         "ends_at": "yesterday", "parameters.headers": "{"},
    )  # fmt: skip
    assert answer.status_code == 400
    assert set(answer.context["faults"]) == {
        "name", "cron", "priority", "ends_at", "parameters.headers", "parameters.url",
    }  # fmt: skip
    page = answer.content.decode()
    assert page.count("Write a whole number.") == 2  # above the form, and at the field
    assert 'id="fault-parameters.url">Field required' in page
    assert 'value="61 * * * *"' in page
    assert not Schedule.objects.exists()


def test_a_common_phrase_fills_the_expression_and_stores_nothing(operator: Client) -> None:
    answer = operator.post("/schedules/new/", {**NEW, "phrase": "0 8 1 * *"})
    assert (answer.status_code, answer.context["values"]["kind"], answer.context["expression"]) == (
        200, "cron", "0 8 1 * *",
    )  # fmt: skip
    assert not Schedule.objects.exists()


def test_the_preview_says_what_would_be_stored(operator: Client) -> None:
    page = operator.post("/schedules/preview/", {**NEW, "name": "", "time": "10:30"}).content.decode()
    assert "At 10:30, on Monday and Tuesday" in page
    assert "<strong>beat</strong>, because Beat is the default." in page
    assert "crontab would hold" in page
    # In its zone, which is Berlin, and not in UTC.
    assert " 10:30</span>" in page
    # The builder writes the expression into its field.
    assert 'value="30 10 * * 1,2"' in page
    # Nobody is told to write a name before the form is sent.
    assert "Write a name." not in page
    assert not Schedule.objects.exists()


def test_the_preview_says_what_is_wrong_with_the_time(operator: Client) -> None:
    page = operator.post("/schedules/preview/", {**NEW, "kind": "cron", "cron": "5/10 * * * *"}).content.decode()
    assert "5-59/10" in page
    assert "Its next runs appear here" in page
    assert "hx-swap-oob" in page


def test_another_job_has_other_parameters(operator: Client) -> None:
    page = operator.post("/schedules/parameters/", {"job": "email.send"}).content.decode()
    assert 'name="parameters.subject"' in page
    assert "<html" not in page
    unknown = operator.post("/schedules/parameters/", {"job": "gone.away", "parameters": '{"a": 1}'}).content.decode()
    assert "{&quot;a&quot;: 1}" in unknown


def test_a_change_is_shown_before_it_is_made(operator: Client) -> None:
    schedule = a_schedule(cron="0 9 * * 1-5", retries={"max": 1, "base": 9.0})
    answer = operator.post(f"/schedules/{schedule.pk}/edit/", sent(schedule, time="10:00", do="save"))
    page = answer.content.decode()
    assert "at another time" in page
    assert "At 10:00, Monday through Friday" in page
    schedule.refresh_from_db()
    assert (schedule.version, schedule.cron) == (1, "0 9 * * 1-5")
    answer = operator.post(f"/schedules/{schedule.pk}/edit/", sent(schedule, time="10:00", do="confirm"))
    assert [str(each) for each in get_messages(answer.wsgi_request)] == ["a schedule was changed."]
    schedule.refresh_from_db()
    assert (schedule.version, schedule.cron) == (2, "0 10 * * 1-5")
    # What the form does not show stays.
    assert schedule.retries == {"max": 1, "base": 9.0}


@pytest.mark.parametrize(
    "fields",
    [{"cron": "0 9 * * 1,2,3,4,5"}, {"cron": "*/7 1-3 * * MON"}, {"every": 5400}, {"every": 61}, {"cron": "@daily"}],
)
def test_to_save_without_a_change_changes_nothing(operator: Client, fields: dict[str, Any]) -> None:
    schedule = a_schedule(parameters={"steps": 3}, timezone="Europe/Berlin", **fields)
    operator.post(f"/schedules/{schedule.pk}/edit/", sent(schedule, do="confirm"))
    assert Schedule.objects.get().version == 1


@pytest.mark.parametrize("do", ["save", "confirm"])
def test_two_people_who_edit_the_same_schedule_see_it(operator: Client, do: str) -> None:
    schedule = a_schedule(name="report")
    mine = sent(schedule, name="my report")
    schedules.update(schedule.pk, now=at("2026-11-20 10:00"), name="their report")
    answer = operator.post(f"/schedules/{schedule.pk}/edit/", {**mine, "do": do})
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "Somebody else has changed this schedule" in page
    assert ("name", "their report", "my report") in answer.context["stale"]
    assert Schedule.objects.get().name == "their report"
    # Saved again, knowing what is there.
    assert 'name="version" value="2"' in page
    operator.post(f"/schedules/{schedule.pk}/edit/", {**mine, "version": "2", "do": "confirm"})
    assert Schedule.objects.get().name == "my report"


@pytest.mark.parametrize("address", ["/schedules/new/", "/schedules/{}/edit/"])
def test_only_operators_edit(db: None, address: str) -> None:
    address = address.format(a_schedule().pk)
    assert browser_as("viewer").get(address).status_code == 403
    assert browser_as("operator").get(address).status_code == 200


def test_a_schedule_that_is_not_there_cannot_be_edited(operator: Client) -> None:
    assert operator.get("/schedules/77/edit/").status_code == 404
    assert operator.post("/schedules/preview/", {**NEW, "schedule": "77"}).status_code == 404


def test_the_form_sets_what_rest_sets(operator: Client) -> None:
    """Each field of the API's schedule has one in the form; the factor and the jitter of retries are left to REST."""
    shown = set(form.of(a_schedule()).values)
    assert set(ScheduleInput().fields) - shown == {"parameters", "paused"}
    red = Group.objects.create(name="red")
    more = {
        "limit_key": "shop", "tags": "nightly, shop", "owner": str(red.pk), "key": "morning", "paused": "yes",
        "retries": "3", "retry_base": "5", "retry_cap": "60",
    }  # fmt: skip
    operator.post("/schedules/new/", {**NEW, **more})
    made = Schedule.objects.get(key="morning")
    assert (made.limit_key, made.tags, made.owner, made.paused) == ("shop", ["nightly", "shop"], red.pk, True)
    assert made.retries == {"max": 3, "base": 5, "cap": 60}


def test_what_the_form_does_not_show_of_retries_stays(operator: Client) -> None:
    schedule = a_schedule(retries={"max": 2, "base": 4, "jitter": 0.5})
    changed = sent(schedule, do="confirm", retries="1", retry_base="", tags="")
    assert operator.post(f"/schedules/{schedule.pk}/edit/", changed).status_code == 302
    schedule.refresh_from_db()
    assert (schedule.retries, schedule.tags, schedule.paused) == ({"max": 1, "jitter": 0.5}, [], False)


def test_faults_of_labels_stand_at_their_fields(operator: Client) -> None:
    wrong = {"owner": "77", "tags": "Big", "key": "no such key!", "limit_key": "a b", "retry_base": "soon"}
    answer = operator.post("/schedules/new/", {**NEW, **wrong})
    assert set(answer.context["faults"]) == {"owner", "tags", "key", "limit_key", "retry_base"}
    assert "Choose an owner of the list." in answer.content.decode()


def test_roles_are_no_owners(operator: Client) -> None:
    assert 'id="owner"' not in operator.get("/schedules/new/").content.decode()
    Group.objects.create(name="red")
    page = operator.get("/schedules/new/").content.decode()
    assert ">red</option>" in page
    assert ">operator</option>" not in page
