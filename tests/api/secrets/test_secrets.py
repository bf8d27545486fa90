"""Secrets over REST: names for an admin, refusals for unknown names, masks for viewers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field
from pytest_django import Settings

from scheduling.job_context import JobContext
from scheduling.shown_parameters import _schema, masked
from tests.api.asking import SCHEDULES, made, of, wanted
from tests.api.conformance import CheckedClient
from tests.scheduling.execution.conftest import register

__all__ = ["register"]

FETCH = {"url": "https://shop.example/", "headers": {"Authorization": {"$secret": "shop-token"}}}


@pytest.fixture(autouse=True)
def _secrets(settings: Settings) -> None:
    settings.TANDEM_SECRETS = {"shop-token": "Bearer s3cr3t"}
    _schema.cache_clear()


def test_an_admin_sees_names_only(admin: CheckedClient) -> None:
    shown = {"name": "shop-token", "stored": False, "changed_at": None, "changed_by": None}
    assert admin.get("/api/secrets/").json() == [shown]


def test_a_name_is_stored_and_shown_and_the_value_nowhere(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator, job="http.fetch", parameters=FETCH)
    assert schedule["parameters"] == FETCH
    assert b"s3cr3t" not in operator.get(of(schedule)).content


def test_an_unknown_name_is_refused_with_its_place(operator: CheckedClient, crontab: Path) -> None:
    given = FETCH | {"headers": {"Authorization": {"$secret": "other"}}}
    refused = operator.post(SCHEDULES, wanted(job="http.fetch", parameters=given), format="json")
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
        ("/parameters/headers/Authorization", "unknown_secret")
    ]


def signing(
    context: JobContext,
    *,
    key: Annotated[str, Field(json_schema_extra={"writeOnly": True})],
    more: dict[str, Annotated[str, Field(json_schema_extra={"format": "password"})]] | None = None,
    many: list[Annotated[str, Field(json_schema_extra={"writeOnly": True})]] | None = None,
    user: str = "",
) -> None:
    """Sign something."""


def test_a_viewer_sees_masks_and_an_operator_values(
    operator: CheckedClient, viewer: CheckedClient, crontab: Path, register: Callable[..., str]
) -> None:
    given: dict[str, Any] = {"key": "abc", "more": {"a": "b"}, "many": ["c"], "user": "ada"}
    schedule = made(operator, job=register(signing), parameters=given)
    assert schedule["parameters"] == given
    hidden = {"key": "***", "more": {"a": "***"}, "many": ["***"], "user": "ada"}
    assert viewer.get(of(schedule)).json()["parameters"] == hidden
    assert viewer.get(SCHEDULES).json()["results"][0]["parameters"] == hidden
    task = operator.post(of(schedule, "trigger")).json()
    assert task["parameters"] == given
    assert viewer.get(f"/api/tasks/{task['id']}/").json()["parameters"] == hidden
    assert viewer.get("/api/tasks/").json()["results"][0]["parameters"] == hidden


def test_the_name_of_a_secret_is_not_masked(register: Callable[..., str]) -> None:
    assert masked(register(signing), {"key": {"$secret": "x"}}) == {"key": {"$secret": "x"}}
    assert masked("no.such_job", {"key": "x"}) == {"key": "x"}
