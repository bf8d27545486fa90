"""The names by which a user column is told from a command."""

from __future__ import annotations

import pwd
from functools import lru_cache
from typing import Final

# Accounts that servers have without anybody adding them (Debian's base-passwd, and the usual packages).
_CUSTOMARY: Final = frozenset(
    {
        "root", "daemon", "bin", "sys", "games", "man", "lp", "mail", "news", "proxy", "www-data", "backup", "list",
        "irc", "nobody", "ubuntu", "debian", "admin", "git", "mysql", "postgres", "redis", "rabbitmq", "nginx",
        "apache", "www", "munin", "amavis", "smmsp", "logcheck", "jenkins", "gitlab", "deploy",
    }
)  # fmt: skip


@lru_cache(maxsize=1)
def user_names() -> frozenset[str]:
    """The customary accounts and those of this machine. Reads the user database once in a process."""
    return _CUSTOMARY | {entry.pw_name for entry in pwd.getpwall()}
