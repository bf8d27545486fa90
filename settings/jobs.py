"""Read the variables about jobs: TANDEM_CELERY_JOBS, TANDEM_COMMANDS_FILE, TANDEM_HTTP_INTERNAL_HOSTS, ..."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured


def celery_jobs(pairs: list[str]) -> dict[str, str]:
    """`["shop.mail=shop.tasks.send_mail"]` as `{"shop.mail": "shop.tasks.send_mail"}`. Raises ImproperlyConfigured."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, _, path = (part.strip() for part in pair.partition("="))
        if not re.fullmatch(r"\w+(\.\w+)*", name, re.ASCII) or not re.fullmatch(r"\w+(\.\w+)+", path):
            raise ImproperlyConfigured(
                f"TANDEM_CELERY_JOBS holds {pair!r}: write job.name=package.module.task, separated by commas."
            )
        found[name] = path
    return found


def internal_hosts(entries: list[str]) -> list[str]:
    """The entries of TANDEM_HTTP_INTERNAL_HOSTS, unchanged. Raises ImproperlyConfigured for one that cannot be."""
    if not entries:
        return []
    from jobs.fetch import internal  # noqa: PLC0415 - a process that only looks what is due loads no job

    try:
        internal.parse(tuple(entries))
    except ValueError as exc:
        raise ImproperlyConfigured(f"TANDEM_HTTP_INTERNAL_HOSTS is not usable: {exc}.") from exc
    return entries


def named_secrets(variables: Mapping[str, str]) -> dict[str, str]:
    """The secrets by their names: SHOP_TOKEN is shop-token. TANDEM_SECRET_KEYS is a setting and no secret."""
    return {name.lower().replace("_", "-"): value for name, value in variables.items() if value and name != "KEYS"}


def secret_keys(text: str) -> list[str]:
    """The keys in TANDEM_SECRET_KEYS, separated by commas or white space.

    Raises ImproperlyConfigured, which shows none of them.
    """
    keys = re.split(r"[,\s]+", text.strip(", \n\t")) if text.strip(", \n\t") else []
    for number, key in enumerate(keys, start=1):
        if not re.fullmatch(r"[A-Za-z0-9_-]{43}=", key, re.ASCII):
            raise ImproperlyConfigured(
                f"TANDEM_SECRET_KEYS is not usable: key {number} is no 32 bytes in URL-safe Base64. Write what "
                'python -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())" prints.'
            )
    return keys


def task_limits(text: str) -> dict[str, Any]:
    """The object of TANDEM_TASK_LIMITS, unchanged; {} where it is empty. Raises ImproperlyConfigured if it is none."""
    if not text:
        return {}
    from scheduling.task_limits import read  # noqa: PLC0415 - what is not set costs no import

    try:
        given: dict[str, Any] = json.loads(text)
        read(given)
    except json.JSONDecodeError as exc:
        raise ImproperlyConfigured(
            'TANDEM_TASK_LIMITS is no JSON: write {"job:NAME": {"concurrency": 2, "rate": "10/m"}}.'
        ) from exc
    except ValueError as exc:
        raise ImproperlyConfigured(f"TANDEM_TASK_LIMITS is not usable: {exc}.") from exc
    return given


def rules(name: str, text: str, *, example: str) -> list[dict[str, Any]] | None:
    """The list of objects that the variable `name` holds as JSON; None where it is empty. The system checks read them.

    Raises ImproperlyConfigured, with the example, if it is no such list.
    """
    if not text:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ImproperlyConfigured(f"{name} is no JSON list of objects: write [{example}].")
    return found


def commands(path: str) -> dict[str, Any]:
    """The object in the JSON file at `path`, or an empty one if `path` is empty. jobs/checks.py checks its members.

    Raises ImproperlyConfigured if the file cannot be read or holds no JSON object.
    """
    if not path:
        return {}
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ImproperlyConfigured(f"TANDEM_COMMANDS_FILE cannot be read: {exc}") from exc
    if not isinstance(found, dict):
        raise ImproperlyConfigured('TANDEM_COMMANDS_FILE is not usable: write {"name": {"argv": ["/path", ...]}, ...}.')
    return found
