"""What a person should know about a trigger before it runs. Pure: only the trigger is checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from scheduling.timing.cron import Cron
from scheduling.timing.dst_effects import ClockChange, Effect, clock_changes
from scheduling.timing.every import Every
from scheduling.timing.fields import Field
from scheduling.timing.grammar import DAY, HOUR, ITEM, MINUTE, MONTH, WEEKDAY, FieldKind, excerpt, number

# At this many starts in an hour or more, a person should check whether they are intended.
_MANY_AN_HOUR: Final = 30
# For February, the days of every year: a person should know that the 29th is rare.
_LENGTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_UNITS: Final = {
    MINUTE: ("minutes", "hour"),
    HOUR: ("hours", "day"),
    DAY: ("days", "month"),
    MONTH: ("months", "year"),
    WEEKDAY: ("days", "week"),
}


@dataclass(frozen=True, slots=True)
class ReviewWarning:
    """A warning: a stable code for programs, and an English text for people. Only `clock_change` has `clock_changes`.

    `phrase` and `values` say the same for other languages: the name of a phrase, where that is not the code, and what
    is put into it.
    """

    code: str
    detail: str
    clock_changes: tuple[ClockChange, ...] = ()
    phrase: str = ""
    values: Mapping[str, object] = field(default_factory=dict, compare=False)


def warnings_of(trigger: Cron | Every, *, now: datetime) -> list[ReviewWarning]:
    """The warnings about `trigger`. Clock changes are those of the year after `now`.

    Codes: `either_day`, `uneven_step`, `not_every_month`, `clock_change`, `very_frequent`, `sub_minute`.
    """
    if isinstance(trigger, Every):
        return list(_of_interval(trigger))
    return [
        *_either_day(trigger),
        *_uneven_steps(trigger),
        *_not_every_month(trigger),
        *_clock_changes(trigger, now),
        *_very_frequent(trigger),
    ]


def _of_interval(every: Every) -> Iterator[ReviewWarning]:
    if every.seconds % 60 or every.anchor.second:
        detail = "It is also due between whole minutes: cron's clock has no seconds, so crontab cannot hold it."
        yield ReviewWarning("sub_minute", detail)
    if every.seconds * _MANY_AN_HOUR <= 3600:
        yield _frequent(3600 // every.seconds)


def _either_day(cron: Cron) -> Iterator[ReviewWarning]:
    open_fields = (len(cron.day.values) == DAY.last, len(cron.weekday.values) == WEEKDAY.last + 1)
    if not cron.either_day:
        return
    if any(open_fields):
        detail = "Both day fields are given, joined by 'or', and one of them allows every day: it runs every day."
        yield ReviewWarning("either_day", detail, phrase="either_day_is_every_day")
    else:
        detail = (
            "The day of the month and the weekday are joined by 'or': it runs on days that match either, "
            "not only on those that match both."
        )
        yield ReviewWarning("either_day", detail)


def _uneven_steps(cron: Cron) -> Iterator[ReviewWarning]:
    for kind, given in zip(_UNITS, (cron.minute, cron.hour, cron.day, cron.month, cron.weekday), strict=True):
        for item in given.text.split(","):
            step = _round_step(kind, item)
            size = kind.last - kind.low + 1
            if step > 1 and (size % step or kind is DAY):
                yield _uneven(kind, given, item, step)


def _round_step(kind: FieldKind, item: str) -> int:
    """n if the item steps by n through the whole field, else 0."""
    match = ITEM.fullmatch(item)
    if match is None:
        return 0
    every, first, last, step = match.group("every", "first", "last", "step")
    whole = first is None or (last and kind.number(first) == kind.low and (kind.number(last) or 0) >= kind.last)
    return (number(every or step or "1") or 0) if whole else 0


def _uneven(kind: FieldKind, given: Field, item: str, step: int) -> ReviewWarning:
    units, period = _UNITS[kind]
    shown = ", ".join(map(str, given.values[:4])) + (f", ..., {given.values[-1]}" if len(given.values) > 4 else "")
    detail = (
        f"'{excerpt(item)}' in the {given.name} field is not every {step} {units}: it starts again each {period}. "
        f"The field allows {shown}."
    )
    return ReviewWarning("uneven_step", detail, values={"item": excerpt(item), "allowed": shown})


def _not_every_month(cron: Cron) -> Iterator[ReviewWarning]:
    held = set(cron.day.values)
    # Days from 28 on without a gap (28-31) mean "to the end of the month", and need no warning.
    lone = [day for day in cron.day.values if day > 28 and not held.issuperset(range(28, day))]
    lacking = [month for month in cron.month.values if lone and lone[-1] > _LENGTHS[month - 1]]
    if not lacking or len(held) == DAY.last:
        return
    months = ", ".join(_MONTHS[month - 1] for month in lacking)
    days = ", ".join(map(str, lone))
    yield ReviewWarning(
        "not_every_month",
        f"Not every month has day {days}. Too short, at least in some years: {months}. cron never takes the last day "
        "of the month instead.",
        values={"days": days, "months": tuple(lacking)},
    )


def _clock_changes(cron: Cron, now: datetime) -> Iterator[ReviewWarning]:
    found = clock_changes(cron, now=now)
    if found:
        changes = "; ".join(_described(change) for change in found[:4])
        detail = f"Clocks in {cron.zone.key} change at times when it is due: {changes}."
        yield ReviewWarning("clock_change", detail, tuple(found), values={"zone": cron.zone.key})


def _described(change: ClockChange) -> str:
    many = f"{change.runs} runs" if change.runs > 1 else "the run"
    match change.effect:
        case Effect.SKIPPED:
            what = f"skips {change.begins} to {change.ends}, and {many} in it will not happen"
        case Effect.LATE:
            what = f"skips {change.begins} to {change.ends}, and {many} in it will happen once, at {change.ends}"
        case Effect.TWICE:
            what = f"shows {change.begins} to {change.ends} twice, and {many} in it will happen both times"
        case Effect.FIRST_ONLY:
            what = f"shows {change.begins} to {change.ends} twice, and {many} in it will happen the first time only"
    return f"the night of {change.day} {what}"


def _very_frequent(cron: Cron) -> Iterator[ReviewWarning]:
    if len(cron.minute.values) >= _MANY_AN_HOUR:
        yield _frequent(len(cron.minute.values))


def _frequent(times: int) -> ReviewWarning:
    return ReviewWarning("very_frequent", f"It runs {times:,} times an hour.", values={"times": times})
