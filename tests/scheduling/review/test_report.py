"""A whole crontab, and all schedules, line by line."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scheduling.errors import InvalidRequest
from scheduling.models import Schedule
from scheduling.review.report import MOST_BYTES, MOST_LINES, Report, of_crontab, of_schedules
from scheduling.review.report_lines import ReportLine, ReportOptions
from tests.conftest import a_schedule, at

NOW = at("2026-11-20 10:00")
CRONTAB = """\
MAILTO=ops@example.org
# nightly
30 2 * * * backup
PATH=/opt/bin
@reboot warm-up
99 * * * * broken
0 0 13 * 5 report%to: me
"""


def report(text: str, **wanted: object) -> Report:
    return of_crontab(text, timezone="Europe/Berlin", now=NOW, **wanted)  # type: ignore[arg-type]  # as the test says


def by_number(found: Report) -> dict[int, ReportLine]:
    return {line.number: line for line in found.lines}


def test_every_line_is_there_with_what_it_means() -> None:
    found = report(CRONTAB)
    lines = by_number(found)
    kinds = ["assignment", "comment", "entry", "assignment", "at_start", "error", "entry"]
    assert [str(line.kind) for line in found.lines] == kinds
    assert lines[3].words == "At 02:30, Europe/Berlin time"
    assert lines[3].next_occurrences[0] == at("2026-11-21 01:30")
    assert len(lines[3].next_occurrences) == 3
    assert "clock_change" in [one.code for one in lines[3].warnings]
    assert lines[5].words == "At every start of the machine"
    assert lines[6].error == "minute field, '99': values are 0 to 59"
    assert (lines[7].command, lines[7].stdin) == ("report", "to: me\n")
    assert [one.code for one in lines[7].warnings] == ["percent", "either_day"]
    assert (found.form, found.timezone) == ("user", "Europe/Berlin")


def test_the_environment_is_the_one_in_force_at_the_line() -> None:
    lines = by_number(report(CRONTAB + "MAILTO=\n'PATH'=/bin\n@daily x\n"))
    assert dict(lines[3].environment) == {"MAILTO": "ops@example.org"}
    assert dict(lines[5].environment) == {"MAILTO": "ops@example.org", "PATH": "/opt/bin"}
    assert dict(lines[10].environment) == {"MAILTO": "ops@example.org", "PATH": "/bin"}


def test_a_long_environment_is_shortened() -> None:
    text = "".join(f"V{number}={'x' * 500}\n" for number in range(100)) + "@daily x\n"
    environment = by_number(report(text))[101].environment
    assert list(environment) == [f"V{number}" for number in range(80, 100)]
    assert {len(value) for value in environment.values()} == {100}


def test_words_come_in_the_language_asked_for() -> None:
    lines = by_number(report(CRONTAB, options=ReportOptions(count=1, language="de")))
    assert lines[3].words == "Um 02:30 Uhr, Zeitzone Europe/Berlin"
    assert len(lines[3].next_occurrences) == 1
    assert lines[5].words == "Bei jedem Hochfahren des Rechners"


def test_the_busiest_minutes_come_first() -> None:
    text = "0 3 * * * a\n0 3 * * * b\n0 3,4 * * * c\n0 4 * * * d\n0 5 * * * e\n"
    found = report(text).collisions
    assert [(one.at, one.count, one.numbers) for one in found] == [
        (at("2026-11-21 02:00"), 3, [1, 2, 3]),
        (at("2026-11-21 03:00"), 2, [3, 4]),
    ]


@pytest.mark.parametrize(("lines", "warned"), [(10, False), (11, True)])
def test_a_crowded_minute_is_a_warning_of_each_line(lines: int, *, warned: bool) -> None:
    found = report("".join(f"0 3 * * * job {number}\n" for number in range(lines)))
    assert [("same_minute" in [one.code for one in line.warnings]) for line in found.lines] == [warned] * lines


def test_a_table_that_ends_its_lines_as_windows_does_is_read_with_one_warning() -> None:
    found = report("A=1\r\n\r\n@daily x\r\n")
    assert [one.code for one in found.warnings] == ["carriage_return"]
    assert [str(line.kind) for line in found.lines] == ["assignment", "blank", "entry"]
    assert by_number(found)[3].command == "x"
    assert not by_number(found)[3].warnings


def test_ten_thousand_lines_are_all_read() -> None:
    text = "".join(f"{number % 60} {number % 24} * * {number % 7} job {number}\n" for number in range(10_001))
    found = report(text, options=ReportOptions(count=1))
    assert found.count("entry") == 10_001
    assert found.complete
    assert [one.code for one in found.warnings] == ["too_many_lines"]


@pytest.mark.parametrize(
    ("text", "code"),
    [("#" * (MOST_BYTES + 1), "too_large"), ("é" * MOST_BYTES, "too_large"), ("\n" * 20_001, "too_many_lines")],
)
def test_a_table_beyond_the_limits_is_refused(text: str, code: str) -> None:
    assert MOST_LINES == 20_000
    with pytest.raises(InvalidRequest) as refusal:
        report(text)
    assert [(one.field, one.code) for one in refusal.value.problems] == [("crontab", code)]


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        of_crontab("", timezone="Mars", now=NOW)
    assert refusal.value.problems[0].field == "timezone"


@pytest.mark.django_db
def test_schedules_are_read_like_lines() -> None:
    daily = a_schedule(name="nightly", cron="30 2 * * *", timezone="Europe/Berlin", now=NOW)
    ended = a_schedule(cron="0 * * * *", ends_at=NOW + timedelta(hours=2), now=NOW)
    often = a_schedule(every=30, now=NOW)
    paused = a_schedule(paused=True, now=NOW)
    lines = by_number(of_schedules(Schedule.objects.order_by("pk"), now=NOW))
    assert lines[daily.pk].text == "nightly"
    assert lines[daily.pk].words == "At 02:30, Europe/Berlin time"
    assert lines[ended.pk].next_occurrences == (at("2026-11-20 11:00"), at("2026-11-20 12:00"))
    assert [one.code for one in lines[often.pk].warnings] == ["sub_minute", "very_frequent"]
    assert (lines[paused.pk].kind, lines[paused.pk].next_occurrences) == ("paused", ())


@pytest.mark.django_db
def test_a_schedule_whose_zone_is_gone_is_an_error_among_the_others() -> None:
    schedule = a_schedule(now=NOW)
    Schedule.objects.filter(pk=schedule.pk).update(timezone="Mars/Base")
    [line] = of_schedules(Schedule.objects.all(), now=NOW).lines
    assert (line.kind, line.error_code) == ("error", "invalid_trigger")
