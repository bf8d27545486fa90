"""Reads a crontab line by line, as Debian's cron does (crontab(5); load_env() and load_entry() of cron 3.0pl1).

Times must follow Tandem's grammar, which is stricter: cron accepts some expressions by accident. Pure: nothing is run.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal

from scheduling.errors import InvalidTrigger
from scheduling.timing.cron import Cron
from scheduling.timing.grammar import excerpt
from scheduling.timing.warnings import ReviewWarning
from scheduling.timing.zones import zone as zone_named

Form = Literal["user", "system"]

# The most bytes that Debian's cron holds of a command and of an assignment (MAX_COMMAND and MAX_ENVSTR, less the bytes
# that end them).
MOST_COMMAND_BYTES: Final = 997
# As above, of an assignment.
_MOST_ASSIGNMENT_BYTES: Final = 999

_REBOOT: Final = "@reboot"
_TIME: Final = re.compile(r"(@[^ \t]+|[^ \t]+(?:[ \t]+[^ \t]+){4})(?:[ \t]+(.*))?", re.DOTALL)
_USER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?")
_LOWER_USER: Final = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_SYSTEM_HEADER: Final = re.compile(r"#.*\bdow\s+user(?:-name)?\s+command", re.IGNORECASE)
_ZONE_VARIABLES: Final = ("CRON_TZ", "TZ")


class LineKind(StrEnum):
    """What a line is."""

    ENTRY = "entry"
    AT_START = "at_start"
    ASSIGNMENT = "assignment"
    COMMENT = "comment"
    BLANK = "blank"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class CrontabLine:
    """One line. Members that its kind does not have are empty. `number` counts from 1.

    `command` is what the shell gets, and `stdin` is what the command reads: the first % without a backslash separates
    them. An ERROR has a `code`, and its message in `error`.
    """

    number: int
    text: str
    kind: LineKind
    cron: Cron | None = None
    user: str = ""
    command: str = ""
    stdin: str | None = None
    name: str = ""
    value: str = ""
    code: str = ""
    error: str = ""
    warnings: tuple[ReviewWarning, ...] = ()


def read(text: str, *, form: Form, zone: str) -> list[CrontabLine]:
    """Every line of a crontab. A line that cron would refuse has the kind ERROR; nothing is raised for it.

    Raises InvalidTrigger for an unknown zone.
    """
    zone_named(zone)
    whole = text.removesuffix("\n").split("\n") if text else []
    lines = [_line(number, raw, form, zone) for number, raw in enumerate(whole, 1)]
    if lines and not text.endswith("\n"):
        detail = "The last line does not end with a newline: crontab refuses such a table, and cron ignores all of it."
        lines[-1] = replace(lines[-1], warnings=(*lines[-1].warnings, ReviewWarning("no_final_newline", detail)))
    return lines


def form_of(text: str, *, users: Collection[str]) -> tuple[Form, str]:
    """Whether this is a user's crontab or one with a user column (like /etc/crontab), and the reason.

    It has the column when its header says so. It also has it when in each entry a possible user name follows the
    times, and most of these names are in `users`.
    """
    words = []
    for line in text.split("\n"):
        stripped = line.strip(" \t\r")
        if _SYSTEM_HEADER.match(stripped):
            return "system", "a comment names the columns, with the user among them"
        rest = _after_time(stripped)
        if rest:
            words.append(rest.split(None, 1))
    if words and all(len(word) > 1 and _LOWER_USER.fullmatch(word[0]) for word in words):
        known = sum(1 for word in words if word[0] in users)
        if known * 2 > len(words):
            return "system", f"in {known} of {len(words)} entries, the name of a user follows the times"
    return "user", "the commands follow the times, without a user column"


def _after_time(line: str) -> str:
    if not line or line.startswith("#") or _assignment(line):
        return ""
    match = _TIME.fullmatch(line)
    return match[2] or "" if match else ""


def _line(number: int, raw: str, form: Form, zone: str) -> CrontabLine:
    text = raw.removesuffix("\r").lstrip(" \t")
    warnings = [_carriage_return()] if raw.endswith("\r") else []
    if not text:
        return CrontabLine(number, raw, LineKind.BLANK, warnings=tuple(warnings))
    if text.startswith("#"):
        return CrontabLine(number, raw, LineKind.COMMENT)
    assigned = _assignment(text)
    if assigned is not None:
        return _assigned(CrontabLine(number, raw, LineKind.ASSIGNMENT, name=assigned[0], value=assigned[1]), warnings)
    return _entry(CrontabLine(number, raw, LineKind.ENTRY, warnings=tuple(warnings)), text, form, zone)


def _carriage_return() -> ReviewWarning:
    detail = "The line ends with a carriage return (Windows line ends): cron keeps it as part of the line."
    return ReviewWarning("carriage_return", detail)


def _assignment(text: str) -> tuple[str, str] | None:
    """Name and value; None for a line that is no assignment. The rules are those of load_env()."""
    name, rest = _name(text)
    if name is None or not rest.lstrip().startswith("="):
        return None
    rest = rest.lstrip()[1:].lstrip()
    if not rest:
        return None
    if rest[0] in "\"'":
        value, closed, after = rest[1:].partition(rest[0])
        return (name, value) if closed and not after.strip() else None
    return name, rest.rstrip()


def _name(text: str) -> tuple[str | None, str]:
    """The name before the `=` (in quotes, or without blanks), and the text after the name."""
    if text[0] in "\"'":
        name, closed, rest = text[1:].partition(text[0])
        return (name, rest) if closed and "=" not in name else (None, "")
    name = re.split(r"[\s=]", text, maxsplit=1)[0]
    return name, text[len(name) :]


def _assigned(line: CrontabLine, warnings: list[ReviewWarning]) -> CrontabLine:
    if len(line.text.encode("utf-8", "surrogatepass")) > _MOST_ASSIGNMENT_BYTES:
        detail = f"The assignment is longer than the {_MOST_ASSIGNMENT_BYTES} bytes that cron holds."
        return _refused(line, "assignment_too_long", detail)
    if line.name in _ZONE_VARIABLES:
        detail = f"Debian's cron does not follow {line.name}: the times stay in the machine's zone."
        warnings.append(ReviewWarning("zone_not_followed", detail))
    if "$" in line.value:
        detail = f"cron does not expand variables: the value of {excerpt(line.name)} keeps its $ as written."
        warnings.append(ReviewWarning("not_expanded", detail))
    return replace(line, warnings=tuple(warnings))


def _entry(line: CrontabLine, text: str, form: Form, zone: str) -> CrontabLine:
    match = _TIME.fullmatch(text)
    if match is None:
        detail = "A line is a comment, NAME=value, or five time fields and a command; this is none of them."
        return _refused(line, "not_an_entry", detail)
    time, rest = match[1], match[2] or ""
    if time == _REBOOT:
        line = replace(line, kind=LineKind.AT_START)
    else:
        try:
            line = replace(line, cron=Cron.parse(time, zone))
        except InvalidTrigger as exc:
            return _refused(line, "invalid_time", exc.detail)
    if form == "system":
        user, rest = _split_user(rest)
        if not _USER.fullmatch(user):
            wrong = f"The sixth column must be a user: '{excerpt(user)}' is not a user name."
            return _refused(line, "bad_user", wrong if user else "There is no user after the times.")
        line = replace(line, user=user)
    return _with_command(line, rest)


def _split_user(rest: str) -> tuple[str, str]:
    user, *command = re.split(r"[ \t]+", rest, maxsplit=1)
    return user, command[0] if command else ""


def _with_command(line: CrontabLine, rest: str) -> CrontabLine:
    if not rest:
        return _refused(line, "no_command", "There is no command after the times.")
    if rest.startswith("*"):
        return _refused(line, "no_command", "cron refuses a command that begins with *: there are too many fields.")
    if len(rest.encode("utf-8", "surrogatepass")) > MOST_COMMAND_BYTES:
        detail = f"The command is longer than the {MOST_COMMAND_BYTES} bytes that cron holds."
        return _refused(line, "command_too_long", detail)
    command, stdin = _split_stdin(rest)
    warnings = line.warnings
    if stdin is not None:
        detail = r"The first % ends the command, and the rest is its input: write \% for a percent sign."
        warnings = (*warnings, ReviewWarning("percent", detail))
    return replace(line, command=command, stdin=stdin, warnings=warnings)


def _split_stdin(text: str) -> tuple[str, str | None]:
    """The command and its standard input, split as do_command() does: `\\%` is a percent sign in both."""
    parts, part, escaped = [], "", False
    for character in text:
        if escaped:
            part = part[:-1] + character if character == "%" else part + character
            escaped = False
        elif character == "%":
            parts.append(part)
            part = ""
        else:
            escaped = character == "\\"
            part += character
    command, *rest = [*parts, part]
    return command, "\n".join(rest) + "\n" if rest else None


def _refused(line: CrontabLine, code: str, detail: str) -> CrontabLine:
    return replace(line, kind=LineKind.ERROR, cron=None, code=code, error=detail)
