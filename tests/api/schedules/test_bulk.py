"""Many schedules in one request: all or none, every fault by its place, one write of each engine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scheduling.bulk import MOST
from scheduling.bulk import chosen as bulk_chosen
from scheduling.models import Schedule, SyncState, Task
from scheduling.schedules import DELETED
from tests.api.asking import SCHEDULES, in_crontab, made, of, on_beat, pointers, stored, wanted
from tests.api.conformance import CheckedClient

pytestmark = pytest.mark.django_db

BULK = f"{SCHEDULES}bulk/"


def ask(client: CheckedClient, what: str, query: str = "", /, **body: Any) -> Any:
    return client.post(f"{BULK}{what}/{query}", body, format="json")


def ids(client: CheckedClient, count: int, **members: Any) -> list[int]:
    bodies = [wanted(name=f"s{number}", **members) for number in range(count)]
    answer = ask(client, "create", schedules=bodies)
    assert answer.status_code == 200, answer.json()
    return [one["id"] for one in answer.json()["schedules"]]


def test_many_are_created_and_installed(operator: CheckedClient, crontab: Path) -> None:
    bodies = [wanted(name="on beat", backend="beat"), wanted(name="in cron", backend="crontab", key="mine")]
    first, second = ask(operator, "create", schedules=bodies).json()["schedules"]
    assert (first["key"], second["key"], first["sync"], second["sync"]) == ("on-beat", "mine", "in_sync", "in_sync")
    assert len(on_beat(first)) == 1
    assert len(in_crontab(second, crontab)) == 1
    assert operator.get(of(first)).json()["next_occurrences"]


def test_equal_names_get_keys_of_their_own(operator: CheckedClient, crontab: Path) -> None:
    made(operator, name="twin")
    answer = ask(operator, "create", schedules=[wanted(name="twin"), wanted(name="twin")]).json()["schedules"]
    assert len({"twin", *(one["key"] for one in answer)}) == 3


def test_all_faults_are_told_by_their_places_and_nothing_is_stored(operator: CheckedClient, crontab: Path) -> None:
    made(operator, key="taken")
    before = stored(crontab)
    bodies = [
        wanted(),
        wanted(name=3),
        wanted(cron="61 * * * *"),
        wanted(key="taken"),
        wanted(key="new"),
        wanted(key="new", parameters={"colour": "red"}),
        "no object",
    ]
    refused = ask(operator, "create", schedules=bodies)
    assert refused.status_code == 400
    assert sorted(pointers(refused)) == sorted(
        ["/schedules/1/name", "/schedules/2/cron", "/schedules/3/key", "/schedules/5/key",
         "/schedules/5/parameters/colour", "/schedules/6"]
    )  # fmt: skip
    assert stored(crontab) == before


@pytest.mark.parametrize("body", [{}, {"schedules": []}, {"schedules": [{}] * (MOST + 1)}, {"schedules": 3}])
def test_a_list_has_from_one_to_a_thousand(operator: CheckedClient, crontab: Path, body: dict[str, Any]) -> None:
    assert pointers(ask(operator, "create", **body)) == ["/schedules"]


def test_a_list_of_ids_is_changed(operator: CheckedClient, crontab: Path) -> None:
    first, second, third = ids(operator, 3)
    answer = ask(operator, "change", ids=[third, first], changes={"cron": "0 4 * * *", "priority": 9}).json()
    assert [(one["id"], one["version"]) for one in answer["schedules"]] == [(third, 2), (first, 2)]
    rows = Schedule.objects.in_bulk()
    assert [rows[pk].cron for pk in (first, second, third)] == ["0 4 * * *", "*/5 * * * *", "0 4 * * *"]
    assert rows[first].next_due_at != rows[second].next_due_at
    assert rows[first].sync_state == SyncState.IN_SYNC
    # The same again changes nothing.
    again = ask(operator, "change", ids=[first], changes={"cron": "0 4 * * *"}).json()["schedules"]
    assert [one["version"] for one in again] == [2]


def test_every_member_that_a_change_can_set_is_stored_as_one_by_one(operator: CheckedClient, crontab: Path) -> None:
    changes = {
        "every": "PT10M", "description": "ein Käse \U0001f9c0 'quoted'", "parameters": {"steps": 2},
        "catch_up": "latest", "catch_up_window": "P2D", "grace": 90,
        "retries": {"max": 3, "base": 0.5}, "timeout": 60, "queue": "reports",
        "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2199-01-01T00:00:00Z", "timezone": "Europe/Berlin",
        "overlap": "queue", "on_lost": "retry", "priority": 1,
    }  # fmt: skip
    one, many = made(operator), made(operator)
    assert operator.patch(of(one), changes, format="json").status_code == 200
    assert ask(operator, "change", ids=[many["id"]], changes=changes).status_code == 200
    rows = {row["id"]: row for row in Schedule.objects.values()}
    differ = {"id", "key", "cursor", "created_at", "updated_at"}
    first, second = (
        {name: value for name, value in rows[pk].items() if name not in differ} for pk in (one["id"], many["id"])
    )
    assert second == first


def test_filters_choose_as_in_the_list(operator: CheckedClient, crontab: Path) -> None:
    ids(operator, 2, backend="crontab")
    [other] = ids(operator, 1, backend="beat")
    answer = ask(operator, "pause", "?backend=crontab").json()["schedules"]
    assert [one["paused"] for one in answer] == [True, True]
    assert list(Schedule.objects.filter(paused=False).values_list("pk", flat=True)) == [other]
    assert b"tandem" not in crontab.read_bytes().lower().replace(b"# tandem", b"")
    assert len(ask(operator, "resume", "?paused=true").json()["schedules"]) == 2
    assert not Schedule.objects.filter(paused=True).exists()


@pytest.mark.parametrize(
    ("query", "body", "pointer"),
    [
        ("", {}, "/ids"),
        ("?paused=false", {"ids": [1]}, "/ids"),
        ("", {"ids": [7, 7]}, "/ids/1"),
        ("", {"ids": [0]}, "/ids/0"),
        ("?nmae=x", {}, "/nmae"),
        ("", {"ids": [1], "colour": 1}, "/colour"),
    ],
)
def test_the_choice_must_be_clear(
    operator: CheckedClient, crontab: Path, query: str, body: dict[str, Any], pointer: str
) -> None:
    for what in ("pause", "delete"):
        assert pointers(ask(operator, what, query, **body)) == [pointer]


def test_what_is_not_there_is_told_and_nothing_is_done(operator: CheckedClient, crontab: Path) -> None:
    [there] = ids(operator, 1)
    before = stored(crontab)
    for what in ("pause", "resume", "delete"):
        refused = ask(operator, what, ids=[there, 999_999])
        assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [("/ids/1", "not_found")]
    assert stored(crontab) == before


def test_a_change_that_some_cannot_have_changes_none(operator: CheckedClient, crontab: Path) -> None:
    seconds, minutes = made(operator, cron=None, every=30), made(operator)
    before = stored(crontab)
    refused = ask(operator, "change", ids=[minutes["id"], seconds["id"]], changes={"backend": "crontab"})
    assert pointers(refused) == ["/ids/1"]
    refused = ask(operator, "change", ids=[minutes["id"], seconds["id"]], changes={"cron": "61 * * * *"})
    assert pointers(refused) == ["/changes/cron"]
    refused = ask(operator, "change", ids=[minutes["id"]], changes={"priority": "x", "colour": 1})
    assert pointers(refused) == ["/changes/priority", "/changes/colour"]
    assert pointers(ask(operator, "change", ids=[minutes["id"]], changes={"key": "x"})) == ["/changes/key"]
    assert stored(crontab) == before


def test_too_many_that_match_are_refused(
    operator: CheckedClient, crontab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids(operator, 3)
    monkeypatch.setattr(bulk_chosen, "MOST", 2)
    assert ask(operator, "pause", "?paused=false").json()["errors"][0]["code"] == "too_many"
    assert not Schedule.objects.filter(paused=True).exists()


def test_many_are_deleted_with_their_tasks(operator: CheckedClient, crontab: Path) -> None:
    first, second, third = ids(operator, 3)
    waiting = Task.objects.create(
        schedule_id=first, name="t", job="demo.process_data", status="QUEUED", executor="worker", woken_by="beat",
        created_at=timezone.now(), send_at=timezone.now(),
    )  # fmt: skip
    assert ask(operator, "delete", ids=[first, third]).json() == {"cancelled": [waiting.pk], "running": []}
    assert list(Schedule.objects.values_list("pk", flat=True)) == [second]
    waiting.refresh_from_db()
    assert (waiting.status, waiting.reason) == ("CANCELLED", DELETED)
    assert on_beat({"id": first}) == []
    assert on_beat({"id": second}) != [] or in_crontab({"id": second}, crontab) != []


def test_what_was_due_is_decided_by_the_old_definition(operator: CheckedClient, crontab: Path) -> None:
    [pk] = ids(operator, 1, backend="beat", cron="* * * * *")
    due = timezone.now().replace(microsecond=0, second=0)
    Schedule.objects.filter(pk=pk).update(next_due_at=due, cursor=due - timedelta(minutes=1))
    ask(operator, "change", ids=[pk], changes={"cron": "0 4 * * *"})
    ask(operator, "pause", ids=[pk])
    [task] = Task.objects.filter(schedule_id=pk)
    assert task.due_at == due
    assert Schedule.objects.get().cron == "0 4 * * *"


def test_a_dry_run_stores_nothing(operator: CheckedClient, crontab: Path) -> None:
    [there] = ids(operator, 1)
    before = stored(crontab)
    tried = ask(operator, "create", "?dry_run=true", schedules=[wanted()])
    assert (tried.status_code, [one["id"] for one in tried.json()["schedules"]]) == (200, [0])
    assert ask(operator, "pause", "?dry_run=true", ids=[there]).json()["schedules"][0]["paused"] is True
    assert ask(operator, "pause", "?dry_run=true&paused=false").status_code == 200
    assert ask(operator, "delete", "?dry_run=true", ids=[there]).status_code == 200
    assert stored(crontab) == before


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("create", lambda _: {"schedules": [wanted(), wanted()]}),
        ("change", lambda there: {"ids": there, "changes": {"priority": 1}}),
        ("pause", lambda there: {"ids": there}),
        ("delete", lambda there: {"ids": there}),
    ],
)
def test_a_key_makes_it_done_once(
    operator: CheckedClient, crontab: Path, what: str, body: Callable[[list[int]], dict[str, Any]]
) -> None:
    sent = body(ids(operator, 2))
    first, again = (operator.post(f"{BULK}{what}/", sent, format="json", HTTP_IDEMPOTENCY_KEY="once") for _ in range(2))
    assert first.status_code == 200
    assert (again.content, again.headers["Idempotency-Replayed"]) == (first.content, "true")
    assert Schedule.objects.count() == {"create": 4, "delete": 0}.get(what, 2)


def without_chunks(queries: CaptureQueriesContext) -> int:
    """How many statements there were. SQLite takes new rows in chunks: there, those that follow count as one."""
    statements = [str(query["sql"]).split("VALUES")[0] for query in queries.captured_queries]
    return len(list(groupby(statements)) if connection.vendor == "sqlite" else statements)


@pytest.mark.parametrize("backend", ["beat", "crontab"])
def test_statements_do_not_grow_with_the_number_of_schedules(
    operator: CheckedClient, crontab: Path, backend: str
) -> None:
    counts = []
    # The first requests fill what is known for the life of the process.
    for count in (2, 2, 40):
        taken: dict[str, int] = {}
        there: list[int] = []
        for what in ("create", "change", "pause", "resume", "delete"):
            body: dict[str, Any] = {"ids": there}
            if what == "create":
                body = {"schedules": [wanted(name=f"n{at}", backend=backend, key=f"k{at}") for at in range(count)]}
            if what == "change":
                body |= {"changes": {"cron": "0 4 * * *"}}
            with CaptureQueriesContext(
                connection,
            ) as queries:
                answer = ask(operator, what, **body)
            assert answer.status_code == 200, answer.json()
            taken[what] = without_chunks(queries)
            if what == "create":
                there = [one["id"] for one in answer.json()["schedules"]]
        counts.append(taken)
    assert counts[1] == counts[2]
