"""The table as bytes: lines outside of Tandem's block stay unchanged."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.crontab.block import BEGIN, BEGIN_JOINED, END, MOST_LINES, splice, split
from scheduling.errors import BackendError

BLOCK = b"SHELL=/bin/sh\n* * * * * /var/tandem-cron fire 1\n"
MARKER_START = b"# --- "

PIECES = st.sampled_from(
    [
        b"\n",
        b"\r\n",
        b"MAILTO=\n",
        b"FOO = bar\n",
        b"\t*/5 * * * *\tcmd\n",
        b"\xff\xfe",
        b"\0",
        b"CRON_TZ=Asia/Tokyo\n",
        b"0 5 * * * echo 100\\% # note\r\n",
        b" #---\n",
        b"no newline",
    ]
)
FOREIGN = st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=12).map(b"".join)).filter(
    lambda table: MARKER_START not in table
)


@settings(max_examples=200)
@given(FOREIGN)
def test_taking_the_block_away_gives_the_original_bytes_back(original: bytes) -> None:
    assert splice(splice(original, BLOCK), b"") == original


@settings(max_examples=100)
@given(FOREIGN)
def test_a_block_is_found_again_and_writing_it_twice_changes_nothing(original: bytes) -> None:
    once = splice(original, BLOCK)
    assert split(once).block == BLOCK
    assert split(once).foreign == original
    assert splice(once, BLOCK) == once


@settings(max_examples=100)
@given(FOREIGN)
def test_foreign_lines_stay_whole_lines_before_the_block(original: bytes) -> None:
    before = splice(original, BLOCK).partition(b"# --- BEGIN")[0]
    assert before in {original, original + b"\n"}
    assert before == b"" or before.endswith(b"\n")


@settings(max_examples=100)
@given(FOREIGN, FOREIGN.filter(bool))
def test_lines_appended_behind_the_block_come_before_it_at_the_next_write(first: bytes, later: bytes) -> None:
    table = splice(splice(first, BLOCK) + later, BLOCK)
    line_break = b"\n" if first and not first.endswith(b"\n") else b""
    assert split(table).foreign == first + line_break + later
    assert table.endswith(END + b"\n")


def test_a_table_without_final_newline_keeps_its_last_line() -> None:
    table = splice(b"0 1 * * * backup", BLOCK)
    assert table == b"0 1 * * * backup\n" + BEGIN_JOINED + b"\n" + BLOCK + END + b"\n"


def test_the_end_marker_may_have_lost_its_newline() -> None:
    assert split(BEGIN + b"\n" + BLOCK + END).block == BLOCK


@pytest.mark.parametrize(
    "damaged",
    [
        BEGIN + b"\n" + BLOCK,
        BLOCK + END + b"\n",
        END + b"\n" + BLOCK + BEGIN + b"\n",
        (BEGIN + b"\n" + BLOCK + END + b"\n") * 2,
        BEGIN + b"\n" + BEGIN + b"\n" + BLOCK + END + b"\n",
        BEGIN + b"\r\n" + BLOCK + END + b"\r\n",
        b"  " + BEGIN + b"\n" + BLOCK + END + b"\n",
        BEGIN + b" edited\n" + BLOCK + END + b"\n",
    ],
    ids=["no end", "no begin", "swapped", "twice", "two begins", "CRLF", "indented", "edited"],
)
def test_a_damaged_block_is_refused_with_what_to_do(damaged: bytes) -> None:
    with pytest.raises(BackendError, match=r"block is damaged .* delete these lines"):
        splice(b"MAILTO=me\n" + damaged, BLOCK)


def test_words_about_the_markers_elsewhere_in_a_line_are_no_markers() -> None:
    foreign = b"0 1 * * * echo # --- BEGIN Tandem\n"
    assert split(splice(foreign, BLOCK)).foreign == foreign


def test_a_table_that_cron_would_not_read_is_refused() -> None:
    around = splice(b"", BLOCK).count(b"\n")
    longest = b"#\n" * (MOST_LINES - around)
    assert splice(splice(longest, BLOCK), b"") == longest
    with pytest.raises(BackendError, match="10,000"):
        splice(longest + b"#\n", BLOCK)
