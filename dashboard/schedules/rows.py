"""A schedule as a line of a list: its words, its next run, how its last tasks ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scheduling import host_states, outcomes
from scheduling.errors import InvalidTrigger
from scheduling.hosts import OVERDUE_AFTER
from scheduling.models import Schedule, SyncState
from scheduling.words import describe

# Outcomes in a strip: as many as an eye takes in at once.
OUTCOMES: Final = 20


@dataclass(frozen=True, slots=True)
class State:
    """What a reader must know of a schedule beside its trigger: a word, its tone and icon, and the reason."""

    word: str
    tone: str
    icon: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One line."""

    schedule: Schedule
    words: str
    outcomes: list[outcomes.Outcome]
    state: State | None


def rows(schedules: Iterable[Schedule], *, language: str, now: datetime) -> list[ScheduleRow]:
    """The lines of these schedules, in their order. The number of statements does not depend on how many there are."""
    shown = list(schedules)
    ended = outcomes.latest(shown, count=OUTCOMES)
    silent = host_states.silent_names() if any(schedule.host for schedule in shown) else set()
    return [ScheduleRow(each, words_of(each, language), ended[each.pk], state_of(each, silent, now)) for each in shown]


def words_of(schedule: Schedule, language: str) -> str:
    """The trigger in plain words; the reason where this machine no longer knows its time zone."""
    try:
        return describe(schedule.trigger, language=language)
    except InvalidTrigger as exc:
        return exc.detail


def state_of(schedule: Schedule, silent: set[str], now: datetime) -> State | None:
    """The most important thing that is not as usual; None where all is."""
    due = schedule.next_due_at
    states = (
        (
            schedule.sync_state == SyncState.OUT_OF_SYNC,
            State("Out of sync", "bad", "exclamation-triangle", schedule.sync_error),
        ),
        (
            due is not None and now - due >= OVERDUE_AFTER,
            State("Overdue", "bad", "clock", "It is due, and nobody has decided that yet."),
        ),
        (
            schedule.host in silent,
            State("Host silent", "warn", "signal-slash", f"{schedule.host} gives no sign of life."),
        ),
        (schedule.paused, State("Paused", "mute", "pause", "Nothing is due until it is resumed.")),
        (due is None, State("Ended", "mute", "flag", "No occurrence is left.")),
        (
            schedule.sync_state == SyncState.PENDING,
            State("Installing", "wait", "arrow-path", "Its entries are being written."),
        ),
    )
    return next((state for holds, state in states if holds), None)
