"""Tags: their form, and the sets that rows refer to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from scheduling import schedules, tag_sets
from scheduling.models import Schedule, TagInSet, TagSet
from scheduling.upkeep import retention
from tests.conftest import a_schedule

pytestmark = pytest.mark.django_db


def test_the_same_tags_are_one_set_in_any_order() -> None:
    one, other = a_schedule(tags=["b", "a"]), a_schedule(tags=["a", "b", "b"])
    assert one.tags == other.tags == ["a", "b"]
    assert one.tag_set_id == other.tag_set_id
    assert TagSet.objects.count() == 1
    assert tag_sets.with_tag("b") == [one.tag_set_id]
    assert tag_sets.with_tag("c") == []


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        (["A"], "not_a_tag"),
        (["a b"], "not_a_tag"),
        ([""], "not_a_tag"),
        (["x" * 51], "not_a_tag"),
        (["é"], "not_a_tag"),
        ([f"t{number}" for number in range(11)], "too_many"),
    ],
)
def test_what_is_no_tag_is_refused(tags: list[str], code: str) -> None:
    assert [problem.code for problem in tag_sets.problems_with(tags)] == [code]


def test_a_set_that_nothing_has_is_deleted_after_a_day() -> None:
    schedule, now = a_schedule(tags=["a"]), timezone.now()
    schedules.update(schedule.pk, now=now, tags=["b"])
    retention.prune(now=now)
    retention.prune(now=now + timedelta(hours=23))
    assert set(TagSet.objects.values_list("names", flat=True)) == {"a", "b"}
    retention.prune(now=now + timedelta(hours=25))
    assert set(TagInSet.objects.values_list("tag", flat=True)) == {"b"}


def test_a_set_that_is_asked_for_again_stays() -> None:
    schedule, now = a_schedule(tags=["a"]), timezone.now()
    schedules.update(schedule.pk, now=now, tags=[])
    retention.prune(now=now)
    row = Schedule()
    row.tags = ["a"]
    tag_sets.store([row])
    retention.prune(now=now + timedelta(hours=25))
    assert TagSet.objects.get() == row.tag_set
