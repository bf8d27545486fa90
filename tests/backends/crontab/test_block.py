"""The table as bytes: what is not ours never changes, and what somebody did to our block is mended."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.crontab.block import MOST_LINES, Fault, faults, foreign_places, markers, splice, split
from scheduling.difference import DifferenceKind
from scheduling.errors import BackendError
from tests.backends.crontab.damage import BLOCK, DAMAGES, FOREIGN, OTHER, OTHERS_BLOCK, OWNER

BEGIN, END = markers(BLOCK, OWNER, joined=False)
WHOLE = BEGIN + b"\n" + BLOCK + END + b"\n"
FIRST = b"* * * * * /srv/a/tandem-cron due"
SECOND = b"0 9 * * 1-5 /srv/a/tandem-cron due"


@settings(max_examples=150)
@given(FOREIGN)
def test_taking_the_block_away_gives_the_original_bytes_back(original: bytes) -> None:
    assert splice(splice(original, BLOCK, OWNER), b"", OWNER) == original


@settings(max_examples=100)
@given(FOREIGN)
def test_a_block_is_found_again_and_writing_it_twice_changes_nothing(original: bytes) -> None:
    once = splice(original, BLOCK, OWNER)
    assert split(once, OWNER).block == BLOCK
    assert split(once, OWNER).foreign == original
    assert faults(once, OWNER) == ()
    assert splice(once, BLOCK, OWNER) == once


@settings(max_examples=100)
@given(FOREIGN)
def test_foreign_lines_stay_whole_lines_before_the_block(original: bytes) -> None:
    before = splice(original, BLOCK, OWNER).partition(b"# --- BEGIN Tandem 0a1b2c3d")[0]
    assert before in {original, original + b"\n"}
    assert before == b"" or before.endswith(b"\n")


@settings(max_examples=100)
@given(FOREIGN, FOREIGN.filter(bool))
def test_lines_appended_behind_the_block_come_before_it_at_the_next_write(first: bytes, later: bytes) -> None:
    table = splice(splice(first, BLOCK, OWNER) + later, BLOCK, OWNER)
    line_break = b"\n" if first and not first.endswith(b"\n") else b""
    assert split(table, OWNER).foreign == first + line_break + later
    assert table.endswith(END + b"\n") or b"with the line break above" in table


@settings(max_examples=100)
@given(FOREIGN)
def test_two_installations_leave_each_others_bytes_alone_for_good(original: bytes) -> None:
    table = splice(splice(original, BLOCK, OWNER), OTHERS_BLOCK, OTHER)
    for _ in range(3):
        assert splice(table, BLOCK, OWNER) == table
        assert splice(table, OTHERS_BLOCK, OTHER) == table
    assert faults(table, OWNER) == faults(table, OTHER) == ()
    assert split(table, OWNER).block == BLOCK
    assert split(table, OTHER).block == OTHERS_BLOCK
    # The one that came last goes first; then every byte is as it was.
    assert splice(splice(table, b"", OTHER), b"", OWNER) == original


def test_a_changed_block_stays_before_the_one_of_another_installation() -> None:
    table = splice(splice(b"MAILTO=\n", BLOCK, OWNER), OTHERS_BLOCK, OTHER)
    others = table[table.index(b"# --- BEGIN Tandem ffff0000") :]
    changed = splice(table, BLOCK + b"1 1 * * * " + OWNER.command + b"\n", OWNER)
    assert changed.endswith(others)
    assert splice(changed, OTHERS_BLOCK, OTHER) == changed
    # A person's line behind both brings the two behind it, one after the other, and then they rest.
    later = changed + b"17 * * * * echo\n"
    mended = splice(splice(later, BLOCK, OWNER), OTHERS_BLOCK, OTHER)
    assert mended.startswith(b"MAILTO=\n17 * * * * echo\n# --- BEGIN Tandem 0a1b2c3d")
    assert splice(splice(mended, BLOCK, OWNER), OTHERS_BLOCK, OTHER) == mended


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_damage_loses_a_foreign_line_or_its_order(data: st.DataObject) -> None:
    foreign = b"".join(b"%d * * * * echo p%d\n" % (i, i) for i in range(data.draw(st.integers(0, 4))))
    table = splice(foreign, BLOCK, OWNER)
    if data.draw(st.booleans()):
        table = splice(table, OTHERS_BLOCK, OTHER)
    lines = table.split(b"\n")
    for number in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(lines) - 1))
        lines = DAMAGES[data.draw(st.sampled_from(sorted(DAMAGES)))](lines, place, b"7 * * * * echo q%d" % number)
    damaged = b"\n".join(lines)

    mended = splice(damaged, BLOCK, OWNER)

    assert _people(mended) == _people(damaged)
    assert _others(mended) == _others(damaged)
    assert splice(mended, BLOCK, OWNER) == mended
    assert split(mended, OWNER).block == BLOCK
    assert faults(mended, OWNER, known=BLOCK) == ()
    assert [line for line in mended.split(b"\n") if line.strip() in {FIRST, SECOND}] == [FIRST, SECOND]


@settings(max_examples=150, deadline=None)
@given(FOREIGN, st.lists(st.tuples(st.integers(0, 30), st.binary(max_size=30)), max_size=4))
def test_arbitrary_bytes_put_anywhere_are_never_lost(original: bytes, inserted: list[tuple[int, bytes]]) -> None:
    lines = splice(original, BLOCK, OWNER).split(b"\n")
    for place, text in inserted:
        lines[place:place] = text.split(b"\n")
    damaged = b"\n".join(lines)
    mended = splice(damaged, BLOCK, OWNER)
    assert not Counter(_foreign_texts(damaged)) - Counter(mended.split(b"\n"))
    assert splice(mended, BLOCK, OWNER) == mended


def _people(table: bytes) -> list[bytes]:
    """The lines of people, in order."""
    return [line for line in table.split(b"\n") if b" echo " in line]


def _others(table: bytes) -> list[bytes]:
    """The lines of the other installation, in order."""
    return [line for line in table.split(b"\n") if b"ffff0000" in line or b"/srv/b/" in line]


def _foreign_texts(table: bytes) -> list[bytes]:
    """All lines that could not be ours."""
    ours = {*BLOCK.split(b"\n"), b""}
    return [line for line in table.split(b"\n") if line.removesuffix(b"\r") not in ours and b"0a1b2c3d" not in line]


def test_a_table_without_final_newline_keeps_its_last_line() -> None:
    begin, end = markers(BLOCK, OWNER, joined=True)
    table = splice(b"0 1 * * * backup", BLOCK, OWNER)
    assert table == b"0 1 * * * backup\n" + begin + b"\n" + BLOCK + end + b"\n"


def test_what_was_joined_stays_joined_before_the_block_of_another_installation() -> None:
    table = splice(splice(b"no newline", BLOCK, OWNER), OTHERS_BLOCK, OTHER)
    assert splice(table, BLOCK, OWNER) == table
    assert splice(table, b"", OWNER).startswith(b"no newline\n# --- BEGIN Tandem ffff0000")


def test_the_end_marker_may_have_lost_its_newline() -> None:
    assert split(WHOLE.removesuffix(b"\n"), OWNER).block == BLOCK


def _crlf(table: bytes) -> bytes:
    return table.replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    ("damaged", "kinds"),
    [
        (BEGIN + b"\n" + BLOCK, {"markers"}),
        (BLOCK + END + b"\n", {"markers"}),
        (BLOCK, {"markers"}),
        (END + b"\n" + BLOCK + BEGIN + b"\n", {"markers"}),
        (WHOLE * 2, {"doubled"}),
        (BEGIN + b"\n" + WHOLE, {"markers"}),
        (_crlf(WHOLE), {"markers"}),
        (b"  " + WHOLE, {"markers"}),
        (WHOLE.replace(b"edit the schedules", b"do not edit"), {"markers"}),
        (WHOLE.replace(FIRST, b"#" + FIRST), {"disabled"}),
        (WHOLE.replace(FIRST, b"# " + FIRST), {"disabled"}),
        (WHOLE.replace(FIRST, FIRST + b"\n" + FIRST), {"doubled"}),
        (SECOND + b"\n" + WHOLE, {"moved"}),
        (WHOLE.replace(SECOND + b"\n", b"") + SECOND + b"\n", {"moved"}),
        (b"@daily " + OWNER.command + b"\n" + WHOLE, {"moved"}),
    ],
)
def test_damage_is_named_and_mended(damaged: bytes, kinds: set[str]) -> None:
    people = b"MAILTO=me\n17 * * * * echo\n"
    assert {fault.kind for fault in faults(people + damaged, OWNER, known=BLOCK)} == kinds
    assert splice(people + damaged, BLOCK, OWNER) == people + WHOLE


def test_a_lost_marker_is_mended_also_when_the_schedules_have_changed() -> None:
    other = BLOCK.replace(b"0 9", b"0 10").replace(b"A report", b"Another")
    for damaged in (BEGIN + b"\n" + BLOCK, BLOCK + END + b"\n"):
        assert splice(b"a\n" + damaged + b"b\n", other, OWNER).startswith(b"a\nb\n# --- BEGIN")


def test_lines_of_people_inside_come_out_and_keep_their_bytes_and_order() -> None:
    lines = [b"MAILTO=me", b"# mine\t", b"5 5 * * * \xff \r", b"SHELL=/bin/sh", b"6 6 * * * /srv/a/tandem-cron due --x"]
    inside = BLOCK.replace(FIRST, FIRST + b"\n" + b"\n".join(lines))
    table = b"first\n" + BEGIN + b"\n" + inside + END + b"\nlast\n"
    assert splice(table, BLOCK, OWNER) == b"first\n" + b"\n".join(lines) + b"\nlast\n" + WHOLE
    assert faults(table, OWNER, known=BLOCK)[2] == Fault(DifferenceKind.FOREIGN_INSIDE, "5 5 * * * \\xff \r")


def test_nothing_of_another_installation_is_ours_even_inside_our_block() -> None:
    others = splice(b"", OTHERS_BLOCK.replace(b"# 0: A report", FIRST), OTHER)
    table = BEGIN + b"\n" + BLOCK + others + END + b"\n"
    assert splice(table, BLOCK, OWNER) == others + WHOLE


def test_words_about_the_markers_elsewhere_in_a_line_are_no_markers() -> None:
    foreign = b"0 1 * * * echo # --- BEGIN Tandem 0a1b2c3d\n"
    assert split(splice(foreign, BLOCK, OWNER), OWNER).foreign == foreign


@pytest.mark.parametrize("table", [b"a\nb\n" + WHOLE, WHOLE + b"a\nb\n", b"a\n" + WHOLE + b"b\n"])
def test_the_place_of_each_foreign_line_is_known(table: bytes) -> None:
    lines = table.split(b"\n")
    assert [lines[place] for place in foreign_places(table, OWNER)] == [b"a", b"b", b""]


def test_a_table_that_cron_would_not_read_is_refused() -> None:
    around = splice(b"", BLOCK, OWNER).count(b"\n")
    longest = b"#\n" * (MOST_LINES - around)
    assert splice(splice(longest, BLOCK, OWNER), b"", OWNER) == longest
    with pytest.raises(BackendError, match="10,000"):
        splice(longest + b"#\n", BLOCK, OWNER)
