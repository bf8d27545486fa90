"""`python -m stack`: the whole development stack, started and stopped for real."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from stack.preflight import claim
from tests.servers.plugin import require
from tests.servers.server import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
_LIMIT_SECONDS = 100


@pytest.fixture
def var() -> Iterator[Path]:
    """A short path, since the broker's socket lives in it."""
    with tempfile.TemporaryDirectory(prefix="tandem-") as folder:
        yield Path(folder)


def environ(var: Path, **changes: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"TANDEM_VAR": str(var), "DJANGO_SETTINGS_MODULE": "settings.development"} | changes


def command(port: int, *options: str) -> list[str]:
    return [sys.executable, "-m", "stack", "--port", str(port), *options]


def refused(port: int, env: dict[str, str]) -> str:
    """The message of an `up` that does not start. Checks that it is the whole output, without a traceback."""
    done = subprocess.run(command(port), cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


@contextmanager
def up(port: int, var: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A running stack. It is killed at the end if it still runs."""
    running = subprocess.Popen(
        command(port, *options), cwd=ROOT, env=environ(var), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def read_until(running: subprocess.Popen[str], *texts: str) -> str:
    """The stack's output, read until it contains each of `texts`."""
    assert running.stdout is not None
    shown = ""
    while not all(text in shown for text in texts):
        line = running.stdout.readline()
        assert line, shown
        shown += line
    return shown


def get(url: str, token: str) -> int:
    request = Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - our own http address
    with urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
        return int(answer.status)


def nothing_runs_on(var: Path) -> bool:
    """Every process of a stack holds its lock."""
    os.close(claim(var))
    return True


@pytest.mark.live
def test_up_starts_everything_and_stops_it_in_order(var: Path) -> None:
    port = free_port()
    with up(port, var) as running:
        shown = read_until(running, "/api/tasks/", "ready.", "beat: Starting", "Running the lines")
        kept = json.loads((var / "credentials").read_text())
        assert f"http://127.0.0.1:{port}/" in shown
        assert kept["token"] in shown
        assert kept["password"] in shown
        assert stat.S_IMODE((var / "credentials").stat().st_mode) == 0o600
        assert get(f"http://127.0.0.1:{port}/api/schedules/", kept["token"]) == 200
        assert get(f"http://127.0.0.1:{port}/static/rest_framework/css/default.css", kept["token"]) == 200
        assert "Another `up`" in refused(free_port(), environ(var))
        assert f"Port {port}" in refused(port, environ(var))

        running.send_signal(signal.SIGINT)
        farewell, _ = running.communicate(timeout=_LIMIT_SECONDS)
    assert running.returncode == 0
    assert farewell.rstrip().endswith("up     | Everything has stopped.")
    assert "was killed" not in farewell
    order = ["Warm shutdown", "Valkey is now ready to exit"]
    assert sorted(order, key=farewell.index) == order
    for noise in ("superuser", "[config]", "Configuration ->", "Valkey is starting", "/static/", "Uvicorn", "mingle"):
        assert noise not in shown + farewell
    assert nothing_runs_on(var)
    assert {log.name for log in (var / "log").iterdir()} >= {f"{n}.log" for n in ("broker", "web", "worker", "beat")}


@pytest.mark.live
@pytest.mark.drill
@pytest.mark.parametrize(("broker", "server"), [("redis", "Redis"), ("rabbitmq", "RabbitMQ")])
def test_up_runs_on_a_broker_of_this_machine_too(var: Path, broker: str, server: str) -> None:
    require(server)
    port = free_port()
    with up(port, var, "--broker", broker) as running:
        read_until(running, "ready.", "beat: Starting")
        assert re.search(r"^ok +broker +it answers", doctor(var), re.MULTILINE)
        assert stat.S_IMODE((var / "broker-address").stat().st_mode) == 0o600
        running.send_signal(signal.SIGINT)
        farewell, _ = running.communicate(timeout=_LIMIT_SECONDS)
    assert running.returncode == 0
    assert "was killed" not in farewell
    assert nothing_runs_on(var)
    assert not (var / "broker-address").exists()


def doctor(var: Path) -> str:
    """What `manage.py doctor` says beside a running `up`."""
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"], cwd=ROOT, env=environ(var), capture_output=True, text=True, check=False
    )
    return done.stdout


@pytest.mark.live
def test_a_stop_before_everything_has_started_is_orderly_too(var: Path) -> None:
    with up(free_port(), var) as running:
        # The broker runs, and nothing else has been started yet.
        read_until(running, "up     | Preparing the database.")
        running.send_signal(signal.SIGTERM)
        farewell, _ = running.communicate(timeout=_LIMIT_SECONDS)
    assert running.returncode == 0
    assert "Valkey is now ready to exit" in farewell
    assert "web    |" not in farewell
    assert nothing_runs_on(var)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can tie a child to its parent's life")
@pytest.mark.live
def test_nothing_outlives_a_supervisor_that_is_killed(var: Path) -> None:
    with up(free_port(), var) as running:
        read_until(running, "/api/tasks/", "ready.")
        running.send_signal(signal.SIGKILL)
        running.communicate(timeout=_LIMIT_SECONDS)
    lock_is_free(var)


def lock_is_free(var: Path) -> None:
    """Returns once every process that held the lock has ended: a blocking lock is the signal."""
    flock = [sys.executable, "-c", "import fcntl, sys; fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX)"]
    subprocess.run([*flock, str(var / "up.lock")], check=True, timeout=_LIMIT_SECONDS)


def test_a_port_that_is_in_use_stops_the_start(var: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        assert f"Port {port} on 127.0.0.1 cannot be used" in refused(port, environ(var))


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("BROKER_URL", "nonsense", "BROKER_URL is not usable: write embedded:"),
        ("WORKER_CONCURRENCY", "many", "WORKER_CONCURRENCY is not usable: write a whole number"),
        ("DJANGO_SETTINGS_MODULE", "settings.nowhere", "settings.nowhere"),
    ],
)
def test_wrong_settings_are_one_message(var: Path, variable: str, value: str, says: str) -> None:
    message = refused(free_port(), environ(var, **{variable: value}))
    assert says in message
    assert len(message.splitlines()) == 1


