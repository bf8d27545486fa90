"""The audit log as a page: its filters, its pages, and what was added since."""

from __future__ import annotations

import re
from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scheduling import audit, caller, schedules
from scheduling.audit import Change
from scheduling.caller import Caller
from scheduling.models import AuditEntry
from tests.conftest import a_schedule
from tests.dashboard.test_pages import text_of


def numbers(client: Client, query: str = "") -> list[int]:
    page = text_of(client, f"/settings/audit/{query}")
    return [int(number) for number in re.findall(r'<span class="mono">#(\d+)</span>', page)]


def test_filters_say_who_what_when(admin: Client) -> None:
    with caller.acting(Caller("user", user="ada", address="192.0.2.7")):
        schedule = a_schedule(name="import")
    with caller.acting(Caller("user", user="ben")):
        schedules.pause(schedule.pk, now=timezone.now() + timedelta(hours=1))
    first, second = AuditEntry.objects.order_by("number").values_list("number", flat=True)
    assert numbers(admin) == [second, first]
    later = (timezone.now() + timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M")
    for query, expected in {
        "?actor=ada": [first], "?actor=nobody": [], "?action=changed": [second], "?subject=task": [],
        f"?subject=schedule&subject_id={schedule.pk}": [second, first], f"?since={later}": [second],
        "?since=yesterday": [second, first], f"?after={first}": [second], "?after=x": [second, first],
        "?owner=nobody": [],
    }.items():  # fmt: skip
        assert numbers(admin, query) == expected, query
    page = text_of(admin, "/settings/audit/")
    assert "from 192.0.2.7" in page
    assert f'href="/schedules/{schedule.pk}/">import</a>' in page
    assert f'href="?after={second}"' in page


def test_every_entry_is_on_one_page_and_each_costs_the_same(admin: Client) -> None:
    now = timezone.now()
    status = {"status": ["QUEUED", "CANCELLED"]}
    audit.record(*(Change("task", number, "cancelled", changes=status) for number in range(120)), now=now)
    seen, query, costs = list[int](), "", set[int]()
    while True:
        with CaptureQueriesContext(connection) as asked:
            page = text_of(admin, f"/settings/audit/{query}")
        costs.add(len(asked))
        assert len(page.encode()) < 100_000
        seen += [int(number) for number in re.findall(r'<span class="mono">#(\d+)</span>', page)]
        older = re.search(r'href="(\?before=\d+)" rel="next"', page)
        if older is None:
            break
        query = older[1]
    assert (len(seen), len(set(seen)), len(costs)) == (120, 120, 1)
    assert seen == sorted(seen, reverse=True)
