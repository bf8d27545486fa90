"""Do the events, the attempts and the row of one task tell the same story? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from scheduling.lifecycle import FINISHED, MOVES, OPEN, WAITING, Status
from scheduling.verification.mismatch import MOST_SKEW, Mismatch, shown
from scheduling.verification.rows import AttemptRow, TaskRow

# The statuses with which a task may be stored.
_FIRST: Final = frozenset({Status.SCHEDULED, Status.QUEUED, Status.SKIPPED, Status.MISSED})
_CLAIMED: Final = frozenset({Status.RUNNING, Status.COMPLETED, Status.FAILED})
_ENDS: Final = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})
# The times of a task: the statuses that need each, and those that may have it.
_TIMES: Final = (
    ("finished_at", FINISHED, FINISHED),
    ("send_at", frozenset({Status.QUEUED}), frozenset({Status.QUEUED})),
    ("wait_until", frozenset({Status.RETRYING}), WAITING),
    ("cancel_asked_at", frozenset[Status](), FINISHED | {Status.RUNNING}),
    ("started_at", _CLAIMED, frozenset(Status) - {Status.SKIPPED, Status.MISSED}),
)


@dataclass(slots=True)
class History:
    """The events of one task, taken in one by one. Of each kind of fault the first is kept: memory is bounded."""

    last: str = ""
    count: int = 0
    claims: int = 0
    faults: dict[str, tuple[str, str]] = field(default_factory=dict)

    def take(self, number: int, status: str, claimed: int | None) -> None:
        """Take in the next event by number. `claimed` is the attempt that it says began, if any."""
        if number != self.count + 1:
            self.faults.setdefault("numbers", (f"event {number} follows event {self.count}", "no gap"))
        if not self._may_follow(status, claimed):
            before = self.last or "nothing"
            self.faults.setdefault("moves", (f"{before} -> {status} (event {number})", "a move of the life cycle"))
        if claimed is not None:
            self.claims += 1
            if claimed != self.claims:
                found = f"event {number} claims attempt {claimed}"
                self.faults.setdefault("claims", (found, f"attempt {self.claims}"))
        self.last, self.count = status, number

    def _may_follow(self, status: str, claimed: int | None) -> bool:
        if not self.last:
            return status in _FIRST
        # Progress, and the request to stop, are events of an attempt that runs on.
        # A task of a lost host that is queued for another one is QUEUED again.
        reports = status == self.last in {Status.RUNNING, Status.QUEUED} and claimed is None
        return reports or status in MOVES[Status(self.last)]


def check_events(task: TaskRow, history: History) -> Iterator[Mismatch]:
    """The events are numbered 1 to `task.events`, each is an allowed move, and the last one is the task's status."""
    for check, (found, expected) in history.faults.items():
        yield Mismatch("task", task.pk, f"events: {check}", found, expected)
    if history.count != task.events:
        yield Mismatch("task", task.pk, "events: count", f"the last event is {history.count}", f"event {task.events}")
    if history.last != task.status:
        found = f"the last event is {history.last or 'missing'}"
        yield Mismatch("task", task.pk, "events: status", found, f"{task.status}, as the task")


def check_attempts(task: TaskRow, attempts: Sequence[AttemptRow], history: History) -> Iterator[Mismatch]:
    """Attempts are numbered from 1, one for each claim; one is open where the task runs, and one has completed it."""
    numbers = [attempt.number for attempt in attempts]
    if numbers != list(range(1, history.claims + 1)):
        yield Mismatch("task", task.pk, "attempts: numbers", f"{numbers}", f"1 to {history.claims}, as claimed")
    present = _present(task, len(numbers))
    if task.attempt not in present:
        expected = " or ".join(map(str, present))
        yield Mismatch("task", task.pk, "attempts: present", f"the task is at attempt {task.attempt}", expected)
    unended = [attempt.number for attempt in attempts if attempt.ended_at is None]
    wanted = [task.attempt] if task.status == Status.RUNNING else []
    if unended != wanted:
        yield Mismatch("task", task.pk, "attempts: open", f"{unended}", f"{wanted}, for the task is {task.status}")
    completed = [attempt.number for attempt in attempts if attempt.status == Status.COMPLETED]
    wanted = [task.attempt] if task.status == Status.COMPLETED else []
    if completed != wanted:
        yield Mismatch("task", task.pk, "attempts: completed", f"{completed}", f"{wanted}, for it is {task.status}")
    for attempt in attempts:
        yield from _check_attempt(task, attempt)


def check_fields(task: TaskRow) -> Iterator[Mismatch]:
    """Each time of the task is set in the statuses that have it, and only there; it starts before it finishes."""
    for name, needed, allowed in _TIMES:
        value = getattr(task, name)
        if value is None and task.status in needed:
            yield Mismatch("task", task.pk, f"times: {name}", "empty", f"a time, for the task is {task.status}")
        if value is not None and task.status not in allowed:
            yield Mismatch("task", task.pk, f"times: {name}", shown(value), f"empty, for the task is {task.status}")
    if task.started_at and task.finished_at and task.started_at - task.finished_at > MOST_SKEW:
        found = f"it finished at {shown(task.finished_at)}"
        yield Mismatch("task", task.pk, "times: order", found, f"not before it started, {shown(task.started_at)}")


def _check_attempt(task: TaskRow, attempt: AttemptRow) -> Iterator[Mismatch]:
    expected = {Status.RUNNING} if attempt.ended_at is None else _ENDS
    if attempt.status not in expected:
        found = f"attempt {attempt.number} is {attempt.status}, and its end is {shown(attempt.ended_at)}"
        yield Mismatch("task", task.pk, "attempts: status", found, " or ".join(sorted(expected)))
    if attempt.ended_at is not None and attempt.started_at - attempt.ended_at > MOST_SKEW:
        found = f"attempt {attempt.number} ended at {shown(attempt.ended_at)}"
        yield Mismatch("task", task.pk, "attempts: order", found, f"not before {shown(attempt.started_at)}, its start")


def _present(task: TaskRow, tried: int) -> list[int]:
    """The numbers that `task.attempt` may have after so many attempts."""
    if task.status in _CLAIMED:
        return [tried]
    if task.status in OPEN or task.status in {Status.SKIPPED, Status.MISSED}:
        return [tried + 1]
    # It was cancelled while it ran, or before the next attempt began.
    return [tried, tried + 1] if tried else [1]