def test_a_folder_that_cannot_be_used_is_named(var: Path) -> None:
    (var / "file").touch()
    assert refused(free_port(), environ(var / "file")) == (
        f"{var}/file cannot be used (File exists): mend that, or set TANDEM_VAR to a folder that can be written.\n"
    )


def test_ctrl_c_while_it_starts_shows_no_traceback(var: Path) -> None:
    # As dev.py leaves it: blocked, and already pending when the program begins.
    code = (
        "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT});"
        "os.kill(os.getpid(), signal.SIGINT); os.execv(sys.executable, [sys.executable, '-m', 'stack'])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ(var), capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


@pytest.mark.live
def test_a_damaged_database_stops_the_start_and_is_named(var: Path) -> None:
    (var / "tandem.sqlite3").write_bytes(b"this is no database " * 1000)
    done = subprocess.run(
        command(free_port()), cwd=ROOT, env=environ(var), capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 1
    assert f"Put a backup in the place of {var}/tandem.sqlite3, or move it away" in done.stderr
    assert "Traceback" not in done.stderr
    assert "its file is damaged. Put a backup in the place of tandem.sqlite3" in doctor(var)


def test_a_folder_with_too_long_a_path_is_refused(var: Path) -> None:
    message = refused(free_port(), environ(var / ("x" * 100)))
    assert "set TANDEM_VAR to a folder with a shorter path" in message


@pytest.mark.live
def test_a_database_that_cannot_be_migrated_stops_the_start_with_what_it_said(var: Path) -> None:
    env = environ(var, DATABASE_URL=f"sqlite:///{var}/no/such/folder/db.sqlite3")
    done = subprocess.run(
        command(free_port()), cwd=ROOT, env=env, capture_output=True, text=True, timeout=_LIMIT_SECONDS, check=False
    )
    assert done.returncode == 1
    assert "`manage.py migrate` failed" in done.stderr
    assert "unable to open database file" in done.stderr
    assert nothing_runs_on(var)
