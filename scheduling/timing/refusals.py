"""Why an item of a field is refused, and what to write instead. Every suggestion is itself valid."""

from __future__ import annotations

import re

from scheduling.errors import InvalidTrigger
from scheduling.phrases import phrase
from scheduling.timing.grammar import HOUR, LARGEST_STEP, MINUTE, MONTH, WEEKDAY, FieldKind, excerpt, number

FOREIGN = {
    "?": phrase("? is not in cron; * is any value"),
    "#": phrase("# (the nth weekday of a month) is not in cron"),
    "~": phrase("~ (a random value) is not in cron"),
    "%": phrase("% is not part of a time; in a crontab it ends the command"),
    "=": phrase("= makes a crontab line a variable, not a time"),
    "@": phrase("@ begins a name such as @daily, which stands alone"),
    ";": phrase("; does not separate values, a comma does"),
    "\n": phrase("a line break is not a separator; fields stand on one line"),
    "\r": phrase("a carriage return is not a separator; fields stand on one line"),
    "\v": phrase("a vertical tab is not a separator; use a blank or a tab"),
    "\f": phrase("a form feed is not a separator; use a blank or a tab"),
    "\0": phrase("a NUL character cannot be part of a time"),
}
_FULL_NAMES = re.findall(
    "[a-z]+",
    "january february march april may june july august september october november december "
    "sunday monday tuesday wednesday thursday friday saturday",
)
_WORD = r"[0-9a-z]+"
_STEP_WITHOUT_RANGE = re.compile(rf"({_WORD})/([0-9]+)")
_RANGE = re.compile(rf"({_WORD})-({_WORD})(?:/([0-9]+))?")


def empty_item(kind: FieldKind, text: str) -> InvalidTrigger:
    """The refusal of a field whose list has an empty item; its other items are valid."""
    rest = ",".join(filter(None, text.split(",")))
    return _refusal(kind, text, phrase("an item of the list is empty, there is a comma too many"), rest)


def refused_item(kind: FieldKind, item: str) -> InvalidTrigger:
    """The refusal of an item that is not in the grammar of this field."""
    foreign = _foreign_character(kind, item)
    if foreign is not None:
        return foreign
    word = item.lower()
    if word.startswith("*"):
        return _refused_star(kind, item)
    if match := _STEP_WITHOUT_RANGE.fullmatch(word):
        return _refused_step(kind, item, match[1], match[2])
    if match := _RANGE.fullmatch(word):
        return _refused_range(kind, item, match[1], match[2], match[3] or "1")
    if re.fullmatch(_WORD, word):
        return _refused_word(kind, item, word)
    return _refusal(kind, item, phrase("an item is *, */n, a, a-b or a-b/n"))


def _refusal(kind: FieldKind, text: str, reason: str, instead: str = "") -> InvalidTrigger:
    instead = instead if len(instead) <= 100 else ""
    shown = excerpt(text)
    if instead:
        detail = phrase(
            "{field} field, '{text}': {reason}; write {instead}",
            field=kind.name,
            text=shown,
            reason=reason,
            instead=instead,
        )
    else:
        detail = phrase("{field} field, '{text}': {reason}", field=kind.name, text=shown, reason=reason)
    return InvalidTrigger(detail, field=kind.name, text=shown, instead=instead)


def _foreign_character(kind: FieldKind, item: str) -> InvalidTrigger | None:
    """The refusal of a character or letter that only other schedulers know, or that no scheduler knows; else None."""
    for character in item:
        if character in FOREIGN:
            return _refusal(kind, item, FOREIGN[character], "*" if item == "?" else "")
        if not " " < character <= "~":
            reason = phrase(
                "the character '{character}' cannot be part of a time; only plain ASCII can",
                character=excerpt(character),
            )
            return _refusal(kind, item, reason)
    return _foreign_letter(kind, item, item.lower())


def _foreign_letter(kind: FieldKind, item: str, word: str) -> InvalidTrigger | None:
    if re.fullmatch(r"(\*|[0-9]+|[a-z]{3})?l(-[0-9]+)?|lw", word) and not _three_letters(kind, word):
        return _refusal(kind, item, phrase("L (the last day) is not in cron"))
    if re.fullmatch(r"[0-9]*w|w[0-9]+", word):
        return _refusal(kind, item, phrase("W (the nearest working day) is not in cron"))
    if match := re.fullmatch(r"h(\([0-9-]*\))?(/([0-9]+))?", word):
        stride = number(match[3] or "")
        instead = f"*/{match[3]}" if stride and not match[1] else ""
        return _refusal(kind, item, phrase("H (a value chosen by hash) is not in cron"), instead)
    return None


def _refused_star(kind: FieldKind, item: str) -> InvalidTrigger:
    stride = item.removeprefix("*/")
    if stride != item and stride.isdigit():
        return _bad_step(kind, item, stride, "*")
    return _refusal(kind, item, phrase("after * only /n may follow"), "*" if set(item) == {"*"} else "")


