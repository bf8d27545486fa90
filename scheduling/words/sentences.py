"""Sentences in every language: the clauses, put into the phrases of a catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import time
from functools import lru_cache
from typing import Literal

from babel import Locale
from babel.dates import format_time
from babel.lists import format_list

from scheduling.timing.cron import Cron
from scheduling.timing.every import Every
from scheduling.words import cron_descriptor
from scheduling.words.catalogue import Catalogue, catalogue
from scheduling.words.clauses import (
    ALL_HOURS,
    ALL_MINUTES,
    Days,
    EvenTimes,
    Grid,
    Times,
    days,
    elided,
    runs,
    step_of_hour,
    time_of_day,
    week_runs,
)

Clock = Literal[12, 24]
_NUMBERS = tuple(str(number) for number in range(60))
# CLDR parts a time from its half of the day by a narrow space that many terminals cannot show.
_PLAIN_SPACES = str.maketrans({"\u202f": " ", "\u00a0": " "})


def sentence(trigger: Cron | Every, clock: Clock, language: str) -> str:
    """When `trigger` fires, in the language of a catalogue."""
    phrases = catalogue(language)
    if isinstance(trigger, Every):
        text = _interval(trigger, phrases, language, clock)
    else:
        time_clause = _time(time_of_day(trigger), phrases, language, clock)
        days_clause = _days(days(trigger), phrases)
        form = phrases.sentence if days_clause else phrases.any_day
        text = form.format(time=time_clause, days=days_clause, zone=trigger.zone.key)
    return text[0].upper() + text[1:]


def _interval(trigger: Every, phrases: Catalogue, language: str, clock: Clock) -> str:
    anchor = trigger.anchor
    at = _clock_time(language, clock, anchor.hour, anchor.minute, anchor.second)
    return phrases.interval.format(every=_every_seconds(trigger.seconds, phrases), date=anchor.date(), time=at)


def _every_seconds(seconds: int, phrases: Catalogue) -> str:
    units: tuple[tuple[int, cron_descriptor.Unit], ...] = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
    for size, unit in units:
        if seconds % size == 0:
            return _every(seconds // size, unit, phrases)
    return _every(seconds, "second", phrases)


def _every(count: int, unit: cron_descriptor.Unit, phrases: Catalogue) -> str:
    forms = phrases.every.get(unit)
    if forms is None:
        return cron_descriptor.every(count, unit, locale=phrases.cron_descriptor)
    category = "each" if count == 1 else Locale.parse(phrases.locale).plural_form(count)
    return forms.get(category, forms["other"]).format(n=count)


def _every_minutes(step: int, phrases: Catalogue) -> str:
    return _every_seconds(step * 60, phrases)


def _time(clause: Times | EvenTimes | Grid, phrases: Catalogue, language: str, clock: Clock) -> str:
    match clause:
        case Times(minutes):
            times = [_clock_time(language, clock, *divmod(minute, 60)) for minute in minutes]
            return _one_or_more(times, phrases.at_time, phrases.at_times).format(times=_listed(times, phrases))
        case EvenTimes(step, first, last):
            return phrases.between.format(
                every=_every_minutes(step, phrases),
                first=_clock_time(language, clock, *divmod(first, 60)),
                last=_clock_time(language, clock, *divmod(last, 60)),
            )
        case Grid(minutes, hours):
            return _grid(minutes, hours, phrases, [_hour(language, clock, hour) for hour in ALL_HOURS])


def _grid(minutes: tuple[int, ...], hours: tuple[int, ...], phrases: Catalogue, hour_names: Sequence[str]) -> str:
    step = 1 if minutes == ALL_MINUTES else step_of_hour(minutes)
    every_hour = hours == ALL_HOURS
    if step:
        at = _every_minutes(step, phrases)
    else:
        single, several = phrases.at_minute, phrases.at_minutes
        if every_hour:
            single, several = phrases.minute_of_every_hour, phrases.minutes_of_every_hour
        at = _one_or_more(minutes, single, several).format(minutes=_series(minutes, _NUMBERS, phrases))
    if every_hour:
        return at
    form = _one_or_more(hours, phrases.in_hour, phrases.in_hours)
    return form.format(at=at, hours=_series(hours, hour_names, phrases))


def _days(clause: Days, phrases: Catalogue) -> str:
    """The day clause; empty where there is nothing to say."""
    restricted = bool(clause.dates or clause.weekdays)
    said = _restricted_days(clause, phrases) if restricted else phrases.every_day
    if not clause.months:
        return said if restricted or clause.spelled_out else ""
    names = _month_names(phrases.locale, phrases.month_names)
    months = _listed(_ranges(runs(clause.months), names, phrases.month_range), phrases)
    form = _one_or_more(clause.months, phrases.in_month, phrases.in_months)
    if not restricted:
        form = phrases.every_day_in or form
    return form.format(days=said, months=months)


def _restricted_days(clause: Days, phrases: Catalogue) -> str:
    dates = _one_or_more(clause.dates, phrases.on_date, phrases.on_dates).format(
        dates=_series(clause.dates, _NUMBERS, phrases)
    )
    if not clause.weekdays:
        return dates
    names = _ranges(
        week_runs(clause.weekdays), _weekday_names(phrases.locale, phrases.weekday_names), phrases.weekday_range
    )
    if clause.dates and not clause.either:
        return phrases.both.format(dates=dates, weekdays=_listed(names, phrases, "or"))
    form = _one_or_more(clause.weekdays, phrases.on_weekday, phrases.on_weekdays)
    if len(names) == 1 < len(clause.weekdays):
        form = phrases.on_weekday_range or form
    weekdays = form.format(weekdays=_listed(names, phrases))
    return phrases.either.format(dates=dates, weekdays=weekdays) if clause.dates else weekdays


def _one_or_more(values: Sequence[object], single: str, several: str) -> str:
    return single if len(values) == 1 else several


def _series(values: tuple[int, ...], names: Sequence[str], phrases: Catalogue) -> str:
    """Such as `5`, `09 through 11 and 15` or `1, 3, 5, ..., 31`."""
    if elided(values):
        # The pattern that parts the items in the middle of a list: ", " or an ideographic comma.
        middle: str = Locale.parse(phrases.locale).list_patterns["standard"]["middle"].format("", "")
        return middle.join([*(names[value] for value in values[:3]), "...", names[values[-1]]])
    return _listed(_ranges(runs(values), names, phrases.number_range), phrases)


def _ranges(parts: Iterable[tuple[int, int]], names: Sequence[str], form: str) -> list[str]:
    return [
        names[first] if first == last else form.format(first=names[first], last=names[last]) for first, last in parts
    ]


def _listed(items: Sequence[str], phrases: Catalogue, style: Literal["standard", "or"] = "standard") -> str:
    text: str = format_list(items, style, phrases.locale)
    return text


@lru_cache(maxsize=16_384)
def _clock_time(language: str, clock: Clock, hour: int, minute: int, second: int | None = None) -> str:
    phrases = catalogue(language)
    skeleton = ("Hm" if clock == 24 else "hm") + ("" if second is None else "s")
    pattern = Locale.parse(phrases.locale).datetime_skeletons[skeleton].pattern
    # Always two digits: 8:05 and 20:05 under each other are read wrong too easily.
    text: str = format_time(
        time(hour, minute, second or 0), pattern.replace("HH", "H").replace("H", "HH"), None, phrases.locale
    )
    own = phrases.am if hour < 12 else phrases.pm
    return (text.replace("AM", own).replace("PM", own) if own else text).translate(_PLAIN_SPACES)


def _hour(language: str, clock: Clock, hour: int) -> str:
    """An hour as a stretch of sixty minutes: `09`, or `9 AM`."""
    return _clock_time(language, clock, hour, 0).replace(":00", "").replace(".00", "")


@lru_cache(maxsize=64)
def _weekday_names(locale: str, form: Literal["format", "stand-alone"]) -> tuple[str, ...]:
    """Sunday first."""
    names = Locale.parse(locale).days[form]["wide"]
    return tuple(names[(day - 1) % 7] for day in range(7))


@lru_cache(maxsize=64)
def _month_names(locale: str, form: Literal["format", "stand-alone"]) -> tuple[str, ...]:
    """January is 1."""
    names = Locale.parse(locale).months[form]["wide"]
    return ("", *(names[month] for month in range(1, 13)))
