"""The filters of a list are made only for a request that names one."""

from __future__ import annotations

from typing import Any

import pytest

from api.filters import StrictFilterSet
from tests.api.asking import pointers
from tests.api.conformance import CheckedClient


def test_a_list_without_filters_makes_none(viewer: CheckedClient, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    plain = StrictFilterSet.__init__

    def counted(self: StrictFilterSet, *given: Any, **options: Any) -> None:
        made.append(self)
        plain(self, *given, **options)

    monkeypatch.setattr(StrictFilterSet, "__init__", counted)
    assert viewer.get("/api/tasks/", {"limit": "1", "ordering": "id", "fields": "id"}).status_code == 200
    assert made == []
    assert viewer.get("/api/tasks/", {"limit": "1", "job": "x"}).status_code == 200
    assert len(made) == 1


def test_a_misspelt_parameter_is_still_refused(viewer: CheckedClient) -> None:
    assert pointers(viewer.get("/api/tasks/", {"limit": "1", "stauts": "x"})) == ["/stauts"]
