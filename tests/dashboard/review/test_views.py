"""A crontab in plain words, and its lines as schedules."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from dashboard.review.day import QUARTERS, columns
from dashboard.review.views import MOST_LINES
from scheduling.models import Schedule
from scheduling.review.report import of_crontab
from tests.conftest import at

TEXT = "0 3 * * * /usr/bin/backup --all\n61 * * * * /bin/false\n@reboot /bin/true\n# a comment\n*/40 * * * * <b>\n"
MAPPED = [{"command": "/usr/bin/backup {what}", "job": "demo.process_data", "name": "Backup {what}"}]


def sent(**more: Any) -> dict[str, Any]:
    return {"crontab": TEXT.replace("\n", "\r\n"), "timezone": "Europe/Berlin", "language": "de", **more}


def test_each_line_is_told_in_the_language_of_ones_choice(viewer: Client) -> None:
    page = viewer.post("/review/", sent()).content.decode()
    assert "Um 03:00" in page
    assert "Europe/Berlin" in page
    assert "61" in page
    assert "Refused" in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert "3 entries, 1 line with an error" in page
    # The times of the machine, and not those of UTC.
    assert page.count(" 03:00</div>") == 2
    # A viewer reads, and adopts nothing.
    assert 'name="line"' not in page


def test_a_file_is_read_like_pasted_text(viewer: Client) -> None:
    upload = SimpleUploadedFile("crontab", b"0 9 * * 1 /bin/true \xff\n")
    page = viewer.post("/review/", {"file": upload, "language": "en"}).content.decode()
    assert "At 09:00, on Monday" in page
    # The next step, which sends no file, has the text.
    assert ">0 9 * * 1 /bin/true" in page


@pytest.mark.parametrize(("text", "zone"), [("0 9 * * 1 /bin/true", "Nowhere"), ("a" * 1_000_001, "UTC")])
def test_what_cannot_be_read_is_said(viewer: Client, text: str, zone: str) -> None:
    answer = viewer.post("/review/", {"crontab": text, "timezone": zone})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()


def test_a_long_crontab_is_cut(viewer: Client) -> None:
    page = viewer.post("/review/", {"crontab": "0 9 * * 1 /bin/true\n" * (MOST_LINES + 7)}).content.decode()
    assert "7 more lines are not shown here" in page


def test_adopting_shows_first_what_it_would_do(operator: Client, settings: Settings) -> None:
    settings.TANDEM_CRON_IMPORT = MAPPED
    page = operator.post("/review/", sent(do="plan", line=["1", "5"], backend="beat")).content.decode()
    assert "Would create" in page
    assert "No mapping in TANDEM_CRON_IMPORT allows this command." in page
    assert not Schedule.objects.exists()
    answer = operator.post("/review/", sent(do="adopt", line=["1", "5"], backend="beat"))
    assert answer.headers["Location"] == "/schedules/"
    made = Schedule.objects.get()
    assert (made.name, made.cron, made.timezone) == ("Backup --all", "0 3 * * *", "Europe/Berlin")
    assert "1 of 2 lines became schedules." in operator.get("/schedules/").content.decode()


def test_at_first_all_lines_are_chosen_and_then_those_that_were(operator: Client, settings: Settings) -> None:
    """The button that adopts sends what the look before it was at."""
    settings.TANDEM_CRON_IMPORT = MAPPED
    page = operator.post("/review/", sent()).content.decode()
    assert re.findall(r'name="line" value="(\d)"( checked)?', page) == [("1", " checked"), ("5", " checked")]
    page = operator.post("/review/", sent(do="plan", line=["1"], backend="beat")).content.decode()
    assert re.findall(r'name="line" value="(\d)"( checked)?', page) == [("1", " checked"), ("5", "")]
    assert "<option selected>beat</option>" in page
    assert 'value="adopt"' in page
    # Nothing to adopt, no button.
    assert 'value="adopt"' not in operator.post("/review/", sent(do="plan", line=["5"])).content.decode()


@pytest.mark.parametrize("do", ["plan", "adopt"])
def test_only_operators_adopt(viewer: Client, do: str) -> None:
    assert viewer.post("/review/", sent(do=do, line="1")).status_code == 403


def test_the_crontab_of_this_machine_is_read_and_its_lines_become_comments(
    operator: Client, settings: Settings, tmp_path: Any
) -> None:
    table = tmp_path / "crontab"
    table.write_text("0 3 * * * /usr/bin/backup --all\n")
    settings.TANDEM_CRONTAB, settings.TANDEM_CRON_IMPORT, settings.VAR = f"file:{table}", MAPPED, tmp_path
    page = operator.post("/review/", {"do": "installed"}).content.decode()
    assert "The crontab of this machine" in page
    operator.post(
        "/review/", {"do": "adopt", "source": "installed", "line": "1", "comment_out": "yes", "backend": "beat"}
    )
    assert not Schedule.objects.get().paused
    assert "Adopted by Tandem" in table.read_text()


def test_without_a_crontab_the_reason_is_said(viewer: Client, settings: Settings) -> None:
    settings.TANDEM_CRONTAB = "none"
    answer = viewer.post("/review/", {"do": "installed"})
    assert (answer.status_code, "TANDEM_CRONTAB is none" in answer.content.decode()) == (400, True)


def test_the_picture_counts_the_starts_of_each_quarter_of_an_hour() -> None:
    now = at("2026-11-20 10:07")
    report = of_crontab("*/5 * * * * a\n20 10 * * * b\n*/5 * * * * c\n", now=now)
    made = columns(report.lines, now=now)
    assert (len(made), made[0].at) == (QUARTERS, at("2026-11-20 10:00"))
    assert [column.starts for column in made[:3]] == [6, 7, 6]
    assert made[-1].at == made[0].at + (QUARTERS - 1) * timedelta(minutes=15)
