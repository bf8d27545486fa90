"""The records of runs: what is torn or damaged counts as not written, and nothing raises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.crontab.spool import record
from scheduling.models import Schedule
from scheduling.spooled_run import EndedRun, LoggedLine, Progress, RunEnd, SpooledRun, StartedRun
from tests.conftest import at

DUE = at("2026-11-21 10:00")
TEXT = st.text(max_size=40)
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants them naive
JSON: Any = st.recursive(st.none() | st.booleans() | st.integers() | TEXT, st.lists, max_leaves=5)


def a_schedule(**fields: Any) -> Schedule:
    return Schedule(pk=42, name="née", job="j", cron="* * * * *", anchor=DUE, cursor=DUE, created_at=DUE, **fields)


STARTED = StartedRun("ab12", a_schedule(updated_at=DUE), "db1", "inline on db1, process 7", "boot-7-1", DUE)
LINES = st.builds(LoggedLine, TIMES, st.sampled_from(["INFO", "ERROR"]), TEXT)
PROGRESS = st.none() | st.builds(Progress, st.integers(0), st.integers(0), TEXT)
RETRIES = st.none() | st.floats(0, 1e6)
ENDS = st.builds(EndedRun, st.sampled_from(RunEnd), TIMES, JSON, TEXT, TEXT, RETRIES, PROGRESS)


def written(lines: list[LoggedLine], ended: EndedRun | None) -> bytes:
    end = [record.of_end(ended)] if ended else []
    return b"".join([record.of_start(STARTED), *map(record.of_line, lines), *end])


def read(content: bytes) -> SpooledRun:
    return record.read(record.name_of(42, DUE), content)


@given(st.lists(LINES, max_size=4), st.none() | ENDS)
def test_what_was_written_is_read_again(lines: list[LoggedLine], ended: EndedRun | None) -> None:
    assert read(written(lines, ended)) == SpooledRun(42, DUE, STARTED, tuple(lines), ended)


@given(st.lists(LINES, max_size=4), ENDS, st.data())
def test_what_is_cut_off_anywhere_is_told_as_far_as_it_was_written(
    lines: list[LoggedLine], ended: EndedRun, data: st.DataObject
) -> None:
    content = written(lines, ended)
    length = data.draw(st.integers(0, len(content) - 1))
    found = read(content[:length])
    assert found.ended is None
    assert found.lines == tuple(lines)[: len(found.lines)]
    assert (found.started == STARTED) == (length >= len(record.of_start(STARTED)))


@given(st.binary(max_size=300), st.data())
def test_foreign_bytes_in_it_are_left_out(noise: bytes, data: st.DataObject) -> None:
    content = written([], None)
    place = data.draw(st.integers(0, len(content)))
    found = read(content[:place] + noise + content[place:])
    assert (found.schedule_id, found.due_at) == (42, DUE)
    assert found.started in {None, STARTED}


@given(st.integers(1, 2**40), TIMES)
def test_a_name_says_which_occurrence_it_is(schedule_id: int, due_at: datetime) -> None:
    whole = due_at.replace(microsecond=0)
    assert record.occurrence_of(record.name_of(schedule_id, whole)) == (schedule_id, whole)


@pytest.mark.parametrize("name", ["", "42", "x-20261121T100000Z", "42-2026", "042-20261121T100000Z", ".42-x.tmp"])
def test_any_other_name_is_none_of_ours(name: str) -> None:
    assert record.occurrence_of(name) is None
    with pytest.raises(ValueError, match="not the name"):
        record.read(name, b"")


def test_the_record_of_another_schedule_is_not_believed() -> None:
    name = record.name_of(43, DUE + timedelta(minutes=1))
    assert record.read(name, written([], None)).started is None
