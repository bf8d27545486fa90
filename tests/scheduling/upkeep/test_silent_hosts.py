"""Which hosts are lost, as one observer sees it: by its own clock, and only while it can write itself."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from scheduling import processes
from scheduling.hosts import LOST_AFTER
from scheduling.models import Host, Process
from scheduling.upkeep import silent_hosts
from scheduling.upkeep.observer import Observer
from tests.process_rows import a_process

pytestmark = pytest.mark.django_db


class Looks:
    """Looks of this process, a few seconds apart by its own clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        observer: Observer[str] = Observer(silent_after=LOST_AFTER, longest_gap=silent_hosts.LONGEST_GAP)
        monkeypatch.setattr(silent_hosts, "_observer", observer)
        self._moment = 1000.0
        monkeypatch.setattr("scheduling.upkeep.silent_hosts.time", SimpleNamespace(monotonic=lambda: self._moment))
        self.own = a_process("beat", key=processes.identity())

    def seconds(self, count: int, *, every: int = 15, moves: Process | None = None, own: bool = True) -> set[str]:
        """What the last look found. Meanwhile our own pulse moves, and so does that of `moves`."""
        found: set[str] = set()
        for _ in range(0, count, every):
            self._moment += every
            for process in [each for each in (moves, self.own if own else None) if each is not None]:
                process.pulse += 1
                process.save()
            found = silent_hosts.look()
        return found


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    Host.objects.create(name="far", crontab="x", zone="UTC", heartbeat_at=timezone.now() - timedelta(days=1))
    return Looks(monkeypatch)


def test_a_host_is_lost_after_a_minute_of_our_own_time_however_old_its_report(looks: Looks) -> None:
    assert looks.seconds(60) == set()
    assert looks.seconds(15) == {"far"}


@pytest.mark.parametrize("kind", ["agent", "inline"])
def test_a_pulse_of_what_runs_tasks_there_is_a_sign_of_life(looks: Looks, kind: str) -> None:
    assert looks.seconds(600, moves=a_process(kind, host="far")) == set()


def test_a_web_process_there_is_none(looks: Looks) -> None:
    assert looks.seconds(90, moves=a_process("web", host="far")) == {"far"}


def test_a_report_is_one(looks: Looks) -> None:
    assert looks.seconds(75) == {"far"}
    Host.objects.update(heartbeat_at=timezone.now())
    assert looks.seconds(15) == set()


def test_time_in_which_we_could_not_write_or_slept_counts_for_little(looks: Looks) -> None:
    assert looks.seconds(15) == set()
    assert looks.seconds(3600, every=15, own=False) == set()
    assert looks.seconds(3600, every=3600) == set()


def test_who_has_no_pulse_finds_nobody_lost(looks: Looks) -> None:
    looks.own.delete()
    assert [looks.seconds(15, own=False) for _ in range(20)] == [set()] * 20
