"""What a newcomer reads once everything runs. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from stack.failure import StackError

_EXAMPLES: Final = (
    {"name": "Hello from Beat", "backend": "beat"},
    {"name": "Hello from cron", "backend": "crontab"},
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The first administrator: user, password, API token, and the file that keeps them."""

    user: str
    password: str
    token: str
    path: str


def credentials(text: str) -> Credentials:
    """Reads what `manage.py bootstrap` wrote, one JSON object. Raises StackError for anything else."""
    try:
        found = json.loads(text)
        return Credentials(*(str(found[name]) for name in ("user", "password", "token", "path")))
    except (ValueError, KeyError, TypeError) as exc:
        raise StackError("`manage.py bootstrap` did not write user, password, token and path as JSON.") from exc


def welcome(url: str, admin: Credentials, *, first_time: bool) -> str:
    """The text. It shows password and token the first time only; later it says where they are kept."""
    token = admin.token if first_time else "$TOKEN"
    access = (
        f"    Admin       {admin.user} / {admin.password}\n"
        f"    API token   {admin.token}\n"
        f"                (shown this once; kept in {admin.path})\n"
        if first_time
        else f"    Admin       {admin.user}; password and API token are kept in {admin.path}\n"
    )
    ask = "" if first_time else f"{_token_from(admin.path)}\n"
    creations = "\n".join(_creation(url, token, example) for example in _EXAMPLES)
    return (
        f"Tandem is ready: {url}/   (Ctrl-C stops everything)\n\n"
        f"    Dashboard   {url}/\n"
        f"    API docs    {url}/api/docs/\n"
        f"{access}\n"
        f"A schedule on each backend:\n\n{ask}{creations}\n\n"
        f"What they did, a minute later:\n\n"
        f'    curl -s {url}/api/tasks/ -H "Authorization: Bearer {token}"\n'
    )


def _creation(url: str, token: str, example: Mapping[str, str]) -> str:
    body = {
        "name": example["name"],
        "job": "demo.process_data",
        "cron": "* * * * *",
        "backend": example["backend"],
    }
    return (
        f'    curl -s {url}/api/schedules/ -H "Authorization: Bearer {token}" '
        f"-H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body, separators=(',', ':')))}"
    )


def _token_from(path: str) -> str:
    code = f"import json; print(json.load(open({path!r}))['token'])"
    return f"    TOKEN=$(python3 -c {shlex.quote(code)})"
