"""Lines of a crontab become schedules where a mapping allows their command."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from scheduling.errors import BackendError, InvalidRequest, Misconfigured
from scheduling.models import Schedule
from scheduling.review import adoption
from scheduling.review.foreign_table import ForeignTable, foreign_table
from scheduling.review.report import Report, of_crontab
from tests.conftest import at

NOW = at("2026-11-20 10:00")
MAPPINGS = [
    {"command": "curl -fsS {url}", "job": "http.fetch", "parameters": {"url": "{url}"}, "name": "fetch {url}"},
    {"command": "demo", "job": "demo.process_data"},
]
CRONTAB = """\
0 3 * * * curl -fsS https://example.org/ >/dev/null 2>&1
0 4 * * * rm -rf /
@reboot demo
0 5 * * * demo
0 6 * * * demo%input
"""


class Table(ForeignTable):
    """A crontab in memory. It can be made unwritable."""

    def __init__(self, error: str = "") -> None:
        self.error = error
        self.commented: dict[int, tuple[str, str]] = {}
        self.paused_then: list[bool] = []

    def read(self) -> str:
        return CRONTAB

    def zone(self) -> str:
        return "Europe/Berlin"

    def comment_out(self, lines: Mapping[int, tuple[str, str]], *, now: datetime) -> str:
        self.paused_then = list(Schedule.objects.values_list("paused", flat=True))
        if self.error:
            raise BackendError(self.error)
        self.commented = dict(lines)
        return "backup"


@pytest.fixture(autouse=True)
def _mapped(settings: Any, db: None) -> None:
    settings.TANDEM_CRON_IMPORT = MAPPINGS


def report(text: str = CRONTAB) -> Report:
    return of_crontab(text, timezone="Europe/Berlin", now=NOW)


def outcomes(found: adoption.Adopted) -> dict[int, str]:
    return {one.line: one.outcome for one in found.lines}


def test_a_plan_says_what_would_become_of_each_entry_and_stores_nothing() -> None:
    found = adoption.plan(report(), now=NOW)
    assert outcomes(found) == {1: "would_create", 2: "not_mapped", 4: "would_create", 5: "not_mapped"}
    first = found.lines[0]
    assert (first.job, first.parameters) == ("http.fetch", {"url": "https://example.org/"})
    assert first.words == "At 03:00, Europe/Berlin time"
    assert first.routed_to == "beat"
    assert not Schedule.objects.exists()


def test_applying_it_creates_the_schedules() -> None:
    found = adoption.apply(report(), now=NOW)
    assert outcomes(found) == {1: "created", 2: "not_mapped", 4: "created", 5: "not_mapped"}
    schedule = Schedule.objects.get(job="http.fetch")
    assert schedule.pk == found.lines[0].schedule
    assert (schedule.name, schedule.job, schedule.cron) == ("fetch https://example.org/", "http.fetch", "0 3 * * *")
    assert (schedule.timezone, schedule.paused) == ("Europe/Berlin", False)
    assert "line 1" in schedule.description
    assert Schedule.objects.count() == 2


def test_applying_it_again_creates_nothing() -> None:
    adoption.apply(report(), now=NOW)
    assert outcomes(adoption.apply(report(), now=NOW)) == {1: "exists", 2: "not_mapped", 4: "exists", 5: "not_mapped"}
    assert Schedule.objects.count() == 2


def test_only_the_lines_named_are_looked_at() -> None:
    assert outcomes(adoption.apply(report(), only=[4], now=NOW)) == {4: "created"}


def test_what_a_schedule_may_not_be_is_refused(settings: Any) -> None:
    settings.TANDEM_CRON_IMPORT = [{"command": "demo", "job": "demo.process_data", "parameters": {"nobody": "knows"}}]
    found = adoption.apply(report("0 3 * * * demo\n"), now=NOW)
    assert outcomes(found) == {1: "refused"}
    assert "no such parameter" in found.lines[0].detail
    assert not Schedule.objects.exists()


def test_a_backend_that_is_not_there_is_refused() -> None:
    [line] = adoption.plan(report("0 3 * * * demo\n"), backend="moon", now=NOW).lines
    assert line.outcome == "refused"
    assert "moon" in line.detail


def test_lines_become_comments_before_their_schedules_run() -> None:
    table = Table()
    found = adoption.apply(report(), comment_out=table, now=NOW)
    assert table.paused_then == [True, True]
    assert set(table.commented) == {1, 4}
    assert table.commented[4] == ("0 5 * * * demo", f"Adopted by Tandem as schedule {found.lines[2].schedule}")
    assert (found.backup, found.error) == ("backup", "")
    assert not Schedule.objects.filter(paused=True).exists()


def test_adopted_schedules_begin_after_the_table_was_read_back() -> None:
    """cron still ran the minute in which its lines became comments."""
    read_back = NOW + timedelta(minutes=1, seconds=5)
    adoption.apply(report(), comment_out=Table(), now=NOW, clock=lambda: read_back)
    assert Schedule.objects.exists()
    assert all(schedule.cursor == read_back for schedule in Schedule.objects.all())


def test_where_the_table_cannot_be_written_the_schedules_stay_paused() -> None:
    found = adoption.apply(report(), comment_out=Table("No."), now=NOW)
    assert found.error == "No. The new schedules are paused, so that nothing runs twice."
    assert Schedule.objects.filter(paused=True).count() == 2


def test_a_table_is_not_touched_where_nothing_is_adopted() -> None:
    table = Table()
    assert adoption.apply(report("0 4 * * * rm -rf /\n"), comment_out=table, now=NOW).backup == ""
    assert table.paused_then == []


def test_no_mapping_allows_nothing(settings: Any) -> None:
    settings.TANDEM_CRON_IMPORT = []
    assert set(outcomes(adoption.apply(report(), now=NOW)).values()) == {"not_mapped"}


def test_a_command_that_no_schedule_could_hold_is_not_mapped() -> None:
    assert outcomes(adoption.plan(report("0 3 * * * curl -fsS x\udce4\n"), now=NOW)) == {1: "not_mapped"}


def test_too_many_at_once_are_refused() -> None:
    text = "".join(f"0 3 * * * curl -fsS https://example.org/{number}\n" for number in range(501))
    with pytest.raises(InvalidRequest, match="500"):
        adoption.apply(report(text), now=NOW)
    assert not Schedule.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [{"command": "x"}, {"job": "x"}, "x", {"command": "x", "job": "y", "shell": True}, {"command": "'", "job": "y"}],
)
def test_a_mapping_that_is_wrong_is_named(settings: Any, wrong: object) -> None:
    settings.TANDEM_CRON_IMPORT = [MAPPINGS[0], wrong]
    with pytest.raises(Misconfigured, match=r"TANDEM_CRON_IMPORT\[1\]"):
        adoption.mappings()


def test_the_foreign_table_is_named_in_the_settings(settings: Any) -> None:
    settings.TANDEM_FOREIGN_TABLE = f"{__name__}.Table"
    assert isinstance(foreign_table(), Table)
    settings.TANDEM_FOREIGN_TABLE = "nowhere.at_all"
    with pytest.raises(Misconfigured, match="nowhere"):
        foreign_table()
    settings.TANDEM_FOREIGN_TABLE = "collections.OrderedDict"
    with pytest.raises(Misconfigured, match="not a ForeignTable"):
        foreign_table()
    settings.TANDEM_FOREIGN_TABLE = ""
    with pytest.raises(BackendError, match="TANDEM_FOREIGN_TABLE"):
        foreign_table()
