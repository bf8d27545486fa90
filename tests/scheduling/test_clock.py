"""The database's clock decides, and what it leaps by is believed only once it has lasted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from scheduling.clock import CONFIRM_AFTER, LOOK_EVERY, Clock, database_time
from tests.conftest import at

NOW = at("2026-11-20 10:00")
HOUR = timedelta(hours=1)


class World:
    """Seconds pass for all; the database and this machine show their own times."""

    def __init__(self, *, database: timedelta = timedelta(0), wall: timedelta = timedelta(0)) -> None:
        self.passed = 0.0
        self.database, self.wall = database, wall
        self.looks = 0
        self.clock = Clock(self._look, lambda: 500.0 + self.passed, lambda: self.true + self.wall)

    @property
    def true(self) -> datetime:
        return NOW + timedelta(seconds=self.passed)

    def _look(self) -> datetime:
        self.looks += 1
        return self.true + self.database

    def after(self, seconds: float) -> timedelta:
        """How far the clock is ahead of the true time, asked each second for so long."""
        for _ in range(int(seconds)):
            self.passed += 1
            self.clock.now()
        return self.clock.now() - self.true


def test_the_clock_of_this_machine_decides_nothing_once_the_database_was_asked() -> None:
    world = World()
    assert world.clock.now() == NOW
    world.wall = HOUR
    assert world.after(3600) == timedelta(0)


def test_the_database_is_asked_now_and_then() -> None:
    world = World()
    world.after(100)
    assert world.looks == 100 // LOOK_EVERY


def test_small_differences_are_followed() -> None:
    world = World()
    world.clock.now()
    world.database = timedelta(seconds=2)
    assert world.after(LOOK_EVERY) == timedelta(seconds=2)


@pytest.mark.parametrize("leap", [HOUR, -HOUR, timedelta(days=365)])
def test_a_leap_of_half_a_minute_is_not_believed(leap: timedelta) -> None:
    world = World()
    world.clock.now()
    world.database = leap
    assert world.after(30) == timedelta(0)
    world.database = timedelta(0)
    assert world.after(300) == timedelta(0)


@pytest.mark.parametrize("leap", [HOUR, -HOUR])
def test_a_leap_that_lasts_is_believed(leap: timedelta) -> None:
    world = World()
    world.clock.now()
    world.database = leap
    assert world.after(CONFIRM_AFTER) == timedelta(0)
    assert world.after(2 * LOOK_EVERY) == leap


def test_leaps_here_and_there_never_add_up() -> None:
    world = World()
    world.clock.now()
    for minutes in range(1, 20):
        world.database = timedelta(hours=minutes)
        assert world.after(CONFIRM_AFTER - 2 * LOOK_EVERY) == timedelta(0)


@pytest.mark.parametrize("world", [World(database=HOUR), World(wall=HOUR)])
def test_a_process_that_starts_while_the_clocks_disagree_begins_with_the_earlier(world: World) -> None:
    assert world.clock.now() == NOW
    assert world.after(CONFIRM_AFTER + 2 * LOOK_EVERY) == world.database


def test_without_a_look_there_is_an_estimate() -> None:
    world = World(wall=timedelta(seconds=7))
    assert world.clock.estimate() == NOW + timedelta(seconds=7)
    world.clock.now()
    world.passed += 2
    assert world.clock.estimate() == world.true
    assert world.looks == 1


@pytest.mark.django_db
def test_the_database_tells_its_time() -> None:
    assert abs(database_time() - datetime.now(UTC)) < HOUR
    assert connection.vendor in {"postgresql", "sqlite"}
