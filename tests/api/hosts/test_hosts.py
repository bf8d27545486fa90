"""/api/hosts/: who lives, who is woken, what is overdue; and what a schedule says of its host."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scheduling import drift_log
from scheduling.difference import Difference, DifferenceKind
from scheduling.models import Host, Schedule
from tests.api.asking import made, of
from tests.api.conformance import CheckedClient
from tests.process_rows import a_process

HOSTS = "/api/hosts/"


def a_host(name: str, *, silent_for: timedelta = timedelta(0)) -> Host:
    reported = timezone.now() - silent_for
    return Host.objects.create(name=name, crontab="file:/crontab", zone="UTC", heartbeat_at=reported)


def test_a_host_says_what_is_known_of_it(operator: CheckedClient, crontab: Path) -> None:
    a_host("far", silent_for=timedelta(minutes=5))
    schedule = made(operator, backend="crontab", host="far")
    late = timezone.now() - timedelta(minutes=5)
    woken = late - timedelta(minutes=5)
    Schedule.objects.filter(pk=schedule["id"]).update(next_due_at=late, woken_at=woken)
    drift_log.keep("crontab", "far", [Difference(DifferenceKind.MISSING, "a line")], now=late)
    found = operator.get(f"{HOSTS}far/").json()
    assert (found["silent"], found["agent"], found["stood_in_at"]) == (True, None, None)
    assert found["silent_for"] >= 300
    assert (found["schedules"], found["overdue"], found["open_drift"]) == (1, 1, 1)
    assert found["overdue_since"] is not None
    assert found["woken_at"] is not None
    shown = operator.get(of(schedule)).json()["sync"]
    assert (shown["host"], shown["overdue"]) == ("silent", True)
    process = a_process("agent", host="far", pid=77)
    assert operator.get(f"{HOSTS}far/").json()["agent"]["pid"] == process.pid
    assert operator.get(of(schedule)).json()["sync"]["host"] == "alive"


def test_a_schedule_without_a_host_says_none(operator: CheckedClient, crontab: Path) -> None:
    assert made(operator, backend="beat")["sync"]["host"] == ""


def test_a_host_that_is_not_there_is_not_found(viewer: CheckedClient) -> None:
    response = viewer.get(f"{HOSTS}nowhere/")
    assert (response.status_code, response.json()["detail"]) == (404, "There is no host nowhere.")


def test_hosts_are_filtered(viewer: CheckedClient) -> None:
    a_host("db1.example", silent_for=timedelta(minutes=5))
    a_host("web1.example")

    def names(**query: str) -> list[str]:
        return [each["name"] for each in viewer.get(HOSTS, query).json()["results"]]

    assert names() == ["web1.example", "db1.example"]
    assert names(silent="true") == ["db1.example"]
    assert names(silent="false") == ["web1.example"]
    assert names(q="web") == ["web1.example"]
    assert viewer.get(HOSTS, {"nme": "x"}).status_code == 400


@pytest.mark.parametrize("address", [HOSTS, "/api/schedules/"])
def test_more_hosts_take_no_more_statements(operator: CheckedClient, crontab: Path, address: str) -> None:
    a_host("host0")
    made(operator, backend="crontab", host="host0")
    with CaptureQueriesContext(connection) as few:
        operator.get(address)
    for number in range(1, 6):
        a_host(f"host{number}")
        made(operator, backend="crontab", host=f"host{number}")
    with CaptureQueriesContext(connection) as many:
        operator.get(address)
    assert len(many) == len(few)
