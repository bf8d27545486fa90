"""A query whose text is made once: what it reads is what Django would read."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scheduling.prepared import PreparedQuery

pytestmark = pytest.mark.django_db


def test_it_is_made_once_and_reads_the_values_of_the_fields() -> None:
    made = list[str]()

    def named(name: str) -> QuerySet[User, Any]:
        made.append(name)
        return User.objects.filter(username=name, is_active=True).values_list("is_superuser", "last_login", "id")

    now = timezone.now()
    wanted = [User.objects.create(username=name, last_login=now, is_superuser=name == "b") for name in ("a", "b")]
    query = PreparedQuery[str](named, stand_in="?")
    with CaptureQueriesContext(connection) as asked:
        found = [query.rows(user.username) for user in wanted]
    assert found == [[[False, now, wanted[0].pk]], [[True, now, wanted[1].pk]]]
    assert query.rows("nobody") == []
    assert (made, len(asked)) == (["?"], 2)


def test_each_of_several_rows_is_read() -> None:
    Group.objects.bulk_create([Group(name=name) for name in ("one", "two")])
    query = PreparedQuery[int](lambda least: Group.objects.filter(pk__gt=least).values_list("name"), stand_in=-1)
    assert sorted(query.rows(0)) == [["one"], ["two"]]
