"""Which applications does this process load? `manage.py due`, which only looks, and a beat need only some of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Final

# The models of the ledger and the command, and nothing else.
APPS: Final = ("scheduling.apps.LedgerConfig", "backends.crontab")
# What only answers HTTP, the jobs, which workers run, and checks, which Celery does not ask for.
_NOT_OF_BEAT: Final = frozenset(
    {
        "api",
        "dashboard",
        "django.contrib.messages",
        "django.contrib.staticfiles",
        "django_filters",
        "django_htmx",
        "drf_spectacular",
        "drf_spectacular_sidecar",
        "heroicons",
        "jobs",
        "rest_framework",
        "settings.apps.SettingsConfig",
        "whitenoise.runserver_nostatic",
    }
)
# The same with models: those of a team's own application may refer to them.
_MODELS_NOT_OF_BEAT: Final = frozenset(
    {"django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"}
)
# The options before celery's command that have a value of their own.
_WITH_VALUE: Final = frozenset(
    {"-A", "--app", "-b", "--broker", "--config", "--loader", "--result-backend", "--workdir"}
)


def only_looks(words: Sequence[str]) -> bool:
    """Whether the words of the command line (`sys.argv`) are `manage.py due`, which cron may start every minute."""
    return [PurePath(words[0]).name if words else "", *words[1:]] == ["manage.py", "due"]


def is_beat(words: Sequence[str]) -> bool:
    """Whether the words of the command line are `manage.py beat`, or `celery beat` with any options."""
    program = PurePath(words[0]).parts[-2:] if words else ()
    return {"celery", "manage.py"}.intersection(program) != set() and next(_commands(words[1:]), "") == "beat"


def of_beat(apps: Sequence[str], own: Sequence[str]) -> list[str]:
    """Those of the installed applications that a beat needs: the ledger, without jobs, and `own`, the team's own."""
    left_out = _NOT_OF_BEAT if own else _NOT_OF_BEAT | _MODELS_NOT_OF_BEAT
    return ["scheduling.apps.LedgerConfig" if app == "scheduling" else app for app in apps if app not in left_out]


def of_another_celery() -> bool:
    """Whether this thread has a current Celery application before the settings are read: then it is not ours."""
    state = sys.modules.get("celery._state")
    return state is not None and state._tls.current_app is not None  # noqa: SLF001 - to ask Celery itself makes one


def _commands(words: Sequence[str]) -> Iterator[str]:
    """The words that are neither an option nor its value."""
    before = ""
    for word in words:
        if not word.startswith("-") and before not in _WITH_VALUE:
            yield word
        before = word
