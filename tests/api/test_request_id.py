"""Every answer has the id of its request, and every log line about the request has the same id."""

from __future__ import annotations

import logging

import pytest
from django.test import Client

from api.request_id import accepted
from scheduling import log_context


def test_an_answer_has_the_id_that_was_sent() -> None:
    answer = Client().get("/healthz", headers={"X-Request-ID": "from-the-proxy.1"})
    assert answer.headers["X-Request-ID"] == "from-the-proxy.1"


def test_without_one_it_gets_a_new_one() -> None:
    first, second = (Client().get("/healthz").headers["X-Request-ID"] for _ in range(2))
    assert first != second


@pytest.mark.parametrize("given", ["", "a b", "a\nb", 'x"', "x" * 65, "\u00e4", "../%0a"])
def test_one_that_could_do_harm_is_replaced(given: str) -> None:
    assert accepted(given) != given


@pytest.mark.django_db
def test_the_line_of_a_request_has_its_id_and_no_query(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[object] = []
    handler = logging.Handler()
    handler.emit = lambda record: seen.append(log_context.current().get("request_id"))  # type: ignore[method-assign]
    log = logging.getLogger("api.request_id")
    log.addHandler(handler)
    try:
        with caplog.at_level(logging.INFO, "api.request_id"):
            Client().get("/api/jobs/?token=hunter2", headers={"X-Request-ID": "abc"})
    finally:
        log.removeHandler(handler)
    assert seen == ["abc"]
    assert "GET '/api/jobs/' 401" in caplog.text
    assert "hunter2" not in caplog.records[-1].getMessage()
