"""What one schedule or task costs when a thousand are asked for at once, beside one request for each.

    python3 dev.py bench bulk [--many N] [--json FILE]

One uvicorn process, PostgreSQL, one client that keeps its connection; on Beat, and on a crontab (a private file). The
two sides take turns; each figure is the median of the rounds. The schedules are deleted after each round.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks._measure import Figures, arguments, report, rounds  # noqa: E402 - after the path
from benchmarks.api import serving  # noqa: E402 - as above
from tests.servers.postgres import PostgresServer  # noqa: E402 - as above
from tests.servers.redis_like import RedisServer  # noqa: E402 - as above
from tests.servers.server import free_port  # noqa: E402 - as above

# One by one a crontab takes tens of milliseconds: so many are enough for a median.
ONE_BY_ONE: Final = 60


class Client:
    """One connection to the web process."""

    def __init__(self, port: int, token: str) -> None:
        self._to = HTTPConnection("127.0.0.1", port, timeout=120)
        self._token = token
        self.numbers: Iterator[int] = count()

    def ask(self, verb: str, path: str, body: Any = None) -> Any:
        """The answer; RuntimeError for an error."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        self._to.request(verb, f"/api/{path}", json.dumps(body) if body is not None else None, headers)
        answer = self._to.getresponse()
        read = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{verb} {path}: {answer.status} {read[:300]!r}")
        return json.loads(read)

    def body(self, backend: str) -> dict[str, Any]:
        """A schedule like no other."""
        number = next(self.numbers)
        cron = f"{number % 60} {number // 60 % 24} * * *"
        return {"name": f"new {number}", "job": "demo.process_data", "cron": cron, "backend": backend}


def one_by_one(client: Client, backend: str) -> Figures:
    """Milliseconds of each request for one schedule."""
    ids: list[int] = []

    def create() -> None:
        ids.append(client.ask("POST", "schedules/", client.body(backend))["id"])

    taken = {"create": _each(ONE_BY_ONE, create)}
    taken["change"] = _each(ONE_BY_ONE, _over(ids, client, "PATCH", "", {"cron": "0 4 * * 1"}))
    taken["pause"] = _each(ONE_BY_ONE, _over(ids, client, "POST", "pause/"))
    taken["delete"] = _each(ONE_BY_ONE, _over(ids, client, "DELETE", ""))
    return taken


def at_once(client: Client, backend: str, many: int) -> Figures:
    """Milliseconds for each schedule of one request for many."""
    bodies = [client.body(backend) for _ in range(many)]
    found: dict[str, Any] = {}
    taken = {
        "create": _shared(
            many, lambda: found.update(client.ask("POST", "schedules/bulk/create/", {"schedules": bodies}))
        )
    }
    ids = [one["id"] for one in found["schedules"]]
    asks = {"change": {"ids": ids, "changes": {"cron": "0 4 * * 1"}}, "pause": {"ids": ids}, "delete": {"ids": ids}}
    for what, body in asks.items():
        taken[what] = _shared(many, partial(client.ask, "POST", f"schedules/bulk/{what}/", body))
    return taken


def tasks_one_by_one(client: Client) -> Figures:
    """Milliseconds of each request for one task that waits."""
    ids: list[int] = []

    def create() -> None:
        ids.append(client.ask("POST", "tasks/", {"name": "t", "scheduled_time": "2199-01-01T00:00:00Z"})["id"])

    taken = {"create": _each(ONE_BY_ONE, create)}
    for what in ("cancel", "retry"):
        taken[what] = _each(ONE_BY_ONE, _over(ids, client, "POST", f"{what}/", kind="tasks"))
    return taken


def tasks_at_once(client: Client, many: int) -> Figures:
    """Milliseconds for each task of one request for many."""
    bodies = [{"name": "t", "scheduled_time": "2199-01-01T00:00:00Z"}] * many
    found: dict[str, Any] = {}
    taken = {"create": _shared(many, lambda: found.update(client.ask("POST", "tasks/bulk/create/", {"tasks": bodies})))}
    ids = [one["id"] for one in found["tasks"]]
    for what in ("cancel", "retry"):
        taken[what] = _shared(many, partial(client.ask, "POST", f"tasks/bulk/{what}/", {"ids": ids}))
    return taken


def _over(
    ids: list[int], client: Client, verb: str, action: str, body: Any = None, kind: str = "schedules"
) -> Callable[[], Any]:
    waiting = iter(ids)
    return lambda: client.ask(verb, f"{kind}/{next(waiting)}/{action}", body)


def _each(times: int, ask: Callable[[], Any]) -> float:
    return _shared(times, lambda: [ask() for _ in range(times)])


def _shared(many: int, ask: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    ask()
    return (time.perf_counter() - begun) * 1000 / many


def main() -> None:
    """Measure and print a table for Beat, for a crontab and for tasks."""
    parser = arguments(__doc__)
    parser.add_argument("--many", type=int, default=1_000, help="in one request")
    options = parser.parse_args()
    with ExitStack() as stack:
        client = _started(stack)
        pairs: dict[str, tuple[Callable[[], Figures], Callable[[], Figures]]] = {
            **{
                name: (partial(one_by_one, client, name), partial(at_once, client, name, options.many))
                for name in ("beat", "crontab")
            },
            "tasks": (partial(tasks_one_by_one, client), partial(tasks_at_once, client, options.many)),
        }
        for name, (single, bulk) in pairs.items():
            columns = rounds({"one by one": single, "at once": bulk}, options.rounds)
            columns["times faster"] = {
                what: columns["one by one"][what] / columns["at once"][what] for what in columns["at once"]
            }
            report(f"{name}, ms for each", columns, options.json, many=options.many)


def _started(stack: ExitStack) -> Client:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tandem-bench-")))
    database, broker = stack.enter_context(PostgresServer()), stack.enter_context(RedisServer())
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "settings.test",
        "DATABASE_URL": database.url,
        "BROKER_URL": broker.url,
        "TANDEM_TEST_OWNER": "alone",
        "TANDEM_CRONTAB": f"file:{folder / 'crontab'}",
        "TANDEM_VAR": str(folder),
        "LOG_LEVEL": "WARNING",
    }
    run = partial(subprocess.run, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    run([sys.executable, "-m", "django", "migrate", "--verbosity", "0"])
    token = run([sys.executable, "-m", "benchmarks._api.rows", "tandem", "0"]).stdout.split()[-1]
    port = free_port()
    stack.enter_context(serving("settings.asgi:application", port, environment))
    return Client(port, token)


if __name__ == "__main__":
    main()
