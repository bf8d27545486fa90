#!/usr/bin/env python3
"""Django's command line. `DJANGO_SETTINGS_MODULE` names the environment; development when unset."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command that `sys.argv` names. A probe is answered without Django, which costs more than the answer."""
    if sys.argv[1:2] == ["probe"]:
        from scheduling import probe  # noqa: PLC0415 - nothing else needs it

        sys.exit(probe.main(sys.argv[2:]))
    from settings import command_line  # noqa: PLC0415 - it loads Django

    command_line.main()


if __name__ == "__main__":
    main()
