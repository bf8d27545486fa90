"""Development: SQLite, the embedded broker and a private crontab file, all in var/. No variable needs to be set."""

import os
import warnings
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from settings.env import Environment
from settings.running_broker import running_broker

_env = Environment(os.environ)
_var = _env.path("TANDEM_VAR", Path(__file__).resolve().parent.parent / "var")
if not _env.text("BROKER_URL", "") and (_url := running_broker(_var)):
    os.environ["BROKER_URL"] = _url

from settings.base import *  # noqa: E402, F403 - an environment is base plus what differs, and base reads BROKER_URL
from settings.base import LOG_LEVEL, LOG_SECRETS, SECRET_KEY, VAR, env  # noqa: E402 - as above
from settings.logging import FORMATS, logging_settings  # noqa: E402 - as above
from settings.secret_key import kept_secret_key  # noqa: E402 - as above

DEBUG = env.boolean("DEBUG", default=False)
try:
    VAR.mkdir(mode=0o700, parents=True, exist_ok=True)
    SECRET_KEY = SECRET_KEY or kept_secret_key(VAR / "secret-key")
except OSError as exc:
    raise ImproperlyConfigured(
        f"{exc.filename} cannot be used ({exc.strerror}): mend that, or set TANDEM_VAR to a folder that can be written."
    ) from exc

# `dev.py up` writes the name of the process before each line, and says itself what starts and ends.
LOGGING = logging_settings(form=env.choice("LOG_FORMAT", "short", FORMATS), level=LOG_LEVEL, secrets=LOG_SECRETS)
LOGGING["loggers"]["uvicorn.error"] = {"level": "WARNING"}
# A developer's machine is often a container, whose only user is root; a worker elsewhere keeps the warning.
warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")
# WhiteNoise reads files without asyncio; they are few and small.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
