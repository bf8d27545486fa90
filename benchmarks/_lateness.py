"""One mode of benchmarks/lateness.py, on the database and broker of this process's environment.

    python -m benchmarks._lateness steady|at-once|two-beats|fair

Prints its figures as JSON.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import django

django.setup()

from django.db import connection  # noqa: E402 - after setup()
from django.utils import timezone  # noqa: E402 - as above
from rest_framework.test import APIClient  # noqa: E402 - as above

from benchmarks._growth_rows import analyze, tasks  # noqa: E402 - as above
from benchmarks._measure import Figures, cpu_seconds  # noqa: E402 - as above
from scheduling import schedules  # noqa: E402 - as above
from scheduling.models import LatenessBucket, Process, Schedule, Task  # noqa: E402 - as above
from tests.conftest import client_as  # noqa: E402 - as above

STEADY_SECONDS: Final = 40.0
OLD_TASKS: Final = 30_000
DUE_AT_ONCE: Final = 10_000
DUE_AT_MIDNIGHT: Final = 50_000
FAIR_SECONDS: Final = 15.0
# Nobody waits longer.
MOST_SECONDS: Final = 90.0
WATCHED: Final = "watched"
# When the ledger knew that a watched task was published.
WATCH: Final = f"""
    CREATE UNLOGGED TABLE IF NOT EXISTS seen_sent (late float);
    CREATE OR REPLACE FUNCTION note_sent() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO seen_sent VALUES (extract(epoch FROM clock_timestamp() - NEW.due_at)); RETURN NULL; END $$;
    DROP TRIGGER IF EXISTS noted ON tandem_scheduling_task;
    CREATE TRIGGER noted AFTER UPDATE OF sends ON tandem_scheduling_task FOR EACH ROW
        WHEN (OLD.sends = 0 AND NEW.sends = 1 AND NEW.name = '{WATCHED}') EXECUTE FUNCTION note_sent();
    TRUNCATE seen_sent
