"""Waiting for a database that is away."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DataError, InterfaceError, InternalError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler, load_backend
from pytest_django.plugin import DjangoDbBlocker

from scheduling.database_away import others_may_decide, unavailable, wait_through

Opener = Callable[..., BaseDatabaseWrapper]
PAUSES = (0.5, 1.0, 2.5)


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A mark for each time the connection was closed."""
    marks: list[str] = []
    monkeypatch.setattr(connection, "close", lambda: marks.append("closed"))
    return marks


def troubled(*troubles: Exception) -> Callable[[], str]:
    """Work that raises each of these once, and then is done."""
    left = list(troubles)

    def work() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return work


def test_work_that_succeeds_is_done_once(closed: list[str]) -> None:
    slept: list[float] = []
    assert wait_through(troubled(), pauses=PAUSES, sleep=slept.append) == "done"
    assert (slept, closed) == ([], [])


def test_each_trouble_is_logged_and_waited_for_on_a_new_connection(
    closed: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    slept: list[float] = []
    work = troubled(OperationalError("server closed the connection\n"), InterfaceError("connection already closed"))
    with caplog.at_level(logging.INFO):
        assert wait_through(work, pauses=PAUSES, level=logging.INFO, sleep=slept.append) == "done"
    assert slept == [0.5, 1.0]
    assert closed == ["closed"] * 2
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "the database is away, trying again in 0.5 s: server closed the connection"),
        ("INFO", "the database is away, trying again in 1.0 s: connection already closed"),
    ]


@pytest.mark.parametrize("pauses", [(), PAUSES])
def test_the_last_trouble_is_raised_after_all_pauses(closed: list[str], pauses: tuple[float, ...]) -> None:
    slept: list[float] = []
    work = troubled(*[OperationalError("away") for _ in pauses], InterfaceError("still away"))
    with pytest.raises(InterfaceError, match="still away"):
        wait_through(work, pauses=pauses, sleep=slept.append)
    assert slept == list(pauses)


def stay_awake(seconds: float) -> None:
    raise AssertionError(f"slept for {seconds} s")


@pytest.mark.parametrize("trouble", [DataError("too long"), ValueError("a bug")])
def test_what_is_no_outage_is_raised_at_once(closed: list[str], trouble: Exception) -> None:
    with pytest.raises(type(trouble)) as raised:
        wait_through(troubled(trouble), pauses=PAUSES, sleep=stay_awake)
    assert raised.value is trouble
    assert closed == []


def test_the_end_of_the_process_is_not_waited_for(closed: list[str]) -> None:
    def end() -> None:
        raise SystemExit(143)

    with pytest.raises(SystemExit):
        wait_through(end, pauses=PAUSES, sleep=stay_awake)
    assert closed == []


@pytest.fixture
def opened(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Opener]:
    """Opens Django's connections to one SQLite file, which has a table with a row."""
    with sqlite3.connect(tmp_path / "file") as made:
        made.execute("CREATE TABLE kept (text)")
    made.close()
    all_of_them: list[BaseDatabaseWrapper] = []

    def opener(suffix: str = "", **options: object) -> BaseDatabaseWrapper:
        entry = {"ENGINE": "django.db.backends.sqlite3", "NAME": f"file:{tmp_path / 'file'}{suffix}"}
        entry["OPTIONS"] = {"uri": True, "timeout": 0, **options}  # type: ignore[assignment]  # an entry is not of one type
        settings = ConnectionHandler({"default": entry}).settings["default"]
        all_of_them.append(load_backend(settings["ENGINE"]).DatabaseWrapper(settings, "default"))
        return all_of_them[-1]

    with django_db_blocker.unblock():
        yield opener
        for one in all_of_them:
            one.close()


def trouble_of(there: BaseDatabaseWrapper, statement: str) -> str:
    with pytest.raises(Exception) as raised, there.cursor() as cursor:  # noqa: PT011 - which error it is, is the point
        cursor.execute(statement)
    return unavailable(raised.value)


def test_sqlite_that_another_process_has_locked_is_not_available(opened: Opener) -> None:
    holder = opened()
    with holder.cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE")
        assert trouble_of(opened(), "INSERT INTO kept VALUES ('x')") == "SQLITE_BUSY"


def test_sqlite_that_is_full_read_only_or_gone_is_not_available(opened: Opener) -> None:
    full = opened(init_command="PRAGMA max_page_count = 1")
    assert trouble_of(full, "INSERT INTO kept VALUES (zeroblob(10000))") == "SQLITE_FULL"
    assert trouble_of(opened("?mode=ro"), "INSERT INTO kept VALUES ('x')") == "SQLITE_READONLY"
    assert trouble_of(opened("/nowhere"), "SELECT 1") == "SQLITE_CANTOPEN"


@pytest.mark.parametrize("statement", ["SELECT nothing", "SELECT 1 FROM nowhere", "SELEKT"])
def test_a_wrong_statement_is_a_fault_of_ours(opened: Opener, statement: str) -> None:
    assert trouble_of(opened(), statement) == ""


class Refusal(Exception):
    """What the driver of PostgreSQL raises."""

    def __init__(self, sqlstate: str | None) -> None:
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("raised", "sqlstate", "name"),
    [
        (OperationalError, "53100", "Refusal 53100"), (OperationalError, "53300", "Refusal 53300"),
        (OperationalError, "57P03", "Refusal 57P03"), (OperationalError, None, "Refusal"),
        (InterfaceError, None, "Refusal"), (InternalError, "25006", "Refusal 25006"),
        (InternalError, "XX000", ""), (OperationalError, "54001", ""), (DataError, "22001", ""),
    ],
)  # fmt: skip
def test_postgresql_says_by_its_code_whether_it_is_available(
    raised: type[Exception], sqlstate: str | None, name: str
) -> None:
    error = raised("at db for user u")
    error.__cause__ = Refusal(sqlstate)
    assert unavailable(error) == name


@pytest.mark.parametrize(
    ("runs_without", "overdue", "host_silent", "answered_for", "may"),
    [
        (False, 89, 9999, 9999, False),
        (False, 90, 0, 0, True),
        (True, 9999, 3599, 9999, False),
        (True, 3599, 9999, 9999, False),
        (True, 3600, 3600, 89, False),
        (True, 3600, 3600, 90, True),
    ],
)
def test_others_decide_for_a_host_only_after_it_had_time_to_tell(
    runs_without: bool, overdue: int, host_silent: int, answered_for: int, may: bool
) -> None:
    found = others_may_decide(
        runs_without=runs_without,
        overdue=timedelta(seconds=overdue),
        host_silent=timedelta(seconds=host_silent),
        answered_for=timedelta(seconds=answered_for),
    )
    assert found == may
