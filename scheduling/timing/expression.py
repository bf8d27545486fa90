"""Splits a cron expression into the texts of its five fields; replaces macros (crontab(5)) and limits the length."""

from __future__ import annotations

import re
from difflib import get_close_matches

from scheduling.errors import InvalidTrigger
from scheduling.phrases import phrase
from scheduling.timing.fields import parse_field
from scheduling.timing.grammar import KINDS, excerpt
from scheduling.timing.refusals import FOREIGN

LONGEST = 10_000
"""The most characters of an expression. cron has no limit; this one keeps hostile text from taking long to read."""

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_BLANKS = re.compile(r"[ \t]+")


def split(expression: str) -> tuple[str, str, str, str, str]:
    """The texts of the five fields, without blanks and tabs; a macro is replaced. Raises InvalidTrigger."""
    if len(expression) > LONGEST:
        raise _refusal(
            expression, phrase("{length:,} characters; at most {most:,} are read", length=len(expression), most=LONGEST)
        )
    stripped = expression.strip(" \t")
    if not stripped:
        raise _refusal(expression, phrase("it is empty; five fields are needed: minute hour day month weekday"))
    if stripped.startswith("@"):
        stripped = _macro(stripped)
    fields = _BLANKS.split(stripped)
    if len(fields) != 5:
        raise _miscounted(stripped, fields)
    minute, hour, day, month, weekday = fields
    return minute, hour, day, month, weekday


def _refusal(text: str, reason: str, instead: str = "") -> InvalidTrigger:
    shown = excerpt(text)
    if instead:
        detail = phrase("expression, '{text}': {reason}; write {instead}", text=shown, reason=reason, instead=instead)
    else:
        detail = phrase("expression, '{text}': {reason}", text=shown, reason=reason)
    return InvalidTrigger(detail, field="expression", text=shown, instead=instead)


def _macro(text: str) -> str:
    if text in MACROS:
        return MACROS[text]
    if text.lower() == "@reboot":
        raise _refusal(text, phrase("the start of a machine is not a time"))
    if text.lower() in {"@every_minute", "@minutely"}:
        raise _refusal(text, phrase("not a name of Debian's cron"), "* * * * *")
    close = get_close_matches(text.lower().split()[0], MACROS, n=1, cutoff=0.8)
    raise _refusal(text, phrase("the names are {known}", known=", ".join(MACROS)), close[0] if close else "")


def _miscounted(text: str, fields: list[str]) -> InvalidTrigger:
    if "=" in fields[0]:
        return _refusal(text, phrase("{reason}; the zone is given beside the expression", reason=FOREIGN["="]))
    for character in text:
        if not " " < character <= "~" and character not in " \t":
            unknown = phrase("the character '{character}' cannot be part of a time", character=excerpt(character))
            return _refusal(text, FOREIGN.get(character, unknown))
    joined = re.sub(r"[ \t]*([,/-])[ \t]*", r"\1", text)
    if len(_BLANKS.split(joined)) == 5 and _valid(joined):
        return _refusal(text, phrase("a blank ends a field"), joined)
    if len(fields) == 6:
        reason = phrase("six fields: a field for seconds or years is not in cron")
        return _refusal(text, reason, _without_seconds(fields))
    if len(fields) == 7:
        return _refusal(text, phrase("seven fields: fields for seconds and years are not in cron"))
    reason = phrase("five fields are needed (minute hour day month weekday), not {count}", count=len(fields))
    return _refusal(text, reason)


def _without_seconds(fields: list[str]) -> str:
    """The last five of six fields if the first is second 0 and the weekday has no numbers (Quartz: 1 is Sunday)."""
    rest = " ".join(fields[1:]).replace("?", "*")
    unmistakable = fields[0] in {"0", "00"} and not re.search("[0-9]", fields[5])
    return rest if unmistakable and _valid(rest) else ""


def _valid(text: str) -> bool:
    if len(text) > 100:
        return False
    try:
        for kind, field in zip(KINDS, _BLANKS.split(text), strict=True):
            parse_field(kind, field)
    except InvalidTrigger:
        return False
    return True
