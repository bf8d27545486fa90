"""The watchdog detects a worker that is alive but takes no messages, reports it, and ends it if the settings say so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backends.queue import health
from backends.queue.app import app
from backends.queue.publishing import connection
from backends.queue.tasks import run
from backends.queue.watchdog import EXIT_CODE, Sample, Stall, stall_after
from tests.backends.queue.brokers import Broker
from tests.backends.queue.workers import until, worker

WAITING = Sample(taken=3, waiting=5, room=True)


def test_nothing_taken_while_messages_wait_is_a_stall_from_the_first_look_on() -> None:
    stall = stall_after(Stall(None, 3), WAITING, now=10.0)
    assert stall.since == 10.0
    assert stall_after(stall, WAITING, now=20.0).since == 10.0


@pytest.mark.parametrize(
    "sample",
    [Sample(4, 5, room=True), Sample(3, 0, room=True), Sample(3, 5, room=False)],
    ids=["it took one", "none waits", "all its processes are busy"],
)
def test_one_good_look_ends_a_stall(sample: Sample) -> None:
    assert stall_after(Stall(10.0, 3), sample, now=20.0).since is None


def test_the_first_look_says_nothing() -> None:
    assert stall_after(Stall(), WAITING, now=10.0).since is None


def stop_its_consumer() -> None:
    with connection() as there:
        app.control.cancel_consumer(app.conf.task_default_queue, reply=True, timeout=5, limit=1, connection=there)


@pytest.mark.live
@pytest.mark.drill
def test_health_reports_a_worker_whose_consumer_is_gone(broker: Broker, tmp_path: Path) -> None:
    with worker(tmp_path, TANDEM_STALLED_SECONDS="5", TANDEM_RESTART_STALLED="false"):
        assert health.workers().ok
        stop_its_consumer()
        run.apply_async(args=(1, 1))
        until(lambda: not health.workers().ok, "the stall to be told")
        assert "take nothing while messages wait" in health.workers().detail
        assert health.waiting([app.conf.task_default_queue]) == {app.conf.task_default_queue: 1}


@pytest.mark.live
def test_a_stalled_worker_ends_if_the_setting_says_so(broker: Broker, tmp_path: Path) -> None:
    with worker(tmp_path, TANDEM_STALLED_SECONDS="5", TANDEM_RESTART_STALLED="true", LOG_FORMAT="json") as stalled:
        stop_its_consumer()
        run.apply_async(args=(1, 1))
        until(lambda: stalled.process.poll() is not None, "the worker to end", stalled)
        assert stalled.process.returncode == EXIT_CODE
        lines = [json.loads(line) for line in stalled.log.splitlines() if line.startswith("{")]
        assert any("takes nothing" in line["message"] for line in lines)
    assert len(broker.messages()) == 1


@pytest.mark.usefixtures("no_broker")
def test_without_a_broker_workers_cannot_be_asked() -> None:
    assert not health.broker().ok
    found = health.workers()
    assert not found.ok
    assert "cannot be asked while the broker is away" in found.detail


def test_no_worker_is_a_problem_with_what_to_do(broker: Broker) -> None:
    found = health.workers()
    assert (found.ok, found.detail) == (False, "none answers")
    assert "celery -A settings.celery worker" in found.advice
