"""What a request costs: Tandem's REST beside a plain DRF viewset over django-celery-beat's models, in the same run.

    python3 dev.py bench api [--schedules N] [--requests N] [--json FILE]

Each side has one uvicorn process, a pool of 10 connections, and a database of its own on one PostgreSQL; both send to
one Redis. Clients keep their connections. The sides take turns; each figure is the median of the rounds. `change`
changes the expression. `task` stores and publishes a task here, and is `apply_async` in a plain view there, which
stores nothing. CPU is that of the web process for each request; statements are those of PostgreSQL, without BEGIN,
COMMIT and SET.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any, Final

import psycopg

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks._measure import Figures, arguments, cpu_of, percentile, report, rounds  # noqa: E402 - after the path
from tests.servers.postgres import PostgresServer  # noqa: E402 - as above
from tests.servers.redis_like import RedisServer  # noqa: E402 - as above
from tests.servers.server import free_port  # noqa: E402 - as above

SETTINGS: Final = {"tandem": "settings.test", "stock": "benchmarks._api.stock_settings"}
APPLICATIONS: Final = {"tandem": "settings.asgi:application", "stock": "benchmarks._api.stock_asgi:application"}
PREFIX: Final = {"tandem": "Bearer", "stock": "Token"}
CONNECTIONS: Final = (1, 4)
WARM_UP: Final = 20
STATEMENTS: Final = """
    SELECT coalesce(sum(calls), 0) FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid
    WHERE datname = %s AND query !~* '^(BEGIN|COMMIT|SET|SHOW|SAVEPOINT|RELEASE)'
