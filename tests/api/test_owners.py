"""Two owners try to see and change each other's things, at every address that there is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from api.bindings import service
from scheduling import clock
from scheduling.models import Schedule, Task, Workflow
from tests.api.asking import made, stored, wanted
from tests.api.conformance import operations
from tests.api.routes import routes
from tests.api.test_permissions import LEAST
from tests.api.two_owners import MARK, Somebody, Things, client_of, owner, somebody, things_of
from tests.recording import RecordingExecutor

pytestmark = pytest.mark.django_db

# What belongs to the whole installation: refused to who is bound.
SYSTEM = {
    ("GET", "/api/backends/"), ("GET", "/api/backends/{name}/"), ("GET", "/api/backends/{name}/drift/"),
    ("POST", "/api/backends/{name}/sync/"), ("GET", "/api/hosts/"), ("GET", "/api/hosts/{name}/"),
    ("GET", "/api/drift/"), ("GET", "/api/lateness/"), ("GET", "/api/cron/tzdata/"), ("GET", "/api/secrets/"),
    ("GET", "/api/statistics/"), ("PUT", "/api/secrets/{name}/"), ("DELETE", "/api/secrets/{name}/"),
}  # fmt: skip
# What shows rows of many, or makes new ones: allowed, and never with something of somebody else.
OWN_ONLY = {
    ("GET", "/api/schedules/"), ("POST", "/api/schedules/"), ("POST", "/api/schedules/move/"), ("GET", "/api/tasks/"),
    ("POST", "/api/tasks/"), ("GET", "/api/workflows/"), ("POST", "/api/workflows/"), ("GET", "/api/jobs/"),
    ("GET", "/api/jobs/{name}/"), ("POST", "/api/cron/describe/"), ("GET", "/api/cron/review/"),
    ("POST", "/api/cron/review/"), ("POST", "/api/cron/import/"), ("GET", "/api/tokens/"), ("POST", "/api/tokens/"),
    ("GET", "/api/audit/"), ("PUT", "/api/schedules/by-key/{key}/"), ("POST", "/api/schedules/bulk/create/"),
    ("POST", "/api/tasks/bulk/create/"), ("GET", "/api/limits/"),
}  # fmt: skip
# What names rows in its body: refused, because there are none such.
NAMED_IN_BODY = {("POST", f"/api/schedules/bulk/{verb}/") for verb in ("change", "delete", "pause", "resume")} | {
    ("POST", f"/api/tasks/bulk/{verb}/") for verb in ("cancel", "retry")
}
# Bodies that go through the checks of the body, so that what is answered comes from the look-up.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/schedules/move/"): {"backend": "crontab", "dry_run": False},
    ("POST", "/api/schedules/{id}/move/"): {"backend": "crontab"},
    ("PUT", "/api/schedules/by-key/{key}/"): wanted(name="a red one"),
    ("PUT", "/api/schedules/{id}/"): wanted(name="a red one"),
    ("POST", "/api/schedules/{id}/skip/"): {"count": 1},
    ("POST", "/api/schedules/{id}/backfill/"): {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"},
    ("POST", "/api/schedules/bulk/create/"): {"schedules": []},
    ("POST", "/api/tasks/bulk/create/"): {"tasks": []},
}
# Of Django's own, and of the pages without rows.
OTHERS = {"api/", "api/<>", "api/schema/", "api/docs/", "login/", "logout/"}


@pytest.fixture
def red(crontab: Path, db: None) -> Somebody:
    return somebody("alice", bound_to="red")


@pytest.fixture
def blue(crontab: Path, db: None) -> Somebody:
    return somebody("bob", bound_to="blue")


@pytest.fixture
def azure(blue: Somebody, recorded: RecordingExecutor) -> Things:
    return things_of(blue)


def ask(client: Any, method: str, path: str, things: Things) -> Any:
    """Send the request about things of somebody else."""
    found = next((name for name in ("workflow", "token", "task") if f"/{name}s/" in path), "schedule")
    pk = getattr(things, found)["id"]
    name = "demo.process_data" if "/jobs/" in path else "crontab"
    address = path.replace("{id}", str(pk)).replace("{key}", f"{MARK}-key").replace("{name}", name)
    return client.generic(method, address, _body(method, path, pk), content_type="application/json")


def _body(method: str, path: str, pk: int) -> str:
    body = BODIES.get((method, path), {})
    if (method, path) in NAMED_IN_BODY:
        body = {"ids": [pk], "changes": {"paused": True}} if path.endswith("change/") else {"ids": [pk]}
    return json.dumps(body) if method != "GET" else ""


def everything(crontab: Path) -> dict[str, Any]:
    return {**stored(crontab), "workflows": list(Workflow.objects.order_by("pk").values())}


# tests/api/test_permissions.py sees to it that the table has every operation.
# Sorted by method: what puts a schedule under the key comes after all that only look.
def test_nothing_of_another_owner_is_seen_or_changed(
    red: Somebody, azure: Things, crontab: Path, subtests: pytest.Subtests
) -> None:
    for method, path in sorted(LEAST):
        with subtests.test(method=method, path=path):
            nothing_is_seen_or_changed(red, azure, crontab, method, path)


def nothing_is_seen_or_changed(red: Somebody, azure: Things, crontab: Path, method: str, path: str) -> None:
    before = everything(crontab)
    response = ask(red.rest, method, path, azure)
    if (method, path) in SYSTEM:
        assert (response.status_code, response.json()["code"]) == (403, "bound_to_owner")
    elif (method, path) in NAMED_IN_BODY:
        assert (response.status_code, [one["code"] for one in response.json()["errors"]]) == (400, ["not_found"])
    elif (method, path) in OWN_ONLY:
        assert response.status_code in {200, 201, 400}
    else:
        assert response.status_code == 404, response.content
    # What was asked for may be repeated in the answer; what is known of it may not.
    assert MARK not in response.content.decode().replace(f"{MARK}-key", "")
    after = everything(crontab)
    if (method, path) == ("PUT", "/api/schedules/by-key/{key}/"):
        assert response.status_code == 201
        after = {**after, "schedules": after["schedules"][:-1], "beat": before["beat"]}
    assert after == before


def test_every_route_is_an_operation_or_known_here() -> None:
    documented = {re.sub(r"{\w+}", "<>", path.removeprefix("/")) for _, path in operations()}
    pages = {re.sub(r"<\w+>", "<>", address) for address in PAGES}
    found = {
        re.sub(r"<\w+>", "<>", route) for route in routes() if not route.startswith("admin/") and ".<" not in route
    }
    assert found - documented - pages - OTHERS == set()


PAGES = {
    "": 200, "schedules/": 200, "schedules/<pk>/": 404, "schedules/<pk>/pause/": 404, "schedules/<pk>/resume/": 404,
    "schedules/<pk>/run/": 404, "tasks/": 200, "tasks/<pk>/": 404, "tasks/<pk>/cancel/": 404, "tasks/<pk>/retry/": 404,
    "system/": 403, "schedules/new/": 200, "schedules/<pk>/edit/": 404, "schedules/bulk/": 302, "schedules/undo/": 302,
    "schedules/preview/": 404, "schedules/parameters/": 200, "review/": 200, "timeline/": 200, "workflows/": 200,
    "workflows/<pk>/": 404, "workflows/<pk>/cancel/": 404, "workflows/<pk>/retry/": 404,
    "tasks/<pk>/acknowledge/": 404, "tasks/<pk>/retry-all/": 404, "settings/": 200, "settings/tokens/<pk>/revoke/": 404,
    "settings/members/": 403, "settings/members/<pk>/role/": 403, "settings/secrets/": 403, "settings/audit/": 200,
    "schedules/<pk>/skip/": 404, "schedules/<pk>/backfill/": 404, "schedules/<pk>/move/": 404,
    "schedules/adopt/<engine>/<pk>/": 403, "views/": 302, "views/<pk>/rename/": 302, "views/<pk>/delete/": 302,
    "system/sync/<name>/": 403,
}  # fmt: skip


# Pages that are only sent to.
WRITES = (
    "pause/", "resume/", "run/", "cancel/", "retry/", "bulk/", "undo/", "preview/", "parameters/", "acknowledge/",
    "retry-all/", "revoke/", "role/", "views/", "rename/", "delete/",
)  # fmt: skip


def test_pages_show_nothing_of_another_owner(
    red: Somebody, azure: Things, crontab: Path, subtests: pytest.Subtests
) -> None:
    for address, status in PAGES.items():
        with subtests.test(address=address):
            page_shows_nothing(red, azure, crontab, address, status)


def there(address: str, pk: int) -> str:
    """The address of a page about the thing with this id."""
    return address.replace("<pk>", str(pk)).replace("<engine>", "beat").replace("<name>", "beat")


def page_shows_nothing(red: Somebody, azure: Things, crontab: Path, address: str, status: int) -> None:
    before = everything(crontab)
    kind = next((name for name in ("workflow", "token", "task") if f"{name}s/" in address), "schedule")
    pk = getattr(azure, kind)["id"]
    writes = address.endswith(WRITES)
    send = red.pages.post if writes else red.pages.get
    response = send("/" + there(address, pk), {"schedule": pk, "pk": pk, "do": "delete", "role": "admin"})
    # A button of a page that is not there any more leads back with a message.
    assert response.status_code == (302 if writes and response.status_code == 302 else status)
    assert MARK not in response.content.decode()
    assert everything(crontab) == before


def test_the_admin_site_is_closed_to_who_is_bound(red: Somebody) -> None:
    assert red.pages.get("/admin/").status_code == 302


def test_lists_and_counts_have_the_own_things(red: Somebody, blue: Somebody, azure: Things) -> None:
    own = things_of(red, "crimson")
    for name in ("schedule", "task", "workflow"):
        found = red.rest.get(f"/api/{name}s/").json()["results"]
        assert {each["owner"] for each in found} == {"red"}
        assert getattr(own, name)["id"] in [each["id"] for each in found]
    page = red.pages.get("/schedules/").content.decode()
    assert "crimson schedule" in page


def test_who_is_bound_to_nobody_sees_everything(azure: Things, red: Somebody) -> None:
    things_of(red, "crimson")
    admin = somebody("carol")
    unowned = made(admin.rest)
    assert unowned["owner"] is None
    found = admin.rest.get("/api/schedules/").json()["results"]
    assert [each["owner"] for each in found] == [None, "red", "blue"]
    assert [each["id"] for each in admin.rest.get("/api/schedules/", {"owner": "blue"}).json()["results"]] == [
        azure.schedule["id"]
    ]
    assert red.rest.get(f"/api/schedules/{unowned['id']}/").status_code == 404


def test_filters_and_references_do_not_tell_of_another_owner(red: Somebody, azure: Things) -> None:
    assert red.rest.get("/api/tasks/", {"schedule": azure.schedule["id"]}).json()["results"] == []
    assert red.rest.get("/api/tasks/", {"tag": MARK}).json()["results"] == []
    known, unknown = (red.rest.get("/api/tasks/", {"owner": name}).json() for name in ("blue", "nobody"))
    assert known == unknown
    assert known["errors"][0]["code"] == "unknown_owner"
    answers = [red.rest.post("/api/schedules/", wanted(owner=name), format="json").json() for name in ("blue", "none")]
    assert answers[0] == answers[1]


def test_a_key_is_free_for_each_owner(red: Somebody, azure: Things) -> None:
    address = f"/api/schedules/by-key/{MARK}-key/"
    assert red.rest.get(address).status_code == 404
    own = red.rest.put(address, wanted(name="mine"), format="json")
    assert (own.status_code, own.json()["owner"]) == (201, "red")
    assert red.rest.put(address, wanted(name="mine"), format="json").status_code == 200
    admin = somebody("carol")
    assert admin.rest.get(address).status_code == 404
    assert admin.rest.get(address, {"owner": "blue"}).json()["id"] == azure.schedule["id"]
    again = red.rest.post("/api/schedules/", wanted(key=f"{MARK}-key"), format="json")
    assert again.json()["errors"][0]["code"] == "taken"


def test_an_idempotency_key_of_one_owner_says_nothing_to_another(db: None, recorded: RecordingExecutor) -> None:
    one = somebody("carol")
    clients = [client_of(one.user, owner=owner(name).pk) for name in ("red", "blue")]
    body = {"name": "a task", "job": "demo.process_data"}
    answers = [
        client.post("/api/tasks/", body, format="json", HTTP_IDEMPOTENCY_KEY="same") for client in clients for _ in "12"
    ]
    assert [answer.json()["owner"] for answer in answers] == ["red", "red", "blue", "blue"]
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, "true", None, "true"]
    assert answers[0].json()["id"] != answers[2].json()["id"]


def test_a_bound_token_makes_no_token_that_sees_more(db: None) -> None:
    one = somebody("carol")
    client = client_of(one.user, owner=owner("red").pk)
    body = {"name": "a token", "scopes": ["read"]}
    assert client.post("/api/tokens/", body, format="json").json()["owner"] == "red"
    for wider in (None, "blue"):
        assert client.post("/api/tokens/", body | {"owner": wider}, format="json").status_code == 400
    assert client.post("/api/tokens/", body | {"user": "alice"}, format="json").status_code == 403
    assert {each["owner"] for each in client.get("/api/tokens/").json()["results"]} == {"red"}


def test_a_token_of_another_owner_than_its_user_sees_nothing(red: Somebody, azure: Things) -> None:
    client = client_of(red.user, owner=owner("blue").pk)
    assert client.get("/api/schedules/").json()["results"] == []
    assert client.post("/api/schedules/", wanted(), format="json").json()["errors"][0]["code"] == "not_yours"


def test_who_is_bound_to_two_names_one_of_them(db: None) -> None:
    both = somebody("carol", bound_to="red")
    somebody_else = owner("blue")
    service.bind(somebody_else, user=both.user, now=clock.now())
    refused = both.rest.post("/api/schedules/", wanted(), format="json").json()
    assert (refused["errors"][0]["pointer"], refused["errors"][0]["code"]) == ("/owner", "not_yours")
    assert made(both.rest, owner="blue")["owner"] == "blue"
    assert both.rest.get("/api/schedules/by-key/x/").status_code == 400
    assert both.rest.get("/api/schedules/by-key/x/", {"owner": "red"}).status_code == 404


def test_what_a_schedule_fires_inherits_owner_and_tags(blue: Somebody, azure: Things) -> None:
    task = blue.rest.post(f"/api/schedules/{azure.schedule['id']}/trigger/").json()
    assert (task["owner"], task["tags"]) == ("blue", [MARK])
    assert task["created_by"]["user"] == "bob"
    changed = blue.rest.patch(f"/api/schedules/{azure.schedule['id']}/", {"tags": ["b", "a", "b"]}, format="json")
    assert changed.json()["tags"] == ["a", "b"]
    assert [each["id"] for each in blue.rest.get("/api/schedules/", {"tag": "b"}).json()["results"]]
    assert blue.rest.get("/api/schedules/", {"tag": MARK}).json()["results"] == []


def test_an_owner_cannot_be_given_away_by_who_is_bound(blue: Somebody, azure: Things) -> None:
    owner("red")
    address = f"/api/schedules/{azure.schedule['id']}/"
    for other in ("red", None):
        assert blue.rest.patch(address, {"owner": other}, format="json").status_code == 400
    admin = somebody("carol")
    assert admin.rest.patch(address, {"owner": "red"}, format="json").json()["owner"] == "red"
    assert blue.rest.get(address).status_code == 404
    # Tasks that exist keep their owner.
    assert Task.objects.filter(schedule=azure.schedule["id"]).exclude(owner=owner("blue").pk).count() == 0


def test_without_the_middleware_nobody_is_let_in(azure: Things, blue: Somebody, settings: Settings) -> None:
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if each != "api.callers.ActingFor"]
    response = client_of(blue.user).get("/api/schedules/")
    assert (response.status_code, response.json()["code"]) == (500, "misconfigured")
    assert Schedule.objects.exists()
