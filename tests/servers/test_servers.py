"""The private servers: each starts, answers, stops and leaves nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from tests.servers import cron
from tests.servers.cron import CronDaemon
from tests.servers.namespaces import available
from tests.servers.plugin import require
from tests.servers.postgres import PostgresServer
from tests.servers.programs import Server as Program
from tests.servers.programs import missing, not_installed, program
from tests.servers.redis_like import RedisServer, ValkeyServer
from tests.servers.server import Server, ServerError, end_group

ROOT = Path(__file__).resolve().parent.parent.parent

pytestmark = pytest.mark.live


def value_in_postgres(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT current_user || '@' || current_database()").fetchone()
    assert row is not None
    return str(row[0])


def client(server: Server) -> redis.Redis:
    url = server.url.replace("redis+socket://", "unix://").partition("?")[0]
    return redis.Redis.from_url(url, decode_responses=True)


def test_postgresql_starts_answers_and_leaves_nothing() -> None:
    require("PostgreSQL")
    with PostgresServer() as server:
        assert value_in_postgres(server.url) == "tandem@tandem"
        process, folder = server.process, server.folder
        assert process is not None
    assert process.returncode is not None
    assert not folder.exists()
    with pytest.raises(psycopg.OperationalError):
        value_in_postgres(server.url)


def test_postgresql_comes_back_with_its_data_after_a_crash() -> None:
    require("PostgreSQL")
    with PostgresServer() as server:
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        url = server.url
        server.kill()
        server.start()
        assert server.url == url
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def start_redis() -> Server:
    require("Redis")
    return RedisServer()


@pytest.mark.parametrize("make", [start_redis, ValkeyServer])
def test_a_redis_protocol_server_starts_answers_and_leaves_nothing(make: Callable[[], Server]) -> None:
    with make() as server:
        connection = client(server)
        assert connection.ping()
        connection.close()
        process, folder = server.process, server.folder
        assert process is not None
    assert process.returncode is not None
    assert not folder.exists()


def test_options_reach_the_server() -> None:
    with ValkeyServer("--maxmemory-policy", "allkeys-lru") as server:
        connection = client(server)
        assert connection.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
        connection.close()


def test_a_server_that_is_stopped_comes_back_at_the_same_address() -> None:
    with ValkeyServer() as server:
        url = server.url
        server.stop()
        assert not server.answers()
        server.start()
        assert server.answers()
        assert server.url == url


def test_two_of_a_kind_live_side_by_side() -> None:
    with ValkeyServer() as one, ValkeyServer() as other:
        first, second = client(one), client(other)
        first.set("key", "value")
        assert second.get("key") is None
        first.close()
        second.close()


def test_a_server_ends_when_its_test_fails() -> None:
    seen: list[Server] = []

    def fail() -> None:
        with ValkeyServer() as server:
            seen.append(server)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not seen[0].folder.exists()
    assert seen[0].process is None


def test_a_group_has_ended_although_nobody_has_asked_for_its_exit_codes() -> None:
    # The child leads a group of its own, and its parent never waits for it.
    code = "import os, time\nif os.fork() == 0:\n    os.setsid(); print(os.getpid(), flush=True)\ntime.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            end_group(child)
            assert Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        finally:
            parent.kill()


@pytest.mark.parametrize("end", ["raise KeyError", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_what_runs_in_namespaces_ends_with_the_test_that_fails_or_is_killed(end: str) -> None:
    if not available():
        pytest.skip("namespaces are not available: run the tests as root, outside a container")
    # One that has left its parent's session, and one whose parent is not `unshare`.
    line = "setsid sleep 600 & echo begun; sleep 600; :"
    code = (
        "import os, signal, subprocess\nfrom tests.servers.namespaces import namespaces\n"
        f"with namespaces(['sh', '-c', {line!r}], stdout=subprocess.PIPE) as process:\n"
        f"    assert process.stdout.readline() == b'begun\\n'\n    {end}"
    )
    # All of them have stderr open: its end is read when the last one has ended.
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, check=False, timeout=60)
    assert done.returncode == (-9 if "SIGKILL" in end else 1)
    assert b"AssertionError" not in done.stderr


def test_a_server_that_does_not_start_shows_its_log_and_leaves_nothing() -> None:
    server = ValkeyServer("--no-such-option", "1")
    with pytest.raises(ServerError, match="no-such-option"):
        server.__enter__()
    assert not server.folder.exists()


def test_cron_runs_inside_and_is_left_as_it_was_found() -> None:
    require("cron")
    with CronDaemon() as outer:
        pid = outer.pid
        assert pid is not None
        with CronDaemon() as inner:
            assert inner.pid == pid
        # Somebody still uses it.
        assert outer.pid == pid


def test_what_a_cron_that_is_gone_still_runs_is_found_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cron, "PID_FILE", tmp_path / "crond.pid")
    shutil.copy("/bin/sleep", tmp_path / "cron")
    # A child of a daemon: it has the daemon's lock open, and belongs to the daemon's session.
    line = f"exec 9> {tmp_path}/crond.pid; {tmp_path}/cron 600 & echo $!; wait"
    daemon = subprocess.Popen(["/bin/sh", "-c", line], stdout=subprocess.PIPE, text=True, start_new_session=True)
    with daemon:
        assert daemon.stdout is not None
        child = int(daemon.stdout.readline())
        _wait_for_name(child, "cron")
        assert CronDaemon().pid is None
        cron.end_children_of("1")
        assert [pid for pid, _ in cron.holders()] == [child]
        cron.end_children_of(str(daemon.pid))
        assert not list(cron.holders())


def _wait_for_name(pid: int, name: str) -> None:
    while Path(f"/proc/{pid}/comm").read_text().strip() != name:
        time.sleep(0.01)


def test_a_command_runs_with_the_address_of_a_private_postgresql() -> None:
    require("PostgreSQL")
    code = "import os, psycopg; psycopg.connect(os.environ['DATABASE_URL']).close(); raise SystemExit(7)"
    command = [sys.executable, "-m", "tests.servers.run_postgres", "--", sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (7, "")


def test_without_a_command_it_says_what_to_write() -> None:
    command = [sys.executable, "-m", "tests.servers.run_postgres", "--"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "after --" in done.stderr


def test_a_missing_program_is_told_with_the_way_to_get_it() -> None:
    assert program("no-such-program-anywhere") is None
    assert "apt-get install some-package" in Program("Some", ("some",), "some-package").how_to_get()


def test_programs_in_sbin_folders_are_found_without_path(monkeypatch: pytest.MonkeyPatch) -> None:
    require("cron")
    monkeypatch.setenv("PATH", "/nowhere")
    assert program("cron") is not None


def test_root_with_everything_installed_misses_nothing() -> None:
    if os.geteuid() == 0 and not not_installed():
        assert missing() == []
    else:
        assert missing()
