"""database.backup: making, checking, rotating and restoring backups."""

import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connections
from pytest_django import Settings

from jobs.backup import files, postgres, sqlite
from jobs.backup.errors import BackupFailed
from jobs.errors import Cancelled, TimedOut
from scheduling.errors import InvalidRequest
from scheduling.registry import definition
from tests.jobs.contexts import Recorder
from tests.jobs.run_job import run_job
from tests.servers.plugin import require
from tests.servers.postgres import PostgresServer
from tests.servers.programs import program

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path, settings: Settings) -> Path:
    settings.TANDEM_BACKUPS_ROOT = str(tmp_path / "backups")
    return tmp_path / "backups"


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """A SQLite database under the name `shop`, in use: WAL, with 10,000 rows."""
    path = tmp_path / "shop.sqlite3"
    monkeypatch.setitem(connections.settings, "shop", {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)})
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, word TEXT)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO item (word) VALUES (?)", [("x" * 500,)] * 10_000)
        connection.execute("COMMIT")
        yield connection


def count(path: str | Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found: int = copy.execute("SELECT count(*) FROM item").fetchone()[0]
        return found


def test_a_sqlite_backup_is_the_database_in_one_file(root: Path, live: sqlite3.Connection) -> None:
    recorder = Recorder()
    result = run_job("database.backup", recorder, database="shop")
    copy = Path(result["file"])
    assert count(copy) == 10_000
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]
    assert copy.parent == root / "database"
    assert copy.stat().st_size == result["bytes"]
    assert (copy.stat().st_mode & 0o777, copy.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert result["deleted"] == []
    done, total, _ = recorder.reports[-1]
    assert done == total > 1000


def test_a_write_during_the_backup_does_not_wait_and_is_not_in_it(root: Path, live: sqlite3.Connection) -> None:
    def write() -> bool:
        # Called once for each step of the copy.
        live.execute("INSERT INTO item (word) VALUES ('late')")
        return False

    result = run_job("database.backup", Recorder(write), database="shop")
    assert count(result["file"]) == 10_000
    assert live.execute("SELECT count(*) FROM item").fetchone()[0] > 10_000


def test_a_backup_that_is_cancelled_leaves_nothing_and_deletes_nothing(root: Path, live: sqlite3.Connection) -> None:
    kept = Path(run_job("database.backup", database="shop", keep=1)["file"])
    recorder = Recorder()
    recorder.cancel_when = lambda: len(recorder.reports) > 1
    with pytest.raises(Cancelled):
        run_job("database.backup", recorder, database="shop", keep=1)
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


def test_a_missing_database_is_no_empty_backup(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "missing.sqlite3")}
    monkeypatch.setitem(connections.settings, "gone", about)
    with pytest.raises(BackupFailed, match=r"There is no database file missing\.sqlite3"):
        run_job("database.backup", database="gone")
    assert list((root / "database").iterdir()) == []


def test_a_root_that_is_no_folder_fails_clearly(root: Path, live: sqlite3.Connection) -> None:
    root.write_text("a file")
    with pytest.raises(BackupFailed, match="The file cannot be written"):
        run_job("database.backup", database="shop")


def test_a_damaged_database_is_no_backup(root: Path, live: sqlite3.Connection, tmp_path: Path) -> None:
    live.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (tmp_path / "shop.sqlite3").open("r+b") as file:
        file.seek(4096 * 40)
        file.write(b"\xff" * 4096 * 3)
    with pytest.raises(BackupFailed):
        run_job("database.backup", database="shop")
    assert list((root / "database").iterdir()) == []


def test_a_copy_that_is_no_database_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes(b"nonsense" * 1000)
    with pytest.raises(BackupFailed, match="cannot be read"):
        sqlite.check(tmp_path / "copy")


def test_rotation_keeps_the_newest_backups_and_other_databases(tmp_path: Path) -> None:
    mine = [files.name("shop", ".dump", task_id=number, at=NOW.replace(minute=number)) for number in range(12)]
    same_second = [files.name("shop", ".dump", task_id=number, at=NOW) for number in (9, 10)]
    others = [
        "notes.txt",
        "shop-2026.dump",
        files.name("shop", ".sqlite3", task_id=1, at=NOW),
        files.name("my-shop", ".dump", task_id=1, at=NOW),
        files.name("shop-old", ".dump", task_id=1, at=NOW),
    ]
    for name in (*mine, *same_second, *others):
        (tmp_path / name).touch()
    deleted = files.rotate(tmp_path, "shop", ".dump", keep=1, now=NOW)
    assert deleted == [*mine, same_second[0]]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([same_second[1], *others])


def test_partial_files_of_killed_backups_are_deleted_later(tmp_path: Path) -> None:
    left = tmp_path / (files.name("shop", ".dump", task_id=1, at=NOW) + ".part")
    left.touch()
    made = datetime.fromtimestamp(left.stat().st_mtime, UTC)
    assert files.rotate(tmp_path, "shop", ".dump", keep=1, now=made) == []
    assert left.exists()
    files.rotate(tmp_path, "shop", ".dump", keep=1, now=made.replace(year=made.year + 1))
    assert not left.exists()


