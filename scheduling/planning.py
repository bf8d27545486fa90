"""Which occurrences are due, and what to do with each. Pure: time, cursor and number of open tasks are arguments."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from scheduling.lifecycle import Status
from scheduling.timing import Planned, Trigger

# After an outage, only the newest missed occurrences of the last day get a row each. One row stands for all earlier
# ones.
RECORDED_SPAN: Final = timedelta(days=1)
# A schedule that is due each second would otherwise write 86,400 rows for one day of outage.
RECORDED_MOST: Final = 200
# With catch_up `all` each one is a task to run: more of them would keep the workers from all other work.
CAUGHT_UP_MOST: Final = 10_000
# The shortest time that datetime knows: what is after this much less is at or after.
_MOMENT: Final = timedelta(microseconds=1)
_UNTIL: Final = "missed, like all occurrences before "
_TIME: Final = "%Y-%m-%d %H:%M:%S UTC"
REPLACED: Final = "replaced by a later occurrence, because overlap is replace"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a schedule does with occurrences that are late, or that are due while an earlier task is open.

    `overlap` is skip, queue, replace or allow; `catch_up` is none, latest or all.
    """

    overlap: str = "skip"
    catch_up: str = "none"
    catch_up_window: timedelta = timedelta(hours=24)
    grace: timedelta = timedelta(minutes=5)
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The row for one occurrence: a QUEUED task, a waiting task (SCHEDULED), or a SKIPPED or MISSED row."""

    due_at: datetime
    status: Status
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The decisions in order of time, the new cursor, and when the schedule is due next (None: never).

    With `replace`, the open tasks of the schedule must be stopped. The new task runs when they have ended.
    """

    decisions: tuple[Decision, ...]
    cursor: datetime
    next_due_at: datetime | None
    replace: bool = False


def next_due(trigger: Trigger | Planned, cursor: datetime, policy: Policy) -> datetime | None:
    """The first occurrence after `cursor`, from the policy's start to its end (both included); None without one."""
    after = cursor
    if policy.starts_at is not None:
        after = max(after, policy.starts_at - _MOMENT)
    due_at = trigger.next(after)
    if due_at is None or (policy.ends_at is not None and due_at > policy.ends_at):
        return None
    return due_at


def plan(
    trigger: Trigger | Planned,
    cursor: datetime,
    now: datetime,
    policy: Policy,
    *,
    open_tasks: int = 0,
    skip_because: str = "",
) -> Plan:
    """Decide on all occurrences after `cursor` up to `now`. `open_tasks` is the number of the schedule's open tasks.

    With `skip_because` no occurrence runs: each is SKIPPED with this reason.
    """
    first = next_due(trigger, cursor, policy)
    if first is None or first > now:
        return Plan((), cursor, first)
    due, following = _recent(trigger, first, now, policy)
    decisions = [] if due[0] == first else [_unrecorded(first, due[0])]
    replace = False
    for due_at in due:
        if skip_because:
            decisions.append(Decision(due_at, Status.SKIPPED, skip_because))
            continue
        reason = _missed(due_at, newest=due_at == due[-1], now=now, policy=policy)
        if reason:
            decisions.append(Decision(due_at, Status.MISSED, reason))
            continue
        decision = _overlapping(due_at, policy.overlap, open_tasks, newest=due_at == due[-1])
        replace = replace or (policy.overlap == "replace" and open_tasks > 0)
        open_tasks += decision.status is not Status.SKIPPED
        decisions.append(decision)
    return Plan(tuple(decisions), due[-1], following, replace)


def _recent(
    trigger: Trigger | Planned, first: datetime, now: datetime, policy: Policy
) -> tuple[deque[datetime], datetime | None]:
    """The occurrences that get a row each, oldest first, at least one; and when the next one is due (None: never)."""
    span = max(RECORDED_SPAN, policy.grace, policy.catch_up_window if policy.catch_up != "none" else RECORDED_SPAN)
    most = CAUGHT_UP_MOST if policy.catch_up == "all" else RECORDED_MOST
    since = now - span
    due = deque([first] if first >= since else [], maxlen=most)
    following = None
    # One search for all of them: nearly always it finds only the one after `first`, which is not due yet.
    for coming in trigger.occurrences(max(first, since - _MOMENT)):
        if policy.ends_at is not None and coming > policy.ends_at:
            break
        if coming > now:
            following = coming
            break
        due.append(coming)
    if due:
        return due, following
    return deque([first]), next_due(trigger, first, policy)


def unrecorded_until(reason: str) -> datetime | None:
    """Up to when a row with this reason stands for all occurrences from its own on; None for any other reason."""
    if not reason.startswith(_UNTIL):
        return None
    said, _, _ = reason.removeprefix(_UNTIL).partition(": ")
    return datetime.strptime(said, _TIME).replace(tzinfo=UTC)


def _unrecorded(first: datetime, then: datetime) -> Decision:
    reason = f"{_UNTIL}{then.strftime(_TIME)}: they are too old or too many for a row each"
    return Decision(first, Status.MISSED, reason)


def _missed(due_at: datetime, *, newest: bool, now: datetime, policy: Policy) -> str:
    """Why an occurrence is not run: it is too late, or a later one takes its place. Empty when it runs."""
    late = now - due_at
    if newest and late <= policy.grace:
        return ""
    if policy.catch_up == "none":
        return _too_late(late, policy.grace) if newest else "overtaken by a later occurrence, and catch_up is none"
    if not newest and policy.catch_up == "latest":
        return "overtaken by a later occurrence, and catch_up is latest"
    if late > max(policy.catch_up_window, policy.grace):
        return f"{_seconds(late)} late, beyond the catch_up_window of {_seconds(policy.catch_up_window)}"
    return ""


def _too_late(late: timedelta, grace: timedelta) -> str:
    return f"{_seconds(late)} late, beyond the grace of {_seconds(grace)}, and catch_up is none"


def _overlapping(due_at: datetime, overlap: str, open_tasks: int, *, newest: bool) -> Decision:
    if overlap == "replace" and not newest:
        return Decision(due_at, Status.SKIPPED, REPLACED)
    if open_tasks == 0 or overlap in {"allow", "replace"}:
        return Decision(due_at, Status.QUEUED)
    if overlap == "queue":
        return Decision(due_at, Status.SCHEDULED, "waits for the task before it")
    return Decision(due_at, Status.SKIPPED, "an earlier task of this schedule is still open, and overlap is skip")


def _seconds(span: timedelta) -> str:
    return str(timedelta(seconds=int(span.total_seconds())))
