"""The parameters of a task on its page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import pytest
from django.test import Client
from pydantic import Field

from scheduling.job_context import JobContext
from scheduling.shown_parameters import _schema
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.scheduling.execution.conftest import register

__all__ = ["register"]


def signing(context: JobContext, *, key: Annotated[str, Field(json_schema_extra={"writeOnly": True})]) -> None:
    """Sign something."""


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "is_shown"), [("viewer", False), ("operator", True)])
def test_a_secret_field_is_shown_to_who_may_change_it_only(
    role: str, is_shown: bool, register: Callable[..., str], request: pytest.FixtureRequest
) -> None:
    browser: Client = request.getfixturevalue(role)
    _schema.cache_clear()
    task = a_task(a_schedule(job=register(signing), parameters={"key": "hunter2-hunter2"}))
    page = browser.get(f"/tasks/{task.pk}/").content.decode()
    assert ("hunter2-hunter2" in page, "***" in page) == (is_shown, not is_shown)
