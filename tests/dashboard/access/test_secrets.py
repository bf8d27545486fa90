"""The names of secrets: where they come from, who uses them, and never a value."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from scheduling.models import Schedule
from tests.conftest import a_schedule
from tests.dashboard.test_pages import text_of


def using(name: str, *secrets: str) -> Schedule:
    schedule = a_schedule(name=name)
    schedule.parameters = {"headers": [{"X": {"$secret": secret}} for secret in secrets]}
    schedule.save()
    return schedule


def test_each_name_says_where_it_comes_from_and_who_uses_it(admin: Client, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "from-file").write_text("value-of-file")
    settings.TANDEM_SECRETS, settings.TANDEM_SECRETS_DIR = {"from-setting": "value-of-setting"}, str(tmp_path)
    using("import", "from-file", "gone")
    page = text_of(admin, "/settings/secrets/")
    rows = {name: page[page.index(f">{name}<") - 400 : page.index(f">{name}<") + 300] for name in (
        "from-file", "from-setting", "gone",
    )}  # fmt: skip
    assert "File</span>" in rows["from-file"]
    assert "Environment</span>" in rows["from-setting"]
    assert "no schedule uses it" in rows["from-setting"]
    assert "Not here</span>" in rows["gone"]
    assert page.count(">import</a>") == 2
    assert "value-of" not in page


def test_many_schedules_are_counted_and_cost_one_statement(admin: Client) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            text_of(admin, "/settings/secrets/")
        return len(asked)

    few = statements()
    for number in range(8):
        using(f"schedule {number}", "shop")
    assert statements() == few
    assert "and 3 more" in text_of(admin, "/settings/secrets/")


@pytest.mark.parametrize("page", ["secrets", "audit"])
def test_they_are_for_admins(operator: Client, page: str) -> None:
    assert operator.get(f"/settings/{page}/").status_code == 403


def test_without_any_the_page_says_how_to_give_one(admin: Client) -> None:
    assert "TANDEM_SECRET_SHOP_TOKEN" in text_of(admin, "/settings/secrets/")
