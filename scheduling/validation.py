"""Which rules a schedule or a task must meet before it is stored. All problems are reported, not only the first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from scheduling import limits_in_force, retry_policy
from scheduling.backend import backend
from scheduling.errors import InvalidRequest, InvalidTrigger, NotFound, Problem
from scheduling.executor import executor, executor_names
from scheduling.hosts import default_host, problem_with
from scheduling.models import CatchUp, DatabaseAway, OnHostLost, OnLost, Overlap, Schedule, Task
from scheduling.phrases import phrase
from scheduling.registry import definition
from scheduling.storable import problem_with_text
from scheduling.task_limits import KEY_TEXT
from scheduling.timing import Cron, Every, Trigger, zone

# Seconds (366 days): what comes more rarely is better said as a date, in cron.
LONGEST_EVERY: Final = 366 * 24 * 3600
# No wake-up comes at the very instant: with less, an occurrence would be missed for being met.
SHORTEST_GRACE: Final = timedelta(seconds=10)
# A wake-up looks for the database for half a minute before it runs something without it.
SHORTEST_GRACE_TO_RUN: Final = timedelta(minutes=1)
# Seconds (seven days): what runs longer is a service, and no job.
LONGEST_LIMIT: Final = 7 * 24 * 3600
# Nothing of more than a year ago is worth catching up.
LONGEST_WINDOW: Final = timedelta(days=366)
# Between these two, every instant has a local time in every zone, and date arithmetic does not leave the calendar.
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
# As above; the calendar ends with 9999.
LATEST: Final = datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)


def examine(schedule: Schedule) -> tuple[Trigger | None, list[Problem]]:
    """The trigger of a schedule, or None where it is none, and every problem of the schedule apart from its route."""
    texts = _texts(schedule, "name", "description", "timezone", "host")
    trigger, problems = _trigger(schedule)
    problems += [*texts, *_job(schedule), *_policies(schedule), *_bounds(schedule), *_execution(schedule)]
    return trigger, problems


def check_route(schedule: Schedule) -> None:
    """Check what depends on the backend and the executor that were chosen. Raises InvalidRequest.

    Only a process on the host that wakes the schedule can run its job without the database.
    """
    inline = backend(schedule.routed_to).capabilities.per_host and executor(schedule.runs_on).in_process
    if schedule.database_away == DatabaseAway.RUN and not inline:
        detail = phrase(
            "Only a host's own process can run it without the database: write backend crontab and executor inline, "
            "or database_away wait."
        )
        raise InvalidRequest([Problem("database_away", "needs_inline", detail)])
    limits = limits_in_force.of(schedule, in_process=inline) if schedule.database_away == DatabaseAway.RUN else {}
    if limits:
        detail = phrase(
            "A limit ({limits}) holds for it, and only the database counts places: write wait.",
            limits=", ".join(limits),
        )
        raise InvalidRequest([Problem("database_away", "contradicts_limit", detail)])


def _trigger(schedule: Schedule) -> tuple[Trigger | None, list[Problem]]:
    if (schedule.every is None) == (not schedule.cron):
        return None, [Problem("cron", "one_trigger", phrase("Write either `cron` or `every`: one of them, not both."))]
    try:
        zone(schedule.timezone)
    except InvalidTrigger as exc:
        return None, [Problem("timezone", exc.code, exc.detail)]
    if schedule.every is None:
        try:
            return Cron.parse(schedule.cron, schedule.timezone), []
        except InvalidTrigger as exc:
            return None, [Problem("cron", exc.code, exc.detail)]
    if not 1 <= schedule.every <= LONGEST_EVERY:
        return None, [Problem("every", "out_of_range", phrase("Write an interval from one second to 366 days."))]
    # A fraction of a second is reported elsewhere, as a problem of starts_at.
    return Every(schedule.every, schedule.anchor.replace(microsecond=0)), []


def check_task(task: Task, *, starts: datetime, besides: Iterable[Problem] = ()) -> None:
    """Check a one-off task that is to start at `starts`, and set the machine that it has to run on.

    Raises InvalidRequest with every problem, also where nobody on that machine would run it, and with those that the
    caller found `besides`.
    """
    problems = [*besides, *_texts(task, "name", "description", "host"), *_job(task), *_execution(task)]
    if task.executor not in executor_names():
        known = ", ".join(executor_names())
        problems.append(
            Problem("executor", "unknown_executor", phrase("There is no such executor: write {known}.", known=known))
        )
    elif all(problem.field != "host" for problem in problems):
        problems += _place(task)
    if task.expires is not None and task.expires <= starts:
        problems.append(Problem("expires", "expires_before_start", phrase("Write a time after scheduled_time.")))
    if problems:
        raise InvalidRequest(problems)


def _place(task: Task) -> Iterator[Problem]:
    """Set the machine of a task whose executor runs it in a process of its host."""
    task.host = (task.host or default_host()) if executor(task.executor).in_process else ""
    if not executor(task.executor).in_process:
        return
    if not task.host:
        yield Problem("host", "no_host", phrase("Write the host to run on: there is no default host here."))
    elif wrong := problem_with(task.host):
        yield Problem("host", "no_crontab", wrong)


def _texts(asked: Schedule | Task, *fields: str) -> Iterator[Problem]:
    for field in fields:
        problem = problem_with_text(getattr(asked, field))
        if problem:
            yield Problem(field, "not_storable", phrase("This {problem}.", problem=problem))
    if not asked.name.strip():
        yield Problem("name", "blank", phrase("Write a name."))


def _job(asked: Schedule | Task) -> Iterator[Problem]:
    try:
        definition(asked.job).check(asked.parameters)
    except NotFound as exc:
        yield Problem("job", exc.code, exc.detail)
    except InvalidRequest as exc:
        yield from exc.problems


def _execution(asked: Schedule | Task) -> Iterator[Problem]:
    if not 0 <= asked.priority <= 9:
        yield Problem("priority", "out_of_range", phrase("Write a number from 0 to 9; 9 is the most urgent."))
    if not re.fullmatch(r"[A-Za-z0-9_.-]{0,64}", asked.queue):
        yield Problem("queue", "not_a_name", phrase("Write letters, digits, dots, dashes and underscores, at most 64."))
    if not KEY_TEXT.fullmatch(asked.limit_key):
        yield Problem(
            "limit_key", "not_a_name", phrase("Write letters, digits, dots, dashes and underscores, at most 64.")
        )
    if asked.on_lost not in OnLost.values:
        yield Problem("on_lost", "unknown_choice", phrase("Write one of {known}.", known=", ".join(OnLost.values)))
    yield from retry_policy.problems_with(asked.retries)
    for field in ("soft_timeout", "timeout"):
        limit: int | None = getattr(asked, field)
        if limit is not None and not 1 <= limit <= LONGEST_LIMIT:
            yield Problem(field, "out_of_range", phrase("Write a duration from one second to seven days."))
    if asked.soft_timeout is not None and asked.timeout is not None and asked.soft_timeout >= asked.timeout:
        yield Problem(
            "soft_timeout", "not_below_timeout", phrase("Write less than timeout: the soft limit must come first.")
        )


def _policies(schedule: Schedule) -> Iterator[Problem]:
    choices_of = {
        "overlap": Overlap.values,
        "catch_up": CatchUp.values,
        "database_away": DatabaseAway.values,
        "on_host_lost": OnHostLost.values,
    }
    for field, choices in choices_of.items():
        if getattr(schedule, field) not in choices:
            yield Problem(field, "unknown_choice", phrase("Write one of {known}.", known=", ".join(choices)))
    if not SHORTEST_GRACE <= schedule.grace <= LONGEST_WINDOW:
        detail = phrase("Write a duration from ten seconds to 366 days: every wake-up is a little late.")
        yield Problem("grace", "out_of_range", detail)
    elif schedule.database_away == DatabaseAway.RUN and schedule.grace < SHORTEST_GRACE_TO_RUN:
        detail = phrase("With database_away run, write at least one minute: so long the database is waited for first.")
        yield Problem("grace", "contradicts_database_away", detail)
    if schedule.database_away == DatabaseAway.RUN and schedule.on_host_lost != OnHostLost.WAIT:
        detail = phrase(
            "With database_away run, write wait: a host that is cut off may run what another one would take over."
        )
        yield Problem("on_host_lost", "contradicts_database_away", detail)
    if not timedelta(0) <= schedule.catch_up_window <= LONGEST_WINDOW:
        yield Problem("catch_up_window", "out_of_range", phrase("Write a duration from zero to 366 days."))
    if schedule.catch_up == CatchUp.ALL and schedule.overlap == Overlap.SKIP:
        detail = phrase("With overlap skip, only the first missed occurrence would be caught up: write queue or allow.")
        yield Problem("overlap", "contradicts_catch_up", detail)


def _bounds(schedule: Schedule) -> Iterator[Problem]:
    for field in ("starts_at", "ends_at"):
        at: datetime | None = getattr(schedule, field)
        if at is not None and not EARLIEST <= at <= LATEST:
            yield Problem(field, "out_of_range", phrase("Write a time in the years 1970 to 9998."))
        if at is not None and at.microsecond:
            yield Problem(field, "fraction_of_a_second", phrase("Write whole seconds."))
    if schedule.starts_at and schedule.ends_at and schedule.ends_at <= schedule.starts_at:
        yield Problem("ends_at", "ends_before_start", phrase("Write a time after starts_at."))
