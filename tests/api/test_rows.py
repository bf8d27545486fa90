"""Rows are shown as ModelSerializer shows them."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from rest_framework import serializers

from api.schedules.serializers import ScheduleOutput
from api.tasks.serializers import TaskOutput
from scheduling.models import Schedule
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule

pytestmark = pytest.mark.django_db


def some_rows() -> list[tuple[type[Any], Any]]:
    schedule = a_schedule(description="of a test", soft_timeout=7)
    task = a_task(schedule, result={"a": [1, None]}, started_at=timezone.now(), due_at=None)
    return [(ScheduleOutput, Schedule.objects.get(pk=schedule.pk)), (TaskOutput, task)]


def test_a_row_is_shown_as_the_usual_serializer_shows_it() -> None:
    for shown, row in some_rows():
        usual: Any = type("Usual", (shown,), {"to_representation": serializers.ModelSerializer.to_representation})
        assert list(shown(row).data.items()) == list(usual(row).data.items())
