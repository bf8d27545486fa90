"""Brokers of several nodes: the one that everything goes through is killed while schedules fire and tasks run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from django.db.models import F, Max
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from scheduling.lifecycle import OPEN, Status
from scheduling.models import Schedule, Task
from tests.conftest import a_schedule
from tests.live.conftest import copied
from tests.live.installation import Installation, ledger_at
from tests.live.standing import Running, verified
from tests.servers.plugin import require
from tests.servers.postgres import PostgresServer
from tests.servers.rabbitmq_cluster import RabbitCluster
from tests.servers.sentinel import SentinelGroup
from tests.servers.server import Server

pytestmark = [pytest.mark.live, pytest.mark.drill, pytest.mark.timeout(600)]

# Schedules that fire each second, besides the one of `Running`.
LOAD: Final = 9
# From the end of a node on, the load goes on for so long: a failover and its after-effects are over.
GOES_ON: Final = timedelta(seconds=15)


@contextmanager
def running(postgres: PostgresServer, broker_url: str, blocker: DjangoDbBlocker) -> Iterator[Running]:
    """Web, worker and beat on a new database and this broker."""
    url = copied(postgres)
    with (
        tempfile.TemporaryDirectory(prefix="tandem-live-") as folder,
        blocker.unblock(),
        ledger_at(url),
    ):
        installation = Installation(url, broker_url, Path(folder))
        try:
            yield Running(installation, broker_of_worker=broker_url)
        finally:
            installation.close()


@pytest.fixture
def sentinels() -> Iterator[SentinelGroup]:
    require("Redis")
    with SentinelGroup() as group:
        yield group


@pytest.fixture(scope="module")
def cluster() -> Iterator[RabbitCluster]:
    require("RabbitMQ")
    with RabbitCluster() as nodes:
        yield nodes


def under_load(there: Running) -> None:
    """Return once tasks of many schedules run."""
    for _ in range(LOAD):
        a_schedule(every=1, overlap="allow", catch_up="all", **there.appending())
    there.runs_smoothly()


def goes_on(there: Running, since: datetime) -> None:
    """Return when the load has gone on for GOES_ON."""
    there.installation.until(lambda: timezone.now() > since + GOES_ON)


def catches_up(there: Running) -> None:
    """Return when all that there is by now is done."""
    before = Task.objects.filter(created_at__lte=timezone.now())
    there.installation.until(lambda: not before.filter(status__in=OPEN).exists(), longest=200)


def standstill(since: datetime) -> dict[str, float]:
    """The seconds that the slowest task from about this time on waited: to be dispatched, and then to start."""
    rows = Task.objects.filter(created_at__gt=since - timedelta(seconds=2), started_at__isnull=False)
    of_schedules = rows.filter(schedule__isnull=False)
    created: timedelta = of_schedules.aggregate(most=Max(F("created_at") - F("due_at")))["most"]
    started: timedelta = rows.aggregate(most=Max(F("started_at") - F("created_at")))["most"]
    return {
        "until it was dispatched": round(created.total_seconds(), 1),
        "until it had started": round(started.total_seconds(), 1),
        "tasks": rows.count(),
        "sent more than once": rows.filter(sends__gt=1).count(),
    }


def nothing_is_lost(there: Running) -> None:
    """Fail unless all tasks ran, each once, every occurrence has one, and the ledger is whole."""
    there.beat.kill()
    there.installation.until(lambda: not Task.objects.filter(status__in=OPEN).exists(), longest=240)
    assert set(Task.objects.values_list("status", flat=True)) == {Status.COMPLETED}
    assert Task.objects.exclude(attempt=F("attempts__number")).count() == 0
    there.ran_once()
    for schedule in Schedule.objects.all():
        there.schedule = schedule
        there.none_is_missing()
    verified(there.installation)


@dataclass(frozen=True)
class Nodes:
    """A broker of several nodes: which one to kill, and whether they are whole; `copies`: another takes its place."""

    to_kill: Callable[[], Server]
    whole: Callable[[], bool]
    copies: bool = True


def survives(there: Running, nodes: Nodes, keep: Callable[[str, object], None]) -> None:
    """Kill a node under load, bring it back later, and count."""
    under_load(there)
    with there.visited() as visitor:
        killed, since = nodes.to_kill(), timezone.now()
        killed.kill()
        goes_on(there, since)
        if nodes.copies:
            catches_up(there)
        killed.start()
        catches_up(there)
        there.installation.until(nodes.whole)
        there.runs_smoothly()
    found: dict[str, Any] = standstill(since)
    found["slowest answer over REST"] = round(max(answer.seconds for answer in visitor.answers), 1)
    keep("seconds", found)
    nothing_is_lost(there)


def test_the_primary_of_redis_is_killed_and_a_replica_takes_its_place(
    postgres: PostgresServer,
    sentinels: SentinelGroup,
    django_db_blocker: DjangoDbBlocker,
    record_property: Callable[[str, object], None],
) -> None:
    with running(postgres, sentinels.url, django_db_blocker) as there:
        survives(there, Nodes(lambda: sentinels.primary, sentinels.whole), record_property)


@pytest.mark.parametrize(("queues", "name"), [("quorum", "tandem.quorum"), ("classic", "tandem")])
def test_the_node_of_the_queue_is_killed_in_a_cluster_of_rabbitmq(
    postgres: PostgresServer,
    cluster: RabbitCluster,
    django_db_blocker: DjangoDbBlocker,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
    queues: str,
    name: str,
) -> None:
    monkeypatch.setenv("BROKER_QUEUE_TYPE", queues)
    with running(postgres, cluster.url, django_db_blocker) as there:
        nodes = Nodes(lambda: cluster.leader(name), cluster.whole, copies=queues == "quorum")
        survives(there, nodes, record_property)
