"""A PeriodicTask that is not ours: each of its runs is sent by one beat, however many there are."""

from __future__ import annotations

from copy import copy
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import ModelEntry


class ForeignEntry(ModelEntry):  # type: ignore[misc]  # django-celery-beat has no types
    """A row as this beat has read it.

    The row itself decides which beat sends. The beat that changes it from what it has read sends; every other beat
    changes nothing, and has to read it again. A user who saves the row changes `date_changed`, and so comes first too.

    The parent stores whole rows some time after a run. That would undo what others have written since: here every
    write is one UPDATE of the row as it was read.
    """

    def __init__(self, model: PeriodicTask, app: Any = None) -> None:
        # The parent replaces a NULL in the model by a time.
        self.read_last_run_at: datetime | None = model.last_run_at
        super().__init__(model, app=app)

    def is_due(self) -> Any:
        """As in the parent. A row that has expired, or is one-off and has run, is disabled."""
        if self.model.enabled and self.model.one_off and self.model.total_run_count > 0:
            self._disable(self.model)
        return super().is_due()

    def claim(self, now: datetime) -> ForeignEntry | None:
        """Note a run at `now` in the row, before it is sent. A one-off row is disabled by the same statement.

        Returns the entry as it is after this run. Returns None when the row is no longer as it was read: another beat
        sends this run, or a user has changed the row.
        """
        ran = {"enabled": True, "last_run_at": now, "total_run_count": self.model.total_run_count + 1}
        if self.model.one_off:
            # What django-celery-beat leaves in a one-off row that has run: it may be enabled again.
            ran = {"enabled": False, "last_run_at": None, "total_run_count": 0}
        if not self._row(enabled=True, last_run_at=self.read_last_run_at).update(**ran):
            return None
        after = copy(self.model)
        for name, value in ran.items():
            setattr(after, name, value)
        return ForeignEntry(after, app=self.app)

    def take_back(self, after: ForeignEntry) -> bool:
        """Undo a `claim` that returned `after`. False when somebody has changed the row since: it stays as it is."""
        claimed = self._row(enabled=after.model.enabled, last_run_at=after.read_last_run_at)
        before = {"last_run_at": self.read_last_run_at, "total_run_count": self.model.total_run_count}
        return bool(claimed.update(enabled=True, **before))

    def _disable(self, model: PeriodicTask) -> None:
        # The parent calls this while it is being made, too: `self.model` may not be there yet.
        model.enabled = False
        count = 0 if model.one_off else model.total_run_count
        _unchanged(model).update(enabled=False, last_run_at=None, total_run_count=count)

    def _row(self, **state: Any) -> QuerySet[PeriodicTask]:
        return _unchanged(self.model).filter(**state)


def _unchanged(model: PeriodicTask) -> QuerySet[PeriodicTask]:
    """The row of the model, if no user has saved it since it was read."""
    rows: QuerySet[PeriodicTask] = type(model)._default_manager  # noqa: SLF001 - Django documents this name
    return rows.filter(pk=model.pk, date_changed=model.date_changed)
