"""Production: PostgreSQL, and Redis or RabbitMQ. Settings whose defaults would be wrong or unsafe here are required."""

from django.core.exceptions import ImproperlyConfigured

from settings.base import *  # noqa: F403 - an environment is base plus what differs
from settings.base import BROKER_KIND, BROKER_URL, DATABASES, LOG_LEVEL, LOG_SECRETS, env
from settings.logging import FORMATS, logging_settings
from settings.weak_secrets import wrong_with_broker, wrong_with_database, wrong_with_key

SECRET_KEY = env.text(
    "SECRET_KEY",
    hint="Write 50 random characters: python3 -c 'import secrets; print(secrets.token_urlsafe(50))'",
)
ALLOWED_HOSTS = env.names_list("ALLOWED_HOSTS")
env.text("ALLOWED_HOSTS", hint="Write the host names this service answers to, separated by commas.")
env.text("DATABASE_URL", hint="Write postgresql://user:password@host:5432/name.")
env.text("BROKER_URL", hint="Write redis://host:6379/0 or amqp://user:password@host:5672/vhost.")
env.text("TANDEM_CRONTAB", hint="Write user if this machine's cron runs schedules, none if it does not.")

if wrong := wrong_with_key(SECRET_KEY):
    raise ImproperlyConfigured(f"SECRET_KEY {wrong}: write 50 random characters.")
if "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured(
        "ALLOWED_HOSTS is *, which lets a request name any host: write this service's host names."
    )
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured(
        "DATABASE_URL names SQLite, which works on one machine only: write postgresql://... here."
    )
if BROKER_KIND == "embedded":
    raise ImproperlyConfigured(
        "BROKER_URL names the embedded broker, which works on one machine only: write redis:// or amqp://."
    )
if wrong := wrong_with_broker(BROKER_URL, certificate=bool(env.text("BROKER_TLS_CERT", ""))):
    raise ImproperlyConfigured(f"BROKER_URL {wrong}: give the broker a password of your own, and write it.")
if wrong := wrong_with_database(env.text("DATABASE_URL")):
    raise ImproperlyConfigured(f"DATABASE_URL {wrong}: give the user another one, and write it.")

# Both leave room for hundreds of pages a second from one program.
TANDEM_ADDRESS_RATE = env.integer("TANDEM_ADDRESS_RATE", 12_000)
TANDEM_TOKEN_RATE = env.integer("TANDEM_TOKEN_RATE", 6_000)

SECURE_SSL_REDIRECT = env.boolean("SECURE_SSL_REDIRECT", default=True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = env.integer("SECURE_HSTS_SECONDS", 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.boolean("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=True)
# Preloading is for the owner of a whole domain to ask for, not for a service below it: the check for it is left out.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SESSION_COOKIE_SECURE = SECURE_SSL_REDIRECT
CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT

# One JSON object per line, because log collectors read fields.
LOGGING = logging_settings(form=env.choice("LOG_FORMAT", "json", FORMATS), level=LOG_LEVEL, secrets=LOG_SECRETS)
