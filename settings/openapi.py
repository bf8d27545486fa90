"""How is the OpenAPI document made?"""

from typing import Any


def openapi_settings(version: str) -> dict[str, Any]:
    """The settings of drf-spectacular."""
    return {
        # What clients call these choices.
        "ENUM_NAME_OVERRIDES": {
            "AdoptionOutcome": "api.cron.imports.OUTCOMES",
            "CatchUp": "scheduling.models.CatchUp",
            "ClockChangeEffect": "api.advice.EFFECTS",
            "CrontabForm": "api.cron.serializers.FORMS",
            "DatabaseAway": "scheduling.models.DatabaseAway",
            "DifferenceKind": "api.drift.serializers.KINDS",
            "HostState": "api.schedules.serializers.HOST_STATES",
            "MoveOutcome": "api.schedules.moves.OUTCOMES",
            "OnHostLost": "scheduling.models.OnHostLost",
            "OnLost": "scheduling.models.OnLost",
            "Overlap": "scheduling.models.Overlap",
            "Scope": "api.permissions.ALL_SCOPES",
            "SyncState": "scheduling.models.SyncState",
            "TaskOutcome": "api.tasks.bulk.OUTCOMES",
            "TaskStatus": "scheduling.models.task.STATUSES",
        },
        "TITLE": "Tandem",
        "DESCRIPTION": "Ask for jobs to run: now, at a time, or again and again, on Celery Beat or on cron.",
        "VERSION": version,
        "OAS_VERSION": "3.1.0",
        "SERVE_INCLUDE_SCHEMA": False,
        "POSTPROCESSING_HOOKS": [
            "drf_spectacular.hooks.postprocess_schema_enums",
            "api.document.with_bodies",
            "api.document.with_short_rows",
            "api.document.with_numbers",
            "api.document.with_headers",
            "api.document.with_problems",
        ],
        "SWAGGER_UI_DIST": "SIDECAR",
        "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
        "REDOC_DIST": "SIDECAR",
    }
