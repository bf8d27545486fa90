"""Turn EMAIL_URL into Django's EMAIL_* settings. Pure."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_BACKENDS: Final = "django.core.mail.backends"
# RFC 8314: port 465 is TLS from the start, 587 is STARTTLS. 25 has neither: it is for a relay on the same host.
_PORTS: Final = {"smtp": 25, "submission": 587, "smtps": 465}
# One step of talking to a mail server; without a limit a worker would wait for ever.
_TIMEOUT_SECONDS: Final = 10


def email_settings(url: str) -> dict[str, Any]:
    """The settings for `console:`, `file:/folder`, `smtp://`, `submission://` (STARTTLS) or `smtps://` (TLS).

    Raises ImproperlyConfigured that says what to write. The message does not repeat the URL: it may hold a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused() from None
    if url == "console:":
        return {"EMAIL_BACKEND": f"{_BACKENDS}.console.EmailBackend"}
    if parts.scheme == "file" and PurePosixPath(parts.path).is_absolute() and not parts.netloc:
        return {"EMAIL_BACKEND": f"{_BACKENDS}.filebased.EmailBackend", "EMAIL_FILE_PATH": parts.path}
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        raise _refused()
    return _smtp(parts, port)


def _smtp(parts: SplitResult, port: int | None) -> dict[str, Any]:
    return {
        "EMAIL_BACKEND": f"{_BACKENDS}.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or _PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "submission",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        # A mail server that does not answer fails the task, so that it does not block the worker.
        "EMAIL_TIMEOUT": _TIMEOUT_SECONDS,
    }


def _refused() -> ImproperlyConfigured:
    return ImproperlyConfigured(
        "EMAIL_URL is not usable: write submission://user:password@host:587 (STARTTLS), "
        "smtps://user:password@host:465 (TLS), smtp://host:25, file:/absolute/folder or console: "
        "(percent-encode special characters)."
    )
