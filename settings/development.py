"""Development: SQLite, the embedded broker and a private crontab file, all in var/. No variable needs to be set."""

from settings.base import *  # noqa: F403 - an environment is base plus what differs
from settings.base import SECRET_KEY, VAR, env
from settings.secret_key import kept_secret_key

VAR.mkdir(mode=0o700, parents=True, exist_ok=True)
DEBUG = env.boolean("DEBUG", default=False)
SECRET_KEY = SECRET_KEY or kept_secret_key(VAR / "secret-key")
