"""Which backend a schedule is routed to, and the reason."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from scheduling.errors import InvalidRequest
from tests.conftest import a_schedule, at

pytestmark = pytest.mark.django_db

NOW = at("2026-11-20 10:00")


ROUTES = [
    ({"backend": "auto", "executor": "inline"}, ("crontab", "inline", "it is to run inline, without a worker")),
    ({"backend": "auto", "every": 30}, ("beat", "worker", "it needs seconds, and cron's clock has none")),
    ({"backend": "auto"}, ("beat", "worker", "Beat is the default")),
    ({"backend": "crontab"}, ("crontab", "inline", "it was asked for")),
    ({"backend": "crontab", "executor": "worker"}, ("crontab", "worker", "it was asked for")),
]


@pytest.mark.parametrize(("wanted", "route"), ROUTES)
def test_routing_answers_with_the_reason(wanted: dict[str, Any], route: tuple[str, str, str]) -> None:
    schedule = a_schedule(now=NOW, **wanted)
    assert (schedule.routed_to, schedule.runs_on, schedule.routing_reason) == route


def test_auto_follows_the_rules_and_skips_backends_that_refuse(settings: Settings) -> None:
    settings.TANDEM_BACKENDS = {**settings.TANDEM_BACKENDS, "memory": "tests.recording.MemoryBackend"}
    settings.TANDEM_ROUTING = [
        {"jobs": ["files.*"], "backend": "memory", "because": "files are here"},
        {"backend": "crontab", "because": "cron first"},
        {"backend": "memory", "because": "the rest"},
    ]
    assert a_schedule(now=NOW, backend="auto").routing_reason == "cron first"
    assert a_schedule(now=NOW, backend="auto", every=5).routing_reason == "the rest"
    clean = a_schedule(now=NOW, backend="auto", job="files.clean", parameters={"folder": "/x", "days": 1})
    assert clean.routing_reason == "files are here"


def test_auto_refuses_what_no_backend_can_hold_and_says_why(settings: Settings) -> None:
    settings.TANDEM_ROUTING = [{"backend": "crontab", "because": "cron only"}]
    with pytest.raises(InvalidRequest) as exc:
        a_schedule(now=NOW, backend="auto", every=5)
    [problem] = exc.value.problems
    assert (problem.field, problem.code) == ("backend", "no_backend")
    assert "crontab: " in problem.detail
