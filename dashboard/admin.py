"""Django's admin for all models of Tandem: to look at rows. What changes them has rules, and is on the dashboard."""

from __future__ import annotations

from typing import Any, Final

from django.apps import apps
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse

# The models that have a page of their own, and its name.
PAGES: Final = {"Schedule": "schedule", "Task": "task", "Workflow": "workflow"}
# The applications whose models are shown.
_SHOWN: Final = ("tandem_scheduling", "tandem_api", "tandem_dashboard")
# Columns of a list.
_MOST_COLUMNS: Final = 7
# The fields by which a row is known: they are the first columns of a list, where a model has them.
_FIRST: Final = (
    "id", "number", "key", "name", "job", "action", "subject", "subject_id", "kind", "status", "cron", "every",
    "routed_to", "host", "paused", "next_due_at", "due_at", "finished_at", "at",
)  # fmt: skip
# What nobody needs to see in an admin.
_HIDDEN: Final = {"digest", "sealed"}


class LookOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # its parameter exists in the type stubs only
    """Shows rows, and changes none: a row that is changed by hand has no event, no version and no native entry."""

    # A million rows are not counted for a page that shows a hundred of them.
    show_full_result_count = False
    # Others are named by their ids: a select element with a hundred thousand schedules helps nobody.
    list_select_related = False

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """The id, and the short fields, those first by which a row is known."""
        fields = [field.attname for field in self.model._meta.concrete_fields if _is_short(field)]  # noqa: SLF001 - Django's documented way to a model's fields
        known = [name for name in _FIRST if name in fields]
        return [*known, *(name for name in fields if name not in known)][:_MOST_COLUMNS]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """All of them, but for those that are hidden."""
        return [field.attname for field in self.model._meta.concrete_fields if field.name not in _HIDDEN]  # noqa: SLF001 - as above

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_fields(request, obj)

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        """The page of the dashboard, behind the button "View on site"."""
        name = PAGES.get(type(obj).__name__)
        return reverse(f"dashboard:{name}", args=[obj.pk]) if name else None


def _is_short(field: Any) -> bool:
    long = isinstance(field, models.TextField | models.JSONField)
    return not long and field.name not in _HIDDEN


admin.site.site_title = admin.site.site_header = "Tandem"
admin.site.index_title = "Rows of all models, to look at"
for _label in _SHOWN:
    admin.site.register(list(apps.get_app_config(_label).get_models()), LookOnly)