"""
LATE: Final = "SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY late), count(*) FROM seen_sent"


def main(mode: str) -> None:
    """Measure it."""
    figures = MODES[mode]()
    sys.stdout.write(json.dumps(figures) + "\n")
    connection.close()


def steady() -> Figures:
    """28 a second, with edits, reads and retention."""
    begin_anew()
    tasks(OLD_TASKS, of_schedules=1000, now=timezone.now() - timedelta(days=100))
    spread(timezone.now() + timedelta(seconds=6), over=3600)
    with beats(1) as [beat]:
        time.sleep(6)
        cpu = cpu_seconds(beat.pid)
        asked = ask_for(STEADY_SECONDS)
        cpu = cpu_seconds(beat.pid) - cpu
    # The last numbers are written when a beat ends.
    answer = admin().get("/api/lateness/", {"backend": "beat"}).json()
    if Task.objects.filter(created_at__lt=timezone.now() - timedelta(days=50)).exists():
        raise RuntimeError("Retention has not come to its end.")
    return {
        "half late by at most, s": answer["p50"],
        "99 of 100 late by at most, s": answer["p99"],
        "counted": answer["count"],
        "requests to the API meanwhile": asked,
        "share of a core that beat takes": cpu / STEADY_SECONDS,
    }


def at_once() -> Figures:
    """10,000 at one instant, for one beat."""
    seconds, silence = fired_at_once(1)
    return {"last late by, s": seconds, "fires a second": DUE_AT_ONCE / seconds, "longest silence of beat, s": silence}


def two_beats() -> Figures:
    """The same for one and for two."""
    rates = {count: DUE_AT_ONCE / fired_at_once(count)[0] for count in (1, 2)}
    return {
        "fires a second, one beat": rates[1],
        "fires a second, two beats": rates[2],
        "times the rate of one": rates[2] / rates[1],
    }


def fair() -> Figures:
    """Others' lateness without and with a midnight and a day's catch-up."""
    figures: Figures = {}
    for what, backlog in (("alone", False), ("beside the backlog", True)):
        half, most, count, left = watched(backlog=backlog)
        figures |= {f"{what}: half late by, s": half, f"{what}: 99 of 100 late by, s": most, f"{what}: counted": count}
        if backlog:
            figures["of the backlog still due then"] = left
    return figures


MODES: Final[dict[str, Callable[[], Figures]]] = {
    "steady": steady, "at-once": at_once, "two-beats": two_beats, "fair": fair
}  # fmt: skip


def begin_anew() -> None:
    """No task, no lateness, and no schedule due before the next hour."""
    LatenessBucket.objects.all().delete()
    Process.objects.all().delete()
    Schedule.objects.filter(name=WATCHED).delete()
    execute("TRUNCATE tandem_scheduling_task CASCADE")
    spread(timezone.now() + timedelta(hours=1), over=3600)
    analyze()


def spread(first: datetime, *, over: int, only: Sequence[int] | None = None) -> None:
    """Have schedules due from `first` on, the same number in each of `over` seconds."""
    first = first.replace(microsecond=0)
    due = f"%s::timestamptz + (id %% {over}) * interval '1 second'"
    where = "true" if only is None else f"id BETWEEN {only[0]} AND {only[-1]}"
    execute(
        f"UPDATE tandem_scheduling_schedule SET next_due_at = {due}, anchor = {due}, cursor = %s WHERE {where}",
        first, first, first - timedelta(seconds=30),
    )  # fmt: skip


def ask_for(seconds: float) -> int:
    """Change a schedule and read two lists, again and again. Returns how many requests that were."""
    client, ids = admin(), list(Schedule.objects.values_list("pk", flat=True))
    over, asked = time.monotonic() + seconds, 0
    while time.monotonic() < over:
        one = f"/api/schedules/{random.choice(ids)}/"  # noqa: S311 - no secret
        answers = [
            client.patch(one, {"description": f"edit {asked}"}, format="json"),
            client.get("/api/tasks/"),
            client.get("/api/schedules/"),
        ]
        wrong = [answer for answer in answers if answer.status_code != 200]
        if wrong:
            raise RuntimeError(f"The API answered {wrong[0].status_code}: {wrong[0].content!r}")
        asked += len(answers)
        time.sleep(0.3)
    return asked


def admin() -> APIClient:
    """A client of the API."""
    client = client_as("admin")
    client.defaults["SERVER_NAME"] = "localhost"
    return client


def fired_at_once(count: int) -> tuple[float, float]:
    """How late the last is, and the longest silence of a beat, in seconds."""
    begin_anew()
    first = Schedule.objects.order_by("pk").values_list("pk", flat=True)[0]
    silence = 0.0
    with beats(count):
        time.sleep(5)
        due = timezone.now().replace(microsecond=0) + timedelta(seconds=3)
        spread(due, over=1, only=range(first, first + DUE_AT_ONCE))
        while Task.objects.filter(sends=1).count() < DUE_AT_ONCE:
            if timezone.now() > due + timedelta(seconds=MOST_SECONDS):
                raise RuntimeError("Not all were fired in time.")
            silence = max([silence, *map(silence_of, Process.objects.filter(kind="beat"))])
            time.sleep(0.1)
        return (timezone.now() - due).total_seconds(), silence


def silence_of(beat: Process) -> float:
    """For how many seconds nothing was heard of the beat: of its pulse, or of its loop."""
    loop = beat.seen_at - beat.came_round_at if beat.came_round_at else timedelta()
    return max(timezone.now() - beat.seen_at, loop).total_seconds()


def watched(*, backlog: bool) -> tuple[float, float, int, int]:
    """How late half and 99 of 100 of those on time are, how many they are, and how much of the backlog is still due."""
    begin_anew()
    execute(WATCH)
    ids = list(Schedule.objects.order_by("pk").values_list("pk", flat=True))
    begin = timezone.now().replace(microsecond=0) + timedelta(seconds=9)
    due_each_second(begin)
    # Those of an earlier round are deleted, so the numbers have gaps.
    on_time = ids[-1000:]
    Schedule.objects.filter(pk__in=on_time).update(name=WATCHED)
    spread(begin, over=round(1000 / 28), only=on_time)
    if backlog:
        spread(begin, over=1, only=range(ids[0], ids[0] + DUE_AT_MIDNIGHT))
        day_behind = {"cursor": begin - timedelta(days=1), "next_due_at": begin - timedelta(days=1, seconds=-1)}
        Schedule.objects.filter(pk=ids[DUE_AT_MIDNIGHT + 1]).update(every=1, anchor=begin, catch_up="all", **day_behind)
    with beats(1):
        time.sleep(max(0.0, (begin - timezone.now()).total_seconds()) + FAIR_SECONDS)
        left = Schedule.objects.filter(next_due_at__lte=timezone.now()).count()
    (half, most), count = execute(LATE)[0]
    return half, most, count, left


def due_each_second(begin: datetime) -> None:
    """Make ten schedules that are due each second."""
    for _ in range(10):
        schedules.create(
            now=begin, name=WATCHED, job="live.append", parameters={"path": "/dev/null"}, every=1, backend="beat",
            overlap="allow",
        )  # fmt: skip


@contextmanager
def beats(count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many beats that run, each in a process."""
    running = [subprocess.Popen([sys.executable, "manage.py", "beat"]) for _ in range(count)]
    try:
        while Process.objects.filter(kind="beat").count() < count:
            if any(beat.poll() is not None for beat in running):
                raise RuntimeError("A beat has ended.")
            time.sleep(0.1)
        yield running
    finally:
        for beat in running:
            beat.terminate()
        for beat in running:
            beat.wait()


def execute(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run a statement. Returns its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall()) if cursor.description else []


if __name__ == "__main__":
    main(sys.argv[1])
