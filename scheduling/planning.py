"""Which occurrences are due, and what to do with each. Pure: time, cursor and number of open tasks are arguments."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
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
# So far back the occurrences that get a row are looked for first: on time, that is all there are.
FIRST_REACH: Final = timedelta(minutes=4)
# How the reason of a row begins that stands for many.
UNTIL: Final = "missed, like all occurrences before "
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
        after = max(after, policy.starts_at - timedelta(microseconds=1))
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
    most: int | None = None,
) -> Plan:
    """Decide on all occurrences after `cursor` up to `now`. `open_tasks` is the number of the schedule's open tasks.

    With `skip_because` no occurrence runs: each is SKIPPED with this reason. With `most` only so many are decided, the
    oldest; `next_due_at` is then the first that is left, and in the past.
    """
    first = next_due(trigger, cursor, policy)
    if first is None or first > now:
        return Plan((), cursor, first)
    # Nearly always it is on time: then nothing else is due yet, and this search is the last one.
    following = next_due(trigger, first, policy)
    on_time = following is None or following > now
    due = deque([first]) if on_time else _recent(trigger, first, now, policy)
    decisions = [] if due[0] == first else [_unrecorded(first, due[0])]
    replace = False
    for due_at in islice(due, most):
        newest = due_at == due[-1]
        if skip_because:
            decisions.append(Decision(due_at, Status.SKIPPED, skip_because))
            continue
        reason = _missed(due_at, newest=newest, now=now, policy=policy)
        if reason:
            decisions.append(Decision(due_at, Status.MISSED, reason))
            continue
        decision = _overlapping(due_at, policy.overlap, open_tasks, newest=newest)
        replace = replace or (policy.overlap == "replace" and open_tasks > 0 and newest)
        open_tasks += decision.status is not Status.SKIPPED
        decisions.append(decision)
    cursor = decisions[-1].due_at
    return Plan(tuple(decisions), cursor, following if on_time else next_due(trigger, cursor, policy), replace)


def _recent(trigger: Trigger | Planned, first: datetime, now: datetime, policy: Policy) -> deque[datetime]:
    """The occurrences that get a row each, oldest first; at least one."""
    until = min(now, policy.ends_at) if policy.ends_at is not None else now
    span = max(RECORDED_SPAN, policy.grace, policy.catch_up_window if policy.catch_up != "none" else RECORDED_SPAN)
    after = max(first, now - span) - timedelta(microseconds=1)
    most = CAUGHT_UP_MOST if policy.catch_up == "all" else RECORDED_MOST
    # The newest are wanted, and a window may hold millions: it is searched from its end, in steps.
    reach = FIRST_REACH
    while until - reach > after:
        due = deque(trigger.occurrences(until - reach, until), maxlen=most)
        if len(due) == most:
            return due
        reach *= 4
    return deque(trigger.occurrences(after, until), maxlen=most) or deque([first])


def unrecorded_until(reason: str) -> datetime | None:
    """Up to when a row with this reason stands for all occurrences from its own on; None for any other reason."""
    if not reason.startswith(UNTIL):
        return None
    said, _, _ = reason.removeprefix(UNTIL).partition(": ")
    return datetime.strptime(said, _TIME).replace(tzinfo=UTC)


def _unrecorded(first: datetime, then: datetime) -> Decision:
    reason = f"{UNTIL}{then.strftime(_TIME)}: they are too old or too many for a row each"
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
