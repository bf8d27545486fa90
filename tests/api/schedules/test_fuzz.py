"""Any posted JSON creates a schedule or is refused without a change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.schedules.serializers import ScheduleInput
from tests.api.asking import SCHEDULES, of, sent, stored, wanted
from tests.api.conformance import CheckedClient

MEMBERS = sorted(ScheduleInput().fields)
# Surrogates too: JSON can carry them as escapes.
TEXT = st.text(st.characters(), max_size=20)
LIKELY = st.sampled_from(
    [
        "* * * * *", "0 0 29 2 *", "@daily", "UTC", "Pacific/Kiritimati", "beat", "crontab", "auto", "inline",
        "worker",
        "skip", "allow", "all", "latest", "PT5M", "P1D", "P", "http.fetch", "demo.process_data", "testhost",
        "nowhere",
        "2099-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9998-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "", 0, 1,
        30, 60, 3600,
        2**31, 2**63, 1e308, {}, {"steps": 1}, {"url": "http://a.example/"},
    ]
)  # fmt: skip
VALUES = LIKELY | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
BODIES = st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=5) | st.dictionaries(TEXT, VALUES, max_size=2)
# The fixtures stay the same through all examples: each example begins with what the one before left.
SETTINGS = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("complete", [True, False])
@SETTINGS
@given(members=BODIES)
def test_any_body_is_a_schedule_or_a_refusal(
    operator: CheckedClient, crontab: Path, complete: bool, members: dict[str, Any]
) -> None:
    before = stored(crontab)
    text = json.dumps((wanted() if complete else {}) | members)
    response = sent(operator, "POST", SCHEDULES, text)
    if response.status_code == 201:
        assert operator.get(of(response.json())).status_code == 200
        assert operator.get(of(response.json(), "occurrences")).status_code == 200
        assert operator.delete(of(response.json())).status_code == 200
    else:
        assert response.status_code == 400
    assert stored(crontab) == before


@SETTINGS
@given(text=st.binary(max_size=50) | st.text(max_size=50).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_refused(operator: CheckedClient, crontab: Path, text: bytes) -> None:
    response = sent(operator, "POST", SCHEDULES, text)
    assert response.status_code == 400
