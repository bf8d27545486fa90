"""Which user names show that a crontab has a user column."""

from __future__ import annotations

import pwd
from functools import lru_cache
from typing import Final

# Accounts that many servers have: those of Debian's base-passwd, and those of common packages.
_COMMON_ACCOUNTS: Final = frozenset(
    {
        "root", "daemon", "bin", "sys", "games", "man", "lp", "mail", "news", "proxy", "www-data", "backup", "list",
        "irc", "nobody", "ubuntu", "debian", "admin", "git", "mysql", "postgres", "redis", "rabbitmq", "nginx",
        "apache", "www", "munin", "amavis", "smmsp", "logcheck", "jenkins", "gitlab", "deploy",
    }
)  # fmt: skip


@lru_cache(maxsize=1)
def user_names() -> frozenset[str]:
    """The common accounts and those of this machine. Reads the user database once per process."""
    return _COMMON_ACCOUNTS | {entry.pw_name for entry in pwd.getpwall()}
