"""Settings that all environments share. An environment is a module beside this one plus variables: docs/settings.md."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

from settings.brokers import (
    QUEUE_TYPES,
    Tls,
    broker_priorities,
    celery_settings,
    kind,
    publish_options,
    step_seconds,
)
from settings.databases import database, direct_database
from settings.email import email_settings
from settings.env import Environment
from settings.jobs import celery_jobs, commands, internal_hosts, named_secrets, rules, secret_keys, task_limits
from settings.loaded_apps import APPS, is_beat, of_another_celery, of_beat, only_looks
from settings.logging import FORMATS, LEVELS, logging_settings, secrets_in
from settings.openapi import openapi_settings
from settings.version import VERSION

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment(os.environ)

VAR = env.path("TANDEM_VAR", BASE_DIR / "var")

DEBUG = False
SECRET_KEY = env.text("SECRET_KEY", "")
ALLOWED_HOSTS = env.names_list("ALLOWED_HOSTS", ("127.0.0.1", "localhost", "[::1]"))

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "heroicons",
    "django_htmx",
    "scheduling",
    "backends.beat",
    "backends.crontab",
    "backends.queue",
    "api",
    "dashboard",
    "jobs",
    "settings.apps.SettingsConfig",
    # The user's own applications with jobs: docs/own-jobs.md.
    *env.names_list("TANDEM_APPS"),
]
# What finds something to do starts `manage.py due --run`, with all applications.
TANDEM_ONLY_LOOKS = only_looks(sys.argv)
if TANDEM_ONLY_LOOKS:
    INSTALLED_APPS = [*APPS]
elif is_beat(sys.argv):
    INSTALLED_APPS = of_beat(INSTALLED_APPS, own=env.names_list("TANDEM_APPS"))

MIDDLEWARE = [
    # First, so that every request has an id, and a health probe is answered for any Host header.
    "api.request_id.RequestId",
    "api.headers.SecurityHeaders",
    "api.health.middleware.HealthEndpoints",
    "api.limits.middleware.AddressRate",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "api.slashes.SlashAtTheEnd",
    "dashboard.api_pages.ApiPages",
    "django.middleware.common.CommonMiddleware",
    "api.limits.middleware.LoginAttempts",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "api.callers.ActingFor",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "settings.urls"
ASGI_APPLICATION = "settings.asgi.application"
WSGI_APPLICATION = "settings.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES: dict[str, dict[str, Any]] = {
    "default": database(env.text("DATABASE_URL", f"sqlite:///{VAR / 'tandem.sqlite3'}"))
}
# Where DATABASE_URL leads to a pooler: the database itself, for what needs a whole session.
TANDEM_DIRECT_DATABASE = direct_database(env.text("DATABASE_DIRECT_URL", ""))
# Of each web process, at PostgreSQL. The pages on settings and deployment say how many connections there are in all.
TANDEM_WEB_CONNECTIONS = env.integer("TANDEM_WEB_CONNECTIONS", 10, low=2, high=100)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-us"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

LOGIN_URL = "dashboard:login"
LOGIN_REDIRECT_URL = "dashboard:today"
LOGOUT_REDIRECT_URL = "dashboard:login"

STATIC_URL = "/static/"
# The few static files (admin, API page) are served from their packages, so that deployment needs no collectstatic.
WHITENOISE_USE_FINDERS = True

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "api.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["api.permissions.RolePermission"],
    "DEFAULT_THROTTLE_CLASSES": ["api.limits.throttles.TokenRate"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.parsers.BoundedJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "api.pagination.NewestFirst",
    "DEFAULT_FILTER_BACKENDS": ["api.filters.FilterWhatIsAsked"],
    "DEFAULT_SCHEMA_CLASS": "api.openapi.TandemSchema",
    "EXCEPTION_HANDLER": "api.errors.problem_response",
    "PAGE_SIZE": 50,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = openapi_settings(VERSION)

BROKER_URL = env.text("BROKER_URL", "embedded:")
BROKER_KIND = kind(BROKER_URL)
BROKER_SOCKET = VAR / "broker.sock"
CELERY: dict[str, Any] = celery_settings(
    BROKER_URL,
    socket=BROKER_SOCKET,
    queue_type=env.choice("BROKER_QUEUE_TYPE", "classic", QUEUE_TYPES),
    tls=Tls(
        authority=env.text("BROKER_TLS_CA", ""),
        certificate=env.text("BROKER_TLS_CERT", ""),
        key=env.text("BROKER_TLS_KEY", ""),
    ),
) | {
    "timezone": "UTC",
    "enable_utc": True,
    "worker_concurrency": env.integer("WORKER_CONCURRENCY", 4, low=1, high=256),
    # A process that runs a long task must not hold messages that another worker could take.
    "worker_prefetch_multiplier": env.integer("WORKER_PREFETCH", 1, low=1, high=1000),
    # A process is replaced after so many tasks, which frees memory that jobs leak.
    "worker_max_tasks_per_child": env.integer("WORKER_TASKS_PER_CHILD", 1000, low=1),
    "worker_hijack_root_logger": False,
    "beat_scheduler": "backends.beat.scheduler.LedgerScheduler",
    # Celery stores no results here, so Beat needs no task that cleans them up.
    "result_expires": None,
    "beat_max_loop_interval": 1,
}
# Further options for connections that publish: they keep a request from waiting for a broker that is away.
TANDEM_PUBLISH_OPTIONS = publish_options(BROKER_URL)
TANDEM_PUBLISH_SECONDS = step_seconds(BROKER_URL)
TANDEM_BROKER_PRIORITIES = broker_priorities(BROKER_URL)
# A worker is stalled if it takes no message for this many seconds while messages wait and one of its processes is free.
TANDEM_STALLED_SECONDS = env.integer("TANDEM_STALLED_SECONDS", 60, low=5, high=3600)
TANDEM_RESTART_STALLED = env.boolean("TANDEM_RESTART_STALLED", default=True)
DJANGO_CELERY_BEAT_TZ_AWARE = True
# In a process of another Celery application (`celery -A shop worker`) ours does not become the default one.
TANDEM_IS_CELERYS_DEFAULT = not of_another_celery()

# --- Tandem's own ---------------------------------------------------------------------------------------------------

TANDEM_BACKENDS = {
    "beat": "backends.beat.backend.BeatBackend",
    "crontab": "backends.crontab.backend.CrontabBackend",
}
TANDEM_EXECUTORS = {
    "worker": "backends.queue.executor.QueueExecutor",
    "inline": "backends.crontab.spool.executor.SpoolingInlineExecutor",
}
# The notifier tells live status at once of new events. Without one, live status reads the event log every two seconds.
TANDEM_NOTIFIER = {"broker": "backends.queue.notifier.BrokerNotifier"}
# The module that makes and revokes API tokens, for the pages of the dashboard.
TANDEM_TOKEN_SERVICE = "api.tokens.service"  # noqa: S105 - the name of a module
# For how many days a new API token is valid.
TANDEM_TOKEN_DAYS = env.integer("TOKEN_DAYS", 90, low=1, high=3650)
# Open WebSockets and event streams of one token (or of one user's sessions), at each web process.
TANDEM_LIVE_CONNECTIONS = env.integer("TANDEM_LIVE_CONNECTIONS", 200, low=1)
# What users see who are bound to no owner; with "nothing", only superusers among them see everything.
TANDEM_UNBOUND_SEES = env.choice("TANDEM_UNBOUND_SEES", "everything", ("everything", "nothing"))
# A change of a schedule must say with If-Match for which version it is meant.
TANDEM_REQUIRE_IF_MATCH = env.boolean("TANDEM_REQUIRE_IF_MATCH", default=False)
# Secrets that parameters may name: docs/secrets.md. TANDEM_SECRET_SHOP_TOKEN is the secret shop-token.
TANDEM_SECRETS = named_secrets(env.beginning_with("TANDEM_SECRET_"))
TANDEM_SECRETS_DIR = env.text("TANDEM_SECRETS_DIR", "")
# The keys of the secrets in the database: the first one seals, all of them open.
TANDEM_SECRET_KEYS: list[str] = secret_keys(env.text("TANDEM_SECRET_KEYS", ""))
# Whether an attempt that misses a secret is tried again, by the policy of its task.
TANDEM_RETRY_MISSING_SECRETS = env.boolean("TANDEM_RETRY_MISSING_SECRETS", default=False)
# Limits of what is asked: docs/settings.md, "Limits".
TANDEM_MAX_BODY_BYTES = env.integer("TANDEM_MAX_BODY_BYTES", 1_000_000, low=10_000, high=100_000_000)
TANDEM_BODY_SECONDS = env.integer("TANDEM_BODY_SECONDS", 30, low=1, high=3600)
TANDEM_HEADER_SECONDS = env.integer("TANDEM_HEADER_SECONDS", 10, low=1, high=600)
TANDEM_MAX_JSON_DEPTH = env.integer("TANDEM_MAX_JSON_DEPTH", 100, low=10, high=500)
TANDEM_MAX_LIST_ITEMS = env.integer("TANDEM_MAX_LIST_ITEMS", 10_000, low=100)
TANDEM_LOGIN_ATTEMPTS = env.integer("TANDEM_LOGIN_ATTEMPTS", 10, low=1, high=1000)
TANDEM_TOKENS_AN_HOUR = env.integer("TANDEM_TOKENS_AN_HOUR", 30, low=1)
# Requests a minute; 0 is no limit. Production has other defaults.
TANDEM_ADDRESS_RATE = env.integer("TANDEM_ADDRESS_RATE", 0)
TANDEM_TOKEN_RATE = env.integer("TANDEM_TOKEN_RATE", 0)
# Django's own limit would answer with a page. api.limits.bodies has cut the body before, and api.parsers looks again.
DATA_UPLOAD_MAX_MEMORY_SIZE = None
# The language of plain words if a request names none.
TANDEM_LANGUAGE = env.text("TANDEM_LANGUAGE", "en")
# Which commands of a crontab may become schedules, and with which job: docs/review.md.
TANDEM_CRON_IMPORT: list[dict[str, Any]] = (
    rules("TANDEM_CRON_IMPORT", env.text("TANDEM_CRON_IMPORT", ""), example='{"command": "...", "job": "..."}') or []
)
TANDEM_FOREIGN_TABLE = "backends.crontab.foreign_lines.ForeignCrontab"
# The job of a task that names none.
TANDEM_DEFAULT_JOB = env.text("TANDEM_DEFAULT_JOB", "demo.process_data")
# `auto` takes the first rule that applies and whose backend can hold the schedule. A rule applies if all of its
# conditions hold: `executor` (the one asked for), `jobs` (shell-style patterns), `sub_minute` (true if the
# trigger needs seconds).
TANDEM_ROUTING: list[dict[str, Any]] = rules(
    "TANDEM_ROUTING", env.text("TANDEM_ROUTING", ""), example='{"backend": "beat", "because": "..."}'
) or [
    {"executor": "inline", "backend": "crontab", "because": "it is to run inline, without a worker"},
    {"sub_minute": True, "backend": "beat", "because": "it needs seconds, and cron's clock has none"},
    {"backend": "beat", "because": "Beat is the default"},
    {"backend": "crontab", "because": "Beat cannot hold it"},
]
# This machine's name among the hosts that have a crontab, and where its crontab is: `none`, `file:/path` (run by
# `manage.py cron_runner`), or `user` (the crontab of the user this process runs as, run by the system's cron).
TANDEM_HOST = env.text("TANDEM_HOST", socket.gethostname())
TANDEM_CRONTAB = env.text("TANDEM_CRONTAB", f"file:{VAR / 'crontab'}")
# -E, for variables like PYTHONPATH are for other programs.
TANDEM_CRON_COMMAND = [sys.executable, "-E", str(BASE_DIR / "manage.py")]
# How many inline tasks this machine runs at a time, each in a process of its own.
TANDEM_INLINE_CONCURRENCY = env.integer("TANDEM_INLINE_CONCURRENCY", 16, low=1, high=256)
# The variables that the wrapper script of cron lines sets: cron starts commands with an almost empty environment.
TANDEM_ENVIRONMENT_NAMES = env.names

# How many tasks run at once, and start in a time: {"queue:slow": {"concurrency": 2, "rate": "10/m"}}.
TANDEM_TASK_LIMITS: dict[str, Any] = task_limits(env.text("TANDEM_TASK_LIMITS", ""))
# The queue of a task that names none.
TANDEM_DEFAULT_QUEUE: str = CELERY["task_default_queue"]

# The time limits of a task that has none, in seconds; 0 is no limit.
TANDEM_SOFT_TIMEOUT = env.integer("TANDEM_SOFT_TIMEOUT", 0)
TANDEM_TIMEOUT = env.integer("TANDEM_TIMEOUT", 0)

# Finished tasks are kept for so many days, and at most so many of them.
TANDEM_KEEP_DAYS = env.integer("TANDEM_KEEP_DAYS", 30, low=1, high=36_500)
TANDEM_KEEP_AUDIT_DAYS = env.integer("TANDEM_KEEP_AUDIT_DAYS", 365, low=1, high=36_500)
TANDEM_KEEP_TASKS = env.integer("TANDEM_KEEP_TASKS", 1_000_000, low=1_000)
TANDEM_MAX_RESULT_BYTES = env.integer("TANDEM_MAX_RESULT_BYTES", 1_000_000, low=1_000)
TANDEM_FILES_ROOTS = env.names_list("TANDEM_FILES_ROOTS", (str(VAR / "files"),))
TANDEM_HTTP_ALLOW_PRIVATE = env.boolean("TANDEM_HTTP_ALLOW_PRIVATE", default=False)
# Names and networks that are fetched from though they are private: *.corp.example, 10.1.0.0/16.
TANDEM_HTTP_INTERNAL_HOSTS = internal_hosts(env.names_list("TANDEM_HTTP_INTERNAL_HOSTS"))
# Patterns like *.example.org. Without a pattern every host may be fetched from.
TANDEM_HTTP_ALLOWED_HOSTS = env.names_list("TANDEM_HTTP_ALLOWED_HOSTS")
TANDEM_BACKUPS_ROOT = env.text("TANDEM_BACKUPS_ROOT", str(VAR / "backups"))
# The commands that command.run may run (docs/jobs.md), and the Celery tasks that are jobs (docs/own-jobs.md).
TANDEM_COMMANDS: dict[str, Any] = commands(env.text("TANDEM_COMMANDS_FILE", ""))
TANDEM_CELERY_JOBS: dict[str, str] = celery_jobs(env.names_list("TANDEM_CELERY_JOBS"))

globals().update(email_settings(env.text("EMAIL_URL", "console:")))
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "tandem@localhost")

# These are masked in every log line.
_URLS = (BROKER_URL, *(env.text(name, "") for name in ("DATABASE_URL", "DATABASE_DIRECT_URL", "EMAIL_URL")))
LOG_SECRETS = secrets_in(SECRET_KEY, *_URLS, *TANDEM_SECRET_KEYS)
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", LEVELS)
LOGGING: dict[str, Any] = logging_settings(
    form=env.choice("LOG_FORMAT", "text", FORMATS),
    level=LOG_LEVEL,
    secrets=LOG_SECRETS,
)
