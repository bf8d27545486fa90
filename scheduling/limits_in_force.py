"""Which limits hold for a task? Those of the setting TANDEM_TASK_LIMITS, and those that jobs declare in code."""

from __future__ import annotations

from functools import cache
from typing import Any, Protocol

from django.conf import settings
from django.core.signals import setting_changed

from scheduling import registry
from scheduling.task_limits import EACH_KEY, JOB, KEY, QUEUE, Limit, read


class Limited(Protocol):
    """What a limit looks at: a task, or a schedule (whose tasks have its options)."""

    job: str
    queue: str
    limit_key: str


def any_set() -> bool:
    """Whether this process knows any limit. It is asked for each task."""
    return bool(settings.TANDEM_TASK_LIMITS or registry.limits())


def in_force() -> dict[str, Limit]:
    """All limits by their targets. What the setting says of a job takes the place of what its code says."""
    return {f"{JOB}{name}": limit for name, limit in registry.limits().items()} | _of_settings()


def of(task: Limited, *, in_process: bool) -> dict[str, Limit]:
    """The limits that hold for a task, by target. Only tasks that workers carry (not `in_process`) wait in a queue."""
    limits = in_force()
    targets = [f"{JOB}{task.job}", f"{KEY}{task.limit_key}" if task.limit_key else ""]
    if not in_process:
        targets.append(f"{QUEUE}{task.queue or settings.TANDEM_DEFAULT_QUEUE}")
    found = {target: limits[target] for target in targets if target in limits}
    if task.limit_key and EACH_KEY in limits:
        found.setdefault(f"{KEY}{task.limit_key}", limits[EACH_KEY])
    return found


@cache
def _of_settings() -> dict[str, Limit]:
    return read(settings.TANDEM_TASK_LIMITS)


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "TANDEM_TASK_LIMITS":
        _of_settings.cache_clear()


setting_changed.connect(_forget)
