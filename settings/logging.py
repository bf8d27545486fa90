"""Logs: one JSON object a line for machines, or text for people; with the ids each line belongs to, without secrets."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final, Literal
from urllib.parse import unquote, urlsplit

from scheduling import log_context

Format = Literal["json", "short", "text"]
FORMATS: Final[tuple[Format, ...]] = ("text", "short", "json")
_FORMATTERS: Final[dict[Format, str]] = {
    "json": "settings.logging.JsonFormatter",
    "short": "settings.logging.ShortFormatter",
    "text": "settings.logging.TextFormatter",
}
LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_MASK: Final = "***"
# Shorter ones are part of too many innocent words; in a URL they are masked all the same.
_SHORTEST_SECRET: Final = 4
# The password of any URL; up to the last @, for a hostile one holds @ and / itself.
_PASSWORD_IN_URL: Final = re.compile(r"(://[^\s/@:]*:)[^\s'\"]*@")
# What every record has: all else on it was given by who logged (`extra=`).
_USUAL: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "ids", "color_message"}


def logging_settings(*, form: Format, level: str, secrets: Iterable[str]) -> dict[str, Any]:
    """Django's LOGGING: everything of every library goes to stderr, through one formatter. Pure."""
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
            # uvicorn sets up handlers of its own before it loads the application.
            "uvicorn": {"handlers": [], "propagate": True},
            # api.request_id writes a line for each request, with its id; these would be the same without.
            "uvicorn.access": {"handlers": [], "propagate": False},
            "django.server": {"handlers": [], "propagate": False},
            # It says with each request what the line of the request says.
            "django.request": {"level": "ERROR"},
        },
    }


def secrets_in(*texts: str) -> tuple[str, ...]:
    """The secrets to mask: the passwords of URLs (`;` between several), as written and decoded; other texts whole."""
    found: set[str] = set()
    for text in texts:
        found |= _passwords(text) if "://" in text else {text}
    return tuple(sorted((one for one in found if len(one) >= _SHORTEST_SECRET), key=len, reverse=True))


def redacted(text: str, secrets: Iterable[str]) -> str:
    """`text` with each of the secrets, and the password of any URL, masked."""
    for secret in secrets:
        text = text.replace(secret, _MASK)
    return _PASSWORD_IN_URL.sub(rf"\1{_MASK}@", text)


class ContextIds(logging.Filter):
    """Marks each record with the ids that hold where it was logged: `record.ids`."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record through."""
        record.ids = {**log_context.current(), **getattr(record, "ids", {})}
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, logger, process, message, the ids, `extra=`, error."""

    def __init__(self, *, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """The line, without secrets."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
            **getattr(record, "ids", {}),
        }
        extra = {name: value for name, value in vars(record).items() if name not in _USUAL and name not in line}
        line |= {
            name: value if isinstance(value, int | float | bool | None) else str(value) for name, value in extra.items()
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        clean = {name: self._clean(value) for name, value in line.items()}
        return json.dumps(clean, ensure_ascii=True)

    def _clean(self, value: Any) -> Any:
        return redacted(value, self._secrets) if isinstance(value, str) else value


class TextFormatter(logging.Formatter):
    """A line to read: time, level, logger, message, and the ids in brackets."""

    def __init__(self, *, secrets: Iterable[str] = ()) -> None:
        super().__init__("{asctime} {levelname} {name}: {message}", style="{")
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """The line (with an error: lines), without secrets."""
        return redacted(super().format(record), self._secrets)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The first line."""
        ids = " ".join(f"{name.removesuffix('_id')}={value}" for name, value in getattr(record, "ids", {}).items())
        return super().formatMessage(record) + (f" [{ids}]" if ids else "")


class ShortFormatter(TextFormatter):
    """A line for whoever sits before it: time of day, level, message, and the ids of a task."""

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
    # Several hosts are parted by a semicolon, which may also be part of a password: both readings are masked.
    for url in {urls, *urls.split(";")}:
        try:
            password = urlsplit(url).password
        except ValueError:
            continue  # not a URL by itself: one of the other readings is
        if password:
            found |= {password, unquote(password)}
    return found