def _refused_step(kind: FieldKind, item: str, first: str, stride: str) -> InvalidTrigger:
    if not kind.allows(first):
        return _refused_word(kind, item, first)
    if not number(stride):
        return _bad_step(kind, item, stride, first)
    last = kind.names[-1] if first in kind.names else str(kind.last)
    alone = (kind.number(first) or 0) >= kind.last
    return _refusal(
        kind, item, phrase("a step needs * or a range before it"), first if alone else f"{first}-{last}/{stride}"
    )


def _bad_step(kind: FieldKind, item: str, stride: str, without: str) -> InvalidTrigger:
    if number(stride) == 0:
        return _refusal(kind, item, phrase("a step is 1 or more"), without)
    return _refusal(kind, item, phrase("a step is at most {most}", most=LARGEST_STEP))


def _refused_range(kind: FieldKind, item: str, first: str, last: str, step: str) -> InvalidTrigger:
    stride = number(step)
    if not stride:
        return _bad_step(kind, item, step, f"{first}-{last}" if _rises(kind, first, last) else "")
    short = [_three_letters(kind, word) or word for word in (first, last)]
    if short != [first, last] and _rises(kind, *short):
        tail = f"/{step}" if stride > 1 else ""
        return _refusal(kind, item, _three_letters_only(), "-".join(short) + tail)
    if not kind.allows(first):
        return _refused_word(kind, item, first)
    start, end = kind.number(first) or 0, kind.number(last)
    if end == kind.high + 1 and kind in {MINUTE, HOUR}:
        instead = wrapped(kind, range(start, end + 1, stride))
        return _refusal(kind, item, phrase("the field ends at {last}", last=kind.high), instead)
    if end is None or not kind.allows(last):
        return _refused_word(kind, item, last)
    if kind is WEEKDAY:
        start %= 7  # 7 is Sunday, the first day: 7-1 is Sunday and Monday
    unwrapped_end = end if end >= start else end + kind.last - kind.low + 1
    if stride == 1 and first in kind.names and last in kind.names:
        instead = f"{_span(first, kind.names[-1])},{_span(kind.names[0], last)}"
    else:
        instead = wrapped(kind, range(start, unwrapped_end + 1, stride))
    return _refusal(kind, item, phrase("the range runs backwards"), instead)


def _rises(kind: FieldKind, first: str, last: str) -> bool:
    start, end = kind.number(first), kind.number(last)
    return kind.allows(first) and kind.allows(last) and start is not None and end is not None and start <= end


def wrapped(kind: FieldKind, values: range) -> str:
    """The text of a list with `values`. Values beyond the field's last value start again at its lowest value."""
    size = kind.last - kind.low + 1
    before = [value for value in values if value <= kind.last]
    after = [value - size for value in values if value > kind.last and value - size not in before]
    return ",".join(_stepped(part, values.step) for part in (before, after) if part)


def _stepped(values: list[int], stride: int) -> str:
    if len(values) == 1 or (len(values) == 2 and stride > 1):
        return ",".join(map(str, values))
    return f"{values[0]}-{values[-1]}" + (f"/{stride}" if stride > 1 else "")


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first}-{last}"


def _refused_word(kind: FieldKind, item: str, word: str) -> InvalidTrigger:
    """The refusal of a number out of range, or of a name that the field does not know."""
    if word.isdigit():
        wraps_around = kind in {MINUTE, HOUR} and number(word) == kind.high + 1
        return _refusal(kind, item, _bounds(kind), str(kind.low) if wraps_around and item == word else "")
    for other in (MONTH, WEEKDAY):
        if word in other.names and other is not kind:
            reason = phrase(
                "{word} belongs to the {field} field; {bounds}", word=word, field=other.name, bounds=_bounds(kind)
            )
            return _refusal(kind, item, reason)
    short = _three_letters(kind, word)
    if short:
        return _refusal(kind, item, _three_letters_only(), short if item.lower() == word else "")
    return _refusal(kind, item, phrase("'{word}' is not a value; {bounds}", word=excerpt(word), bounds=_bounds(kind)))


def _three_letters_only() -> str:
    return phrase("names are three letters")


def _bounds(kind: FieldKind) -> str:
    if not kind.names:
        return phrase("values are {low} to {high}", low=kind.low, high=kind.high)
    first, last = kind.names[0], kind.names[-1]
    return phrase(
        "values are {low} to {high} or {first} to {last}", low=kind.low, high=kind.high, first=first, last=last
    )


def _three_letters(kind: FieldKind, word: str) -> str:
    """The three letters for another form of a name of this field (`monday`, `tues`, `su`); '' for other words."""
    found = {name[:3] for name in _FULL_NAMES if name.startswith(word) and name[:3] in kind.names}
    return found.pop() if len(found) == 1 and len(word) > 1 else ""
