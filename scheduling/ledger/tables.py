"""The names of tables and columns in the text of a statement. They come from the models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.db.models import Field, Model

from scheduling.models import Schedule, Task, TaskAttempt, TaskEvent


class Table:
    """A model's table: `{task}` is its name, `{task.status}` the name of a column, both quoted.

    A column is named by the field or its attribute (`schedule` or `schedule_id`). Raises AttributeError for one that
    the model does not have.
    """

    def __init__(self, model: type[Model]) -> None:
        self._model = model
        self._fields: dict[str, Field[Any, Any]] = {}
        for field in model._meta.concrete_fields:
            self._fields |= {field.name: field, field.attname: field}

    def __str__(self) -> str:
        return f'"{self._model._meta.db_table}"'

    def __getattr__(self, name: str) -> str:
        [field] = self.fields([name])
        return f'"{field.column}"'

    def columns(self, names: Iterable[str]) -> list[str]:
        """The names of several columns."""
        return [getattr(self, name) for name in names]

    def fields(self, names: Iterable[str]) -> list[Field[Any, Any]]:
        """The fields whose columns these are."""
        try:
            return [self._fields[name] for name in names]
        except KeyError as exc:
            raise AttributeError(f"{self._model.__name__} has no field {exc.args[0]}") from exc


SCHEDULE: Final = Table(Schedule)
TASK: Final = Table(Task)
ATTEMPT: Final = Table(TaskAttempt)
EVENT: Final = Table(TaskEvent)
TABLES: Final = {"schedule": SCHEDULE, "task": TASK, "attempt": ATTEMPT, "event": EVENT}


def written(text: str, **further: str) -> str:
    """The text of a statement, with the names of tables and columns filled in."""
    return text.format_map(TABLES | further)
