"""PeriodicTasks in Django's admin: ours can be looked at and run, and all others are as django-celery-beat has them."""

from __future__ import annotations

import json
from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django_celery_beat.admin import PeriodicTaskAdmin as StockAdmin
from django_celery_beat.models import PeriodicTask

from backends.beat import stored_rows
from scheduling import clock, schedules
from scheduling.errors import NotFound

# What a person reads who wants to change a row of ours.
_ASK_THE_SCHEDULE: Final = "Rows of Tandem were left out: pause, resume or delete their schedules instead."


class PeriodicTaskAdmin(StockAdmin):  # type: ignore[misc]  # django-celery-beat has no types
    """A row of ours says when to wake Tandem, and its schedule says what that row is: so the row is read-only."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        ours = obj is not None and stored_rows.is_ours(obj)
        return not ours and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        ours = obj is not None and stored_rows.is_ours(obj)
        return not ours and bool(super().has_delete_permission(request, obj))

    def enable_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        super().enable_tasks(request, self._others(request, queryset))

    def disable_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        super().disable_tasks(request, self._others(request, queryset))

    def toggle_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        super().toggle_tasks(request, self._others(request, queryset))

    @admin.action(description="Run selected tasks")
    def run_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Run each once, now. For a row of ours that is the job of its schedule, not only the look at what is due."""
        ours = [row for row in queryset if stored_rows.is_ours(row)]
        for schedule_id in sorted({_schedule_of(row) for row in ours}):
            try:
                task, delivery = schedules.trigger(schedule_id, now=clock.now())
                messages.success(request, f"{task.name}: task {task.pk} was created: {delivery}.")
            except NotFound as exc:
                messages.error(request, exc.detail)
        others = queryset.exclude(pk__in=[row.pk for row in ours])
        if others:
            super().run_tasks(request, others)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Refuses the action "Delete selected" where a row of ours is among them."""
        deleted, counts, needed, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, needed, [*protected, *(str(row) for row in objs if stored_rows.is_ours(row))]

    def _others(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        others = stored_rows.not_ours().filter(pk__in=queryset.values("pk")).select_related(None).order_by()
        if others.count() < queryset.count():
            messages.warning(request, _ASK_THE_SCHEDULE)
        return others


def _schedule_of(row: Any) -> int:
    """The id that the row's argument names; 0, which no schedule has, where somebody has changed it."""
    try:
        [schedule_id] = json.loads(row.args)
        return int(schedule_id)
    except (ValueError, TypeError):
        return 0


admin.site.unregister(PeriodicTask)
admin.site.register(PeriodicTask, PeriodicTaskAdmin)
