"""How much CPU time the block of 10,000 schedules takes, from the rows in memory to the bytes of the table.

`python3 dev.py bench crontab_expressions`. Cold: as in the first sync of a process. Warm: as in the next ones.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from itertools import product

SCHEDULES = 10_000
FOREIGN = b"17 * * * * /usr/local/bin/other\n" * 100
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
# Different triggers among the schedules, and the zone of the host.
CASES = (
    ("one expression", 1, "Europe/Berlin"),
    ("200 expressions, clock of the host", 200, "Europe/Berlin"),
    ("200 expressions, clock of another zone", 200, "UTC"),
    ("4,000 expressions, clock of the host", 4_000, "Europe/Berlin"),
    ("1,200 expressions, clock of another zone", 1_200, "UTC"),
    ("10,000 expressions, clock of another zone", 10_000, "UTC"),
)


def main() -> None:
    """Print the table."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.test")
    import django  # noqa: PLC0415  the settings come first

    django.setup()
    print(f"{SCHEDULES:,} schedules                          cold      warm    lines")
    for name, different, host in CASES:
        _forget()
        cold, lines = _measured(different, host)
        warm, _ = _measured(different, host)
        print(f"{name:42} {cold:6.2f} s  {warm:6.2f} s  {lines:7,}")


def _forget() -> None:
    from backends.crontab import entries  # noqa: PLC0415  after django.setup()
    from scheduling.timing import crontab_expressions  # noqa: PLC0415  as above

    crontab_expressions.crontab_expressions.cache_clear()
    entries._words.cache_clear()


def _measured(different: int, host: str) -> tuple[float, int]:
    """The CPU seconds of one rendering and splicing, and the lines of the table."""
    from backends.crontab import entries, lines  # noqa: PLC0415  after django.setup()
    from backends.crontab.block import splice  # noqa: PLC0415  as above
    from backends.crontab.owner import Owner  # noqa: PLC0415  as above
    from scheduling.models import Schedule  # noqa: PLC0415  as above

    days = ["*", "1-5", "0", "1", "2", "3", "4"]
    times = [f"{minute} {hour} * * {day}" for day, hour, minute in product(days, range(24), range(60))]
    drafts = [
        Schedule(pk=number, name=f"Job {number}", cron=times[number % different], timezone="Europe/Berlin", anchor=NOW)
        for number in range(1, SCHEDULES + 1)
    ]
    began = time.process_time()
    groups = entries.groups_of(drafts, zone_name=host, now=NOW)
    block = lines.render(groups, command="/srv/tandem/var/tandem-cron", zone=host)
    table = splice(FOREIGN, block, Owner("0a1b2c3d", b"/srv/tandem/var/tandem-cron due"))
    return time.process_time() - began, table.count(b"\n")


if __name__ == "__main__":
    main()
