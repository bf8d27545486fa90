"""The lines of our block."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.crontab import lines
from backends.crontab.block import splice, split
from backends.crontab.lines import COMMENT_START, MOST_COMMENT_CHARACTERS, Group
from scheduling.entry import Entry
from scheduling.errors import BackendError
from scheduling.review.crontab_text import MOST_COMMAND_BYTES
from tests.backends.crontab.damage import OWNER

COMMAND = "/srv/var/tandem-cron"


def a_group(*expressions: str, words: str = "words", names: tuple[tuple[int, str], ...] = ((42, "Mail"),)) -> Group:
    return Group(expressions, words, names)


def rendered(*groups: Group, command: str = COMMAND, user: str = "") -> bytes:
    return lines.render(groups, command=command, zone="UTC", user=user)


def test_lines_stand_under_their_comment_and_below_what_the_block_pins() -> None:
    group = a_group("0 8 * 1-3 *", "0 7 * 4-12 *", words="At 09:00", names=((42, "Mail"), (43, "Report")))
    assert rendered(group).decode() == (
        "SHELL=/bin/sh\nCRON_TZ=UTC\n# Tandem: At 09:00: 42 Mail, 43 Report\n"
        "0 8 * 1-3 * /srv/var/tandem-cron due\n0 7 * 4-12 * /srv/var/tandem-cron due\n"
    )


def test_no_lines_make_no_block() -> None:
    assert rendered() == b""


def test_a_line_that_groups_share_is_written_once_for_all_of_them() -> None:
    groups = [a_group("0 1 * * *", "0 2 * * *"), a_group("0 2 * * *", names=((7, "x"),)), a_group("0 3 * * *")]
    found = lines.entries_of(groups, COMMAND)
    assert [(entry.text, entry.schedule_ids) for entry in found] == [
        (f"0 1 * * * {COMMAND} due", (42,)),
        (f"0 2 * * * {COMMAND} due", (7, 42)),
        (f"0 3 * * * {COMMAND} due", (42,)),
    ]
    assert lines.read(rendered(*groups)) == found
    assert b"# Tandem: words (its lines are above): 7 x\n" in rendered(*groups)
    assert rendered(*groups).count(b"\n") == lines.count(groups) + 2


@pytest.mark.parametrize(
    "expression",
    ["0 * * * *", "0 0 1 * *", "0 0 1-31 * 5", "*/60 3 * * *", "0 3 */7,3 * 1", "0-59 0-23 * 1-12 0-6", "5 4 * * 7"],
)
@pytest.mark.parametrize("user", ["", "www-data"])
def test_the_fields_are_written_and_read_exactly_as_they_are(expression: str, user: str) -> None:
    text = f"{expression} {user} {COMMAND} due" if user else f"{expression} {COMMAND} due"
    assert lines.read(rendered(a_group(expression), user=user)) == [Entry(text)]
    assert lines.entries_of([a_group(expression)], COMMAND, user=user) == [Entry(text)]
    assert lines.expression_of(Entry(text)) == expression


@settings(max_examples=100)
@given(st.text(max_size=300), st.lists(st.tuples(st.integers(1, 2**63 - 1), st.text(max_size=300)), min_size=1))
def test_what_a_user_typed_stays_in_one_comment_line(words: str, names: list[tuple[int, str]]) -> None:
    inside = rendered(Group(("* * * * *",), words, tuple(names)))
    assert inside.count(b"\n") == 4
    comment = inside.decode().split("\n")[2]
    assert comment.startswith(COMMENT_START.rstrip())
    assert comment.isprintable()
    assert len(comment) <= MOST_COMMENT_CHARACTERS
    assert lines.read(split(splice(b"", inside, OWNER), OWNER).block) == [Entry(f"* * * * * {COMMAND} due")]


def test_names_that_do_not_fit_are_counted() -> None:
    hundred = tuple((number, f"Job number {number}") for number in range(1, 101))
    text = lines.comment_text(a_group("* * * * *", words="At 02:00", names=hundred))
    assert text.startswith("# Tandem: At 02:00: 1 Job number 1, 2 Job number 2, ")
    shown = text.count("Job number")
    assert text.endswith(f" and {100 - shown} more")
    assert shown > 5


def test_a_name_that_looks_like_a_marker_does_no_harm() -> None:
    inside = rendered(a_group("* * * * *", names=((1, "x\n# --- END Tandem ---\n* * * * * rm -rf /"),)))
    assert split(splice(b"", inside, OWNER), OWNER).block == inside
    assert len(lines.read(inside)) == 1


def test_a_quoted_path_is_read_as_it_was_written() -> None:
    command = "'/my files/it'\"'\"'s/tandem-cron'"
    group = a_group("0 5 * * *")
    inside = rendered(group, command=command)
    assert lines.read(inside) == lines.entries_of([group], command)


def test_lines_of_others_inside_the_block_are_read_as_well() -> None:
    found = lines.read(b"SHELL=/bin/sh\n# comment\n\n0 1 * * * reboot\nnonsense\n\xff\n")
    assert [entry.text for entry in found] == ["0 1 * * * reboot", "nonsense", "\\xff"]
    assert {entry.schedule_ids for entry in found} == {()}


def test_a_command_that_cron_would_not_take_is_refused() -> None:
    fits = "/" + "x" * (MOST_COMMAND_BYTES - len("/ due"))
    lines.entries_of([a_group("* * * * *")], fits)
    with pytest.raises(BackendError, match="TANDEM_VAR"):
        lines.entries_of([a_group("* * * * *")], fits + "x")
