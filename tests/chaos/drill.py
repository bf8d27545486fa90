"""The drill: the stack, the load and the faults; then rest, and the reckoning."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Count
from django.utils import timezone

from scheduling.models import Task
from scheduling.verification.mismatch import MOST_SKEW
from tests.chaos.databases import Database, Postgres, Sqlite
from tests.chaos.faults import Faults
from tests.chaos.load import Load
from tests.chaos.reckoning import differences, early, lines_of, still_open
from tests.chaos.stack import Stack
from tests.live.broker_faults import Broker, RedisBroker, broker_of
from tests.live.installation import ledger_at
from tests.live.standing import answers
from tests.live.visitor import a_token
from tests.rest_client import on_port
from tests.servers.postgres import PostgresServer
from tests.servers.redis_like import ValkeyServer

# A fault begins so often.
EVERY_SECONDS: Final = 30.0
# After the last fault nothing may be open for longer: messages that are lost are sent again after minutes.
REST_SECONDS: Final = 300.0
_START_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for. `only` and `without` are parts of names of faults."""

    database: str
    broker: str
    beats: int
    seed: int
    minutes: float
    only: str = ""
    without: str = ""


class Drill:
    """One drill in a folder of its own. `run` says what was wrong."""

    def __init__(self, wanted: Wanted, folder: Path) -> None:
        self._wanted, self._folder, self._began = wanted, folder, time.monotonic()
        self._runs = folder / "runs"

    def run(self) -> list[str]:
        """Do all of it. Returns what differs: nothing, if all is well."""
        with self._servers() as (stack, broker, database):
            load = Load(on_port(stack.port, a_token()), str(self._runs), self._wanted.seed)
            load.begin()
            with load:
                self._do_harm(
                    Faults(stack, broker, database, only=self._wanted.only, without=self._wanted.without), stack
                )
            self._say(f"answers: {dict(sorted(load.answers.items()))}")
            wrong = [f"unexpected answer: {answer}" for answer in load.unexpected]
            wrong += self._comes_to_rest()
            lines = lines_of(self._runs.read_text())
            wrong += [*differences(lines, load.tasks), *early(lines, tolerance=MOST_SKEW), *self._verified(stack)]
            self._say(f"runs: {len(lines)} lines, tasks: {_tasks()}")
            return wrong

    @contextmanager
    def _servers(self) -> Iterator[tuple[Stack, Broker, Database]]:
        with ExitStack() as around:
            database: Database = Sqlite(self._folder)
            if self._wanted.database == "postgres":
                database = Postgres(around.enter_context(PostgresServer()))
            embedded = self._wanted.broker == "embedded"
            broker = RedisBroker(ValkeyServer("--appendonly", "yes")) if embedded else broker_of(self._wanted.broker)
            around.enter_context(broker.server)
            stack = Stack(database.url, broker.url, self._folder, beats=self._wanted.beats)
            made = stack.manage("migrate", "--verbosity", "0")
            if made.returncode:
                raise AssertionError(made.stderr)
            around.enter_context(ledger_at(database.url))
            around.callback(stack.close)
            stack.start_all()
            if not self._until(lambda: answers(stack.port), _START_SECONDS):
                raise AssertionError(f"The web server does not answer: see the logs in {self._folder}.")
            yield stack, broker, database

    def _do_harm(self, faults: Faults, stack: Stack) -> None:
        """A fault each half minute. What ended by itself is started again after each, as a supervisor does."""
        chance = random.Random(self._wanted.seed)  # noqa: S311 - a drill, no secret
        for _ in range(round(self._wanted.minutes * 60 / EVERY_SECONDS)):
            begins = time.monotonic()
            chosen = faults.choose(chance)
            self._say(f"{chosen.name}, for {chosen.seconds} s")
            with chosen.fault():
                time.sleep(chosen.seconds)
            stack.start_all()
            time.sleep(max(0.0, begins + EVERY_SECONDS - time.monotonic()))

    def _comes_to_rest(self) -> list[str]:
        """Wait until nothing from before is open; the schedules go on meanwhile."""
        lifted, began = timezone.now(), time.monotonic()
        if self._until(lambda: not still_open(lifted), REST_SECONDS):
            self._say(f"at rest after {time.monotonic() - began:.0f} s")
            return []
        return [f"{still_open(lifted)} tasks and workflows are still open after {REST_SECONDS:.0f} s"]

    def _verified(self, stack: Stack) -> list[str]:
        done = stack.manage("verify", "--json")
        try:
            said: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            return [f"verify broke down: {done.stderr[-2000:]}"]
        self._say(f"verify: {said['count']} findings in {said['seconds']} s, read {said['read']}")
        return [f"verify: {finding}" for finding in said["findings"]]

    def _until(self, condition: Callable[[], object], longest: float) -> bool:
        """Whether it came true in time. A database that is away is asked again."""
        deadline = time.monotonic() + longest
        while time.monotonic() < deadline:
            try:
                if condition():
                    return True
            except (DatabaseError, InterfaceError):
                connection.close()
            time.sleep(0.5)
        return False

    def _say(self, what: str) -> None:
        print(f"{time.monotonic() - self._began:6.1f} s  {what}", flush=True)


def _tasks() -> dict[str, int]:
    return dict(Task.objects.order_by().values_list("status").annotate(Count("pk")))
