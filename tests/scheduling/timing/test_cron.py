from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scheduling.errors import InvalidTrigger
from scheduling.timing import Cron
from tests.scheduling.timing.strategies import expressions, moments, night_expressions, zones

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "zone", "due"),
    [
        ("*/5 * * * *", "UTC", "2026-11-20T12:05"),
        ("0 12 * * *", "UTC", "2026-11-21T12:00"),
        ("0 9 * * 1-5", "Europe/Berlin", "2026-11-23T08:00"),
        ("0 0 29 2 *", "UTC", "2028-02-29T00:00"),
        ("0 0 13 * 5", "UTC", "2026-11-27T00:00"),
        ("0 0 */2 * 1", "UTC", "2026-11-23T00:00"),
        ("0 0 1 7 *", "Europe/Berlin", "2027-06-30T22:00"),
        ("0 0 1 7 *", "Australia/Sydney", "2027-06-30T14:00"),
        ("0 0 29 2 */7", "UTC", "2032-02-29T00:00"),
        ("@yearly", "Asia/Kolkata", "2026-12-31T18:30"),
    ],
)
def test_next_occurrence(expression: str, zone: str, due: str) -> None:
    assert Cron.parse(expression, zone).next(NOON) == at(due)


@pytest.mark.parametrize(
    ("written", "expression"),
    [
        ("  */5\t*  * \t* MON-fri  ", "*/5 * * * mon-fri"),
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight ", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("007 0 * * 7", "007 0 * * 7"),
    ],
)
def test_an_expression_is_normalised(written: str, expression: str) -> None:
    cron = Cron.parse(written)
    assert cron.expression == expression
    assert Cron.parse(cron.expression) == cron


def test_a_cron_is_a_value() -> None:
    cron = Cron.parse("0 9 * * MON", "Europe/Berlin")
    same = Cron.parse(" 0 9 * * mon", ZoneInfo.no_cache("Europe/Berlin"))
    assert cron == same
    assert hash(cron) == hash(same)
    assert cron != Cron.parse("0 9 * * mon", "UTC")
    assert pickle.loads(pickle.dumps(cron)) == cron  # noqa: S301  our own bytes
    assert copy.deepcopy(cron).next(NOON) == cron.next(NOON)
    with pytest.raises(AttributeError):
        cron.expression = "* * * * *"  # type: ignore[misc]  # frozen: the point of the test


@pytest.mark.parametrize(
    ("expression", "field", "reason", "instead"),
    [
        ("", "expression", "empty", ""),
        ("\t ", "expression", "empty", ""),
        ("* * * *", "expression", "not 4", ""),
        ("0 0 9 * * ?", "expression", "seconds or years", "0 9 * * *"),
        ("0 0 9 * * 2", "expression", "seconds or years", ""),
        ("*/5 * * * * *", "expression", "seconds or years", ""),
        ("0 0 9 ? * mon 2026", "expression", "seconds and years", ""),
        ("0, 30 * * * *", "expression", "a blank ends a field", "0,30 * * * *"),
        ("0 9 - 17 * * *", "expression", "a blank ends a field", "0 9-17 * * *"),
        ("CRON_TZ=UTC 0 0 * * *", "expression", "a variable", ""),
        ("*\v*\v*\v*\v*", "expression", "vertical tab", ""),
        ("* * * * *\n", "day-of-week", "line break", ""),
        ("* * * * *\r\n* * * * *", "expression", "carriage return", ""),
        ("@reboot", "expression", "not a time", ""),
        ("@DAILY", "expression", "the names are", "@daily"),
        ("@every_minute", "expression", "not a name", "* * * * *"),
        ("@daily extra", "expression", "the names are", "@daily"),
        ("0 22-2 * * *", "hour", "backwards", "22-23,0-2"),
        ("0 0 30 2 *", "day-of-month", "never comes", ""),
        ("0 0 31 2,4,6,9,11 */2", "day-of-month", "never comes", ""),
    ],
)
def test_a_bad_expression_is_refused(expression: str, field: str, reason: str, instead: str) -> None:
    with pytest.raises(InvalidTrigger) as refused:
        Cron.parse(expression)
    assert (refused.value.field, refused.value.instead) == (field, instead)
    assert reason in refused.value.detail
    assert refused.value.detail.isprintable()
    if instead and field == "expression":
        Cron.parse(instead)


@pytest.mark.parametrize("value", [None, 5, b"* * * * *", ["*"], datetime(2026, 1, 1, tzinfo=UTC)])
def test_what_is_not_text_is_refused(value: object) -> None:
    with pytest.raises(InvalidTrigger):
        Cron.parse(value)  # type: ignore[arg-type]  # a wrong type: the point of the test
    with pytest.raises(InvalidTrigger):
        Cron.parse("* * * * *", value)  # type: ignore[arg-type]  # a wrong type: the point of the test


def test_a_megabyte_is_refused_by_its_length_and_not_echoed() -> None:
    with pytest.raises(InvalidTrigger, match="at most 10,000") as refused:
        Cron.parse("*," * 500_000)
    assert len(refused.value.detail) < 150


