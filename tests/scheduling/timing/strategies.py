"""Expressions, zones and moments for property tests."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from scheduling.errors import InvalidTrigger
from scheduling.timing import Cron, known_zones

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905  as the table reads
WEEKDAYS = "sun mon tue wed thu fri sat".split()  # noqa: SIM905  as the table reads

zones = st.sampled_from(sorted(known_zones()))
moments = st.datetimes(datetime(1975, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  bounds are naive


def items(low: int, high: int, names: list[str] | None = None) -> st.SearchStrategy[str]:
    """One item of a field, in every form of the grammar."""
    first = 0 if low == 0 else 1
    words = [str(value) for value in range(low, high + 1)]
    named = [(first + index, name) for index, name in enumerate(names or [])]
    written = st.sampled_from([(int(word), word) for word in words] + named)
    ranges = st.tuples(written, written).map(sorted).map(lambda pair: f"{pair[0][1]}-{pair[1][1]}")
    steps = st.integers(1, high + 5).map(lambda step: f"/{step}")
    return st.one_of(
        st.just("*"),
        steps.map(lambda step: f"*{step}"),
        written.map(lambda pair: pair[1]),
        ranges,
        st.tuples(ranges, steps).map("".join),
    )


def field_texts(low: int, high: int, names: list[str] | None = None) -> st.SearchStrategy[str]:
    """A field: mostly one item, sometimes a list."""
    item = items(low, high, names)
    return st.one_of(item, item, st.lists(item, min_size=2, max_size=4).map(",".join))


_HOURS_OF_CHANGES = st.sampled_from(["0", "1", "2", "3", "23", "0-3", "1,2", "23,0"])
_MINUTES_OF_CHANGES = st.sampled_from(["0", "30", "15,45", "*/15", "59", "0-59/7", "5"])


def _parses(expression: str) -> bool:
    try:
        Cron.parse(expression)
    except InvalidTrigger:
        return False  # 30 February: the one thing the strategy cannot see
    return True


def _expressions(minutes: st.SearchStrategy[str], hours: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    fields = (minutes, hours, field_texts(1, 31), field_texts(1, 12, MONTHS), field_texts(0, 7, WEEKDAYS))
    return st.tuples(*fields).map(" ".join).filter(_parses)


expressions = _expressions(field_texts(0, 59), field_texts(0, 23))
night_expressions = st.one_of(
    st.tuples(_MINUTES_OF_CHANGES, st.one_of(_HOURS_OF_CHANGES, field_texts(0, 23)))
    .map(" ".join)
    .map(lambda times: f"{times} * * *"),
    _expressions(_MINUTES_OF_CHANGES, _HOURS_OF_CHANGES),
    expressions,
)
