"""ForeignEntry: what one beat may write into a row that other beats and users write, too."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from backends.beat.foreign_entries import ForeignEntry
from tests.backends.beat.ticking import due_row

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def read(row: PeriodicTask) -> ForeignEntry:
    return ForeignEntry(PeriodicTask.objects.get(pk=row.pk))


def values(row: PeriodicTask) -> tuple[object, ...]:
    found = PeriodicTask.objects.get(pk=row.pk)
    return found.enabled, found.last_run_at, found.total_run_count


@pytest.mark.parametrize("kind", ["interval", "never_run", "one_off", "clocked"])
def test_of_two_that_have_read_the_same_one_claims(kind: str) -> None:
    row = due_row(kind)
    first, second = read(row), read(row)
    assert first.claim(NOW) is not None
    after = values(row)
    assert second.claim(NOW + timedelta(seconds=1)) is None
    assert values(row) == after


def test_the_entry_after_a_claim_claims_the_next_run() -> None:
    row = due_row("interval")
    after = read(row).claim(NOW)
    assert after is not None
    assert (after.last_run_at, after.is_due().is_due) == (NOW, False)
    assert after.claim(NOW + timedelta(hours=1)) is not None
    assert values(row) == (True, NOW + timedelta(hours=1), 2)


@pytest.mark.parametrize("kind", ["interval", "never_run", "one_off", "start_time"])
def test_a_claim_that_is_taken_back_leaves_the_row_as_it_was(kind: str) -> None:
    row = due_row(kind)
    before, entry = values(row), read(row)
    after = entry.claim(NOW)
    assert after is not None
    assert entry.take_back(after)
    assert values(row) == before
    assert entry.claim(NOW) is not None


@pytest.mark.parametrize("kind", ["interval", "one_off"])
def test_what_somebody_has_changed_since_is_not_taken_back(kind: str) -> None:
    row = due_row(kind)
    entry = read(row)
    after = entry.claim(NOW)
    assert after is not None
    user = PeriodicTask.objects.get(pk=row.pk)
    user.enabled = False
    user.save()
    assert not entry.take_back(after)
    assert values(row)[:2] == (False, None)


def test_a_run_that_another_beat_has_noted_since_is_not_taken_back() -> None:
    row = due_row("interval")
    entry = read(row)
    after = entry.claim(NOW)
    assert after is not None
    assert read(row).claim(NOW + timedelta(hours=1)) is not None
    assert not entry.take_back(after)
    assert values(row) == (True, NOW + timedelta(hours=1), 2)


@pytest.mark.parametrize("change", [{"args": "[2]"}, {"enabled": False}])
def test_a_row_that_a_user_has_changed_is_read_again_first(change: dict[str, object]) -> None:
    row = due_row("interval")
    entry = read(row)
    user = PeriodicTask.objects.get(pk=row.pk)
    for name, value in change.items():
        setattr(user, name, value)
    user.save()
    assert entry.claim(NOW) is None


@pytest.mark.parametrize(("kind", "count"), [("expires", 7), ("one_off", 1)])
def test_what_is_over_is_disabled_unless_somebody_has_changed_it_since(kind: str, count: int) -> None:
    row = due_row(kind)
    over = {"total_run_count": count} | ({"expires": NOW - timedelta(hours=1)} if kind == "expires" else {})
    PeriodicTask.objects.update(**over)
    late, entry = read(row), read(row)
    assert not entry.is_due().is_due
    assert values(row) == (False, None, 7 if kind == "expires" else 0)
    user = PeriodicTask.objects.get(pk=row.pk)
    user.enabled, user.expires, user.args = True, None, "[2]"
    user.save()
    assert not late.is_due().is_due
    assert PeriodicTask.objects.get(pk=row.pk).enabled
    assert PeriodicTask.objects.get(pk=row.pk).args == "[2]"
