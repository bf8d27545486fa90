"""Staging: production in all that could hide a fault, on other servers: the same refusals, the same kinds of server."""

from settings.base import env
from settings.production import *  # noqa: F403 - an environment is another one plus what differs

# A browser that was told so for a year would refuse this host without TLS long after staging is gone.
SECURE_HSTS_SECONDS = env.integer("SECURE_HSTS_SECONDS", 0)
