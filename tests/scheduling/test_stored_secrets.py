"""Secrets in the database: sealed, opened by any key, and never told."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from scheduling import doctor, secret_changes, stored_secrets
from scheduling.errors import InvalidRequest, NotFound
from scheduling.job_context import JobContext
from scheduling.models import AuditEntry, StoredSecret, TaskEvent, TaskLogLine
from scheduling.secret_changes import SecretInUse
from scheduling.secret_values import MissingSecret, opened
from scheduling.stored_secrets import NoSecretKeys
from tests.conftest import a_schedule
from tests.scheduling.execution.conftest import register
from tests.scheduling.execution.stored_jobs import a_task, ran

__all__ = ["register"]

pytestmark = pytest.mark.django_db

NOW = timezone.now()
VALUE = "Bearer s3cr3t/ä\n+%"
OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
NAME = {"$secret": "shop-token"}


@pytest.fixture(autouse=True)
def _keys(settings: Settings) -> None:
    settings.TANDEM_SECRET_KEYS = [OLD]


def put(name: str = "shop-token", value: str = VALUE) -> StoredSecret:
    return secret_changes.put(name, value, now=NOW)


def test_a_stored_value_is_sealed_and_opened() -> None:
    row = put()
    assert "s3cr3t" not in row.sealed
    assert opened({"a": [NAME]}).complete() == {"a": [VALUE]}
    put(value="another value")
    assert opened(NAME).complete() == "another value"
    assert stored_secrets.names() == ["shop-token"]


def test_variables_come_first(settings: Settings) -> None:
    put()
    settings.TANDEM_SECRETS = {"shop-token": "from a variable"}
    assert opened(NAME).complete() == "from a variable"


def test_the_first_key_seals_and_all_open(settings: Settings) -> None:
    put()
    settings.TANDEM_SECRET_KEYS = [NEW, OLD]
    assert opened(NAME).complete() == VALUE
    assert secret_changes.rotate(now=NOW) == 1
    settings.TANDEM_SECRET_KEYS = [NEW]
    assert opened(NAME).complete() == VALUE
    settings.TANDEM_SECRET_KEYS = [OLD]
    with pytest.raises(MissingSecret, match="shop-token cannot be opened: no key of TANDEM_SECRET_KEYS fits"):
        opened(NAME).complete()
    with pytest.raises(stored_secrets.Unopened):
        secret_changes.rotate(now=NOW)


def test_a_row_under_another_name_does_not_open() -> None:
    StoredSecret.objects.create(name="other", sealed=put().sealed, changed_at=NOW)
    with pytest.raises(MissingSecret, match="other cannot be opened"):
        opened({"$secret": "other"}).complete()


def test_without_keys_nothing_is_stored_and_nothing_is_asked(
    settings: Settings, django_assert_num_queries: Callable[[int], Any]
) -> None:
    put()
    settings.TANDEM_SECRET_KEYS = []
    with pytest.raises(NoSecretKeys, match="TANDEM_SECRET_KEYS is not set"):
        put()
    with django_assert_num_queries(0), pytest.raises(MissingSecret, match="There is no secret shop-token here"):
        opened(NAME).complete()


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("Shop", VALUE, "name"),
        ("a/b", VALUE, "name"),
        ("shop", "12345", "value"),
        ("shop", "x" * 65_537, "value"),
        ("shop", "123456\x00", "value"),
    ],
)
def test_what_cannot_be_a_secret_is_refused(name: str, value: str, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        put(name, value)
    assert [one.field for one in refused.value.problems] == [field]
    assert value not in str(refused.value)


def test_what_schedules_use_is_deleted_by_force_only() -> None:
    put(value="Bearer 123456")
    schedule = a_schedule(job="http.fetch", parameters={"url": "https://a.example", "headers": {"A": NAME}})
    a_schedule(job="http.fetch", parameters={"url": "https://a.example", "headers": {"A": "shop-token"}})
    with pytest.raises(SecretInUse, match=f"Schedules use the secret shop-token: {schedule.pk}\\."):
        secret_changes.delete("shop-token", now=NOW)
    assert secret_changes.delete("shop-token", now=NOW, force=True) == [schedule.pk]
    with pytest.raises(NotFound):
        secret_changes.delete("shop-token", now=NOW)


def test_the_audit_log_has_that_it_changed_and_nothing_of_what() -> None:
    put()
    put()
    secret_changes.rotate(now=NOW)
    secret_changes.delete("shop-token", now=NOW)
    entries = AuditEntry.objects.order_by("number").values_list("subject", "subject_id", "action", "changes")
    assert list(entries) == [
        ("secret", "shop-token", action, {}) for action in ("created", "changed", "rotated", "deleted")
    ]


def test_a_job_gets_it_and_nobody_sees_it(register: Callable[..., str]) -> None:
    put()
    got = []

    def leaking(context: JobContext, *, key: str) -> None:
        got.append(key)
        context.log.warning("the key is %s", key)
        raise ValueError(f"no {key}")

    task = ran(a_task(register(leaking), key=NAME))
    assert got == [VALUE]
    attempt = task.attempts.get()
    rows = [*TaskEvent.objects.values(), *TaskLogLine.objects.values()]
    told = [task.error, attempt.error, attempt.traceback, *map(str, rows)]
    assert TaskLogLine.objects.exists()
    assert not [text for text in told if "s3cr3t" in text]


def test_a_secret_that_does_not_open_fails_the_attempt_and_says_so(
    register: Callable[..., str], settings: Settings
) -> None:
    def using(context: JobContext, *, key: str) -> None: ...

    put()
    task = a_task(register(using), key=NAME)
    settings.TANDEM_SECRET_KEYS = [NEW]
    assert ran(task).error.startswith("MissingSecret: The secret shop-token cannot be opened")
    [finding] = doctor.kept_secrets()
    assert (finding.ok, finding.detail) == (False, "no key of TANDEM_SECRET_KEYS opens shop-token")
    settings.TANDEM_SECRET_KEYS = [OLD]
    assert [one.ok for one in doctor.kept_secrets()] == [True]


def test_the_command_takes_values_from_stdin_and_shows_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{VALUE}\n"))
    call_command("secret", "set", "shop-token")
    assert opened(NAME).complete() == VALUE
    for words in (["list"], ["rotate"], ["delete", "shop-token"]):
        call_command("secret", *words)
    said = capsys.readouterr().out
    assert said.splitlines()[0] == "shop-token is stored."
    assert said.splitlines()[1].startswith("shop-token  ")
    assert said.splitlines()[2:] == ["1 secrets are sealed with the first key.", "shop-token is deleted."]
    assert "s3cr3t" not in said
    with pytest.raises(CommandError, match="The database keeps no secret"):
        call_command("secret", "delete", "shop-token")
