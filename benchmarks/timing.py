"""How long it takes to compute the next occurrence: Tandem's engine beside cronsim and croniter, in the same run.

    python benchmarks/timing.py

Each cell is the best of five rounds, in microseconds per call. cronsim and croniter parse the expression in each call;
Tandem parses it once, before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from timeit import repeat
from zoneinfo import ZoneInfo

from croniter import croniter
from cronsim import CronSim

sys.path.insert(0, str(Path(__file__).parents[1]))

from scheduling.timing import Cron

NOW = datetime(2026, 11, 20, 10, 31, 7, tzinfo=UTC)
EXPRESSIONS = ("*/5 * * * *", "0 9 * * 1-5", "0 0 29 2 *", "30 2 1 * *")
ZONES = ("UTC", "Europe/Berlin")
CALLS = 300


def microseconds(call: Callable[[], object]) -> float:
    """Microseconds per call, best of five rounds. A first call fills the caches and does not count."""
    call()
    return min(repeat(call, number=CALLS, repeat=5)) / CALLS * 1e6


def measure(expression: str, zone: str) -> tuple[float, float, float]:
    """Microseconds to compute one next occurrence: Tandem, cronsim, croniter."""
    cron, local = Cron.parse(expression, zone), NOW.astimezone(ZoneInfo(zone))
    return (
        microseconds(lambda: cron.next(NOW)),
        microseconds(lambda: next(CronSim(expression, local))),
        microseconds(lambda: croniter(expression, local).get_next(datetime)),
    )


def main() -> None:
    """Print the table."""
    print(f"{'expression':<14}{'zone':<16}{'tandem':>10}{'cronsim':>10}{'croniter':>10}   us per next()")
    for expression in EXPRESSIONS:
        for zone in ZONES:
            cells = "".join(f"{value:>10.1f}" for value in measure(expression, zone))
            print(f"{expression:<14}{zone:<16}{cells}")


if __name__ == "__main__":
    main()
