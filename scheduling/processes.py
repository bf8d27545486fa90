"""Which processes are alive: each moves a counter of its own in the database, and others watch it move."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, QuerySet, Value
from django.db.models.functions import Now
from django.utils import timezone

from scheduling import rounds, supervision
from scheduling.models import Process
from scheduling.timing import tzdata_version

log = logging.getLogger(__name__)

# The kinds that a supervisor starts again. The others are started by these, and end with them.
SUPERVISED: Final = frozenset({"web", "worker", "beat", "agent"})
# Those of them that `manage.py probe` asks about. Web has /healthz.
PROBED: Final = SUPERVISED - {"web"}
# Each pulse is one statement.
PULSE_EVERY: Final = timedelta(seconds=5)
# A pulse that could not be written is tried again after this.
RETRY_PULSE_AFTER: Final = timedelta(seconds=1)
# A process whose pulse stands still for so long is shown as silent: several pulses may be late on a busy machine.
SILENT_AFTER: Final = timedelta(seconds=30)
# The row of a process that was killed stays for this long, for people to see.
REMEMBERED: Final = timedelta(days=1)


@lru_cache(maxsize=1)
def _machine() -> str:
    """This boot of this machine, and the process namespace in it; empty where the system does not say (not Linux)."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return ""
    # Such as pid:[4026531836]: containers on one kernel share the boot, and count their processes apart.
    return f"{boot[:13]}-{''.join(filter(str.isdigit, str(namespace)))}"


def identity() -> str:
    """The key of this process: no other has it, on any machine and after any restart."""
    return _identity(os.getpid())


@lru_cache(maxsize=4)
def _identity(pid: int) -> str:
    started = _started(pid)
    return f"{_machine()}-{pid}-{started}" if _machine() and started else f"{uuid4().hex}-{pid}"


def is_gone(key: str) -> bool:
    """Whether the process with this key has certainly ended. Only a process of this very machine can be told so."""
    machine, _, rest = key.rpartition("-")
    machine, _, pid = machine.rpartition("-")
    return bool(machine) and machine == _machine() and _started(int(pid)) != rest


def _started(pid: int) -> str:
    """When a process of this machine started, in clock ticks since boot (proc(5), field 22); empty where it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name of the program, in parentheses, may hold blanks and parentheses itself.
    state, *fields = stat.rpartition(")")[2].split()
    # A zombie has ended: its parent has not yet asked how.
    return "" if state == "Z" else fields[18]


class Pulse:
    """Moves the counter of one process, from a thread, as long as somebody holds it."""

    def __init__(self, kind: str, queues: Callable[[], Sequence[str]] = tuple) -> None:
        self._kind = kind
        self._queues = queues
        self._over = threading.Event()
        self._claimed = threading.Event()
        # When the loop of the process last ended a round, by the monotonic clock; None where nothing says so.
        self._came_round: float | None = None
        self._round_file: rounds.RoundFile | None = None
        self._thread = threading.Thread(target=self._keep_beating, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin; the first pulse comes at once."""
        if self._kind in PROBED:
            self._round_file = _round_file(self._kind)
            # One that hangs before its first round is to be noticed, too.
            self._came_round = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """End, and delete the row: the process ends as it should."""
        if self._round_file is not None:
            self._round_file.close()
            self._round_file = None
        self._over.set()
        self._thread.join()

    def claimed(self) -> None:
        """Note that an attempt begins here; the next pulse says so."""
        self._claimed.set()

    def came_round(self) -> None:
        """Note that the loop of this process has ended a round; the next pulse says how long ago."""
        self._came_round = time.monotonic()
        if self._round_file is None:
            return
        try:
            self._round_file.came_round()
        except OSError as exc:
            # The loop goes on. Its probe will say that it hangs, so say why, once.
            self._round_file = None
            log.warning("`manage.py probe %s` is no longer told when the loop comes round: %s", self._kind, exc)

    def comes_round(self) -> bool:
        """Whether the loop of this process does not hang, as far as it says: one that ends has no loop any more."""
        came_round = self._came_round
        return self._over.is_set() or came_round is None or not rounds.stands_still(time.monotonic() - came_round)

    def _keep_beating(self) -> None:
        try:
            while True:
                pause = PULSE_EVERY if self._safely(self.beat) else RETRY_PULSE_AFTER
                if self._over.wait(pause.total_seconds()):
                    break
                self._safely(_write_what_was_counted)
            self._safely(_write_what_was_counted)
            self._safely(lambda: _own().delete())
        finally:
            connection.close()

    def _safely(self, work: Callable[[], object]) -> bool:
        try:
            work()
        except (DatabaseError, InterfaceError) as exc:
            log.warning("the pulse of this process could not be written: %s", type(exc).__name__)
            connection.close()
            return False
        # Where connections are shared in a pool (web), none is held until the next pulse.
        connection.close_if_unusable_or_obsolete()
        return True

    def beat(self) -> None:
        """Move the counter once: one statement, two where the row is not there yet."""
        changes: dict[str, Any] = {"seen_at": Now(), "skew": _skew(timezone.now()), "queues": list(self._queues())}
        if self._claimed.is_set():
            self._claimed.clear()
            changes["claimed_at"] = Now()
        if self._came_round is not None:
            changes["came_round_at"] = Now() - timedelta(seconds=time.monotonic() - self._came_round)
        if not _own().update(pulse=F("pulse") + 1, **changes):
            Process.objects.create(
                key=identity(),
                kind=self._kind,
                host=settings.TANDEM_HOST,
                pid=os.getpid(),
                tzdata=tzdata_version(),
                started_at=Now(),
                **changes,
            )


