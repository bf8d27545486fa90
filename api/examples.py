"""Which bodies does the OpenAPI document show? For each schema of a body one that is accepted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_SCHEDULE: Final = {
    "name": "Nightly report",
    "job": "demo.process_data",
    "parameters": {"steps": 3},
    "cron": "30 2 * * *",
    "timezone": "Europe/Berlin",
    "retries": {"max": 3, "base": 60},
    "tags": ["reports"],
}
_TASK: Final = {"name": "Report of today", "job": "demo.process_data", "parameters": {"steps": 3}}

EXAMPLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "BackfillInput": {"from": "2025-01-01T00:00:00Z", "to": "2025-01-01T12:00:00Z"},
    "ChangeManyInput": {"ids": [1], "changes": {"timezone": "Europe/Vienna"}},
    "ChosenInput": {"ids": [1]},
    "CreateManySchedulesInput": {"schedules": [_SCHEDULE]},
    "CreateManyTasksInput": {"tasks": [_TASK]},
    "DescribeInput": {"cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"},
    "ImportInput": {"crontab": "0 3 * * * /usr/bin/backup\n"},
    "MoveInput": {"backend": "crontab"},
    "MoveManyInput": {"ids": [1], "backend": "crontab", "dry_run": True},
    "PartialInput": {"ids": [1], "partial": True},
    "PatchedScheduleInput": {"cron": "0 3 * * *", "overlap": "queue"},
    "ReviewInput": {"crontab": "0 3 * * * /usr/bin/backup\n", "timezone": "Europe/Berlin"},
    "ScheduleInput": _SCHEDULE,
    "SecretInput": {"value": "what nobody is shown"},
    "SkipInput": {"count": 2},
    "SyncInput": {"apply": False},
    "TaskInput": _TASK,
    "TokenInput": {"name": "the shop", "scopes": ["read", "run"]},
    "WorkflowInput": {
        "name": "Orders",
        "workflow": {
            "chain": [
                {"job": "demo.process_data", "parameters": {"steps": 3}},
                {"job": "demo.process_data", "name": "what follows"},
            ],
            "on_failure": {"job": "demo.process_data"},
        },
    },
}
