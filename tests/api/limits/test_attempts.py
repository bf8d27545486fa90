"""Attempts that are counted in the database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from api.limits.attempts import Allowance, count
from api.models import CountedAttempt
from tests.conftest import at

pytestmark = pytest.mark.django_db

NOON = at("2026-11-20 12:00")
HOUR = timedelta(hours=1)
THREE = Allowance("login from 10.0.0.1", 3, HOUR)


def test_so_many_are_allowed_and_the_next_one_says_how_long_to_wait(db: None) -> None:
    waits = [count([THREE], now=NOON + timedelta(minutes=minute)).wait for minute in (0, 10, 20, 30)]
    assert waits == [None, None, None, timedelta(minutes=30)]


def test_one_that_is_refused_does_not_make_the_wait_longer(db: None) -> None:
    for _ in range(3):
        count([THREE], now=NOON)
    assert [count([THREE], now=NOON + HOUR / 2).wait for _ in range(9)] == [HOUR / 2] * 9
    assert count([THREE], now=NOON + HOUR).wait is None


def test_what_is_too_old_is_deleted(db: None) -> None:
    count([THREE], now=NOON)
    count([THREE], now=NOON + HOUR)
    assert [one.at for one in CountedAttempt.objects.all()] == [NOON + HOUR]


def test_others_are_counted_apart(db: None) -> None:
    for _ in range(3):
        count([THREE], now=NOON)
    assert count([Allowance("login from 10.0.0.2", 3, HOUR)], now=NOON).wait is None


def test_the_longest_wait_counts_and_nothing_is_counted_if_one_refuses(db: None) -> None:
    both = [THREE, Allowance("login as ada", 1, 2 * HOUR)]
    assert count(both, now=NOON).wait is None
    assert count(both, now=NOON).wait == 2 * HOUR
    assert CountedAttempt.objects.count() == 2


def test_one_that_is_forgotten_makes_room(db: None) -> None:
    made = [count([THREE], now=NOON) for _ in range(3)]
    made[0].forget()
    assert count([THREE], now=NOON).wait is None


def test_no_name_is_kept(db: None) -> None:
    count([Allowance("login as hunter2\udcff", 3, HOUR)], now=NOON)
    assert "hunter2" not in CountedAttempt.objects.get().key


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_no_more_than_are_allowed_get_through() -> None:
    def attempt(_: int) -> bool:
        try:
            return count([THREE], now=NOON).wait is None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(attempt, range(24))) <= 3
