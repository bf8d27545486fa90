"""Every command and health check of the compose files, run outside a container against private servers."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.deployment.outside import PATIENCE_SECONDS, Outside, RabbitMQ, Redis, stopped
from tests.deployment.tools import BROKERS, REQUIRED
from tests.servers.plugin import require
from tests.servers.postgres import PostgresServer
from tests.servers.programs import program
from tests.servers.server import free_port

pytestmark = [pytest.mark.live, pytest.mark.drill, pytest.mark.timeout(240)]


@pytest.fixture(params=BROKERS)
def outside(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Outside]:
    """The services of a compose file. Only PostgreSQL and the broker run."""
    require("PostgreSQL")
    require({"redis": "Redis", "rabbitmq": "RabbitMQ"}[request.param])
    found = Outside(request.param, tmp_path)
    with ExitStack() as stack:
        postgres = stack.enter_context(PostgresServer())
        broker: Redis | RabbitMQ = Redis(found) if request.param == "redis" else RabbitMQ(found)
        stack.enter_context(broker)
        found.keep("database_url", postgres.url)
        found.keep("broker_url", broker.url)
        found.ports = {"8000": free_port(), "5555": free_port()}
        assert postgres_is_ready(found, postgres)
        yield found


def postgres_is_ready(found: Outside, postgres: PostgresServer) -> bool:
    kind, name, *words = found.services["postgres"]["healthcheck"]["test"]
    assert (kind, name) == ("CMD", "pg_isready")
    command = [str(program(name)), *words, "-p", str(postgres.port)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


class Client:
    """A client of the web service that sends the headers of a TLS proxy."""

    def __init__(self, found: Outside) -> None:
        self._at = f"http://127.0.0.1:{found.ports['8000']}"
        made = found.once("web", ["python", "manage.py", "create_token", "somebody", "--role", "operator"])
        assert made.returncode == 0, made.stderr
        self._token = made.stdout.strip()

    def ask(self, path: str, body: Any = None) -> Any:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "Host": REQUIRED["ALLOWED_HOSTS"],
            "X-Forwarded-Proto": "https",
        }
        data = None if body is None else json.dumps(body).encode()
        request = Request(self._at + path, data=data, headers=headers)  # noqa: S310 - our own http address
        with urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - as above
            return json.load(answer)

    def until_completed(self, path: str) -> None:
        """Wait until the first task of a list, or the task itself, has completed."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = self.ask(path)
            tasks = found.get("results", [found])
            if any(task["status"] == "COMPLETED" for task in tasks):
                return
            assert time.monotonic() < deadline, found
            time.sleep(0.2)


def test_the_stack_starts_in_order_works_and_stops(outside: Outside) -> None:
    done = outside.once("migrate")
    assert done.returncode == 0, done.stderr
    with outside.running("web") as web, outside.running("worker") as worker, outside.running("beat") as beat:
        outside.until_well("web", web)
        outside.until_well("worker", worker)
        outside.until_well("beat", beat)
        client = Client(outside)
        task = client.ask("/api/tasks/", {"name": "once", "job": "demo.process_data", "parameters": {"pause": 0}})
        client.until_completed(f"/api/tasks/{task['id']}/")
        # Two beats: the one that is left carries on.
        with outside.running("beat") as other:
            schedule = {"name": "often", "job": "demo.process_data", "every": 1, "backend": "beat"}
            made = client.ask("/api/schedules/", schedule | {"parameters": {"pause": 0}})
            client.until_completed(f"/api/schedules/{made['id']}/tasks/")
            outside.until_said("beat", "beat: Starting", times=2)
            assert stopped(other) == 0
        assert beat.poll() is None
        assert [stopped(process) for process in (beat, worker, web)] == [0, 0, 0]
    # What has stopped is not well.
    assert not any(outside.well(service) for service in ("web", "worker", "beat"))


def test_flower_shows_the_workers_to_those_who_have_the_password(outside: Outside) -> None:
    if find_spec("flower") is None:
        pytest.skip("flower is not installed: it comes with the dev group")
    assert outside.once("migrate").returncode == 0
    auth = (outside.secrets / "flower_auth").read_text().strip()
    with (
        outside.running("worker") as worker,
        outside.running("flower", FLOWER_AUTH_FILE=str(outside.secrets / "flower_auth")) as flower,
    ):
        outside.until_well("flower", flower)
        outside.until_well("worker", worker)
        at = f"http://127.0.0.1:{outside.ports['5555']}/"
        with pytest.raises(HTTPError) as refused:
            urlopen(at, timeout=PATIENCE_SECONDS)
        # The error is the answer as well, with its socket.
        refused.value.close()
        assert refused.value.code == 401
        headers = {"Authorization": f"Basic {base64.b64encode(auth.encode()).decode()}"}
        deadline = time.monotonic() + PATIENCE_SECONDS
        page = ""
        while "worker@" not in page:
            assert time.monotonic() < deadline, page
            request = Request(f"{at}workers?json=1", headers=headers)  # noqa: S310 - as above
            with urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - as above
                page = answer.read().decode()
        assert stopped(flower) == 0


def test_flower_does_not_start_without_its_password(outside: Outside) -> None:
    if find_spec("flower") is None:
        pytest.skip("flower is not installed: it comes with the dev group")
    with outside.running("flower", FLOWER_AUTH_FILE=str(outside.folder / "nothing")) as flower:
        assert flower.wait(PATIENCE_SECONDS) != 0
    assert "nothing" in outside.log_of("flower").read_text()
