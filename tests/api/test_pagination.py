"""Pages of a list in the order of ids, and of a list in the order of a time: nothing twice, nothing left out."""

from __future__ import annotations

import threading
from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from api import pagination
from scheduling import keys
from scheduling.models import Schedule, Task
from tests.api.asking import pointers
from tests.api.conformance import CheckedClient
from tests.conftest import a_schedule, at

TASKS = "/api/tasks/"
NOON = at("2026-01-01 12:00")


def some_tasks(*due: int | None) -> list[int]:
    """A task for each: due so many minutes after NOON, or no occurrence. Returns their ids, the oldest first."""
    return [
        Task.objects.create(
            name=str(number),
            job="demo.process_data",
            woken_by="beat",
            status="COMPLETED",
            executor="worker",
            due_at=None if minutes is None else NOON + timedelta(minutes=minutes),
            schedule_id=number,
            created_at=NOON + timedelta(hours=len(due) - number),
        ).pk
        for number, minutes in enumerate(due, 1)
    ]


def walked(client: CheckedClient, address: str, link: str = "next") -> list[list[int]]:
    """The ids of each page, from this address on."""
    pages = []
    following: str | None = address
    while following:
        page = client.get(following).json()
        pages.append([row["id"] for row in page["results"]])
        following = page[link]
    return pages


def vars_of(row: Any) -> dict[str, Any]:
    """The values of a row, without its key."""
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key}


@pytest.mark.parametrize("position", ["p=c328-1", "p=00-1", "p=a-1", "p=6100-1"])
def test_a_cursor_whose_text_no_name_can_be_is_refused(viewer: CheckedClient, position: str) -> None:
    """No UTF-8; a zero, which PostgreSQL does not take; half a byte."""
    cursor = b64encode(position.encode()).decode()
    response = viewer.get("/api/schedules/", {"cursor": cursor, "ordering": "name"})
    assert (response.status_code, pointers(response)) == (400, ["/cursor"])


def last_page(client: CheckedClient, address: str) -> str:
    """The address of the last page."""
    while following := client.get(address).json()["next"]:
        address = following
    return address


def test_a_list_that_is_filtered_by_a_time_is_in_its_order(viewer: CheckedClient) -> None:
    a, b, c, d, e = some_tasks(5, 1, 1, None, 1)
    assert walked(viewer, f"{TASKS}?limit=200") == [[e, d, c, b, a]]
    due = f"{TASKS}?due_after=2026-01-01T12:00:00Z&limit=2"
    assert walked(viewer, due) == [[a, e], [c, b]]
    assert walked(viewer, f"{TASKS}?due_before=2026-01-01T12:02:00Z&limit=1") == [[e], [c], [b]]
    # Here the newer rows are those of the smaller ids.
    assert walked(viewer, f"{TASKS}?created_after=2026-01-01T14:00:00Z&limit=2") == [[a, b], [c]]
    assert walked(viewer, f"{TASKS}?created_before=2026-01-01T14:00:00Z&limit=2") == [[d, e]]


def test_a_list_is_in_the_order_that_is_asked_for(viewer: CheckedClient) -> None:
    a, b, c, d, e = some_tasks(5, 1, 1, None, 1)
    assert walked(viewer, f"{TASKS}?ordering=id&limit=2") == [[a, b], [c, d], [e]]
    assert walked(viewer, f"{TASKS}?ordering=-id&limit=3") == [[e, d, c], [b, a]]
    # What is no occurrence has no place in the order of their times.
    assert walked(viewer, f"{TASKS}?ordering=due_at&limit=2") == [[b, c], [e, a]]
    assert walked(viewer, f"{TASKS}?ordering=-due_at&limit=3") == [[a, e, c], [b]]
    # The order that is asked for counts, not that of the filter.
    assert walked(viewer, f"{TASKS}?ordering=id&due_after=2026-01-01T12:02:00Z") == [[a]]
    assert walked(viewer, f"{TASKS}?ordering=-created_at&due_after=2026-01-01T12:00:00Z&limit=2") == [[a, b], [c, e]]


@pytest.mark.parametrize("names", [["b", "ä", "a", "a", "", "Z", "\U0001f600"], ["x" * 200, "x" * 200, "\u4e2d" * 200]])
@pytest.mark.parametrize("sign", ["", "-"])
def test_schedules_are_in_the_order_of_their_names(viewer: CheckedClient, names: list[str], sign: str) -> None:
    first = a_schedule(backend="beat")
    rows = [Schedule(**{**vars_of(first), "key": keys.unnamed(), "name": name}) for name in names]
    Schedule.objects.all().delete()
    Schedule.objects.bulk_create(rows)
    expected = list(Schedule.objects.order_by(f"{sign}name", f"{sign}pk").values_list("pk", flat=True))
    address = f"/api/schedules/?ordering={sign}name&limit=2&fields=id"
    assert [row for page in walked(viewer, address) for row in page] == expected
    back = walked(viewer, last_page(viewer, address), "previous")
    assert [row for page in reversed(back) for row in page] == expected