def test_30_february_fires_if_a_weekday_is_enough() -> None:
    assert Cron.parse("0 0 30 2 1").next(NOON) == at("2027-02-01")


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.text(max_size=30), st.text("0123456789*/,-@#%=? \tLWmonjan\n\0", max_size=40)),
    st.text(max_size=12),
)
def test_garbage_never_raises_anything_but_invalid_trigger(expression: str, zone: str) -> None:
    for arguments in ((expression,), (expression, "UTC"), ("* * * * *", zone)):
        try:
            cron = Cron.parse(*arguments)
        except InvalidTrigger:
            continue
        assert cron.next(NOON) is not None


def matches(cron: Cron, moment: datetime) -> bool:
    clock = moment.astimezone(cron.zone)
    days = (clock.day in cron.day.values, clock.isoweekday() % 7 in cron.weekday.values)
    return (
        clock.minute in cron.minute.values
        and clock.hour in cron.hour.values
        and clock.month in cron.month.values
        and (any(days) if cron.either_day else all(days))
    )


@settings(max_examples=200, deadline=None)
@given(expression=expressions, zone=zones, after=moments)
def test_occurrences_ascend_match_or_end_a_gap_and_none_is_its_own_successor(
    expression: str, zone: str, after: datetime
) -> None:
    cron = Cron.parse(expression, zone)
    due = list(islice(cron.occurrences(after), 20))
    assert all(earlier < later for earlier, later in pairwise([after, *due]))
    for moment in due:
        assert moment.tzinfo is UTC
        assert (moment.second, moment.microsecond) == (0, 0)
        assert cron.next(moment - timedelta(microseconds=1)) == moment
        before = (moment - SECOND).astimezone(cron.zone).utcoffset()
        assert matches(cron, moment) or before != moment.astimezone(cron.zone).utcoffset()


@settings(max_examples=150, deadline=None)
@given(expression=night_expressions, zone=zones, start=moments, parts=st.tuples(*[st.integers(0, 400_000)] * 2))
def test_two_windows_fire_as_one(expression: str, zone: str, start: datetime, parts: tuple[int, int]) -> None:
    cron = Cron.parse(expression, zone)
    middle = start + timedelta(seconds=parts[0])
    end = middle + timedelta(seconds=parts[1])
    halves = [*cron.occurrences(start, middle), *cron.occurrences(middle, end)]
    assert halves == list(cron.occurrences(start, end))


@settings(max_examples=200, deadline=None)
@given(zone=zones, after=moments, wall=st.datetimes(datetime(1976, 1, 1), datetime(1976, 12, 31)))  # noqa: DTZ001  a wall clock
def test_a_yearly_time_is_found_across_the_clock_changes_between(zone: str, after: datetime, wall: datetime) -> None:
    cron = Cron.parse(f"{wall.minute} {wall.hour} {wall.day} {wall.month} *", zone)
    hits = []
    for year in range(after.year - 1, after.year + 9):
        if not (wall.month == 2 and wall.day == 29 and year % 4):
            hit = wall.replace(year=year, second=0, microsecond=0, fold=0, tzinfo=cron.zone).astimezone(UTC)
            # In a gap there is no such time, and after a jump of hours cron may not make it up.
            exists = hit.astimezone(cron.zone).hour == wall.hour and hit.astimezone(cron.zone).day == wall.day
            assume(exists or hit <= after)
            hits.append(hit)
    assert cron.next(after) == next(hit for hit in hits if hit > after)


def test_bounds_are_exclusive_and_inclusive_and_see_microseconds() -> None:
    cron = Cron.parse("* * * * *")
    minute = timedelta(minutes=1)
    assert list(cron.occurrences(NOON, NOON + minute)) == [NOON + minute]
    assert list(cron.occurrences(NOON - timedelta(microseconds=1), NOON)) == [NOON]
    assert list(cron.occurrences(NOON, NOON + minute - timedelta(microseconds=1))) == []
    assert list(cron.occurrences(NOON, NOON - minute)) == []


def test_naive_datetimes_are_a_programming_error_at_the_call() -> None:
    naive = NOON.replace(tzinfo=None)
    cron = Cron.parse("* * * * *")
    with pytest.raises(ValueError, match="no time zone"):
        cron.next(naive)
    with pytest.raises(ValueError, match="no time zone"):
        cron.occurrences(NOON, naive)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York", "Pacific/Kiritimati"])
def test_no_error_at_the_first_and_last_date_of_the_calendar(zone: str) -> None:
    cron = Cron.parse("0 0 * * *", zone)
    late = datetime.max.replace(tzinfo=UTC) - timedelta(days=3)
    assert len(list(cron.occurrences(late))) in {2, 3}
    assert cron.next(datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))) is None
    assert cron.next(datetime.min.replace(tzinfo=timezone(timedelta(hours=12)))) is not None
    assert Cron.parse("0 0 29 2 *", zone).next(at("9996-03-02")) is None
