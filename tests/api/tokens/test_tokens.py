"""`/api/tokens/`: tokens are made, listed and revoked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from pytest_django import Settings

from api.models import ApiToken
from api.permissions import ALL_SCOPES
from tests.api.asking import pointers
from tests.api.conformance import CheckedClient
from tests.tokens import token_for

pytestmark = pytest.mark.django_db

TOKENS = "/api/tokens/"


def user(name: str, role: str = "viewer") -> User:
    made = User.objects.create_user(name)
    made.groups.add(Group.objects.get_or_create(name=role)[0])
    return made


def client_of(owner: User, **options: Any) -> CheckedClient:
    return with_text(token_for(owner, **options))


def with_text(text: str) -> CheckedClient:
    client = CheckedClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


def ask(client: CheckedClient, **members: Any) -> Any:
    return client.post(TOKENS, {"name": "for CI", "scopes": ["read"]} | members, format="json")


def made(client: CheckedClient, **members: Any) -> dict[str, Any]:
    response = ask(client, **members)
    assert response.status_code == 201, response.json()
    body: dict[str, Any] = response.json()
    return body


def test_a_new_token_is_shown_once_and_works(db: None) -> None:
    client = client_of(user("ada"))
    response = ask(client)
    body = response.json()
    assert body["token"].startswith(body["prefix"])
    assert (body["user"], body["created_by"], body["scopes"]) == ("ada", "ada", ["read"])
    shown = client.get(response.headers["Location"]).json()
    assert shown == {name: value for name, value in body.items() if name != "token"}
    assert with_text(body["token"]).get("/api/tasks/").status_code == 200


def test_each_token_is_another(db: None) -> None:
    client = client_of(user("ada"))
    assert made(client)["token"] != made(client)["token"]


def test_a_revoked_token_is_refused_and_stays_in_the_list(db: None) -> None:
    client = client_of(user("ada"))
    body = made(client)
    assert client.delete(f"{TOKENS}{body['id']}/").status_code == 204
    assert with_text(body["token"]).get("/api/tasks/").status_code == 401
    first = client.get(f"{TOKENS}{body['id']}/").json()["revoked_at"]
    assert first is not None
    assert client.delete(f"{TOKENS}{body['id']}/").status_code == 204
    assert client.get(f"{TOKENS}{body['id']}/").json()["revoked_at"] == first


def test_a_token_can_revoke_itself(db: None) -> None:
    client = client_of(user("ada"))
    assert client.delete(f"{TOKENS}{ApiToken.objects.get().pk}/").status_code == 204
    assert client.get(TOKENS).status_code == 401


def test_only_admins_see_and_revoke_the_tokens_of_others(db: None) -> None:
    ada, bob, root = (client_of(user(*who)) for who in (("ada",), ("bob", "operator"), ("root", "admin")))
    of_ada = f"{TOKENS}{ApiToken.objects.get(user__username='ada').pk}/"
    assert [one["user"] for one in bob.get(TOKENS).json()["results"]] == ["bob"]
    assert bob.get(of_ada).status_code == bob.delete(of_ada).status_code == 404
    assert ada.get(of_ada).status_code == 200
    assert [one["user"] for one in root.get(TOKENS).json()["results"]] == ["root", "bob", "ada"]
    assert root.delete(of_ada).status_code == 204
    assert ada.get(TOKENS).status_code == 401


def test_an_admins_token_without_the_scope_sees_only_its_own(db: None) -> None:
    client_of(user("ada"))
    root = client_of(user("root", "admin"), scopes=["read"])
    assert [one["user"] for one in root.get(TOKENS).json()["results"]] == ["root"]


def test_only_admins_make_tokens_for_others(db: None) -> None:
    user("ada")
    operator, admin = client_of(user("bob", "operator")), client_of(user("root", "admin"))
    for name in ("ada", "nobody"):
        assert ask(operator, user=name).status_code == 403
    assert made(operator, user="bob")["user"] == "bob"
    body = made(admin, user="ada")
    assert (body["user"], body["created_by"]) == ("ada", "root")
    response = ask(admin, user="nobody")
    assert (response.status_code, pointers(response)) == (400, ["/user"])


def test_a_token_gives_on_no_scope_that_it_has_not(db: None) -> None:
    client = client_of(user("root", "admin"), scopes=["read", "admin"])
    response = ask(client, scopes=["read", "write"])
    assert (response.status_code, pointers(response)) == (400, ["/scopes"])
    assert response.json()["errors"][0]["code"] == "scope_not_held"
    assert made(client, scopes=["admin", "read", "read"])["scopes"] == ["read", "admin"]


def test_a_session_gives_any_scope(db: None) -> None:
    client = CheckedClient()
    client.force_login(user("ada"))
    assert made(client, scopes=list(ALL_SCOPES))["scopes"] == list(ALL_SCOPES)


def test_a_token_makes_none_that_lives_longer(db: None) -> None:
    ends = timezone.now() + timedelta(days=2)
    client = client_of(user("ada"), expires_at=ends)
    assert datetime.fromisoformat(made(client)["expires_at"]) == ends
    response = ask(client, expires_at=(ends + timedelta(seconds=1)).isoformat())
    assert (response.status_code, pointers(response)) == (400, ["/expires_at"])


def test_a_token_lives_for_as_long_as_the_settings_or_the_request_say(db: None, settings: Settings) -> None:
    settings.TANDEM_TOKEN_DAYS = 7
    client = CheckedClient()
    client.force_login(user("ada"))
    before = timezone.now()
    usual = datetime.fromisoformat(made(client)["expires_at"])
    assert before + timedelta(days=7) <= usual <= timezone.now() + timedelta(days=7)
    asked = (before + timedelta(days=3650)).astimezone(UTC)
    assert datetime.fromisoformat(made(client, expires_at=asked.isoformat())["expires_at"]) == asked
    for wrong in (before, before + timedelta(days=3651)):
        assert ask(client, expires_at=wrong.isoformat()).json()["errors"][0]["code"] == "out_of_range"


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"name": ""}, "/name"), ({"name": "x" * 101}, "/name"), ({"name": 3}, "/name"), ({"scopes": []}, "/scopes"),
        ({"scopes": "read"}, "/scopes"), ({"scopes": ["king"]}, "/scopes/0"), ({"scopes": ["read"] * 5}, "/scopes"),
        ({"scopes": [["read"]]}, "/scopes/0"), ({"expires_at": "never"}, "/expires_at"), ({"role": "admin"}, "/role"),
    ],
)  # fmt: skip
def test_a_token_that_cannot_be_is_refused(db: None, members: dict[str, Any], pointer: str) -> None:
    client = client_of(user("ada"))
    response = ask(client, **members)
    assert (response.status_code, pointers(response)) == (400, [pointer])
    assert ApiToken.objects.count() == 1


def test_the_list_is_filtered(db: None) -> None:
    ada, root = user("ada"), user("root", "admin")
    token_for(ada, expires_at=timezone.now() - timedelta(seconds=1))
    token_for(ada)
    ApiToken.objects.filter(pk=ApiToken.objects.latest("pk").pk).update(revoked_at=timezone.now())
    token_for(ada)
    client = client_of(root)

    def found(**parameters: str) -> list[str]:
        return [one["user"] for one in client.get(TOKENS, parameters).json()["results"]]

    assert found(user="ada") == ["ada"] * 3
    assert found(active="true") == ["root", "ada"]
    assert found(active="false") == ["ada", "ada"]
    assert found(user="nobody") == []
    assert client.get(TOKENS, {"colour": "red"}).status_code == 400


def test_the_last_use_is_written_at_most_once_a_minute(db: None) -> None:
    client = client_of(user("ada"))
    assert ApiToken.objects.get().last_used_at is None
    client.get("/api/jobs/")
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    client.get("/api/jobs/")
    assert ApiToken.objects.get().last_used_at == first
    earlier = first - timedelta(seconds=61)
    ApiToken.objects.update(last_used_at=earlier)
    client.get("/api/jobs/")
    later = ApiToken.objects.get().last_used_at
    assert later is not None
    assert later > earlier


def test_a_user_who_is_deleted_takes_the_tokens_along_and_a_maker_does_not(db: None) -> None:
    ada, root = user("ada"), user("root", "admin")
    body = made(client_of(root), user="ada")
    root.delete()
    assert with_text(body["token"]).get("/api/tasks/").status_code == 200
    ada.delete()
    assert ApiToken.objects.count() == 0
