"""The words that cron-descriptor gives, where what it says is true.

That is a clock time, and "every n units" for a distance that really is even; both are built from numbers,
never from a user's expression. Its sentences are not used: it says "every 40 minutes" for `*/40`, "only on"
where cron means "or", "Sunday and Sunday" for `0,7`, and names days and months in the process's language.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, assert_never

from cron_descriptor import DescriptionTypeEnum, ExpressionDescriptor, Options

Unit = Literal["second", "minute", "hour", "day"]


@lru_cache(maxsize=1024)
def every(count: int, unit: Unit, *, catalogue: str) -> str:
    """Such as `every 5 minutes`, or `every hour` for one, in the words of a catalogue such as `en_US`."""
    step = f"*/{count}"
    match unit:
        case "second":
            expression, part = f"{step} * * * * *", DescriptionTypeEnum.SECONDS
        case "minute":
            expression, part = f"{step} * * * *", DescriptionTypeEnum.MINUTES
        case "hour":
            expression, part = f"0 {step} * * *", DescriptionTypeEnum.HOURS
        case "day":
            expression, part = f"0 0 {step} * *", DescriptionTypeEnum.DAYOFMONTH
        case _:
            assert_never(unit)
    words: str = _descriptor(expression, catalogue, 24).get_description(part)
    # The day clause is written to follow a time: ", every 2 days".
    return words.removeprefix(", ")


def clock_time(hour: int, minute: int, second: int | None = None, *, catalogue: str, clock: Literal[12, 24]) -> str:
    """Such as `02:30`, `02:30 AM` or, with a second, `02:30:00`."""
    seconds = "" if second is None else str(second)
    words: str = _clock(catalogue, clock).format_time(str(hour), str(minute), seconds)
    return words


@lru_cache(maxsize=64)
def _clock(catalogue: str, clock: Literal[12, 24]) -> ExpressionDescriptor:
    # Reading a catalogue costs ten times what formatting a time does.
    return _descriptor("* * * * *", catalogue, clock)


def _descriptor(expression: str, catalogue: str, clock: Literal[12, 24]) -> ExpressionDescriptor:
    options = Options()
    # Options() begins with the language and clock of the process's locale; neither may shine through.
    options.locale_code = catalogue
    options.use_24hour_time_format = clock == 24
    return ExpressionDescriptor(expression, options)
