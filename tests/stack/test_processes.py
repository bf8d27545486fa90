"""Which processes run in development, and how."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stack.failure import StackError
from stack.processes import Surroundings, broker, services
from stack.readiness import AnswersHttp, AnswersPing

AROUND = Surroundings(
    python="/venv/bin/python",
    manage=Path("/code/manage.py"),
    var=Path("/data"),
    broker_program=Path("/venv/valkey-server"),
    broker_socket=Path("/data/broker.sock"),
    crontab="file:/data/crontab",
    host="127.0.0.1",
    port=8000,
    unique="abc",
)


def test_the_embedded_broker_keeps_everything_and_listens_on_its_socket_only() -> None:
    [process] = broker(AROUND)
    options = dict(zip(process.argv[1::2], process.argv[2::2], strict=True))
    assert options == {
        "--port": "0",
        "--unixsocket": "/data/broker.sock",
        "--unixsocketperm": "700",
        "--dir": "/data/broker",
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--save": "",
        "--maxmemory-policy": "noeviction",
        "--loglevel": "warning",
    }
    assert process.ready == AnswersPing(Path("/data/broker.sock"))


def test_a_broker_of_ones_own_is_not_started() -> None:
    assert broker(replace(AROUND, broker_program=None)) == []


def test_a_socket_path_that_just_fits_is_used() -> None:
    assert broker(replace(AROUND, broker_socket=Path("/" + "x" * 102)))


def test_a_socket_path_that_is_too_long_is_refused_with_what_to_set() -> None:
    with pytest.raises(StackError, match="set TANDEM_VAR to a folder with a shorter path"):
        broker(replace(AROUND, broker_socket=Path("/" + "x" * 103)))


def test_the_services_in_their_order() -> None:
    assert [process.name for process in services(AROUND)] == ["web", "worker", "beat", "cron"]


def test_the_web_server_listens_where_it_was_asked_to_and_is_waited_for() -> None:
    web = services(replace(AROUND, host="0.0.0.0", port=9000))[0]  # noqa: S104 - what a user may ask for
    assert web.argv[:4] == ("/venv/bin/python", "-m", "uvicorn", "settings.asgi:application")
    assert web.argv[4:8] == ("--host", "0.0.0.0", "--port", "9000")  # noqa: S104 - as above
    assert web.ready == AnswersHttp("127.0.0.1", 9000)


def test_the_worker_has_a_name_of_its_own_and_time_to_finish() -> None:
    worker = services(AROUND)[1]
    assert worker.argv[worker.argv.index("-n") + 1] == "worker-abc@%h"
    assert worker.grace_seconds > 10


def test_beat_keeps_no_pid_file() -> None:
    assert services(AROUND)[2].argv[1:] == ("manage.py", "beat")


@pytest.mark.parametrize(
    ("crontab", "command"),
    [("file:/data/crontab", ["cron_runner"]), ("user", ["crontab_agent"]), ("none", [])],
)
def test_what_serves_the_crontab_depends_on_where_it_is(crontab: str, command: list[str]) -> None:
    found = services(replace(AROUND, crontab=crontab))
    assert [process.argv[-1] for process in found if process.name == "cron"] == command
