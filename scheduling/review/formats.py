"""A report as text: a table that fits a width, CSV, and values for JSON. Pure.

Anybody may have written the text that a report quotes. So no control character reaches a terminal, and no cell of the
CSV begins like a formula, which a spreadsheet would calculate.
"""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import wcwidth

from scheduling import csv_cells
from scheduling.review.report import Report
from scheduling.review.report_lines import ReportLine
from scheduling.timing import zone

_PLAIN_KINDS: Final = {"comment", "blank"}
_LABELS: Final = {"user": "user", "command": "runs", "stdin": "input"}
_COLOURS: Final = {"error": "31", "warning": "33", "words": "1", "quiet": "2"}
# Columns; in fewer a crontab's lines cannot be shown as lines.
_NARROWEST: Final = 40

HEADER: Final = (
    "number", "kind", "expression", "timezone", "words", "next_occurrences", "user", "command", "stdin",
    "environment", "warnings", "error", "text",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Style:
    """How wide a table may be (terminal cells), and whether it may use colour (ANSI)."""

    width: int = 100
    colour: bool = False


def table(report: Report, style: Style | None = None) -> str:
    """The report for people: for each line the times, command, next occurrences and warnings; then the collisions."""
    style = style or Style()
    width = max(style.width, _NARROWEST)
    head = [_summary(report), *(warning.detail for warning in report.warnings)]
    lines = [part for text in head for part in _wrapped(text, width, "")]
    for line in report.lines:
        if line.kind not in _PLAIN_KINDS:
            lines += ["", *_block(line, width, style)]
    if report.collisions:
        lines += ["", *_wrapped("Busiest minutes of the coming day (UTC):", width, "")]
        for one in report.collisions:
            more = ", ..." if one.count > len(one.numbers) else ""
            text = f"{one.at:%Y-%m-%d %H:%M}  {one.count} starts: {', '.join(map(str, one.numbers))}{more}"
            lines += _wrapped(text, width, "  ")
    return "\n".join(lines) + "\n"


def comma_separated(report: Report) -> str:
    """The report as CSV (RFC 4180) with a header. Comments and blank lines are included."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADER)
    for line in report.lines:
        writer.writerow([_cell(value) for value in _row(line)])
    return out.getvalue()


def json_values(report: Report) -> dict[str, object]:
    """The report as values for JSON: `lines` has one object for each line, with the columns of the CSV."""
    rows = [dict(zip(HEADER, _row(line), strict=True)) for line in report.lines]
    return {
        "form": report.form,
        "timezone": report.timezone,
        "warnings": [f"{one.code}: {one.detail}" for one in report.warnings],
        "collisions": [
            {"at": one.at.isoformat(), "count": one.count, "numbers": one.numbers} for one in report.collisions
        ],
        "lines": rows,
    }


def printable(text: str) -> str:
    """The text on one line. Characters that could move a cursor or reverse the direction are written as escapes."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def _summary(report: Report) -> str:
    entries = report.count("entry", "at_start", "schedule", "paused")
    errors = report.count("error")
    warned = sum(1 for line in report.lines if line.warnings)
    what = f"A crontab ({report.form} form, because {report.form_reason}), times in {report.timezone}"
    return (
        f"{what if report.form else 'The schedules'}: {len(report.lines)} lines, {entries} of them entries; "
        f"with an error: {errors}, with warnings: {warned}."
    )


def _block(line: ReportLine, width: int, style: Style) -> Iterator[str]:
    """One line of the report as a paragraph, with its number in a separate column."""
    label = f"{line.number:>5}  "
    indent = " " * len(label)
    title = line.text if line.kind in {"assignment", "error"} else f"{line.expression}  {_schedule_name(line)}"
    first, *rest = _wrapped(title, width - len(label), "") or [""]
    yield _painted(label, "quiet", style) + first
    yield from (indent + part for part in rest)
    for text, colour in _details(line):
        for part in _wrapped(text, width - len(indent), ""):
            yield indent + _painted(part, colour, style)


def _schedule_name(line: ReportLine) -> str:
    return line.text if line.kind in {"schedule", "paused"} else ""


def _details(line: ReportLine) -> Iterator[tuple[str, str]]:
    if line.error:
        yield f"error: {line.error}", "error"
    if line.kind == "paused":
        yield "paused", "quiet"
    if line.words:
        yield line.words, "words"
    yield from ((f"{label}: {value}", "") for name, label in _LABELS.items() if (value := getattr(line, name)))
    if line.environment:
        yield f"with: {_assignments(line.environment)}", "quiet"
    if line.next_occurrences:
        yield f"next: {', '.join(_local(at, line.timezone) for at in line.next_occurrences)}", ""
    yield from ((f"warning: {warning.detail}", "warning") for warning in line.warnings)


def _row(line: ReportLine) -> Iterable[object]:
    following = " ".join(at.isoformat() for at in _in_zone(line))
    warnings = "; ".join(f"{one.code}: {one.detail}" for one in line.warnings)
    return (
        line.number, line.kind, line.expression, line.timezone, line.words, following, line.user, line.command,
        line.stdin or "", _assignments(line.environment), warnings, line.error, line.text,
    )  # fmt: skip


def _in_zone(line: ReportLine) -> list[datetime]:
    return [at.astimezone(zone(line.timezone)) for at in line.next_occurrences]


def _local(at: datetime, timezone: str) -> str:
    return at.astimezone(zone(timezone)).isoformat(sep=" ", timespec="minutes" if at.second == 0 else "seconds")


def _assignments(environment: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in environment.items())


def _cell(value: object) -> object:
    """A text without control characters, which no spreadsheet takes for a formula; a number as it is."""
    return csv_cells.safe(printable(value)) if isinstance(value, str) else value


def _painted(text: str, colour: str, style: Style) -> str:
    code = _COLOURS.get(colour)
    return f"\x1b[{code}m{text}\x1b[0m" if style.colour and code else text


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    """The text in lines of at most `width` cells of a terminal: East Asian wide characters take two (UAX 11)."""
    clean = printable(text)
    if clean.isascii():
        return textwrap.wrap(clean, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    # wcwidth.wrap takes minutes for a word of 100,000 characters, and a crontab may hold one.
    lines, line, room = [], "", width - len(indent)
    for word in clean.split(" "):
        for piece in _pieces(word, room):
            joined = f"{line} {piece}" if line else piece
            if wcwidth.width(joined) <= room:
                line = joined
            else:
                lines.append(indent + line)
                line = piece
    return [*lines, indent + line]


def _pieces(word: str, room: int) -> Iterator[str]:
    """A word in pieces of at most `room` cells: Chinese and Japanese have no blanks to break at."""
    piece, cells = "", 0
    for character in wcwidth.iter_graphemes(word):
        wide = wcwidth.width(character)
        if cells + wide > room:
            yield piece
            piece, cells = "", 0
        piece, cells = piece + character, cells + wide
    yield piece
