from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.errors import InvalidTrigger
from scheduling.timing.fields import parse_field
from scheduling.timing.grammar import DAY, HOUR, KINDS, MINUTE, MONTH, WEEKDAY, FieldKind

COMMON_MISTAKES = [
    (HOUR, "22-2", "22-23,0-2"),
    (HOUR, "22-5/4", "22,2"),
    (MINUTE, "50-10/10", "50,0,10"),
    (MINUTE, "5/10", "5-59/10"),
    (MINUTE, "59/10", "59"),
    (DAY, "1/2", "1-31/2"),
    (DAY, "25-5", "25-31,1-5"),
    (DAY, "?", "*"),
    (WEEKDAY, "fri-sun", "fri-sat,sun"),
    (WEEKDAY, "FRI-MON", "fri-sat,sun-mon"),
    (WEEKDAY, "5-0", "5-6,0"),
    (WEEKDAY, "7-1", "0-1"),
    (WEEKDAY, "7/2", "7"),
    (WEEKDAY, "tue/2", "tue-sat/2"),
    (MONTH, "nov-feb", "nov-dec,jan-feb"),
    (MONTH, "11-2", "11-12,1-2"),
    (HOUR, "24", "0"),
    (HOUR, "0-24", "0-23"),
    (HOUR, "8-24/4", "8-20/4,0"),
    (MINUTE, "60", "0"),
    (MINUTE, "0-60/5", "0-55/5"),
    (MINUTE, "*/0", "*"),
    (MINUTE, "10-20/0", "10-20"),
    (MINUTE, "**", "*"),
    (MINUTE, "H/15", "*/15"),
    (WEEKDAY, "Monday", "mon"),
    (WEEKDAY, "monday-friday", "mon-fri"),
    (WEEKDAY, "thurs", "thu"),
    (MONTH, "september", "sep"),
    (WEEKDAY, "1,,2", "1,2"),
    (WEEKDAY, ",1", "1"),
]
NO_WAY_TO_SAY_IT = [
    (DAY, "L", "L (the last day)"),
    (DAY, "lw", "L (the last day)"),
    (DAY, "15W", "W (the nearest working day)"),
    (WEEKDAY, "mon#1", "# (the nth weekday of a month)"),
    (WEEKDAY, "friL", "L (the last day)"),
    (WEEKDAY, "8", "values are 0 to 7 or sun to sat"),
    (HOUR, "mon", "mon belongs to the day-of-week field"),
    (DAY, "jan-mar", "jan belongs to the month field"),
    (WEEKDAY, "jan", "jan belongs to the month field"),
    (MINUTE, "1~3", "~ (a random value)"),
    (MINUTE, "1%2", "% is not part of a time"),
    (MINUTE, "A=1", "makes a crontab line a variable"),
    (MINUTE, "1\n", "a line break"),
    (MINUTE, "1\0", "NUL"),
    (MINUTE, "\uff11", "only plain ASCII"),
    (WEEKDAY, "\u212aon", "only plain ASCII"),  # KELVIN SIGN, "k" in lower case
    (MINUTE, "4294967301", "values are 0 to 59"),
    (MINUTE, "*/4294967298", "at most 2147483647"),
    (MINUTE, "-5", "an item is"),
    (MINUTE, "*-5", "after * only /n"),
    (DAY, "0", "values are 1 to 31"),
    (MONTH, "13", "values are 1 to 12"),
    (WEEKDAY, "t", "is not a value"),
]


@pytest.mark.parametrize(
    ("kind", "text", "values"),
    [
        (MINUTE, "*", tuple(range(60))),
        (MINUTE, "*/40", (0, 40)),
        (MINUTE, "*/90", (0,)),
        (MINUTE, "007", (7,)),
        (MINUTE, "0-59/2147483647", (0,)),
        (HOUR, "19-19/4", (19,)),
        (DAY, "*/10", (1, 11, 21, 31)),
        (MONTH, "JAN,Mar-5", (1, 3, 4, 5)),
        (WEEKDAY, "0,7", (0,)),
        (WEEKDAY, "5-7", (0, 5, 6)),
        (WEEKDAY, "*/7", (0,)),
        (WEEKDAY, "*/5", (0, 5)),
        (WEEKDAY, "sun-SAT/3", (0, 3, 6)),
        (WEEKDAY, "1,*", (0, 1, 2, 3, 4, 5, 6)),
    ],
)
def test_values_of_a_field(kind: FieldKind, text: str, values: tuple[int, ...]) -> None:
    field = parse_field(kind, text)
    assert (field.name, field.text, field.values, field.starred) == (
        kind.name,
        text.lower(),
        values,
        text[0] == "*",
    )


@pytest.mark.parametrize(("kind", "text", "instead"), COMMON_MISTAKES)
def test_a_common_mistake_is_refused_with_what_to_write_instead(kind: FieldKind, text: str, instead: str) -> None:
    with pytest.raises(InvalidTrigger) as refused:
        parse_field(kind, text)
    assert (refused.value.field, refused.value.text, refused.value.instead) == (kind.name, text, instead)
    assert kind.name in refused.value.detail
    assert refused.value.detail.endswith(f"write {instead}")
    parse_field(kind, instead)


@pytest.mark.parametrize(("kind", "text", "reason"), NO_WAY_TO_SAY_IT)
def test_what_cron_cannot_say_is_refused_with_the_reason_alone(kind: FieldKind, text: str, reason: str) -> None:
    with pytest.raises(InvalidTrigger) as refused:
        parse_field(kind, text)
    assert reason in refused.value.detail
    assert refused.value.instead == ""
    assert refused.value.detail.isprintable()


@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(KINDS), data=st.data(), step=st.integers(1, 30))
def test_a_backward_range_is_replaced_by_the_values_it_goes_round_to(
    kind: FieldKind, data: st.DataObject, step: int
) -> None:
    last = data.draw(st.integers(kind.low, kind.last - 1))
    first = data.draw(st.integers(last + 1, kind.last))
    with pytest.raises(InvalidTrigger) as refused:
        parse_field(kind, f"{first}-{last}/{step}")
    length = kind.last - kind.low + 1
    meant = {(value - kind.low) % length + kind.low for value in range(first, last + length + 1, step)}
    assert set(parse_field(kind, refused.value.instead).values) == meant


@settings(max_examples=500, deadline=None)
@given(kind=st.sampled_from(KINDS), text=st.text("0123456789*/,-?LWH#~monfrisuayje ", max_size=12))
def test_any_text_is_a_field_or_refused_and_every_suggestion_is_a_field(kind: FieldKind, text: str) -> None:
    try:
        field = parse_field(kind, text)
    except InvalidTrigger as refused:
        if refused.instead:
            parse_field(kind, refused.instead)
    else:
        assert field.values
        assert list(field.values) == sorted(set(field.values))


def test_a_number_of_ten_thousand_digits_is_refused_and_its_message_is_short() -> None:
    with pytest.raises(InvalidTrigger) as refused:
        parse_field(MINUTE, "9" * 10_000)
    assert len(refused.value.detail) < 120
    assert len(refused.value.text) == 40


@pytest.mark.parametrize("text", ["{}5", "*/{}5", "1-{}5", "1-9/{}5"])
def test_a_number_with_a_hundred_digits_is_refused_though_most_are_zeros(text: str) -> None:
    assert parse_field(MINUTE, text.format("0" * 98)).values
    with pytest.raises(InvalidTrigger):
        parse_field(MINUTE, text.format("0" * 99))
