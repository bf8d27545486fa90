"""An installation that several tests share: web, worker, beat, and a schedule that fires every second.

The worker reaches the broker through a network that can be cut. A test lets something happen to it, and then asks
whether every occurrence and task is in the ledger once and has run once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

from django.utils import timezone

from scheduling import ledger
from scheduling.lifecycle import OPEN, Status
from scheduling.models import Schedule, Task
from tests.conftest import a_schedule
from tests.live.broker_faults import Broker
from tests.live.installation import Installation, Process
from tests.live.proxy import Proxy
from tests.live.visitor import Visitor
from tests.servers.server import free_port

# All tasks that a fault delayed have started within this time after its end: before any message is sent once more.
RECOVERY: Final = ledger.SEND_AGAIN
# Without a fault a task starts within milliseconds.
HELD_UP: Final = timedelta(seconds=3)


class Running:
    """`worker`, `beat` and `web` run, and a schedule fires every second. The worker has a broker address of its own."""

    def __init__(self, installation: Installation, *, broker_of_worker: str) -> None:
        self.installation = installation
        self.schedule = a_schedule(every=1, overlap="allow", catch_up="all", **self.appending())
        broker_url, installation.broker_url = installation.broker_url, broker_of_worker
        self.worker = installation.worker(processes=2)
        installation.broker_url = broker_url
        self.beat = installation.beat()
        self.port = free_port()
        self.web = web(installation, self.port)
        installation.until(lambda: answers(self.port))
        self.runs_smoothly()

    def appending(self) -> dict[str, Any]:
        """The job whose runs are counted."""
        return {"job": "live.append", "parameters": {"path": str(self.installation.runs)}}

    def runs_smoothly(self) -> None:
        """Return once an occurrence from now on was run."""
        now = timezone.now()
        self.installation.until(lambda: self._completed().filter(due_at__gt=now).exists())

    def is_held_up(self) -> None:
        """Return once a new task has waited for HELD_UP: the fault has an effect."""
        now = timezone.now()
        held = Task.objects.filter(status=Status.QUEUED, created_at__gt=now)
        self.installation.until(lambda: held.filter(created_at__lt=timezone.now() - HELD_UP).exists())

    @contextmanager
    def visited(self) -> Iterator[Visitor]:
        """Inside the block a client creates tasks over REST. Each request must get 201, each task must be stored."""
        with Visitor(self.port, {"name": "by a visitor", **self.appending()}) as visitor:
            yield visitor
        assert visitor.answers
        assert Counter(answer.status for answer in visitor.answers) == {201: len(visitor.answers)}, visitor.answers
        for answer in visitor.answers:
            assert Task.objects.filter(pk=answer.body["id"]).exists()

    def recovers(self, well_again: datetime) -> timedelta:
        """Return once all tasks from before the end of the fault are done. Fail unless each ran exactly once.

        Returns the time from the end of the fault until the last of them started.
        """
        before = Task.objects.filter(created_at__lte=well_again)
        self.installation.until(lambda: not before.filter(status__in=OPEN).exists())
        self.runs_smoothly()
        assert set(before.values_list("status", flat=True)) == {Status.COMPLETED}
        assert all(task.attempts.count() == 1 for task in before.filter(finished_at__gt=well_again))
        late = before.order_by("-started_at").values_list("started_at", flat=True).first()
        assert late is not None
        assert late - well_again < RECOVERY
        self.ran_once()
        self.none_is_missing()
        return late - well_again

    def ran_once(self) -> None:
        """Fail unless every task of `appending` that is COMPLETED has run, and none has run twice."""
        # Other tests of the same installation have other jobs done.
        ours = Task.objects.filter(status=Status.COMPLETED, job=self.appending()["job"])
        completed = set(ours.values_list("pk", flat=True))
        runs = Counter(self.installation.ran())
        assert [pk for pk, times in runs.items() if times > 1] == []
        # `<=`, not `==`: a job that is still running has already written its line.
        assert completed - runs.keys() == set()

    def none_is_missing(self) -> None:
        """Fail unless each occurrence of the schedule so far has become a task."""
        due = list(self._tasks().order_by("due_at").values_list("due_at", flat=True))
        anchor = Schedule.objects.get(pk=self.schedule.pk).anchor
        assert due == [anchor + timedelta(seconds=number + 1) for number in range(len(due))]

    def _tasks(self) -> Any:
        return Task.objects.filter(schedule=self.schedule)

    def _completed(self) -> Any:
        return self._tasks().filter(status=Status.COMPLETED)


class Standing(Running):
    """As Running; `network` is between the worker and the `broker`."""

    def __init__(self, installation: Installation, broker: Broker, network: Proxy) -> None:
        self.broker, self.network = broker, network
        super().__init__(installation, broker_of_worker=broker.url_through(network.port))


@contextmanager
def standing(database_url: str, broker: Broker, folder: Path) -> Iterator[Standing]:
    """An installation inside the block. Its database is the one that models use."""
    installation = Installation(database_url, broker.url, folder)
    with Proxy(broker.server.port) as network:
        try:
            yield Standing(installation, broker, network)
        finally:
            installation.close()


def web(installation: Installation, port: int, **variables: str) -> Process:
    """The web server of an installation."""
    arguments = ("-m", "uvicorn", "settings.asgi:application", "--port", str(port), "--log-level", "warning")
    return installation.start(*arguments, **variables)


def verified(installation: Installation) -> None:
    """Fail where `manage.py verify` finds that the ledger is not whole."""
    done = installation.start("manage.py", "verify", "--json")
    assert done.wait() == 0, done.said()
    # Behind the warnings of the system check.
    said = done.said()
    assert json.loads(said[said.index("{") :])["count"] == 0


def answers(port: int) -> bool:
    """Whether the web server answers."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as response:
            return bool(response.status == 200)
    except URLError:
        return False
