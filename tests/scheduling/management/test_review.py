"""`manage.py review`."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.conftest import a_schedule


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(*arguments: str, out: io.StringIO | None = None) -> str:
    out = out or io.StringIO()
    call_command("review", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "crontab"
    path.write_bytes(b"30 2 * * * h\xe4llo\n@reboot x\n")
    return str(path)


def test_a_file_is_told(file: str) -> None:
    text = run(file, "--timezone", "Europe/Berlin", "--language", "de-AT")
    assert "Um 02:30 Uhr, Zeitzone Europe/Berlin" in text
    assert "\x1b" not in text
    text.encode()


def test_colour_is_for_terminals_only(file: str) -> None:
    assert "\x1b[" in run(file, out=Terminal())
    assert "\x1b[" not in run(file, "--no-color", out=Terminal())
    assert "\x1b[" in run(file, "--force-color")


def test_columns_fit_the_terminal(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    assert max(len(line) for line in run(file, "--count", "9").splitlines()) <= 50


def test_standard_input_is_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"17 * * * * root x\n")))
    found = json.loads(run("-", "--format", "json"))
    assert (found["form"], found["lines"][0]["user"]) == ("system", "root")


def test_an_error_in_the_table_fails_the_command_after_telling(tmp_path: Path) -> None:
    path = tmp_path / "crontab"
    path.write_text("99 * * * * x\n")
    out = io.StringIO()
    with pytest.raises(SystemExit) as end:
        run(str(path), out=out)
    assert end.value.code == 1
    assert "values are 0 to 59" in out.getvalue()


def test_the_csv_begins_with_its_header(file: str) -> None:
    assert run(file, "--format", "csv").startswith("number,kind,expression,")


@pytest.mark.django_db
def test_without_a_file_the_schedules_are_told() -> None:
    a_schedule(name="nightly", cron="30 2 * * *")
    assert "30 2 * * *  nightly\n       At 02:30, UTC time" in run()


def test_the_installed_table_is_read_through_the_setting(settings: Any, tmp_path: Path) -> None:
    path = tmp_path / "crontab"
    path.write_bytes(b"0 3 * * * mine\n")
    settings.TANDEM_CRONTAB = f"file:{path}"
    settings.TANDEM_FOREIGN_TABLE = "backends.crontab.foreign_lines.ForeignCrontab"
    assert "runs: mine" in run("--installed")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/no/such/file"], "No such file"), (["x", "--installed"], "not both"), (["FILE", "--count", "21"], "--count"),
        (["FILE", "--language", "xx"], "offered: "), (["FILE", "--timezone", "Mars"], "IANA"), (["/"], "directory"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(file: str, arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(*[file if argument == "FILE" else argument for argument in arguments])


def test_a_file_of_more_than_a_megabyte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "crontab"
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(CommandError, match="1,000,000 bytes"):
        run(str(path))
