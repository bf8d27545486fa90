"""`manage.py check` reports wrong settings and says what to write."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.db import connection


def found() -> dict[str, CheckMessage]:
    return {str(message.id): message for message in run_checks(tags=["tandem"])}


def test_the_default_settings_pass_the_checks() -> None:
    assert set(found()) <= {"tandem.W002"}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"backend": "anacron", "because": "x"}, "names the unknown backend 'anacron'"),
        ({"backend": "beat", "because": "x", "executor": "gpu"}, "names the unknown executor 'gpu'"),
        ({"backend": "beat", "because": "x", "weekday": 1}, "has the unknown condition 'weekday'"),
        ({"backend": "beat"}, "gives no reason"),
    ],
)
def test_a_wrong_rule_is_named_with_its_fault(settings: Any, rule: dict[str, Any], said: str) -> None:
    settings.TANDEM_ROUTING = [rule, {"backend": "beat", "because": "it is the default"}]
    message = found()["tandem.E002"]
    assert f"Rule 1 of TANDEM_ROUTING {said}" in message.msg
    assert message.hint


def test_there_is_a_warning_if_rules_leave_schedules_out(settings: Any) -> None:
    settings.TANDEM_ROUTING = [{"sub_minute": True, "backend": "beat", "because": "seconds"}]
    assert "tandem.W001" in found()


@pytest.mark.parametrize("setting", ["TANDEM_BACKENDS", "TANDEM_EXECUTORS"])
def test_a_class_that_cannot_be_imported_is_named(settings: Any, setting: str) -> None:
    setattr(settings, setting, getattr(settings, setting) | {"third": "no.such.Class"})
    assert "no.such.Class" in found()["tandem.E001"].msg


def test_a_crontab_that_cannot_be_read_is_named(settings: Any) -> None:
    settings.TANDEM_CRONTAB = "somewhere"
    assert "write none, user, cron.d:/etc/cron.d/tandem, or file:" in found()["tandem.E003"].msg


def test_files_of_tls_must_be_there(settings: Any) -> None:
    settings.CELERY = settings.CELERY | {"broker_use_ssl": {"ssl_ca_certs": "/no/such.pem", "ssl_cert_reqs": 2}}
    message = found()["tandem.E004"]
    assert "/no/such.pem" in message.msg
    assert "BROKER_TLS_CA" in str(message.hint)


def test_a_socket_path_must_not_be_too_long(settings: Any) -> None:
    settings.BROKER_SOCKET = "/" + "x" * 104
    assert "TANDEM_VAR" in str(found()["tandem.E005"].hint)


def test_there_is_a_warning_for_an_embedded_broker_with_a_server_database() -> None:
    assert ("tandem.W002" in found()) == (connection.vendor == "postgresql")


def test_the_default_soft_limit_comes_before_the_hard_one(settings: Any) -> None:
    settings.TANDEM_SOFT_TIMEOUT, settings.TANDEM_TIMEOUT = 30, 30
    assert "TANDEM_SOFT_TIMEOUT" in str(found()["tandem.E006"].hint)
    settings.TANDEM_SOFT_TIMEOUT = 29
    assert "tandem.E006" not in found()


@pytest.mark.parametrize(("backend", "warned"), [("console", True), ("smtp", False)])
def test_there_is_a_warning_if_a_deployment_only_prints_mails(settings: Any, backend: str, warned: bool) -> None:
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"
    ids = {message.id for message in run_checks(tags=["tandem"], include_deployment_checks=True)}
    assert ("tandem.W003" in ids) is warned
