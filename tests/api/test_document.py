"""Whatever the document allows, and what it forbids, is answered as it says: asked by Schemathesis, as every role.

No fault of ours (5xx), and no status, media type, header or body that is not in the document.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st
from pytest_django import Settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.models import ApiToken
from scheduling.models import Schedule, Task
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule, client_as
from tests.recording import RecordingExecutor

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# Whoever has the last one has a token, and no role.
ROLES = ["viewer", "operator", "admin", "nothing"]
# The suite asks so often for each operation, and always the same; the drill asks more, and differently each time.
FEW, MANY = 9, 40
PARTS = 2

STEADY = hypothesis.settings(
    max_examples=FEW, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=[*HealthCheck]
)
OFTEN = hypothesis.settings(STEADY, max_examples=MANY, derandomize=False)

Credentials = dict[str, dict[str, str]]


@cache
def document() -> Any:
    return schemathesis.openapi.from_wsgi("/api/schema/?format=json", get_wsgi_application())


@pytest.fixture
def credentials(db: None, crontab: Path, recorded: RecordingExecutor, settings: Settings) -> Iterator[Credentials]:
    """The headers of nobody and of each role. There are a schedule and a task, and no limit to how much is asked.

    The end of a request leaves the connection of the test open, as with Django's own client.
    """
    settings.TANDEM_ADDRESS_RATE = settings.TANDEM_TOKEN_RATE = 0
    found: Credentials = {"nobody": {}}
    for role in ROLES:
        token: str = client_as(role)._credentials["HTTP_AUTHORIZATION"]  # type: ignore[attr-defined]  # the stubs leave it out
        found[role] = {"Authorization": token}
    a_task(a_schedule(key="known"))
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield found
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.mark.parametrize("part", range(PARTS))
def test_every_operation_answers_as_the_document_says(credentials: Credentials, part: int) -> None:
    for operation in operations()[part::PARTS]:
        STEADY(answers_as_said(operation, credentials))()


@pytest.mark.drill
def test_every_operation_answers_so_whatever_is_asked(credentials: Credentials) -> None:
    for operation in operations():
        seeded(answers_as_said(operation, credentials))()


@pytest.mark.drill
def test_what_follows_from_an_answer_is_answered_so_too(credentials: Credentials) -> None:
    """Schemathesis takes ids, keys and names from one answer into the next request."""
    machine: Any = document().as_state_machine()

    class Walk(machine):  # type: ignore[misc]  # it is made at run time
        def setup(self) -> None:
            self._undone = undone()
            self._undone.__enter__()

        def teardown(self) -> None:
            self._undone.__exit__(None, None, None)

        def get_call_kwargs(self, _case: Case[Any]) -> dict[str, Any]:
            return {"headers": credentials["admin"]}

        def validate_response(self, response: Any, case: Case[Any], **_: Any) -> None:
            case.validate_response(response, checks=CHECKS)

    seeded(Walk).run(settings=hypothesis.settings(OFTEN, max_examples=4 * MANY, stateful_step_count=12))


def operations() -> list[Any]:
    """Each operation of the document."""
    found = [one.ok() for one in document().get_all_operations()]
    assert len(found) > 50
    return found


def seeded(test: Any) -> Any:
    """The test with many examples, and a seed that is printed when it fails."""
    seed = random.randrange(2**32)  # noqa: S311 - it picks examples, no secret
    print(f"seed {seed}")  # noqa: T201 - pytest shows it with a failure
    return hypothesis.seed(seed)(test if isinstance(test, type) else OFTEN(test))


def answers_as_said(operation: Any, credentials: Credentials) -> Any:
    """A test of the operation: with what fits the document and what does not, for rows that exist and others."""

    @given(case=st.one_of(cases(operation)), role=st.sampled_from(sorted(credentials)))
    def test(case: Case[Any], role: str) -> None:
        with undone():
            response = case.call(headers=credentials[role])
            case.validate_response(response, checks=CHECKS)

    return test


def cases(operation: Any) -> list[Any]:
    """Requests that fit and that do not; for what exists, where the address names something; with the example."""
    found = [operation.as_strategy(generation_mode=mode) for mode in GenerationMode]
    known = {about.name: known_as(operation.path, about.name) for about in operation.path_parameters}
    if known:
        found.append(operation.as_strategy(path_parameters=known))
    body = operation.definition.raw.get("requestBody", {}).get("content", {}).get("application/json", {})
    if body:
        found.append(
            operation.as_strategy(path_parameters=known or None, body=body["example"], media_type="application/json")
        )
    return found


def known_as(path: str, name: str) -> Any:
    """What exists: the first row, and names that there are."""
    if name == "name":
        return {"backends": "beat", "jobs": "demo.process_data"}.get(path.split("/")[2], "testhost")
    return "known" if name == "key" else first_id(path.split("/")[2])


def first_id(kind: str) -> int:
    """The id of the first schedule, task or token; of a kind of which there is none, 1."""
    rows: dict[str, Any] = {"schedules": Schedule, "tasks": Task, "tokens": ApiToken}
    first = rows[kind].objects.order_by("pk").first() if kind in rows else None
    return int(first.pk) if first else 1


@contextmanager
def undone() -> Iterator[None]:
    """What happens inside is taken back: each request finds the same rows."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
