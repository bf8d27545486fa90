"""A crontab read line by line as Debian's cron reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InvalidTrigger
from scheduling.review.crontab_text import MOST_COMMAND_BYTES, CrontabLine, Form, LineKind, form_of, read

DEBIAN = """\
# /etc/crontab: system-wide crontab
SHELL=/bin/sh
PATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin

# Example of job definition:
# m h dom mon dow user\tcommand
17 *\t* * *\troot    cd / && run-parts --report /etc/cron.hourly
25 6\t* * *\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }
"""


def one(text: str, form: Form = "user") -> CrontabLine:
    [line] = read(text + "\n", form=form, zone="UTC")
    return line


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", LineKind.BLANK), (" \t", LineKind.BLANK), ("# x", LineKind.COMMENT), ("  # x", LineKind.COMMENT),
        ("A=1", LineKind.ASSIGNMENT),
        ("* * * * * x", LineKind.ENTRY), ("\t* * * * * x", LineKind.ENTRY), ("@daily x", LineKind.ENTRY),
        ("@reboot x", LineKind.AT_START), ("* * * * *", LineKind.ERROR), ("x", LineKind.ERROR),
        ("@daily", LineKind.ERROR),
        ("@Daily x", LineKind.ERROR), ("@dailyx y", LineKind.ERROR),
        ("60 * * * * x", LineKind.ERROR), ("A=", LineKind.ERROR),
        ("* * * * * * x", LineKind.ERROR), ("* * * * MON x", LineKind.ENTRY), ("0 22-2 * * * x", LineKind.ERROR),
    ],
)  # fmt: skip
def test_every_line_has_its_kind(text: str, kind: LineKind) -> None:
    assert one(text).kind is kind


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("A=1", "A", "1"), ("A = 1", "A", "1"), ("  A\t=\t1 2  ", "A", "1 2"), ("'A b'=1", "A b", "1"),
        ('A=" 1 "', "A", " 1 "), ("A=''", "A", ""), ('MAILTO=""', "MAILTO", ""), ("A='1\"'", "A", '1"'),
        ("A=1=2", "A", "1=2"), ("A=\"x\" ", "A", "x"), ("A=1 # no comment", "A", "1 # no comment"),
    ],
)  # fmt: skip
def test_an_assignment_is_read_as_load_env_does(text: str, name: str, value: str) -> None:
    line = one(text)
    assert (line.kind, line.name, line.value) == (LineKind.ASSIGNMENT, name, value)


@pytest.mark.parametrize("text", ["A", "A 1", "A=", "A='1", 'A="1" 2', "'A=1", "A b = 1"])
def test_what_load_env_refuses_is_no_assignment(text: str) -> None:
    assert one(text).kind is LineKind.ERROR


@pytest.mark.parametrize(
    ("command", "expected", "stdin"),
    [
        ("date +\\%Y", "date +%Y", None), ("mail root%Hello%you", "mail root", "Hello\nyou\n"),
        ("cat%a\\%b%c", "cat", "a%b\nc\n"), ("x", "x", None), ("x%", "x", "\n"), ("a\\b", "a\\b", None),
        ("a\\\\%b", "a\\\\", "b\n"),
    ],
)  # fmt: skip
def test_a_bare_percent_sign_ends_the_command(command: str, expected: str, stdin: str | None) -> None:
    line = one(f"* * * * * {command}")
    assert (line.command, line.stdin) == (expected, stdin)
    assert [warning.code for warning in line.warnings] == (["percent"] if stdin else [])


def test_the_system_form_has_a_user_column() -> None:
    line = one("5 4\t* * * www-data\t php  x", "system")
    assert (line.user, line.command) == ("www-data", "php  x")
    assert one("@reboot root x", "system").user == "root"
    for text in ("5 4 * * *", "5 4 * * * /bin/x y", "5 4 * * * 1x y"):
        assert one(text, "system").code == "bad_user"
    assert one("5 4 * * * root", "system").code == "no_command"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("60 * * * * x", "invalid_time"), ("* * * * *", "no_command"), ("* * * * * *", "no_command"),
        (f"* * * * * {'x' * (MOST_COMMAND_BYTES + 1)}", "command_too_long"), (f"A={'x' * 1000}", "assignment_too_long"),
        ("hello", "not_an_entry"), ("@weekend x", "invalid_time"),
    ],
)  # fmt: skip
def test_a_broken_line_says_why(text: str, code: str) -> None:
    line = one(text)
    assert (line.kind, line.code) == (LineKind.ERROR, code)
    assert line.error
    assert line.cron is None


def test_the_longest_command_is_taken() -> None:
    assert one(f"* * * * * {'x' * MOST_COMMAND_BYTES}").kind is LineKind.ENTRY


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("CRON_TZ=Europe/Berlin", "zone_not_followed"), ("PATH=$PATH:/x", "not_expanded"),
        ("* * * * * x\r", "carriage_return"), ("\r", "carriage_return"),
    ],
)  # fmt: skip
def test_there_is_a_warning_about_what_cron_does_not_do(text: str, code: str) -> None:
    assert [warning.code for warning in one(text).warnings] == [code]


def test_there_is_a_warning_for_a_table_without_a_final_newline() -> None:
    codes = [[warning.code for warning in line.warnings] for line in read("A=1\n@daily x", form="user", zone="UTC")]
    assert codes == [[], ["no_final_newline"]]
    assert not any(line.warnings for line in read("A=1\n@daily x\n", form="user", zone="UTC"))


def test_lines_are_numbered_as_an_editor_does() -> None:
    lines = read(DEBIAN, form="system", zone="UTC")
    assert [line.number for line in lines] == list(range(1, 9))
    assert [line.number for line in lines if line.kind is LineKind.ENTRY] == [7, 8]
    assert lines[6].command == "cd / && run-parts --report /etc/cron.hourly"
    assert read("", form="user", zone="UTC") == []


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (DEBIAN, "system"),
        ("17 * * * * root cd /\n", "system"),
        ("@daily postgres vacuum\n0 5 * * * root x\n", "system"),
        ("17 * * * * cd / && x\n", "user"),
        ("0 5 * * * php /x.php\n0 6 * * * sh y\n", "user"),
        ("0 5 * * * root\n", "user"),
        ("0 5 * * * root x\n0 6 * * * /usr/bin/y z\n", "user"),
        ("", "user"),
        ("# nothing\nA=1\n", "user"),
    ],
)
def test_the_form_is_told_by_the_text(text: str, form: str) -> None:
    found, why = form_of(text, users={"root", "postgres"})
    assert found == form
    assert why


def test_an_unknown_zone_is_refused_at_once() -> None:
    with pytest.raises(InvalidTrigger):
        read("", form="user", zone="Mars")


@given(st.text(max_size=200), st.sampled_from(["user", "system"]))
def test_no_text_can_break_the_reader(text: str, form: Form) -> None:
    lines = read(text, form=form, zone="UTC")
    assert "\n".join(line.text for line in lines) == text.removesuffix("\n")
    assert all((line.kind is LineKind.ERROR) == bool(line.error) for line in lines)
    form_of(text, users=())