_at_each_pulse: list[Callable[[], None]] = []


def at_each_pulse(write: Callable[[], None]) -> Callable[[], None]:
    """Have each process call `write`, which stores what the process has counted, every PULSE_EVERY and at its end."""
    _at_each_pulse.append(write)
    return write


def _write_what_was_counted() -> None:
    for write in _at_each_pulse:
        write()


_holders: dict[int, tuple[Pulse, int]] = {}
_lock = threading.Lock()


@contextmanager
def alive(kind: str) -> Iterator[None]:
    """Inside, this process is known to be alive. Whoever is first says its kind; the last to leave ends it."""
    start(kind)
    try:
        yield
    finally:
        stop()


def start(kind: str, queues: Callable[[], Sequence[str]] = tuple) -> None:
    """As entering `alive`, for a process that is told to end and never leaves.

    `queues` says which queues the process takes messages from. It is asked at each pulse, in another thread.
    """
    with _lock:
        pulse, holders = _holders.get(os.getpid(), (None, 0))
        if pulse is None:
            pulse = Pulse(kind, queues)
            pulse.start()
            if kind in SUPERVISED:
                supervision.start(pulse.comes_round)
        _holders[os.getpid()] = pulse, holders + 1


def stop() -> None:
    """As leaving `alive`."""
    with _lock:
        pulse, holders = _holders[os.getpid()]
        if holders > 1:
            _holders[os.getpid()] = pulse, holders - 1
            return
        del _holders[os.getpid()]
    pulse.stop()


def claimed() -> None:
    """Note that an attempt begins in this process."""
    found = _holders.get(os.getpid())
    if found is not None:
        found[0].claimed()


def came_round() -> None:
    """Note that the loop of this process has ended a round; it should end one every few seconds.

    The pulse comes from a thread of its own: it does not tell whether the loop hangs.
    """
    found = _holders.get(os.getpid())
    if found is not None:
        found[0].came_round()


def known() -> QuerySet[Any]:
    """Every process that is or was alive within a day, with `silence`: how long ago it was seen (database's clock)."""
    silence = ExpressionWrapper(Now() - F("seen_at"), output_field=DurationField())
    return Process.objects.annotate(silence=silence).order_by("kind", "host", "pid")


def hangs(row: Process) -> bool:
    """Whether the process moves its pulse while its loop stands still."""
    return row.came_round_at is not None and rounds.stands_still((row.seen_at - row.came_round_at).total_seconds())


def alive_now() -> QuerySet[Any]:
    """Every process whose last pulse is not older than SILENT_AFTER."""
    return known().filter(silence__lte=SILENT_AFTER)


def forget_old() -> None:
    """Delete the rows of processes that were silent for REMEMBERED."""
    known().filter(silence__gt=REMEMBERED).delete()


def _round_file(kind: str) -> rounds.RoundFile | None:
    """None where it cannot be written: a process does its work without, and its probe says that it is not there."""
    try:
        return rounds.RoundFile(str(settings.VAR / rounds.FOLDER), kind)
    except OSError as exc:
        log.warning("`manage.py probe %s` will find nothing: %s", kind, exc)
        return None


def _own() -> QuerySet[Process]:
    return Process.objects.filter(key=identity())


def _skew(now: datetime) -> Any:
    return ExpressionWrapper(Value(now, output_field=DateTimeField()) - Now(), output_field=DurationField())
