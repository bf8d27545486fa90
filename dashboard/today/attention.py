"""What an operator must look at: failed and missed runs of the last day, and what does not work now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db.models import QuerySet
from django.urls import reverse

from dashboard.models import Acknowledgement
from dashboard.readable import duration
from scheduling import host_states, owners, processes, queries
from scheduling.lifecycle import Status
from scheduling.models import Host, Schedule, SyncState, Task

# How far back a run that failed is news.
NEWS_FOR: Final = timedelta(days=1)
# Items of the page: more are no list that one works through, and the page stays small.
MOST_ITEMS: Final = 30
# Of the failed and missed tasks so many are looked at, the newest first; the list of tasks shows the others.
MOST_TASKS: Final = 250
# Schedules of each kind of trouble; the list of schedules shows the others.
MOST_SCHEDULES: Final = 20


class Ended(NamedTuple):
    """What an item shows of a task: results and parameters may be large."""

    pk: int
    name: str
    schedule_id: int | None
    job: str
    status: str
    error: str
    reason: str
    finished_at: datetime
    workflow_id: int | None


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to look at. `count` runs of the same kind are one item; `task` is the newest of them."""

    word: str
    tone: str
    icon: str
    title: str
    address: str
    detail: str = ""
    at: datetime | None = None
    count: int = 1
    task: Ended | None = None


def items(now: datetime) -> list[Item]:
    """Everything that asks for attention, the most urgent first. The number of statements is fixed."""
    system = [*_silent(), *_hosts(now)] if owners.unbound() else []
    return [*system, *_schedules(queries.schedules(), now), *_runs(queries.tasks(), now)]


def _silent() -> Iterator[Item]:
    """The supervised processes that fell silent, and a beat that is not there at all."""
    known = list(processes.known().filter(kind__in=processes.SUPERVISED))
    alive = {row.kind for row in known if row.silence <= processes.SILENT_AFTER}
    address = reverse("dashboard:system")
    for kind, what in {"beat": "nothing is dispatched", "worker": "queued tasks wait"}.items():
        if kind not in alive:
            yield Item("Down", "bad", "bolt-slash", f"No {kind} is running", address, f"Until one starts, {what}.")
    for row in known:
        if row.kind in alive and row.silence > processes.SILENT_AFTER:
            said = f"heard of {duration(row.silence)} ago"
            yield Item("Silent", "warn", "signal-slash", f"{row.kind} on {row.host}, process {row.pid}", address, said)


def _hosts(now: datetime) -> Iterator[Item]:
    address = reverse("dashboard:system")
    for state in host_states.states(Host.objects.order_by("name"), now=now, counted=False):
        if state.silent:
            said = f"No sign of life for {duration(state.silence)}. What is due there waits, or upkeep decides it."
            yield Item("Silent", "bad", "signal-slash", f"Host {state.host.name}", address, said)
        elif state.sleeps(now):
            said = "Its cron does not wake it; upkeep decides in its place."
            yield Item("Asleep", "warn", "bell-snooze", f"Host {state.host.name}", address, said)
        elif state.host.error:
            yield Item("Refused", "bad", "exclamation-triangle", f"Host {state.host.name}", address, state.host.error)


def _schedules(rows: QuerySet[Schedule], now: datetime) -> Iterator[Item]:
    for schedule in host_states.overdue(now=now).order_by("next_due_at")[:MOST_SCHEDULES]:
        address = reverse("dashboard:schedule", args=[schedule.pk])
        said = "It is due, and nobody has decided that yet."
        yield Item("Overdue", "bad", "clock", schedule.name, address, said, schedule.next_due_at)
    apart = rows.filter(sync_state=SyncState.OUT_OF_SYNC).order_by("-pk")
    for schedule in apart[:MOST_SCHEDULES]:
        address = reverse("dashboard:schedule", args=[schedule.pk])
        yield Item("Out of sync", "bad", "exclamation-triangle", schedule.name, address, schedule.sync_error)


def subject_of(schedule_id: int | None, job: str, status: str) -> str:
    """What is one item, and can be acknowledged: a schedule, or a job of one-off tasks, and the status."""
    return f"{f'schedule {schedule_id}' if schedule_id else f'job {job}'} {status}"


def _runs(tasks: QuerySet[Task], now: datetime) -> Iterator[Item]:
    """Failed and missed runs of the last day that nobody has acknowledged: one item for each subject."""
    acknowledged = dict(Acknowledgement.objects.values_list("subject", "task"))
    seen: dict[str, Item] = {}
    for status in (Status.FAILED, Status.MISSED):
        rows = tasks.filter(status=status, finished_at__gt=now - NEWS_FOR).order_by("-pk")
        for task in map(Ended._make, rows.values_list(*Ended._fields)[:MOST_TASKS]):
            key = subject_of(task.schedule_id, task.job, status)
            if task.pk > acknowledged.get(key, 0):
                seen[key] = replace(seen[key], count=seen[key].count + 1) if key in seen else _run(task)
    yield from sorted(seen.values(), key=lambda item: item.at or now, reverse=True)


def _run(task: Ended) -> Item:
    failed = task.status == Status.FAILED
    word, tone, icon = ("Failed", "bad", "x-circle") if failed else ("Missed", "warn", "exclamation-triangle")
    address = reverse("dashboard:task", args=[task.pk])
    return Item(word, tone, icon, task.name, address, task.error or task.reason, task.finished_at, task=task)
