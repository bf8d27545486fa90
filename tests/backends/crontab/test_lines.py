"""The lines of our block."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.crontab import lines
from backends.crontab.block import splice, split
from backends.crontab.lines import BlockLine
from scheduling.entry import Entry
from scheduling.errors import BackendError
from scheduling.review.crontab_text import MOST_COMMAND_BYTES
from tests.backends.crontab.damage import OWNER

COMMAND = "/srv/var/tandem-cron"


def rendered(*wanted: BlockLine, command: str = COMMAND) -> bytes:
    return lines.render(wanted, command=command, zone="UTC")


def test_a_line_stands_under_its_comment_and_below_what_the_block_pins() -> None:
    assert rendered(BlockLine(42, "*/5 * * * *", "Mail: every 5 minutes")) == (
        b"SHELL=/bin/sh\nCRON_TZ=UTC\n# 42: Mail: every 5 minutes\n*/5 * * * * /srv/var/tandem-cron fire 42\n"
    )


def test_no_lines_make_no_block() -> None:
    assert rendered() == b""


@pytest.mark.parametrize(
    "expression",
    ["0 * * * *", "0 0 1 * *", "0 0 1-31 * 5", "*/60 3 * * *", "0 3 */7,3 * 1", "0-59 0-23 * 1-12 0-6", "5 4 * * 7"],
)
def test_the_fields_are_written_and_read_exactly_as_they_are(expression: str) -> None:
    text = f"{expression} {COMMAND} fire 7"
    assert lines.read(rendered(BlockLine(7, expression))) == [Entry(7, text)]
    assert lines.entry(BlockLine(7, expression), COMMAND) == Entry(7, text)
    assert lines.expression_of(Entry(7, text)) == expression


@settings(max_examples=100)
@given(st.text(max_size=300), st.integers(1, 2**63 - 1))
def test_what_a_user_typed_stays_in_one_comment_line(typed: str, schedule_id: int) -> None:
    inside = rendered(BlockLine(schedule_id, "* * * * *", typed))
    assert inside.count(b"\n") == 4
    comment = inside.decode().split("\n")[2]
    assert comment.startswith(f"# {schedule_id}: "[:-1])
    assert comment.isprintable()
    assert len(comment) <= 202
    table = splice(b"", inside, OWNER)
    assert lines.read(split(table, OWNER).block) == [Entry(schedule_id, f"* * * * * {COMMAND} fire {schedule_id}")]


def test_a_name_that_looks_like_a_marker_does_no_harm() -> None:
    inside = rendered(BlockLine(1, "* * * * *", "x\n# --- END Tandem ---\n* * * * * rm -rf /"))
    assert split(splice(b"", inside, OWNER), OWNER).block == inside
    assert len(lines.read(inside)) == 1


def test_a_quoted_path_is_read_as_it_was_written() -> None:
    command = "'/my files/it'\"'\"'s/tandem-cron'"
    wanted = lines.entry(BlockLine(3, "0 5 * * *"), command)
    assert lines.read(rendered(BlockLine(3, "0 5 * * *"), command=command)) == [wanted]


def test_lines_of_others_inside_the_block_are_shown_as_not_ours() -> None:
    found = lines.read(b"SHELL=/bin/sh\n# comment\n\n0 1 * * * reboot\nnonsense\n* * * * * x fire 0\n\xff\n")
    assert [entry.schedule_id for entry in found] == [lines.NOT_OURS] * 4
    assert found[0].text == "0 1 * * * reboot"


def test_a_command_that_cron_would_not_take_is_refused() -> None:
    fits = "/" + "x" * (MOST_COMMAND_BYTES - len("/ fire 1"))
    lines.entry(BlockLine(1, "* * * * *"), fits)
    with pytest.raises(BackendError, match="TANDEM_VAR"):
        lines.entry(BlockLine(1, "* * * * *"), fits + "x")
