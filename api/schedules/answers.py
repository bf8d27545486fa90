"""How is a schedule answered, and how is a body for one read? The same by its id and by its key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from api.bodies import read
from api.etags import tagged
from api.language import in_language, language_of
from api.schedules.serializers import AnsweredSchedule, ScheduleInput, ScheduleOutput
from api.writing import NO_ID
from scheduling import clock, drafts, dry_run, queries
from scheduling.models import Schedule
from scheduling.review.advice import runs_in_a_year


def shown(request: Request, schedule: Schedule) -> Response:
    """A schedule, with its version as ETag."""
    language = language_of(request)
    data = ScheduleOutput(schedule, context={"language": language}).data
    return in_language(tagged(data, schedule.version), language)


def changed(request: Request, schedule: Schedule, *, before: int | None = None, location: str = "") -> Response:
    """A schedule that was written, with warnings and its runs in a year; `before` are those before the change."""
    language = language_of(request)
    data = AnsweredSchedule(schedule, context={"language": language, "before": before}).data
    code = status.HTTP_201_CREATED if location else status.HTTP_200_OK
    return in_language(tagged(data, schedule.version, status=code, location=location), language)


def created(request: Request, schedule: Schedule) -> Response:
    """A schedule that did not exist before."""
    location = reverse("schedule-detail", kwargs={"pk": schedule.pk})
    if dry_run.is_on():
        # Also its entries show no id that there will never be.
        schedule.pk = NO_ID
    return changed(request, schedule, location=location)


def change(request: Request, pk: int, write: Callable[[], Schedule]) -> Response:
    """The answer to a change that `write` makes. Raises NotFound, and what it raises."""
    language_of(request)  # refused before anything is stored
    before = runs_in_a_year(queries.schedule(pk), now=clock.now())
    return changed(request, write(), before=before)


def asked(request: Request, pk: int | None = None, *, partial: bool = False) -> dict[str, Any]:
    """The members of a body, for a new schedule or for the one with the id `pk`. Raises FaultyBody with all faults."""

    def check(**members: Any) -> None:
        now = clock.now()
        if pk is None:
            drafts.draft(now=now, **members)
        else:
            given = members if partial else {**drafts.defaults(), **members}
            drafts.draft_of_change(queries.schedule(pk), now=now, **given)

    language_of(request)  # as above
    return read(ScheduleInput(data=request.data, partial=partial), check)
