"""What looks like a secret in parameters, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from scheduling import doctor
from scheduling.likely_secrets import places
from scheduling.models import Schedule
from tests.conftest import a_schedule


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"headers": {"Authorization": "x"}}, ["headers.Authorization"]),
        ({"url": "https://ada:lovelace@example.org/"}, ["url"]),
        ({"url": "https://example.org/?a=1&password=x"}, ["url"]),
        ({"header": "Bearer abcdefgh"}, ["header"]),
        ({"list": [{"db_password": "x"}, {"api-key": "x"}, {"access_token": "x"}]},
         ["list.2.access_token", "list.1.api-key", "list.0.db_password"]),
        ({"value": "wJalrXUtnFEMI7K9MDENGbPxRfiCYEXAMPLEKEY"}, ["value"]),
        ({"headers": {"Authorization": {"$secret": "shop-token"}}}, []),
        ({"url": "https://example.org/a/b?page=2", "token_count": "3", "password": ""}, []),
        ({"text": "a sentence of many words that has more than thirty-two characters"}, []),
        ({"path": "backups/2026/november/customers-and-orders"}, []),
        ({"steps": 3, "on": True}, []),
    ],
)  # fmt: skip
def test_places(parameters: Any, found: list[str]) -> None:
    assert list(places(parameters)) == found


@pytest.mark.django_db
def test_the_doctor_names_the_place_and_not_the_value() -> None:
    schedule = a_schedule()
    assert doctor.likely_secrets().ok
    Schedule.objects.filter(pk=schedule.pk).update(parameters={"headers": {"Authorization": "Bearer abcdef"}})
    found = doctor.likely_secrets()
    assert not found.ok
    assert f"schedule {schedule.pk}: headers.Authorization" in found.detail
    assert "abcdef" not in found.detail + found.advice
    assert "$secret" in found.advice
