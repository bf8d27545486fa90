"""Staging: production on other servers, with the same required settings and the same kinds of servers."""

from settings.base import env
from settings.production import *  # noqa: F403 - an environment is another one plus what differs

# A browser keeps HSTS for a year: it would refuse this host without TLS long after staging is gone.
SECURE_HSTS_SECONDS = env.integer("SECURE_HSTS_SECONDS", 0)
