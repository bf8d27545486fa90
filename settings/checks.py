"""Checks for `manage.py check`: settings that are wrong or do not fit together. Each message says what to write.

They connect to no server: `manage.py doctor` does that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's own name
from django.db import connection

from backends.crontab import targets
from scheduling.backend import backend, backend_names
from scheduling.errors import Misconfigured
from scheduling.executor import executor, executor_names

# sun_path in unix(7) holds 108 bytes; macOS has 104, the closing zero included.
_SOCKET_PATH_BYTES: Final = 104
_CONDITIONS: Final = frozenset({"executor", "jobs", "sub_minute"})


@register("tandem")
def handlers(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """TANDEM_BACKENDS and TANDEM_EXECUTORS name classes that can be imported and implement the contract."""
    found: list[CheckMessage] = []
    for setting, names, get in (
        ("TANDEM_BACKENDS", backend_names(), backend),
        ("TANDEM_EXECUTORS", executor_names(), executor),
    ):
        for name in names:
            try:
                get(name)
            except Misconfigured as exc:
                hint = f"Write the dotted path of a class into {setting}, or take {name!r} out."
                found.append(Error(exc.detail, hint=hint, id="tandem.E001"))
    return found


@register("tandem")
def routing(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Each rule of TANDEM_ROUTING names a known backend, executor and conditions, and gives a reason."""
    found: list[CheckMessage] = []
    for number, rule in enumerate(settings.TANDEM_ROUTING, start=1):
        found += [
            Error(f"Rule {number} of TANDEM_ROUTING {what}.", hint=hint, id="tandem.E002")
            for what, hint in _wrong(rule)
        ]
    if all(_CONDITIONS & set(rule) for rule in settings.TANDEM_ROUTING):
        said = "Every rule of TANDEM_ROUTING has a condition: a schedule that meets none of them is refused."
        hint = 'End with {"backend": ..., "because": ...}, which always applies.'
        found.append(Warning(said, hint=hint, id="tandem.W001"))
    return found


@register("tandem")
def crontab(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """TANDEM_CRONTAB has one of its valid forms."""
    try:
        targets.parse(settings.TANDEM_CRONTAB)
    except Misconfigured as exc:
        hint = "Set TANDEM_CRONTAB=none on a machine without a crontab."
        return [Error(exc.detail, hint=hint, id="tandem.E003")]
    return []


@register("tandem")
def time_limits(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """The default soft limit comes before the hard one."""
    soft, hard = settings.TANDEM_SOFT_TIMEOUT, settings.TANDEM_TIMEOUT
    if not (soft and hard and soft >= hard):
        return []
    said = "TANDEM_SOFT_TIMEOUT is not below TANDEM_TIMEOUT: no job would be interrupted before it is ended."
    return [Error(said, hint="Write fewer seconds into TANDEM_SOFT_TIMEOUT.", id="tandem.E006")]


@register("tandem", deploy=True)
def mail(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Mail is sent, not only printed. Runs with `manage.py check --deploy`."""
    if not settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        return []
    said = "EMAIL_URL is not set: what email.send and report.tasks send is only printed."
    return [Warning(said, hint="Write submission://user:password@host:587.", id="tandem.W003")]


@register("tandem")
def broker(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """The embedded broker's socket can be used by its processes, and the broker's TLS files exist."""
    found: list[CheckMessage] = []
    if settings.BROKER_KIND == "embedded":
        found += _embedded()
    for option, path in dict(settings.CELERY.get("broker_use_ssl", {})).items():
        if option.removeprefix("ssl_") in {"ca_certs", "certfile", "keyfile"} and not Path(path).is_file():
            said = f"The broker's TLS file {path} does not exist."
            hint = "Correct BROKER_TLS_CA, BROKER_TLS_CERT or BROKER_TLS_KEY."
            found.append(Error(said, hint=hint, id="tandem.E004"))
    return found


def _embedded() -> Iterator[CheckMessage]:
    if len(str(settings.BROKER_SOCKET).encode()) >= _SOCKET_PATH_BYTES:
        said = f"The embedded broker's socket would be {settings.BROKER_SOCKET}, which is too long a path for a socket."
        hint = f"Set TANDEM_VAR to a folder whose path leaves it under {_SOCKET_PATH_BYTES} bytes."
        yield Error(said, hint=hint, id="tandem.E005")
    if connection.vendor != "sqlite":
        said = "Several machines can use the database, but only this one can use the embedded broker."
        hint = "Set BROKER_URL to redis:// or amqp:// before a second machine joins."
        yield Warning(said, hint=hint, id="tandem.W002")


def _wrong(rule: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if rule.get("backend") not in backend_names():
        yield (
            f"names the unknown backend {rule.get('backend')!r}",
            f"Write one of {', '.join(backend_names())}.",
        )
    if "executor" in rule and rule["executor"] not in executor_names():
        yield (
            f"names the unknown executor {rule['executor']!r}",
            f"Write one of {', '.join(executor_names())}.",
        )
    if unknown := set(rule) - _CONDITIONS - {"backend", "because"}:
        yield f"has the unknown condition {min(unknown)!r}", f"Write one of {', '.join(sorted(_CONDITIONS))}."
    if not rule.get("because"):
        yield "gives no reason", 'Add "because": it is shown with each schedule that the rule routes.'
