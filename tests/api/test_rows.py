"""Rows are shown as ModelSerializer shows them."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from rest_framework import serializers

from api.schedules.serializers import ScheduleOutput
from api.tasks.serializers import TaskOutput
from scheduling.models import Schedule
from tests.api.asking import wanted
from tests.api.conformance import CheckedClient
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule

pytestmark = pytest.mark.django_db


def some_rows() -> list[tuple[type[Any], Any]]:
    schedule = a_schedule(description="of a test", soft_timeout=7)
    task = a_task(schedule, result={"a": [1, None]}, started_at=timezone.now(), due_at=None)
    return [(ScheduleOutput, Schedule.objects.get(pk=schedule.pk)), (TaskOutput, task)]


@pytest.mark.parametrize("address", ["/api/schedules/", "/api/tasks/"])
def test_no_row_makes_a_serializer_of_its_own(
    operator: CheckedClient, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """To make the fields of one takes longer than to show a row."""
    for _ in range(3):
        assert operator.post("/api/schedules/", wanted(), format="json").status_code == 201
        assert operator.post("/api/tasks/", {"name": "a task"}, format="json").status_code == 201
    operator.get(address)
    made: list[type[Any]] = []
    plain = serializers.ModelSerializer.get_fields

    def counted(self: Any) -> Any:
        made.append(type(self))
        return plain(self)

    monkeypatch.setattr(serializers.ModelSerializer, "get_fields", counted)
    rows = operator.get(address).json()["results"]
    assert [row["created_by"]["kind"] for row in rows] == ["token"] * 3
    assert made == []


def test_a_row_is_shown_as_the_usual_serializer_shows_it() -> None:
    for shown, row in some_rows():
        usual: Any = type("Usual", (shown,), {"to_representation": serializers.ModelSerializer.to_representation})
        assert list(shown(row).data.items()) == list(usual(row).data.items())
