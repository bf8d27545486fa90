"""Run now, pause, resume, skip, backfill, move: shown first, done when confirmed, and nothing before that."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task
from tests.conftest import a_schedule

pytestmark = pytest.mark.usefixtures("recorded")


def page_of(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return answer.content.decode()


def confirmed(client: Client, page: str, address: str) -> list[str]:
    """Send the form of the page as it is, and return what is said then."""
    form = re.findall(r'<form method="post" class="actions">.*?</form>', page, re.DOTALL)[0]
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
    answer = client.post(address, fields)
    assert answer.status_code == 302
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_run_now_is_shown_and_then_done(operator: Client) -> None:
    schedule = a_schedule(name="the import")
    address = f"/schedules/{schedule.pk}/run/"
    page = page_of(operator, address)
    assert "demo.process_data runs once more, by a worker, at once" in page
    assert not Task.objects.exists()
    (said,) = confirmed(operator, page, address)
    assert said.endswith(" of the import was created: sent.")
    assert Task.objects.get().woken_by == "request"


def test_a_pause_says_what_will_not_run_and_its_end_what_will(operator: Client) -> None:
    schedule = a_schedule(cron="0 9 * * *", timezone="Europe/Berlin", name="report")
    for verb, said, done in (
        ("pause", "Nothing of it is due until it is resumed.", "report is paused: nothing is due until you resume it."),
        ("resume", "It goes on with these occurrences.", "report runs again."),
    ):
        address = f"/schedules/{schedule.pk}/{verb}/"
        page = page_of(operator, address)
        assert said in page
        assert len(re.findall(r'<li><span class="mono">\w{3} [0-9-]{10} 09:00</span>', page)) == 8
        assert confirmed(operator, page, address) == [done]
        schedule.refresh_from_db()
        assert schedule.paused is (verb == "pause")
        assert 'name="mark"' not in page_of(operator, address)


def test_the_next_occurrences_are_listed_in_their_zone_and_skipped(operator: Client) -> None:
    schedule = a_schedule(cron="0 9 * * *", timezone="Europe/Berlin", name="report")
    address = f"/schedules/{schedule.pk}/skip/"
    page = page_of(operator, f"{address}?count=3")
    assert "These 3 occurrences do not run." in page
    assert len(re.findall(r'<li><span class="mono">\w{3} [0-9-]{10} 09:00</span>', page)) == 3
    assert not Task.objects.exists()
    assert confirmed(operator, page, address) == ["3 occurrences of report will not run."]
    assert set(Task.objects.values_list("status", flat=True)) == {Status.SKIPPED}


def test_of_many_occurrences_the_first_are_listed_and_all_counted(operator: Client) -> None:
    schedule = a_schedule(every=60)
    page = page_of(operator, f"/schedules/{schedule.pk}/skip/?count=200")
    assert "These 200 occurrences do not run." in page
    assert "and 150 more" in page
    assert len(re.findall('<li><span class="mono">', page)) == 50


def test_the_past_is_run_after_it_was_shown(operator: Client) -> None:
    now = timezone.now()
    schedule = a_schedule(now=now - timedelta(days=2), cron="0 * * * *", name="hourly")
    Schedule.objects.update(cursor=now)
    page = page_of(operator, f"/schedules/{schedule.pk}/backfill/")
    assert "These 24 occurrences run one after the other, the oldest first," in page
    said = confirmed(operator, page, f"/schedules/{schedule.pk}/backfill/")
    assert said == ["24 past occurrences of hourly run now."]
    assert Task.objects.count() == 24
    again = page_of(operator, f"/schedules/{schedule.pk}/backfill/")
    assert "Every occurrence of that time has its task already" in again
    assert 'name="mark"' not in again


def test_a_move_says_why_and_what_would_be_there(operator: Client) -> None:
    schedule = a_schedule(cron="0 9 * * *", name="report")
    address = f"/schedules/{schedule.pk}/move/"
    page = page_of(operator, address)
    assert "It is installed on crontab" in page
    assert "0 9 * * *" in page
    schedule.refresh_from_db()
    assert schedule.routed_to == "beat"
    (said,) = confirmed(operator, page, address)
    assert said.startswith("report is on crontab on ")
    schedule.refresh_from_db()
    assert schedule.routed_to == "crontab"
    assert "It is there already." in page_of(operator, f"{address}?to=crontab")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("skip/?count=0", "Write a number from 1 to 1,000."),
        ("skip/?count=%F0%9D%9F%9A", "Write a number from 1 to 1,000."),
        ("backfill/?from=yesterday", "Write a date and a time"),
        ("backfill/?from=2026-01-02T00:00&to=2026-01-01T00:00", "Write a time that is not before"),
        ("backfill/?from=0001-01-01T00:00&to=0001-01-01T00:01", "Write a date and a time"),
        ("backfill/?to=9998-01-01T00:00", "Write a time that is past"),
        ("move/?to=elsewhere", "Write beat or crontab."),
        ("move/?to=crontab&host=nowhere", "nowhere"),
    ],
)
def test_what_cannot_be_is_said_at_the_form(operator: Client, query: str, said: str) -> None:
    schedule = a_schedule(timezone="Europe/Berlin")
    page = page_of(operator, f"/schedules/{schedule.pk}/{query}")
    assert "This cannot be done." in page
    assert said in page
    assert 'name="mark"' not in page


def test_what_has_changed_since_it_was_shown_is_shown_again(operator: Client) -> None:
    schedule = a_schedule(cron="0 9 * * *")
    answer = operator.post(f"/schedules/{schedule.pk}/skip/", {"count": "2", "mark": "2 another and more"})
    assert answer.status_code == 409
    assert "Nothing was done yet." in answer.content.decode()
    assert not Task.objects.exists()


@pytest.mark.parametrize("step", ["run", "pause", "skip", "backfill", "move"])
def test_a_viewer_has_no_such_page_and_no_such_button(viewer: Client, step: str) -> None:
    schedule = a_schedule()
    assert f"/{step}/" not in page_of(viewer, f"/schedules/{schedule.pk}/")
    assert viewer.get(f"/schedules/{schedule.pk}/{step}/").status_code == 403
    assert viewer.post(f"/schedules/{schedule.pk}/{step}/").status_code == 403
