"""The policies of a schedule in words: what Tandem does, and not what the fields are called. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from dashboard.readable import duration
from scheduling.models import CatchUp, DatabaseAway, OnHostLost, OnLost, Overlap, Schedule

_OVERLAP: Final = {
    Overlap.SKIP: "An occurrence is skipped while an earlier run is open.",
    Overlap.QUEUE: "An occurrence waits until earlier runs have ended.",
    Overlap.REPLACE: "An occurrence cancels the run that is open, and takes its place.",
    Overlap.ALLOW: "Runs may overlap.",
}
_LOST: Final = {
    OnLost.RETRY: "If its process dies, the run is tried again.",
    OnLost.FAIL: "If its process dies, the run has failed.",
}
_HOST_LOST: Final = {
    OnHostLost.WAIT: "If its host is lost, its runs wait until it is back.",
    OnHostLost.WORKER: "If its host is lost, its runs go to a worker.",
    OnHostLost.ANY_HOST: "If its host is lost, its runs go to any other host.",
}
_AWAY: Final = {
    DatabaseAway.WAIT: "While the database is away, its host notes what was due, and nothing runs.",
    DatabaseAway.RUN: "While the database is away, its host runs what is due, and tells it later.",
}


def policies(schedule: Schedule) -> list[str]:
    """Sentences, the most important first. Those about a host only where there is one."""
    return list(_policies(schedule))


def _policies(schedule: Schedule) -> Iterator[str]:
    yield _OVERLAP[Overlap(schedule.overlap)]
    yield _catch_up(schedule)
    yield _retries(schedule)
    yield from _limits(schedule)
    yield _LOST[OnLost(schedule.on_lost)]
    if schedule.host:
        yield _HOST_LOST[OnHostLost(schedule.on_host_lost)]
        yield _AWAY[DatabaseAway(schedule.database_away)]
    where = f"the queue {schedule.queue}" if schedule.queue else "the default queue"
    yield f"It has priority {schedule.priority} of 9 in {where}."


def _catch_up(schedule: Schedule) -> str:
    late = f"An occurrence that is up to {duration(schedule.grace)} late still runs."
    window = duration(schedule.catch_up_window)
    return {
        CatchUp.NONE: f"{late} Later than that, it is missed.",
        CatchUp.LATEST: f"{late} After an outage the latest one runs, if it is at most {window} old.",
        CatchUp.ALL: f"{late} After an outage all of the last {window} run.",
    }[CatchUp(schedule.catch_up)]


def _retries(schedule: Schedule) -> str:
    most = schedule.retries.get("max")
    if most is None:
        return "A run that fails is tried again as its job says."
    return f"A run that fails is tried again {'once' if most == 1 else f'{most} times'}." if most else (
        "A run that fails is not tried again."
    )  # fmt: skip


def _limits(schedule: Schedule) -> Iterator[str]:
    for seconds, what in ((schedule.soft_timeout, "interrupted"), (schedule.timeout, "ended by force")):
        if seconds:
            yield f"A run is {what} after {duration(timedelta(seconds=seconds))}."
