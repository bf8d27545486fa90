"""A cron expression from a few choices, and back again. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

# How often it runs, each with its name on the page.
OFTEN: Final = {
    "minutes": "Every few minutes",
    "hourly": "Every hour",
    "daily": "Every day",
    "weekly": "On some weekdays",
    "monthly": "Every month",
}
# Steps that divide the hour: with any other, `*/n` begins again each hour.
STEPS: Final = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
# What cron calls the weekdays, in the order of a week.
WEEKDAYS: Final = {
    "1": "Mon", "2": "Tue", "3": "Wed", "4": "Thu", "5": "Fri", "6": "Sat", "0": "Sun",
}  # fmt: skip
# Expressions that people often want. Their words say what each means.
PHRASES: Final = (
    "*/5 * * * *", "0 * * * *", "0 3 * * *", "0 9 * * 1-5", "30 6 * * 1", "0 8 1 * *",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choices:
    """What somebody has chosen. Only what `often` asks for counts; `time` is HH:MM."""

    often: str = "daily"
    step: str = "5"
    minute: str = "0"
    time: str = "09:00"
    weekdays: tuple[str, ...] = ("1", "2", "3", "4", "5")
    day: str = "1"


def expression(chosen: Choices) -> str:
    """The cron expression. Text that is no number goes into it as it is: the grammar of cron says what is wrong."""
    hour, _, minute = (_number(part) for part in chosen.time.partition(":"))
    forms: Mapping[str, Callable[[], str]] = {
        "minutes": lambda: "* * * * *" if chosen.step == "1" else f"*/{_number(chosen.step)} * * * *",
        "hourly": lambda: f"{_number(chosen.minute)} * * * *",
        "daily": lambda: f"{minute} {hour} * * *",
        "weekly": lambda: f"{minute} {hour} * * {_ranges(chosen.weekdays) or '*'}",
        "monthly": lambda: f"{minute} {hour} {_number(chosen.day)} * *",
    }
    return forms.get(chosen.often, forms["daily"])()


def choices(cron: str) -> Choices | None:
    """The choices that write this expression; None where none do."""
    at = r"(?P<minute>\d+) (?P<hour>\d+)"
    for often, form in {
        "minutes": r"\*(/(?P<step>\d+))? \* \* \* \*",
        "hourly": r"(?P<minute>\d+) \* \* \* \*",
        "daily": rf"{at} \* \* \*",
        "weekly": rf"{at} \* \* (?P<weekdays>[0-6](?:-[0-6])?(?:,[0-6](?:-[0-6])?)*)",
        "monthly": rf"{at} (?P<day>\d+) \* \*",
    }.items():
        if found := re.fullmatch(form, cron, re.ASCII):
            return _chosen(often, found.groupdict())
    return None


def _chosen(often: str, parts: Mapping[str, str | None]) -> Choices | None:
    usual = Choices()
    minute, hour = parts.get("minute") or "0", parts.get("hour")
    step = parts.get("step") or "1"
    if often == "minutes" and int(step) not in STEPS:
        return None
    return Choices(
        often=often,
        step=step if often == "minutes" else usual.step,
        minute=minute if often == "hourly" else usual.minute,
        time=f"{int(hour):02}:{int(minute):02}" if hour else usual.time,
        weekdays=_weekdays(parts["weekdays"]) if parts.get("weekdays") else usual.weekdays,
        day=parts.get("day") or usual.day,
    )


def _weekdays(text: str | None) -> tuple[str, ...]:
    found: list[str] = []
    for item in (text or "").split(","):
        first, _, last = item.partition("-")
        found += [str(day) for day in range(int(first), int(last or first) + 1)]
    return tuple(sorted(set(found)))


def _ranges(weekdays: tuple[str, ...]) -> str:
    """Three and more days in a row as a range: `1-5`, `0,3`."""
    runs: list[list[int]] = []
    for day in sorted(map(int, weekdays)):
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in runs)


def _number(text: str) -> str:
    """Without leading zeros, as cron's users write it."""
    return str(int(text)) if re.fullmatch("[0-9]{1,4}", text) else text
