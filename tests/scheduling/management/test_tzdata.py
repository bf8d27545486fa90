"""`manage.py tzdata`: the releases in use, and what moves."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from scheduling.models import Host, Schedule
from scheduling.timing import tzdata_version
from scheduling.upkeep.sweep import sweep
from tests.conftest import a_schedule
from tests.process_rows import a_process
from tests.scheduling.timing.releases import a_release

pytestmark = pytest.mark.django_db


def said(**options: Any) -> str:
    output = StringIO()
    call_command("tzdata", stdout=output, **options)
    return output.getvalue()


def in_phoenix() -> Schedule:
    return a_schedule(name="nine\x1b[31m", cron="0 9 * * *", timezone="America/Phoenix")


def test_the_releases_in_use_are_named() -> None:
    a_process("beat", tzdata="2025b")
    system = {"zone": "Cuba", "tzdata": "2024a", "zone_differs": "Differs."}
    Host.objects.create(name="a-host", heartbeat_at=timezone.now(), **system)
    text = said()
    assert f"Triggers use the release {tzdata_version()}." in text
    assert "beat on testhost, process 1: 2025b" in text
    assert "system of a-host, whose cron is in Cuba: 2024a. Differs." in text
    assert "No change of the release has moved a schedule." in text


def test_what_the_last_change_moved_is_shown() -> None:
    schedule = in_phoenix()
    Schedule.objects.update(tzdata="2025b", next_due_at="2090-01-01T16:00:00Z")
    sweep(now=timezone.now())
    schedule.refresh_from_db()
    assert schedule.next_due_at
    text = said()
    assert "The last change moved 1:" in text
    assert f"schedule {schedule.pk} (nine\\x1b[31m, America/Phoenix): from 2090-01-01 16:00 UTC to" in text
    assert f"{schedule.next_due_at:%Y-%m-%d %H:%M} UTC (2025b -> {tzdata_version()})" in text


def test_another_release_is_compared_from_its_folder(tmp_path: Path) -> None:
    in_phoenix()
    files = a_release(tmp_path, "2099a", {"America/Phoenix": "UTC"})
    text = said(against=files.folder, days=10)
    assert "2099a instead of" in text
    assert "moves 1 schedules up to" in text
    assert text.count("  from ") == 3
    assert "16:00 UTC to" in text
    assert "09:00 UTC" in text
    assert re.search(r"  and [67] more", text)  # by the time of day, the first and the last have no counterpart
    assert "moves no schedule" in said(against=a_release(tmp_path / "same", "2026g", {}).folder)


@pytest.mark.parametrize(("options", "why"), [({"against": Path("/none")}, "no compiled"), ({"days": 0}, "--days")])
def test_what_cannot_be_compared_is_refused(tmp_path: Path, options: dict[str, Any], why: str) -> None:
    wanted = {"against": a_release(tmp_path, "2099a", {}).folder, **options}
    with pytest.raises(CommandError, match=why):
        said(**wanted)
