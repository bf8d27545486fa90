"""A key is unique, also while others take it and give it back."""

from __future__ import annotations

from typing import Any

import pytest

from scheduling import queries
from scheduling.models import Schedule
from tests.conftest import a_schedule


@pytest.mark.django_db
@pytest.mark.parametrize("given", [{}, {"key": "nightly"}])
def test_a_key_that_is_free_again_before_it_is_looked_up_is_no_fault(
    given: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_schedule(name="nightly", key="nightly")
    looks = iter([False])

    def looked_up_too_late(key: str, **_: object) -> bool:
        is_taken = next(looks, None)
        if is_taken is None:
            return Schedule.objects.filter(key=key).delete()[0] < 0
        return is_taken

    # The draft is checked while the key is free; then another has it for the moment in which the row is written.
    monkeypatch.setattr(queries, "is_key_taken", looked_up_too_late)
    made = a_schedule(backend="beat", name="nightly", **given)
    assert (made.key == "nightly") is bool(given)
    assert Schedule.objects.get(pk=made.pk).key == made.key
