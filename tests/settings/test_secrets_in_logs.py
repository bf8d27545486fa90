"""The log of a real process whose servers are away holds no password."""

from __future__ import annotations

import json
import os

import pytest

from tests.settings.test_environments import WHOLE
from tests.warm import processes as warm

# Percent-encoded as a URL wants it, and as the libraries get it. Quotes and spaces are what breaks masking.
ENCODED = "h%40s%2Ft%20%22i%27le%3B-pass"
DECODED = "h@s/t \"i'le;-pass"
LOG_ALL_TROUBLE = """
import logging
import django
django.setup()
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from backends.queue.app import app
log = logging.getLogger("trouble")
def logged(what):
    try:
        what()
    except BaseException as exc:
        log.exception("trouble with %s and %s: %s", settings.BROKER_URL, settings.DATABASES["default"]["PASSWORD"], exc)
logged(connection.ensure_connection)
logged(lambda: app.connection_for_write().ensure_connection(max_retries=1, interval_start=0, timeout=1))
logged(lambda: call_command("doctor"))
log.warning("direct: %s", settings.TANDEM_DIRECT_DATABASE["PASSWORD"])
log.warning("settings", extra={"url": settings.BROKER_URL, "key": settings.SECRET_KEY})
"""


@pytest.mark.parametrize(
    ("form", "broker"),
    [
        *(("json", "redis://u:{0}@127.0.0.1:1/0"), ("text", "redis://u:{0}@127.0.0.1:1/0")),
        ("json", "amqp://u:{0}@127.0.0.1:1/v;amqp://u:{0}@127.0.0.1:2/v"),
        ("text", "sentinel://u:{0}@127.0.0.1:1;127.0.0.1:2/main"),
    ],
)
def test_no_password_is_logged(broker: str, form: str) -> None:
    variables = {
        "DATABASE_URL": f"postgresql://u:{ENCODED}@127.0.0.1:1/tandem",
        "DATABASE_DIRECT_URL": f"postgresql://u:direct-{ENCODED}@127.0.0.1:1/tandem",
        "BROKER_URL": broker.format(ENCODED),
        "LOG_FORMAT": form,
        "LOG_LEVEL": "DEBUG",
        "DJANGO_SETTINGS_MODULE": "settings.production",
    }
    done = warm.run(["-c", LOG_ALL_TROUBLE], {"PATH": os.environ["PATH"], **WHOLE, **variables})
    said = done.stdout + done.stderr
    assert "trouble with" in said
    assert "PROBLEM  database" in said
    assert "***" in said
    for secret in (ENCODED, DECODED, json.dumps(DECODED)[1:-1], "i'le", WHOLE["SECRET_KEY"]):
        assert secret not in said
