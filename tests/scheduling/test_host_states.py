"""What is known of hosts: right, and read from indexes however many schedules a host has."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from scheduling import host_states
from scheduling.hosts import OVERDUE_AFTER
from scheduling.models import Host, Schedule
from tests.conftest import a_schedule, at

pytestmark = pytest.mark.django_db

NOW = at("2026-11-20 10:00")


def a_host(name: str) -> Host:
    return Host.objects.create(name=name, crontab="file:/crontab", zone="UTC", heartbeat_at=timezone.now())


def on(host: Host, number: int) -> Schedule:
    return a_schedule(now=NOW, name=f"{host.name} {number}", backend="crontab", host=host.name)


def changed(schedule: Schedule, **values: object) -> None:
    Schedule.objects.filter(pk=schedule.pk).update(**values)


def test_each_host_is_told_by_itself() -> None:
    busy, idle = a_host("busy"), a_host("idle")
    first, second, third = (on(busy, number) for number in range(3))
    on(idle, 0)
    a_schedule(now=NOW, name="of Beat")
    late = NOW - OVERDUE_AFTER - timedelta(minutes=1)
    changed(first, next_due_at=late, woken_at=at("2026-11-19 08:00"))
    changed(second, next_due_at=NOW - OVERDUE_AFTER, overdue_at=at("2026-11-18 08:00"))
    changed(third, woken_at=at("2026-11-19 09:00"), overdue_at=at("2026-11-17 08:00"))
    told = {state.host.name: state for state in host_states.states([busy, idle], now=NOW)}
    state = told["busy"]
    assert (state.schedules, state.overdue, state.overdue_since) == (3, 2, late)
    assert (state.woken_at, state.stood_in_at) == (at("2026-11-19 09:00"), at("2026-11-18 08:00"))
    other = told["idle"]
    assert (other.schedules, other.overdue, other.overdue_since, other.woken_at, other.stood_in_at) == (
        1, 0, None, None, None,
    )  # fmt: skip


def test_the_number_of_statements_is_fixed(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    hosts = [a_host(f"host {number}") for number in range(3)]
    for number in range(4):
        on(hosts[0], number)
    with django_assert_num_queries(7):
        host_states.states(hosts, now=NOW)
    with django_assert_num_queries(6):
        assert host_states.states(hosts, now=NOW, counted=False)[0].schedules is None


def use_indexes() -> None:
    """Have PostgreSQL use indexes until the test ends: where little is stored, any way is as good as another."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for way in ("seqscan", "bitmapscan", "sort"):
                cursor.execute(f"SET LOCAL enable_{way} = off")


def test_the_schedules_of_each_host_are_counted_in_an_index_alone() -> None:
    use_indexes()
    found = host_states.held(["busy"]).explain()
    assert "tandem_schedule_of_host" in found
    assert ("Index Only Scan" if connection.vendor == "postgresql" else "COVERING INDEX") in found


def test_what_every_page_asks_is_looked_up_and_not_counted() -> None:
    """Each from its own index, in its order: the first row answers, however many a host has."""
    use_indexes()
    found = host_states.last_decided(["busy"]).explain()
    for index in ("tandem_schedule_woken", "tandem_schedule_stood_in"):
        assert index in found
