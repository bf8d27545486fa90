"""Request bodies and look-ups that several API tests use: plain functions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from django_celery_beat.models import PeriodicTask
from rest_framework.test import APIClient

from backends.crontab.lines import COMMENT_START, WAKE_UP
from scheduling.models import Schedule, Task, TaskEvent

SCHEDULES = "/api/schedules/"


def wanted(**members: Any) -> dict[str, Any]:
    """The body of a valid schedule. A member that is None is left out."""
    body = {"name": "a schedule", "job": "demo.process_data", "cron": "*/5 * * * *"} | members
    return {name: value for name, value in body.items() if value is not None}


def made(client: APIClient, **members: Any) -> dict[str, Any]:
    """Create a schedule over REST and return it."""
    response = client.post(SCHEDULES, wanted(**members), format="json")
    assert response.status_code == 201, response.json()
    body: dict[str, Any] = response.json()
    return body


def sent(client: APIClient, method: str, address: str, text: str | bytes) -> Any:
    """The answer to a request whose body is this text, sent as JSON without a check."""
    return client.generic(method, address, text, content_type="application/json")  # type: ignore[arg-type]  # the stubs know no bytes


def of(schedule: dict[str, Any], action: str = "") -> str:
    """The URL of the schedule, or of an action on it."""
    return f"{SCHEDULES}{schedule['id']}/" + (f"{action}/" if action else "")


def pointers(response: Any) -> list[str]:
    """The pointers of the problem document."""
    return [error["pointer"] for error in response.json().get("errors", [])]


def stored(crontab: Path) -> dict[str, Any]:
    """Everything that a write can change: Tandem's rows, Beat's rows, and the bytes of the crontab."""
    return {
        "schedules": list(Schedule.objects.order_by("pk").values()),
        "tasks": list(Task.objects.order_by("pk").values()),
        "events": TaskEvent.objects.count(),
        "beat": list(PeriodicTask.objects.order_by("pk").values()),
        "crontab": crontab.read_bytes(),
    }


def on_beat(schedule: dict[str, Any]) -> list[str]:
    """The names of Beat's rows for the schedule."""
    rows = PeriodicTask.objects.filter(args=f"[{schedule['id']}]", task="tandem.fire")
    return sorted(rows.values_list("name", flat=True))


def in_crontab(schedule: dict[str, Any], crontab: Path) -> list[str]:
    """The crontab's lines under the comments that name the schedule."""
    found, named = [], False
    for line in crontab.read_text().splitlines():
        if line.startswith(COMMENT_START):
            named = re.search(f"[:,] {schedule['id']} ", line) is not None
        elif named and line.endswith(f" {WAKE_UP}"):
            found.append(line)
    return found
