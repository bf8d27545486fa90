"""The lists that benchmarks/growth.py reads: first and deep pages, each filter, and what no row fits."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta
from typing import Any

from scheduling.models import Task

# Of which no row can be: a filter without an index would read all rows for it.
NEVER = "2100-01-01T00:00:00Z"


def pages() -> list[tuple[str, str, dict[str, Any]]]:
    """(name, address, parameters) of each page."""
    first, last = Task.objects.earliest("pk"), Task.objects.latest("pk")
    middle = _text(first.created_at + (last.created_at - first.created_at) / 2)
    early = _text(first.created_at + timedelta(hours=1))
    others = {
        "workflows: newest": ("/api/workflows/", {}),
        "workflows: q": ("/api/workflows/", {"q": "Import 77"}),
        "hosts": ("/api/hosts/", {}),
        "drift": ("/api/drift/", {}),
        "drift of a kind": ("/api/drift/", {"kind": "doubled"}),
        "tasks of a schedule": ("/api/schedules/77/tasks/", {}),
        "occurrences of a schedule": ("/api/schedules/77/occurrences/", {}),
        "events of a task": (f"/api/tasks/{last.pk}/events/", {}),
    }
    return [
        *((f"tasks: {name}", "/api/tasks/", asked) for name, asked in _of_tasks(first, last, middle, early).items()),
        *((f"schedules: {name}", "/api/schedules/", asked) for name, asked in _of_schedules().items()),
        *((name, address, dict(parameters)) for name, (address, parameters) in others.items()),
    ]


def _of_tasks(first: Task, last: Task, middle: str, early: str) -> dict[str, dict[str, Any]]:
    return {
        "newest": {},
        "in the middle": {"cursor": _cursor((first.pk + last.pk) // 2)},
        "the oldest": {"cursor": _cursor(first.pk + 100)},
        "status FAILED": {"status": "FAILED"},
        "status RUNNING": {"status": "RUNNING"},
        "three statuses": {"status": ["FAILED", "RETRYING", "RUNNING"]},
        "woken_by upkeep (none)": {"woken_by": "upkeep"},
        "woken_by crontab": {"woken_by": "crontab"},
        "executor inline": {"executor": "inline"},
        "job": {"job": "http.fetch"},
        "job (none)": {"job": "no.such"},
        "schedule": {"schedule": 77},
        "due_before the middle": {"due_before": middle},
        "due_before the beginning": {"due_before": early},
        "due_after the end (none)": {"due_after": NEVER},
        "created_before the middle": {"created_before": middle},
        "created_before the beginning": {"created_before": early},
        "created_after the end (none)": {"created_after": NEVER},
        "executor and woken_by (none)": {"executor": "inline", "woken_by": "request"},
        "q, of few": {"q": "customer 4711"},
        "q, of all": {"q": "customer"},
        "q (none)": {"q": "no such name"},
    }


def _of_schedules() -> dict[str, dict[str, Any]]:
    return {
        "newest": {},
        "paused": {"paused": "true"},
        "sync pending (none)": {"sync": "pending"},
        "job (none)": {"job": "no.such"},
        "executor inline": {"executor": "inline"},
        "backend crontab": {"backend": "crontab"},
        "host": {"host": "host-3"},
        "due_before": {"due_before": NEVER},
        "q, of few": {"q": "customer 4711"},
        "q (none)": {"q": "no such name"},
    }


def _text(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _cursor(pk: int) -> str:
    return b64encode(f"p={pk}".encode()).decode()