@pytest.mark.parametrize(
    "wrong",
    [{"database": "missing"}, {"folder": ".."}, {"folder": "a/b"}, {"folder": "/tmp"}, {"keep": 0}, {"timeout": 0}],
)
def test_parameters_out_of_bounds_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        definition("database.backup").check(wrong)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    require("PostgreSQL")
    with PostgresServer() as running:
        with psycopg.connect(running.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE item (id serial PRIMARY KEY, word text)")
            connection.execute("INSERT INTO item (word) SELECT 'w' || n FROM generate_series(1, 1000) n")
            # PostgreSQL asks for a password over TCP only, and only this role has one.
            connection.execute("CREATE ROLE keeper LOGIN PASSWORD 'open sesame' IN ROLE pg_read_all_data")
            connection.execute('CREATE DATABASE "dbname=other host=elsewhere"')
        hba = running.folder / "data" / "pg_hba.conf"
        here = "127.0.0.1/32"
        hba.write_text(f"local all tandem trust\nhost all tandem {here} trust\nhost all keeper {here} scram-sha-256\n")
        running.stop()
        running.start()
        yield running


def about(server: PostgresServer, **more: Any) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "tandem",
        "USER": "keeper",
        "PASSWORD": "open sesame",
        "HOST": "127.0.0.1",
        "PORT": server.port,
    } | more


@pytest.mark.live
def test_a_postgresql_backup_restores_into_a_new_database(
    root: Path, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connections.settings, "shop", about(server))
    first = run_job("database.backup", database="shop", keep=1, folder="pg")
    second = run_job("database.backup", Recorder(), database="shop", keep=1, folder="pg")
    dump = Path(second["file"])
    assert [path.name for path in dump.parent.iterdir()] == [dump.name]
    assert second["deleted"] in ([Path(first["file"]).name], [])
    assert dump.stat().st_mode & 0o777 == 0o600
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS restored")
        connection.execute("CREATE DATABASE restored")
    url = server.url.removesuffix("tandem") + "restored"
    restore = [str(program("pg_restore")), "--exit-on-error", "--no-owner", f"--dbname={url}"]
    subprocess.run([*restore, str(dump)], check=True)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*), max(word) FROM item").fetchone() == (1000, "w999")


@pytest.mark.live
def test_behind_a_pooler_the_backup_takes_the_direct_address(
    root: Path, server: PostgresServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pooled = about(server, PORT=1, DISABLE_SERVER_SIDE_CURSORS=True)
    monkeypatch.setitem(connections.settings, "default", pooled)
    settings.TANDEM_DIRECT_DATABASE = about(server)
    assert run_job("database.backup")["bytes"] > 0


def test_behind_a_pooler_without_a_direct_address_nothing_is_dumped(
    root: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    itself: dict[str, Any] = {"ENGINE": "django.db.backends.postgresql", "NAME": "x"}
    pooled = itself | {"DISABLE_SERVER_SIDE_CURSORS": True}
    monkeypatch.setitem(connections.settings, "default", pooled)
    monkeypatch.setitem(connections.settings, "shop", pooled)
    settings.TANDEM_DIRECT_DATABASE = None
    with pytest.raises(InvalidRequest, match="set DATABASE_DIRECT_URL to the address of PostgreSQL itself"):
        definition("database.backup").check({})
    # The direct address is that of Tandem's own database, not of others.
    settings.TANDEM_DIRECT_DATABASE = itself
    definition("database.backup").check({})
    with pytest.raises(InvalidRequest, match="leads to a pooler"):
        run_job("database.backup", database="shop")
    assert not root.exists()


@pytest.mark.live
def test_a_name_that_looks_like_connection_parameters_is_a_name(server: PostgresServer, tmp_path: Path) -> None:
    named = about(server, NAME="dbname=other host=elsewhere", USER="tandem", PASSWORD="")
    postgres.back_up(named, tmp_path / "x.dump", timeout=60, cancelled=lambda: False)
    assert (tmp_path / "x.dump").stat().st_size > 0


@pytest.mark.live
def test_a_password_that_is_wrong_fails_and_is_not_repeated(server: PostgresServer, tmp_path: Path) -> None:
    wrong = about(server, PASSWORD="closed sesame")
    with pytest.raises(BackupFailed, match="pg_dump ended with 1") as failed:
        postgres.back_up(wrong, tmp_path / "x.dump", timeout=60, cancelled=lambda: False)
    assert "sesame" not in failed.value.detail


@pytest.mark.live
def test_a_dump_that_waits_for_a_lock_runs_out_of_time_or_is_cancelled(server: PostgresServer, tmp_path: Path) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute("LOCK TABLE item IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(TimedOut):
            postgres.back_up(about(server), tmp_path / "x.dump", timeout=0.5, cancelled=lambda: False)
        asked = threading.Event()

        def second_time() -> bool:
            before = asked.is_set()
            asked.set()
            return before

        with pytest.raises(Cancelled):
            postgres.back_up(about(server), tmp_path / "x.dump", timeout=60, cancelled=second_time)


@pytest.mark.live
def test_a_dump_that_was_cut_off_is_found_out(server: PostgresServer, tmp_path: Path) -> None:
    dump = tmp_path / "x.dump"
    postgres.back_up(about(server), dump, timeout=60, cancelled=lambda: False)
    dump.write_bytes(dump.read_bytes()[:-200])
    with pytest.raises(BackupFailed, match="pg_restore ended with 1"):
        postgres.check(dump, timeout=60, cancelled=lambda: False)


def test_a_machine_without_pg_dump_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BackupFailed, match="postgresql-client"):
        postgres.back_up({"NAME": "x"}, tmp_path / "x.dump", timeout=1, cancelled=lambda: False)
