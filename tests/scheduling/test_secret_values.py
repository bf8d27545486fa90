"""Secrets by name: found, opened, and shown nowhere."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field
from pytest_django import Settings

from scheduling import secret_values
from scheduling.errors import InvalidRequest, Problem
from scheduling.execution.run import AttemptOutcome, run_attempt
from scheduling.job_context import JobContext
from scheduling.likely_secrets import MASK
from scheduling.models import Task, TaskAttempt, TaskEvent, TaskLogLine
from scheduling.registry import definition
from scheduling.secret_values import HiddenFailure, MissingSecret, hidden, hiding, opened
from settings.logging import TextFormatter, redacted
from tests.scheduling.execution.conftest import register
from tests.scheduling.execution.stored_jobs import a_task

__all__ = ["register"]

VALUE = "Bearer s3cr3t/ä\n+%"
NAME = {"$secret": "shop-token"}


@pytest.fixture(autouse=True)
def _secrets(settings: Settings, tmp_path: Path) -> None:
    settings.TANDEM_SECRETS = {"shop-token": VALUE}
    settings.TANDEM_SECRETS_DIR = str(tmp_path)


def test_a_name_is_opened_at_any_depth() -> None:
    given = {"headers": {"Authorization": NAME}, "list": [1, NAME, {"a": "b"}]}
    found = opened(given)
    assert found.complete() == {"headers": {"Authorization": VALUE}, "list": [1, VALUE, {"a": "b"}]}
    assert given["list"] == [1, NAME, {"a": "b"}]


def test_a_file_is_read_each_time(tmp_path: Path) -> None:
    for value in ("first value", "second value"):
        (tmp_path / "in-file").write_text(value + "\n", encoding="utf-8")
        assert opened({"$secret": "in-file"}).complete() == value
    assert secret_values.names() == ["in-file", "shop-token"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"$secret": "unknown"}, "unknown_secret"),
        ({"$secret": "../shop-token"}, "not_a_secret"),
        ({"$secret": 3}, "not_a_secret"),
        ({"$secret": "shop-token", "or": 1}, "not_a_secret"),
        ({"$secret": "short"}, "unknown_secret"),
        ({"$secret": "folder"}, "unknown_secret"),
    ],
)
def test_what_cannot_be_opened_is_told_with_its_place(given: Any, code: str, tmp_path: Path) -> None:
    (tmp_path / "short").write_text("12345", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    found = opened({"a.b": [given]})
    assert [(one.field, one.code) for one in found.problems] == [("parameters.a\\1b.0", code)]
    with pytest.raises(MissingSecret):
        found.complete()


def test_a_value_is_masked_in_each_of_its_forms() -> None:
    with hiding([VALUE, "s3cr3t"]):
        in_urls = "t=Bearer%20s3cr3t/%C3%A4%0A%2B%25", "t=Bearer+s3cr3t%2F%C3%A4%0A%2B%25"
        for text in (VALUE, *in_urls, repr(VALUE)):
            assert "s3cr3t" not in hidden(f"a {text} b")
        assert hidden("s3cr3t") == MASK
        assert redacted("a s3cr3t b", ()) == "a *** b"
    assert hidden("s3cr3t") == "s3cr3t"


def test_two_tasks_may_use_one_at_the_same_time() -> None:
    with hiding(["a value"]):
        with hiding(["a value"]):
            pass
        assert hidden("a value") == MASK


def telling(context: JobContext, *, token: Annotated[str, Field(min_length=1)], fail: bool = False) -> dict[str, str]:
    """Tell the secret in every way that a job has."""
    context.log.warning("the token is %s", token)
    context.progress(1, 1, token)
    if fail:
        raise ValueError(token)
    return {token: token}


def everything_stored() -> str:
    rows = [list(model._default_manager.values()) for model in (Task, TaskAttempt, TaskEvent, TaskLogLine)]
    return str(rows)


def ran(task: Task, caplog: pytest.LogCaptureFixture) -> AttemptOutcome:
    caplog.handler.setFormatter(TextFormatter())
    with caplog.at_level(logging.DEBUG):
        return run_attempt(task.pk, 1, worker="test")


@pytest.mark.django_db
@pytest.mark.parametrize("fail", [False, True])
def test_a_job_gets_the_value_and_nobody_sees_it(
    register: Callable[..., str], caplog: pytest.LogCaptureFixture, fail: bool
) -> None:
    task = a_task(register(telling), token=NAME, fail=fail)
    outcome = ran(task, caplog)
    task.refresh_from_db()
    assert task.status == ("FAILED" if fail else "COMPLETED")
    assert task.parameters == {"token": NAME, "fail": fail}
    assert "s3cr3t" not in everything_stored()
    assert "s3cr3t" not in caplog.text
    assert "the token is ***" in caplog.text
    if fail:
        assert task.error == "ValueError: ***"
        assert "ValueError: ***" in TaskAttempt.objects.get(task=task).traceback
        assert isinstance(outcome.error, HiddenFailure)
        assert str(outcome.error) == "ValueError: ***"
        assert (outcome.error.__traceback__, outcome.error.__cause__) == (None, None)
    else:
        assert task.result == {MASK: MASK}


@pytest.mark.django_db
@pytest.mark.parametrize(("again", "status"), [(False, "FAILED"), (True, "RETRYING")])
def test_a_secret_that_is_gone_fails_the_attempt(
    register: Callable[..., str], settings: Settings, caplog: pytest.LogCaptureFixture, again: bool, status: str
) -> None:
    settings.TANDEM_RETRY_MISSING_SECRETS = again
    task = a_task(register(telling), token=NAME)
    Task.objects.filter(pk=task.pk).update(retries={"max": 3})
    settings.TANDEM_SECRETS = {}
    ran(task, caplog)
    task.refresh_from_db()
    assert (task.status, task.error.split(":")[0]) == (status, "MissingSecret")


def test_parameters_are_checked_with_the_value_and_no_message_shows_it(register: Callable[..., str]) -> None:
    def rule(token: str, **_: Any) -> Iterator[Problem]:
        yield Problem("token", "wrong", f"{token} is wrong")

    called = replace(definition(register(telling)), rule=rule)
    with pytest.raises(InvalidRequest) as refused:
        called.check({"token": NAME})
    assert [one.detail for one in refused.value.problems] == ["*** is wrong"]
    with pytest.raises(InvalidRequest) as refused:
        called.check({"token": {"$secret": "nothing"}})
    assert [(one.field, one.code) for one in refused.value.problems] == [("parameters.token", "unknown_secret")]
