"""Log lines as JSON or as text. Each has the ids of its request, task and schedule; secrets are masked."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final, Literal
from urllib.parse import unquote, urlsplit

from pythonjsonlogger import json
from pythonjsonlogger.core import RESERVED_ATTRS

from scheduling import log_context
from scheduling.secret_values import hidden

Format = Literal["json", "short", "text"]
FORMATS: Final[tuple[Format, ...]] = ("text", "short", "json")
_FORMATTERS: Final[dict[Format, str]] = {
    "json": "settings.logging.JsonFormatter",
    "short": "settings.logging.ShortFormatter",
    "text": "settings.logging.TextFormatter",
}
LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_MASK: Final = "***"
# Shorter secrets are not masked: they occur in too many ordinary words. In a URL every password is masked.
_SHORTEST_SECRET: Final = 4
# The password of any URL, up to the last @: a password that is not percent-encoded may hold @ and /.
_PASSWORD_IN_URL: Final = re.compile(r"(://[^\s/@:]*:)[^\s'\"]*@")
# What is no member of a line under its own name; all else on a record was given by who logged (`extra=`).
_RESERVED: Final = (*RESERVED_ATTRS, "taskName", "color_message", "ids", "time", "level", "logger")
_RENAMED: Final = {"levelname": "level", "name": "logger", "exc_info": "error", "stack_info": "stack"}


def logging_settings(*, form: Format, level: str, secrets: Iterable[str]) -> dict[str, Any]:
    """Django's LOGGING: the log lines of all libraries go to stderr, through one formatter. Pure."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "context": {"()": "settings.logging.ContextIds"},
            "messages": {"()": "backends.queue.message_ids.MessageIds"},
        },
        "formatters": {"line": {"()": _FORMATTERS[form], "secrets": tuple(secrets)}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["context", "messages"]},
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # uvicorn adds its own handlers before it loads the application: this removes them.
            "uvicorn": {"handlers": [], "propagate": True},
            # api.request_id writes a line for each request, with its id. These two would repeat it without the id.
            "uvicorn.access": {"handlers": [], "propagate": False},
            "django.server": {"handlers": [], "propagate": False},
            # Its warnings repeat the line that api.request_id writes for each request.
            "django.request": {"level": "ERROR"},
        },
    }


def secrets_in(*texts: str) -> tuple[str, ...]:
    """The secrets to mask. Of a URL (or several, separated by `;`): the password, as written and percent-decoded.

    Every other text is a secret as a whole. Secrets of fewer than four characters are left out.
    """
    found: set[str] = set()
    for text in texts:
        found |= _passwords(text) if "://" in text else {text}
    return tuple(sorted((one for one in found if len(one) >= _SHORTEST_SECRET), key=len, reverse=True))


def redacted(text: str, secrets: Iterable[str]) -> str:
    """`text` with each of the secrets, the password of any URL, and the secrets of jobs that run just now masked."""
    for secret in secrets:
        text = text.replace(secret, _MASK)
    return _PASSWORD_IN_URL.sub(rf"\1{_MASK}@", hidden(text))


class ContextIds(logging.Filter):
    """Adds the ids of the present request, task and schedule to each record, as `record.ids`."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true: no record is dropped."""
        record.ids = {**log_context.current(), **getattr(record, "ids", {})}
        return True


class JsonFormatter(json.JsonFormatter):
    """One JSON object a line: time (RFC 3339, UTC), level, logger, process, message, the ids, `extra=`, error."""

    def __init__(self, *, secrets: Iterable[str] = ()) -> None:
        super().__init__(["levelname", "name", "process", "message"], rename_fields=_RENAMED, reserved_attrs=_RESERVED)
        self._secrets = tuple(secrets)

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """The members of the line."""
        log_data["time"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        super().add_fields(log_data, record, message_dict)
        log_data |= getattr(record, "ids", {})

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """The members without secrets. What is no number is a text, so that nothing within it escapes the mask."""
        return {
            name: value if isinstance(value, int | float | bool | None) else redacted(str(value), self._secrets)
            for name, value in log_data.items()
        }


class TextFormatter(logging.Formatter):
    """A line of text: time, level, logger, message, and the ids in brackets."""

    def __init__(self, *, secrets: Iterable[str] = ()) -> None:
        super().__init__("{asctime} {levelname} {name}: {message}", style="{")
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """The line, with secrets masked. A traceback adds further lines."""
        return redacted(super().format(record), self._secrets)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The first line."""
        ids = " ".join(f"{name.removesuffix('_id')}={value}" for name, value in getattr(record, "ids", {}).items())
        return super().formatMessage(record) + (f" [{ids}]" if ids else "")


class ShortFormatter(TextFormatter):
    """A line for a person at a terminal: time of day, level, message, and the ids of a task."""

    def __init__(self, *, secrets: Iterable[str] = ()) -> None:
        super().__init__(secrets=secrets)
        self._style = logging.StrFormatStyle("{asctime} {levelname} {message}")
        self.datefmt = "%H:%M:%S"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The first line. The id of a request is left out: it is long, and the answer has it."""
        ids = {name: value for name, value in getattr(record, "ids", {}).items() if name != "request_id"}
        record.ids = ids
        return super().formatMessage(record)


def _passwords(urls: str) -> set[str]:
    found = set()
    # A semicolon separates several URLs, but may also be part of a password: both readings are masked.
    for url in {urls, *urls.split(";")}:
        try:
            password = urlsplit(url).password
        except ValueError:
            continue  # this part is not a URL; another reading of the text is
        if password:
            found |= {password, unquote(password)}
    return found