"""


class CountingPostgres(PostgresServer):
    """PostgreSQL that counts statements (pg_stat_statements), for both sides alike."""

    def command(self) -> list[str]:
        return [*super().command(), "-c", "shared_preload_libraries=pg_stat_statements"]


@dataclass(slots=True)
class Side:
    """A web process, and how it is asked."""

    name: str
    port: int
    token: str
    pid: int
    first: int
    numbers: Iterator[int]
    changed: tuple[int, ...] = ()

    def asks(self) -> dict[str, Callable[[HTTPConnection], None]]:
        """One request of each kind."""
        return {
            "list 50": lambda to: self._ask(to, "GET", "schedules/?limit=50"),
            "get": lambda to: self._ask(to, "GET", f"schedules/{self.first + next(self.numbers) % 1000}/"),
            "create": lambda to: self._ask(to, "POST", "schedules/", self._body(next(self.numbers))),
            "change": self._change,
            "task": lambda to: self._ask(to, "POST", "tasks/", {"name": "bench", "job": "demo.process_data"}),
        }

    def create(self, to: HTTPConnection) -> int:
        """The id of a new schedule, whose native entries are there."""
        return int(self._ask(to, "POST", "schedules/", self._body(next(self.numbers)))["id"])

    def _change(self, to: HTTPConnection) -> None:
        number = next(self.numbers)
        body = self._body(number)
        body.pop("name")
        self._ask(to, "PATCH", f"schedules/{self.changed[number % len(self.changed)]}/", body)

    def _body(self, number: int) -> dict[str, Any]:
        minute, hour = number % 60, number // 60 % 4
        if self.name == "tandem":
            cron = f"{minute} {hour} * * *"
            return {"name": f"new {number}", "job": "demo.process_data", "cron": cron, "backend": "beat"}
        return {"name": f"new {number}", "task": "bench.nothing", "crontab": {"minute": str(minute), "hour": str(hour)}}

    def _ask(self, to: HTTPConnection, verb: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"{PREFIX[self.name]} {self.token}", "Content-Type": "application/json"}
        to.request(verb, f"/api/{path}", json.dumps(body) if body is not None else None, headers)
        answer = to.getresponse()
        read = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{self.name}: {verb} {path}: {answer.status} {read[:300]!r}")
        return json.loads(read)


class Bench:
    """The servers and both web processes."""

    def __init__(self, stack: ExitStack, schedules: int) -> None:
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tandem-bench-")))
        self._database = stack.enter_context(CountingPostgres())
        self._broker = stack.enter_context(RedisServer())
        with psycopg.connect(self._database.url, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
            connection.execute("CREATE DATABASE stock")
        self.sides = {name: self._side(stack, name, schedules) for name in SETTINGS}
        with psycopg.connect(self._database.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        with psycopg.connect(self._url("stock"), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")

    def measure(self, name: str, kind: str, connections: int, requests: int) -> Figures:
        """One round of one kind of request on one side."""
        side = self.sides[name]
        ask = side.asks()[kind]
        with ExitStack() as stack:
            clients = [HTTPConnection("127.0.0.1", side.port, timeout=60) for _ in range(connections)]
            for client in clients:
                stack.callback(client.close)
            self._timed(clients, ask, WARM_UP)
            statements, begun = self._statements(name), time.perf_counter()
            with cpu_of({"web": side.pid}) as cpu:
                taken = self._timed(clients, ask, requests)
                seconds = time.perf_counter() - begun
            statements = self._statements(name) - statements
        return {
            "requests a second": requests / seconds,
            "p50, ms": percentile(taken, 50),
            "p99, ms": percentile(taken, 99),
            "web's CPU a request, ms": cpu.seconds["web"] * 1000 / requests,
            "statements": statements / requests,
        }

    def _timed(self, clients: list[HTTPConnection], ask: Callable[[HTTPConnection], Any], requests: int) -> list[float]:
        """Milliseconds of each of the requests, which the clients share."""

        def one_client(client: HTTPConnection) -> list[float]:
            taken = []
            for _ in range(requests // len(clients)):
                begun = time.perf_counter()
                ask(client)
                taken.append((time.perf_counter() - begun) * 1000)
            return taken

        with ThreadPoolExecutor(len(clients)) as threads:
            return [each for taken in threads.map(one_client, clients) for each in taken]

    def _side(self, stack: ExitStack, name: str, schedules: int) -> Side:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": SETTINGS[name],
            "DATABASE_URL": self._url(name),
            "BROKER_URL": self._broker.url,
            "TANDEM_TEST_OWNER": "alone",
            "TANDEM_VAR": str(self._folder),
            "LOG_LEVEL": "WARNING",
        }
        run = partial(subprocess.run, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
        run([sys.executable, "-m", "django", "migrate", "--verbosity", "0"])
        token = run([sys.executable, "-m", "benchmarks._api.rows", name, str(schedules)]).stdout.split()[-1]
        port = free_port()
        web = stack.enter_context(serving(APPLICATIONS[name], port, environment))
        # The numbers of `create` are names as well, and the plain side's names are unique.
        side = Side(name, port, token, web.pid, first=1, numbers=count(schedules))
        client = HTTPConnection("127.0.0.1", port, timeout=60)
        side.changed = tuple(side.create(client) for _ in range(20))
        client.close()
        return side

    def _url(self, name: str) -> str:
        return self._database.url if name == "tandem" else self._database.url.removesuffix("tandem") + "stock"

    def _statements(self, name: str) -> int:
        with psycopg.connect(self._database.url) as connection:
            [found] = connection.execute(STATEMENTS, [name]).fetchall()
        return int(found[0])


@contextmanager
def serving(application: str, port: int, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A uvicorn process that answers, until the end of the block."""
    options = ["--port", str(port), "--log-level", "warning", "--no-access-log"]
    web = subprocess.Popen([sys.executable, "-m", "uvicorn", application, *options], cwd=ROOT, env=environment)
    try:
        while True:
            if web.poll() is not None:
                raise RuntimeError(f"{application} has ended")
            try:
                HTTPConnection("127.0.0.1", port, timeout=5).connect()
            except ConnectionRefusedError:
                time.sleep(0.1)
            else:
                break
        yield web
    finally:
        web.terminate()
        web.wait()


def main() -> None:
    """Measure and print a table for each kind of request."""
    parser = arguments(__doc__)
    parser.add_argument("--schedules", type=int, default=10_000, help="how many there are")
    parser.add_argument("--requests", type=int, default=200, help="of each kind in a round")
    options = parser.parse_args()
    with ExitStack() as stack:
        bench = Bench(stack, options.schedules)
        for kind in bench.sides["tandem"].asks():
            for connections in CONNECTIONS:
                columns = rounds(
                    {
                        label: partial(bench.measure, name, kind, connections, options.requests)
                        for label, name in (("plain", "stock"), ("Tandem", "tandem"))
                    },
                    options.rounds,
                )
                title = f"{kind}, {connections} connection{'s' if connections > 1 else ''}"
                report(title, columns, options.json, schedules=options.schedules)


if __name__ == "__main__":
    main()
