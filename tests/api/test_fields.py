"""The fields that read JSON strictly, without converting types."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from rest_framework.exceptions import ValidationError

from api.fields import Flag, Instant, Interval, Seconds, Text, Whole
from scheduling.durations import WHAT_TO_WRITE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T10:00:00Z", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("2026-11-20t10:00:00z", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("2026-11-20 10:00:00+05:30", datetime(2026, 11, 20, 4, 30, tzinfo=UTC)),
        ("2026-11-20T10:00:00.25-00:00", datetime(2026, 11, 20, 10, 0, 0, 250_000, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_rfc_3339(text: str, expected: datetime) -> None:
    assert Instant().to_internal_value(text) == expected


@pytest.mark.parametrize(("given", "seconds"), [(0, 0), (300, 300), ("P1DT1H1M1S", 90_061)])
def test_a_duration_is_read_from_seconds_and_iso_8601(given: object, seconds: int) -> None:
    assert Seconds().to_internal_value(given) == timedelta(seconds=seconds)


@pytest.mark.parametrize("given", ["PT1.0S", "P1M", 1.0])
@pytest.mark.parametrize("field", [Seconds(), Interval()])
def test_what_is_no_duration_is_refused_in_the_same_words(field: Seconds, given: object) -> None:
    with pytest.raises(ValidationError) as refused:
        field.to_internal_value(given)
    assert refused.value.get_codes() == ["invalid"]
    assert WHAT_TO_WRITE in str(refused.value.detail)


@pytest.mark.parametrize(("given", "seconds"), [(1, 1), ("PT1S", 1), (2**31 - 1, 2**31 - 1), ("P1D", 86_400)])
def test_an_interval_is_a_number_of_seconds(given: object, seconds: int) -> None:
    assert Interval().to_internal_value(given) == seconds


@pytest.mark.parametrize(
    ("field", "given"),
    [
        (Text(), 1), (Text(), True), (Flag(), "true"), (Flag(), 1), (Whole(), "1"), (Whole(), 1.0), (Whole(), True),
    ],
)  # fmt: skip
def test_one_kind_of_json_value_is_not_taken_for_another(field: Text | Flag | Whole, given: object) -> None:
    with pytest.raises(ValidationError):
        field.run_validation(given)
