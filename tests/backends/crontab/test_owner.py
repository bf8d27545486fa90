"""Whose is a line of a crontab?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from backends.crontab.owner import of_line_by_line, runs_us
from tests.backends.crontab.damage import OWNER

COMMAND = OWNER.command


@pytest.mark.parametrize(
    "line",
    [
        b"0 1 * * * reboot",
        b"* * * * * " + COMMAND.removesuffix(b"due") + b"fire 7",
        b"* * * * * " + COMMAND + b"; reboot",
        b"* * * * * /other" + COMMAND,
        b"* * * * * sh -c " + COMMAND,
        COMMAND,
        b"# Tandem is great",
        b"# Tandem: At 09:00: 42 Mail",
        b"SHELL=/bin/bash",
        b"MAILTO=root",
        b"CRON_TZ=UTC reboot",
        b"\xff",
        b"",
    ],
)
def test_lines_of_others_are_not_ours(line: bytes) -> None:
    assert of_line_by_line([line], OWNER, known=[b"SHELL=/bin/sh"]) == [False]


@pytest.mark.parametrize(
    "line",
    [
        b"0 1 * * 1-5 " + COMMAND,
        b"0 1\t* * mon  " + COMMAND + b"\r",
        b"@daily " + COMMAND,
        b"#0 1 * * 1-5 " + COMMAND,
        b"SHELL=/bin/sh",
    ],
)
def test_lines_of_ours_are_known_even_where_somebody_touched_their_blanks(line: bytes) -> None:
    assert of_line_by_line([line], OWNER, known=[b"SHELL=/bin/sh"]) == [True]


def test_a_table_of_the_system_has_a_column_for_the_user() -> None:
    line = b"0 1 * * * root " + COMMAND
    assert not runs_us(line, OWNER)
    assert runs_us(line, replace(OWNER, fields=6))