@pytest.mark.parametrize("address", ["/api/tasks/", "/api/schedules/", "/api/workflows/"])
def test_an_order_that_there_is_not_is_refused_with_those_that_there_are(viewer: CheckedClient, address: str) -> None:
    answer = viewer.get(address, {"ordering": "error"})
    assert (answer.status_code, pointers(answer)) == (400, ["/ordering"])
    assert "Write one of id, -id, " in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize("query", ["", "due_after=2026-01-01T12:00:00Z&", "ordering=due_at&", "ordering=created_at&"])
@pytest.mark.parametrize("limit", [1, 3])
def test_the_way_back_shows_the_same_rows(viewer: CheckedClient, query: str, limit: int) -> None:
    some_tasks(3, 1, 1, 1, 1, 2, 0)
    address = f"{TASKS}?{query}limit={limit}"
    there = [row for page in walked(viewer, address) for row in page]
    back = walked(viewer, last_page(viewer, address), "previous")
    assert len(there) == 7
    assert [row for page in reversed(back) for row in page] == there


def test_new_rows_do_not_move_the_page_after(viewer: CheckedClient) -> None:
    first = some_tasks(1, 2, 3)
    address = f"{TASKS}?due_after=2026-01-01T12:00:00Z&limit=1"
    page = viewer.get(address).json()
    Task.objects.create(
        name="late", job="x", woken_by="beat", status="MISSED", executor="worker", due_at=NOON + timedelta(hours=1),
        created_at=timezone.now(),
    )  # fmt: skip
    assert walked(viewer, page["next"]) == [[first[1]], [first[0]]]


def test_a_page_whose_rows_are_gone_leads_back_to_the_others(viewer: CheckedClient) -> None:
    first, second, third = some_tasks(1, 2, 3)
    newest = viewer.get(f"{TASKS}?limit=1").json()
    following = viewer.get(newest["next"]).json()
    Task.objects.filter(pk__in=[first]).delete()
    empty = viewer.get(following["next"]).json()
    assert (empty["results"], empty["next"]) == ([], None)
    assert [row["id"] for row in viewer.get(empty["previous"]).json()["results"]] == [third]
    Task.objects.filter(pk=third).delete()
    nothing_newer = viewer.get(following["previous"]).json()
    assert (nothing_newer["results"], nothing_newer["previous"]) == ([], None)
    assert [row["id"] for row in viewer.get(nothing_newer["next"]).json()["results"]] == [second]


@pytest.mark.parametrize(
    ("position", "query"),
    [
        ("p=17", {"due_after": "2026-01-01T12:00:00Z"}),
        ("p=1767268800000000-17", {}),
        ("p=999999999999999999-17", {"due_after": "2026-01-01T12:00:00Z"}),
        ("p=x-17", {"due_after": "2026-01-01T12:00:00Z"}),
        ("p=1767268800000000-17", {"ordering": "id"}),
        ("p=17", {"ordering": "due_at"}),
        ("p=17&o=3", {}),
        ("r=1", {}),
    ],
)
def test_a_cursor_of_another_list_is_refused(viewer: CheckedClient, position: str, query: dict[str, Any]) -> None:
    cursor = b64encode(position.encode()).decode()
    response = viewer.get(TASKS, {"cursor": cursor} | query)
    assert response.status_code == 400
    assert pointers(response) == ["/cursor"]


class Held(threading.Thread):
    """Holds a lock over another connection, for which whoever reads tasks waits."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.held, self.over = threading.Event(), threading.Event()

    def run(self) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f'LOCK TABLE "{Task._meta.db_table}" IN ACCESS EXCLUSIVE MODE')
            self.held.set()
            self.over.wait(60)
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_page_of_several_filters_that_takes_too_long_is_refused(
    operator: CheckedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    some_tasks(1, 2)
    monkeypatch.setattr(pagination, "MOST_SECONDS", 0.05)
    if connection.vendor == "sqlite":
        # It has no limit of time for a statement.
        assert operator.get(TASKS, {"executor": "inline", "woken_by": "request"}).status_code == 200
        return
    holder = Held()
    holder.start()
    assert holder.held.wait(60)
    answer = operator.get(TASKS, {"executor": "inline", "woken_by": "request"})
    holder.over.set()
    holder.join()
    assert answer.status_code == 400
    assert {(each["pointer"], each["code"]) for each in answer.json()["errors"]} == {
        ("/executor", "too_broad"),
        ("/woken_by", "too_broad"),
    }
    assert operator.get(TASKS, {"executor": "worker", "woken_by": "beat"}).status_code == 200
