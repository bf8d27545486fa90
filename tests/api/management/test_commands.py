"""`bootstrap`, `create_token` and `revoke_token`."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from api.models import ApiToken
from tests.api.conformance import CheckedClient


@pytest.fixture
def credentials(db: None, settings: Settings, tmp_path: Path) -> Path:
    """The file in which bootstrap keeps the credentials."""
    settings.VAR = tmp_path / "var"
    return tmp_path / "var" / "credentials"


def bootstrap() -> dict[str, str]:
    out = StringIO()
    call_command("bootstrap", stdout=out)
    said: dict[str, str] = json.loads(out.getvalue())
    return said


def status_with(token: str) -> int:
    client = CheckedClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client.post("/api/backends/beat/sync/", {}, format="json").status_code


def test_bootstrap_makes_an_admin_whose_token_and_password_work(credentials: Path) -> None:
    said = bootstrap()
    assert said["path"] == str(credentials)
    assert status_with(said["token"]) == 200
    assert User.objects.get(username=said["user"]).check_password(said["password"])
    assert set(Group.objects.values_list("name", flat=True)) == {"viewer", "operator", "admin"}


def test_bootstrap_says_the_same_the_next_time(credentials: Path) -> None:
    first = bootstrap()
    assert bootstrap() == first
    assert (User.objects.count(), ApiToken.objects.count(), Group.objects.count()) == (1, 1, 3)


def test_nobody_else_can_read_the_credentials(credentials: Path) -> None:
    bootstrap()
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600


def test_a_file_that_others_could_read_is_closed_before_it_is_written(credentials: Path) -> None:
    credentials.parent.mkdir()
    credentials.write_text("")
    credentials.chmod(0o644)
    bootstrap()
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600


def test_an_expired_token_is_renewed(credentials: Path) -> None:
    first = bootstrap()
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert status_with(first["token"]) == 401
    second = bootstrap()
    assert second["token"] != first["token"]
    assert status_with(second["token"]) == 200
    assert json.loads(credentials.read_text())["token"] == second["token"]


def test_an_exchanged_database_gets_a_new_user_and_token(credentials: Path) -> None:
    bootstrap()
    User.objects.all().delete()
    assert status_with(bootstrap()["token"]) == 200


DAMAGED = [
    "",
    "{",
    "[1]",
    "null",
    "3",
    "{}",
    '{"user": "admin", "password": "x"}',
    '{"user": 1, "password": 2, "token": 3}',
    '{"user": "admin", "password": "x", "token": "\\ud800"}',
    '{"user": "admin", "password": "x", "token": ""}',
]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_file_is_written_anew(credentials: Path, text: str) -> None:
    credentials.parent.mkdir()
    credentials.write_text(text)
    said = bootstrap()
    assert status_with(said["token"]) == 200
    assert json.loads(credentials.read_text()) == {name: said[name] for name in ("user", "password", "token")}


def test_a_file_that_is_not_text_is_written_anew(credentials: Path) -> None:
    credentials.parent.mkdir()
    credentials.write_bytes(b"\xff\xfe")
    assert status_with(bootstrap()["token"]) == 200


def create_token(*arguments: str) -> str:
    out = StringIO()
    call_command("create_token", *arguments, stdout=out)
    return out.getvalue().strip()


def test_a_token_is_made_for_a_new_user_with_a_role(db: None) -> None:
    token = create_token("ada", "--role", "admin")
    assert status_with(token) == 200
    ada = User.objects.get(username="ada")
    assert not ada.has_usable_password()
    assert list(ada.groups.values_list("name", flat=True)) == ["admin"]


def test_a_second_token_leaves_the_user_and_the_first_as_they_are(db: None) -> None:
    ada = User.objects.create_user("ada", password="kept")
    first, second = create_token("ada", "--role", "admin"), create_token("ada")
    assert first != second
    assert status_with(first) == status_with(second) == 200
    assert User.objects.get(pk=ada.pk).check_password("kept")


def test_a_viewers_token_does_not_write(db: None) -> None:
    assert status_with(create_token("eve", "--role", "viewer")) == 403


def test_a_token_is_good_for_as_long_as_was_asked(db: None) -> None:
    before = timezone.now()
    create_token("ada", "--days", "2")
    expiry = ApiToken.objects.get().expires_at
    assert before + timedelta(days=2) <= expiry <= timezone.now() + timedelta(days=2)


@pytest.mark.parametrize(
    "arguments", [("ada", "--days", "0"), ("ada", "--days", "3651"), ("ada", "--role", "king"), ()]
)
def test_a_token_that_cannot_be_is_refused_and_makes_nobody(db: None, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        create_token(*arguments)
    assert User.objects.count() == 0


def test_a_token_has_the_scopes_and_the_name_that_were_asked_for(db: None) -> None:
    token = create_token("ada", "--role", "admin", "--scope", "write", "--scope", "read", "--name", "for CI")
    kept = ApiToken.objects.get()
    assert (kept.name, kept.scopes, kept.created_by) == ("for CI", ["read", "write"], None)
    assert status_with(token) == 403


@pytest.mark.parametrize("shown", [slice(None), slice(15)], ids=["the whole token", "its prefix"])
def test_a_token_is_revoked_by_what_is_known_of_it(db: None, shown: slice) -> None:
    kept, lost = create_token("ada", "--role", "admin"), create_token("ada")
    out = StringIO()
    call_command("revoke_token", lost[shown], stdout=out)
    assert out.getvalue() == "1 token revoked.\n"
    assert (status_with(kept), status_with(lost)) == (200, 401)


def test_all_tokens_of_a_user_are_revoked(db: None) -> None:
    lost = [create_token("ada", "--role", "admin") for _ in range(2)]
    kept = create_token("bob", "--role", "admin")
    out = StringIO()
    call_command("revoke_token", "--user", "ada", stdout=out)
    assert out.getvalue() == "2 tokens revoked.\n"
    assert [status_with(token) for token in [*lost, kept]] == [401, 401, 200]


@pytest.mark.parametrize("arguments", [(), ("tandem_12345678",), ("--user", "eve"), ("tandem_1", "--user", "ada")])
def test_what_cannot_be_revoked_is_an_error(db: None, arguments: tuple[str, ...]) -> None:
    create_token("ada")
    with pytest.raises(CommandError):
        call_command("revoke_token", *arguments)
    assert ApiToken.objects.filter(revoked_at=None).count() == 1


def test_a_token_that_is_revoked_keeps_the_first_time(db: None) -> None:
    token = create_token("ada")
    call_command("revoke_token", token, stdout=StringIO())
    at = ApiToken.objects.get().revoked_at
    with pytest.raises(CommandError, match="revoked already"):
        call_command("revoke_token", token)
    assert ApiToken.objects.get().revoked_at == at
