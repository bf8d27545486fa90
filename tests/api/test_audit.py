"""The audit log over REST, and who is said to have done what."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import PeriodicTask

from api.bindings.service import access_of, owners_of_users
from scheduling.models import AuditEntry
from tests.api.asking import made, of
from tests.api.conformance import CheckedClient
from tests.api.two_owners import owner, somebody

pytestmark = pytest.mark.django_db

AUDIT = "/api/audit/"


def entries(client: CheckedClient, **filters: str | int) -> list[tuple[str, str, str]]:
    found = client.get(AUDIT, filters).json()["results"]
    return [(each["subject"], each["action"], (each["actor"] or {}).get("user", "")) for each in found]


def test_a_change_over_rest_has_its_user_token_and_address(admin: CheckedClient) -> None:
    schedule = made(admin)
    admin.patch(of(schedule), {"name": "another"}, format="json", REMOTE_ADDR="192.0.2.7")
    first = admin.get(AUDIT).json()["results"][0]
    assert (first["subject"], first["subject_id"], first["action"]) == ("schedule", str(schedule["id"]), "changed")
    assert first["changes"] == {"name": ["a schedule", "another"]}
    assert (first["actor"]["kind"], first["actor"]["address"]) == ("token", "192.0.2.7")
    assert first["actor"]["token"].startswith("tandem_")
    assert admin.get(of(schedule)).json()["changed_by"]["user"] == first["actor"]["user"]


def test_a_header_that_names_an_address_is_not_believed(admin: CheckedClient) -> None:
    admin.post("/api/tokens/", {"name": "x", "scopes": ["read"]}, format="json", HTTP_X_FORWARDED_FOR="192.0.2.66")
    assert admin.get(AUDIT).json()["results"][0]["actor"]["address"] == "127.0.0.1"


def test_the_log_is_filtered_and_resumed(admin: CheckedClient) -> None:
    schedule = made(admin)
    number = admin.get(AUDIT).json()["results"][0]["number"]
    admin.post(of(schedule, "pause"))
    admin.post(of(schedule, "trigger"))
    task = admin.get("/api/tasks/").json()["results"][0]
    admin.post(f"/api/tasks/{task['id']}/cancel/")
    found = [(subject, action) for subject, action, _ in entries(admin, after=number)]
    assert found == [("task", "cancelled"), ("schedule", "triggered"), ("schedule", "changed")]
    assert len(entries(admin, subject="schedule", subject_id=schedule["id"])) == 3
    assert len(entries(admin, action="cancelled", actor=task["created_by"]["user"])) == 1
    assert entries(admin, actor="nobody") == []
    assert entries(admin, since="2999-01-01T00:00:00Z") == []


def test_what_is_created_is_said_once_for_all_of_a_bulk(admin: CheckedClient) -> None:
    task = {"name": "t", "job": "demo.process_data"}
    one = admin.post("/api/tasks/", task, format="json").json()
    admin.post("/api/workflows/", {"name": "w", "workflow": {"chain": [task, task]}}, format="json")
    assert [each[:2] for each in entries(admin)][:2] == [("workflow", "created"), ("task", "created")]
    [entry] = admin.get(AUDIT, {"subject": "task"}).json()["results"]
    assert (entry["subject_id"], entry["changes"]) == (str(one["id"]), {"job": [None, "demo.process_data"]})

    def statements(count: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            body = {"tasks": [task] * count}
            assert admin.post("/api/tasks/bulk/create/", body, format="json").status_code == 200
        return len(captured)

    assert statements(2) == statements(10)
    assert AuditEntry.objects.filter(subject="task").count() == 13


def test_a_sync_is_said_where_somebody_asked(admin: CheckedClient) -> None:
    made(admin)
    PeriodicTask.objects.filter(name__contains="tandem").delete()
    for _ in range(2):
        assert admin.post("/api/backends/beat/sync/", {"apply": True}, format="json").status_code == 200
    admin.post("/api/backends/beat/sync/", {"apply": False}, format="json")
    again, mended = admin.get(AUDIT, {"subject": "backend"}).json()["results"]
    assert (mended["subject_id"], mended["action"], mended["changes"]) == ("beat", "synced", {"missing": [1, 0]})
    assert again["changes"] == {}


def test_pages_and_commands_are_said_too(admin: CheckedClient) -> None:
    schedule = made(admin)
    browser = somebody("dora", role="operator")
    browser.pages.post(f"/schedules/{schedule['id']}/pause/", {"mark": f"pause {schedule['version']}"})
    assert entries(admin)[0] == ("schedule", "changed", "dora")
    call_command("create_token", "dora", stdout=StringIO())
    assert entries(admin)[0] == ("token", "created", "")


def test_only_admins_read_it_and_the_bound_ones_their_own(operator: CheckedClient, admin: CheckedClient) -> None:
    assert operator.get(AUDIT).status_code == 403
    red = somebody("alice", bound_to="red")
    made(admin)
    own = made(red.rest)
    assert [each["subject_id"] for each in red.rest.get(AUDIT, {"subject": "schedule"}).json()["results"]] == [
        str(own["id"])
    ]


def test_events_have_their_actor(admin: CheckedClient) -> None:
    task = admin.post("/api/tasks/", {"name": "x", "scheduled_time": "2999-01-01T00:00:00Z"}, format="json").json()
    admin.post(f"/api/tasks/{task['id']}/cancel/")
    events = admin.get(f"/api/tasks/{task['id']}/events/").json()
    assert [(event["status"], event["actor"]["kind"]) for event in events] == [
        ("SCHEDULED", "token"), ("CANCELLED", "token"),
    ]  # fmt: skip


def test_people_are_bound_by_command(db: None) -> None:
    user = User.objects.create_user("ada")
    team = Group.objects.create(name="people")
    other = User.objects.create_user("bob")
    other.groups.add(team)
    call_command("bind_owner", "red", "--user", "ada", stdout=StringIO())
    call_command("bind_owner", "red", "--user", "ada", stdout=StringIO())
    call_command("bind_owner", "blue", "--group", "people", stdout=StringIO())
    red, blue = owner("red").pk, owner("blue").pk
    assert owners_of_users([user.pk, other.pk]) == {user.pk: frozenset({red}), other.pk: frozenset({blue})}
    assert access_of(other, None) == frozenset({blue})
    assert list(AuditEntry.objects.order_by("number").values_list("action", "changes")) == [
        ("bound", {"user": [None, "ada"]}), ("bound", {"group": [None, "people"]}),
    ]  # fmt: skip
    call_command("bind_owner", "red", "--user", "ada", "--remove", stdout=StringIO())
    assert access_of(user, None) is None


@pytest.mark.parametrize(
    "words", [["admin", "--user", "ada"], ["red", "--user", "nobody"], ["red", "--group", "nothing"], ["red"]]
)
def test_a_binding_that_cannot_be_is_refused(db: None, words: list[str]) -> None:
    User.objects.create_user("ada")
    with pytest.raises(CommandError):
        call_command("bind_owner", *words)


def test_a_group_that_somebody_depends_on_is_not_deleted(admin: CheckedClient) -> None:
    red = somebody("alice", bound_to="red")
    schedule = made(red.rest)
    with pytest.raises(ProtectedError), transaction.atomic():
        owner("red").delete()
    call_command("bind_owner", "red", "--user", "alice", "--remove", stdout=StringIO())
    with pytest.raises(ProtectedError, match="owns schedules"), transaction.atomic():
        owner("red").delete()
    admin.delete(of(schedule))
    owner("red").delete()
    assert admin.get("/api/tasks/").status_code == 200
