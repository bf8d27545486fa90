"""Reports as text and as CSV."""

from __future__ import annotations

import csv
import io
import re
import unicodedata

import pytest
import wcwidth

from scheduling.review.formats import HEADER, Style, comma_separated, json_values, table
from scheduling.review.report import Report, of_crontab
from scheduling.review.report_lines import ReportOptions
from tests.conftest import at

NOW = at("2026-11-20 10:00")
CRONTAB = """\
A=1
30 2 * * * backup --all /some/rather/long/path/to/a/thing that goes on and on and on, and then on
99 * * * * x
0 0 13 * 5 mail%hello
"""


def report(text: str = CRONTAB, language: str = "en") -> Report:
    return of_crontab(text, timezone="Europe/Berlin", now=NOW, options=ReportOptions(language=language))


def rows(found: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(comma_separated(found), newline="")))


def width(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


def test_the_table_tells_each_entry() -> None:
    text = table(report())
    for said in (
        "4 lines, 2 of them entries; with an error: 1, with warnings: 2.",
        "    2  30 2 * * *\n       At 02:30, Europe/Berlin time\n       runs: backup --all",
        "next: 2026-11-21 02:30+01:00, ",
        "error: minute field, '99': values are 0 to 59",
        "warning: The day of the month and the weekday are joined by 'or'",
        "with: A=1",
        "input: hello",
    ):
        assert said in text


def test_the_clock_change_shows_in_the_offset() -> None:
    found = of_crontab("0 12 * * *\n".replace("\n", " x\n"), timezone="Europe/Berlin", now=at("2027-03-27 10:00"))
    assert "2027-03-27 12:00+01:00, 2027-03-28 12:00+02:00" in table(found)


@pytest.mark.parametrize("cells", [40, 60, 100])
@pytest.mark.parametrize("language", ["en", "ja", "de"])
def test_no_line_is_wider_than_asked_for(cells: int, language: str) -> None:
    text = table(report(CRONTAB + f"@daily {'長' * 300}\n@daily {'x' * 300}\n", language), Style(width=cells))
    assert max(width(line) for line in text.splitlines()) <= cells
    assert text.count("長") == 300


@pytest.mark.parametrize("heart", ["\u2764\ufe0f", "e\u0301", "\u1100\u1161"])
def test_what_a_terminal_shows_as_one_character_is_measured_and_kept_as_one(heart: str) -> None:
    text = table(report(f"@daily {heart * 300}\n"), Style(width=40))
    assert max(wcwidth.width(line) for line in text.splitlines()) <= 40
    assert text.count(heart) == 300


def test_colour_is_only_added() -> None:
    plain, coloured = table(report()), table(report(), Style(colour=True))
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9]*m", "", coloured) == plain
    assert coloured.count("\x1b[31m") == 1


def test_busy_minutes_end_the_table() -> None:
    assert table(report("0 3 * * * a\n0 3 * * * b\n")).endswith(
        "Busiest minutes of the coming day (UTC):\n  2026-11-21 02:00  2 starts: 1, 2\n"
    )


def test_nothing_in_a_crontab_reaches_the_terminal_as_a_command() -> None:
    text = table(report("@daily \x1b]0;title\x07 \u202e x \x9b31m\n# \x1b[2J\nA=\x1b[2J\n"))
    assert all(character == "\n" or character.isprintable() for character in text)
    assert "\\x1b]0;title\\x07 \\u202e x" in text


def test_the_csv_has_a_row_for_each_line() -> None:
    found = rows(report())
    assert tuple(found[0]) == HEADER
    assert [row["number"] for row in found] == ["1", "2", "3", "4"]
    assert found[1]["words"] == "At 02:30, Europe/Berlin time"
    assert found[1]["next_occurrences"].split(" ")[0] == "2026-11-21T02:30:00+01:00"
    assert found[3]["stdin"] == "hello\\n"
    assert found[2]["error"].startswith("minute field")


@pytest.mark.parametrize("command", ["=1+1", "+1", "-1", "@SUM(A1)", "  =cmd|' /C calc'!A0", "\uff1d1", "\uff0b1"])
def test_no_cell_begins_like_a_formula(command: str) -> None:
    found = rows(report(f"A={command}\n@daily {command}\n@daily x%{command}\n"))
    cells = [cell for row in found for cell in row.values() if cell]
    assert not [cell for cell in cells if cell.lstrip(" ")[0] in "=+-@\t\r\uff1d\uff0b"]
    assert any(cell.startswith("'") for cell in cells)


def test_json_members_hold_what_the_csv_holds() -> None:
    found = json_values(report())
    assert isinstance(found["lines"], list)
    assert [line["number"] for line in found["lines"]] == [1, 2, 3, 4]
