"""The examples of docs/workflows.md are accepted as they stand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.api.conformance import CheckedClient
from tests.scheduling.workflows.jobs import Worker

PAGE = (Path(__file__).parents[3] / "docs" / "workflows.md").read_text(encoding="utf-8")
EXAMPLES = [
    ("schedules" if kind else "workflows", json.loads(text))
    for kind, text in re.findall(r"```json( schedule)?\n(.*?)```", PAGE, re.DOTALL)
]


def test_there_are_examples_of_both() -> None:
    assert [kind for kind, _ in EXAMPLES] == ["workflows", "workflows", "schedules"]


@pytest.mark.parametrize(("kind", "body"), EXAMPLES)
def test_an_example_is_accepted(operator: CheckedClient, worker: Worker, kind: str, body: dict[str, Any]) -> None:
    response = operator.post(f"/api/{kind}/", body, format="json")
    assert response.status_code == 201, response.json()
