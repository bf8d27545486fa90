"""One row stands for all occurrences that are too old or too many for a row each: at which occurrence is it stored?"""

from __future__ import annotations

from dataclasses import replace

from scheduling.models import Schedule, Task
from scheduling.planning import Plan, unrecorded_until
from scheduling.timing import Planned, Trigger


def placed(planned: Plan, schedule: Schedule, trigger: Trigger | Planned) -> Plan:
    """The plan, with the row for many at the first of its occurrences that has no row.

    Somebody may have skipped the first ones, and they have rows of their own: the row for many would be left out.
    Where all have rows, there is none for many. Asks the database only where there is such a row.
    """
    first, *others = planned.decisions or (None,)
    until = unrecorded_until(first.reason) if first is not None else None
    if first is None or until is None:
        return planned
    rows = Task.objects.filter(schedule=schedule, due_at__gte=first.due_at, due_at__lt=until)
    known, due_at = set(rows.values_list("due_at", flat=True)), first.due_at
    while due_at in known:
        following = trigger.next(due_at)
        if following is None or following >= until:
            return replace(planned, decisions=tuple(others))
        due_at = following
    return replace(planned, decisions=(replace(first, due_at=due_at), *others))
