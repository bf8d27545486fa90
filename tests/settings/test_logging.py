"""Log lines as JSON and as text, with ids and without secrets."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any

import pytest

from backends.queue.message_ids import MessageIds, ids_in, message_id
from scheduling import log_context
from settings.logging import (
    ContextIds,
    JsonFormatter,
    ShortFormatter,
    TextFormatter,
    logging_settings,
    redacted,
    secrets_in,
)

HOSTILE = "amqp://tandem:p%40ss%2Fw%3Ard@h:5672/v"


def record(message: str = "hello", **fields: Any) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "a.logger", "levelname": "INFO", "msg": message, "created": 1.5, **fields})
    for marking in (ContextIds(), MessageIds()):
        assert marking.filter(made)
    return made


def fail(text: str) -> None:
    raise OSError(text)


def as_json(made: logging.LogRecord, **options: Any) -> dict[str, Any]:
    line = JsonFormatter(**options).format(made)
    assert "\n" not in line
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_line_for_machines_has_its_time_in_utc_and_its_ids() -> None:
    with log_context.bound(request_id="r1"), log_context.bound(task_id=7, attempt=2, schedule_id=None):
        line = as_json(record("took %d", args=(3,)))
    assert line["time"] == "1970-01-01T00:00:01.500+00:00"
    assert (line["message"], line["level"], line["logger"]) == ("took 3", "INFO", "a.logger")
    assert (line["request_id"], line["task_id"], line["attempt"]) == ("r1", 7, 2)
    assert "schedule_id" not in line


def test_outside_of_the_block_the_ids_are_gone() -> None:
    with log_context.bound(task_id=7):
        pass
    assert "task_id" not in as_json(record())


def test_what_was_given_as_extra_is_a_field() -> None:
    assert as_json(record(job="demo.process_data", count=3))["job"] == "demo.process_data"


def test_a_line_has_these_members_and_no_others() -> None:
    with log_context.bound(task_id=7):
        made = record(
            level="loud", time="late", logger="x", color_message="c", taskName="t", args=(), stack_info="here"
        )
    line = as_json(made)
    assert list(line) == ["time", "level", "logger", "process", "message", "stack", "task_id"]
    assert (line["level"], line["logger"], line["stack"]) == ("INFO", "a.logger", "here")


@pytest.mark.parametrize("value", [{"k": ["hunter2"]}, ("hunter2",), OSError("hunter2"), b"hunter2"])
def test_no_secret_is_deep_inside_an_extra(value: object) -> None:
    assert "hunter2" not in JsonFormatter(secrets=("hunter2",)).format(record(extra=value))


def test_an_error_is_one_line_with_its_traceback() -> None:
    try:
        fail("no")
    except OSError:
        line = as_json(record(exc_info=sys.exc_info()))
    assert "OSError: no" in line["error"]


def test_a_line_for_people_ends_with_the_ids() -> None:
    with log_context.bound(task_id=7, schedule_id=4):
        line = TextFormatter().format(record())
    assert line.endswith("INFO a.logger: hello [task=7 schedule=4]")


def test_a_short_line_has_the_time_of_day_and_no_id_of_a_request() -> None:
    with log_context.bound(request_id="r1", task_id=7):
        line = ShortFormatter(secrets=["hunter2"]).format(record("pass hunter2"))
    assert re.fullmatch(r"\d\d:\d\d:\d\d INFO pass \*\*\* \[task=7\]", line)


def test_lines_of_celery_about_a_message_have_the_ids_of_its_task() -> None:
    name = message_id(12, 3)
    assert as_json(record(data={"id": name}))["task_id"] == 12
    assert ids_in(name) == {"task_id": 12, "attempt": 3}
    assert ids_in("3f0c-someone-elses") == {}


def test_a_message_sent_twice_has_two_names() -> None:
    assert message_id(1, 1) != message_id(1, 1)


@pytest.mark.parametrize(
    "text",
    [
        f"cannot connect to {HOSTILE}",
        "cannot connect to amqp://tandem:p@ss/w:rd@h:5672/v",
        "authentication of p@ss/w:rd failed",
        "redis://:hunter2@h/0 and postgresql://u:hunter2@db/name",
        "key k3y-of-django-which-is-long",
    ],
)
@pytest.mark.parametrize("formatter", [JsonFormatter, TextFormatter])
def test_no_secret_is_in_a_line(formatter: Any, text: str) -> None:
    secrets = secrets_in(HOSTILE, "k3y-of-django-which-is-long")
    try:
        fail(text)
    except OSError:
        line = formatter(secrets=secrets).format(record(text, exc_info=sys.exc_info(), url=text))
    for secret in ("p@ss", "w:rd", "p%40ss", "hunter2", "k3y-of"):
        assert secret not in line


def test_every_host_of_a_broker_has_its_password_masked() -> None:
    assert set(secrets_in("amqp://u:first@a/v;amqp://u:second@b/v")) >= {"first", "second"}


def test_a_short_password_is_masked_in_urls_only() -> None:
    assert redacted("abc at redis://:abc@h/0", secrets_in("redis://:abc@h/0")) == "abc at redis://:***@h/0"


def test_a_url_that_cannot_be_read_names_no_secret_and_breaks_nothing() -> None:
    assert secrets_in("amqp://[broken") == ()


@pytest.mark.parametrize(("form", "name"), [("json", "JsonFormatter"), ("text", "TextFormatter")])
def test_the_form_decides_on_the_formatter(form: Any, name: str) -> None:
    made = logging_settings(form=form, level="WARNING", secrets=())
    assert made["formatters"]["line"]["()"] == f"settings.logging.{name}"
    assert made["root"]["level"] == "WARNING"
