"""The words that cron-descriptor gives, where what it says is true.

That is "every n units" for a distance that really is even, built from a number, never from a user's expression. Its
sentences are not used: it says "every 40 minutes" for `*/40`, "only on" where cron means "or", "Sunday and Sunday"
for `0,7`, and names days and months in the process's language.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, assert_never

from cron_descriptor import DescriptionTypeEnum, ExpressionDescriptor, Options

Unit = Literal["second", "minute", "hour", "day"]


@lru_cache(maxsize=1024)
def every(count: int, unit: Unit, *, locale: str) -> str:
    """Such as `every 5 minutes`, or `every hour` for one, in a locale of cron-descriptor such as `en_US`.

    A locale that cron-descriptor does not have is answered in English.
    """
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
    options = Options()
    # Options() begins with the language of the process's locale, which must not shine through.
    options.locale_code = locale
    words: str = ExpressionDescriptor(expression, options).get_description(part)
    # The day clause is written to follow a time: ", every 2 days". Some others begin as a sentence does.
    words = words.removeprefix(", ")
    return words[0].lower() + words[1:]
