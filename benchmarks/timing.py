"""How long it takes to read an expression and find its next occurrence: Tandem beside cronsim and croniter.

    python3 dev.py bench timing

All three read the expression and find one occurrence in each call, in turn in the same run; figures are microseconds,
each the best of many rounds. `cold`: all of Tandem's caches are empty, but the file of the zone was read (that is the
last line of the table). `warm`: the expression was read before. `next`: a trigger that is at hand, as in dispatch.
`first call`: nothing has run in the process since its imports, so its code is not in the processor's caches either;
the median of new processes. cronsim and croniter cache nothing of an expression; their zones are warm.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import _lru_cache_wrapper
from pathlib import Path
from statistics import median
from time import perf_counter
from zoneinfo import ZoneInfo

from croniter import croniter
from cronsim import CronSim

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._measure import Figures, arguments, report
from scheduling.timing import Cron, cron, dst, fields, instants, local_times, zone, zones

NOW = datetime(2026, 11, 20, 10, 31, 7, tzinfo=UTC)
EXPRESSIONS = ("*/5 * * * *", "* * * * *", "0 9 * * 1-5", "0 0 29 2 *", "30 2 1 * *")
ZONES = ("UTC", "Europe/Berlin", "Africa/Casablanca")
ROUNDS = 200
CALLS = 10
NEW_PROCESSES = 7
FIRST_CALL = """
import sys, time
sys.path.insert(0, {root!r})
from datetime import UTC, datetime
from scheduling.timing import Cron, zone
now = datetime.fromisoformat({now!r})
zone({zone!r})
begin = time.perf_counter()
Cron.parse({expression!r}, {zone!r}).next(now)
print((time.perf_counter() - begin) * 1e6)
"""


def caches() -> Iterator[_lru_cache_wrapper[object]]:
    """The caches of a parse and a next, but not those of the files."""
    for module in (cron, dst, fields, instants, local_times):
        yield from (value for value in vars(module).values() if isinstance(value, _lru_cache_wrapper))


EMPTY = tuple(caches())


def empty() -> None:
    """Empty them."""
    for cache in EMPTY:
        cache.cache_clear()


def best(calls: dict[str, tuple[Callable[[], object], Callable[[], object]]]) -> Figures:
    """Microseconds of each call, the best of all rounds, in turn. The first of a pair prepares and does not count."""
    found = dict.fromkeys(calls, float("inf"))
    for _ in range(ROUNDS):
        for name, (prepare, call) in calls.items():
            for _ in range(CALLS):
                prepare()
                begin = perf_counter()
                call()
                found[name] = min(found[name], perf_counter() - begin)
    return {name: seconds * 1e6 for name, seconds in found.items()}


def measure(expression: str, name: str) -> Figures:
    """Microseconds for one expression in one zone."""
    local, trigger = NOW.astimezone(ZoneInfo(name)), Cron.parse(expression, name)

    def nothing() -> None:
        return None

    def tandem() -> object:
        return Cron.parse(expression, name).next(NOW)

    return best(
        {
            "cold": (empty, tandem),
            "warm": (nothing, tandem),
            "next": (nothing, lambda: trigger.next(NOW)),
            "cronsim": (nothing, lambda: next(CronSim(expression, local))),
            "croniter": (nothing, lambda: croniter(expression, local).get_next(datetime)),
        }
    ) | {"first call": first_call(expression, name)}


def first_call(expression: str, name: str) -> float:
    """Microseconds of the first parse and next of a process, the median of new processes."""
    root = str(Path(__file__).parents[1])
    program = FIRST_CALL.format(root=root, now=NOW.isoformat(), zone=name, expression=expression)
    command = [sys.executable, "-c", program]
    return median(
        float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(NEW_PROCESSES)
    )


def reading(name: str) -> Figures:
    """Microseconds to read the file of a zone. The list of all names, which comes with the first, is read before."""
    zone("UTC")

    def forget() -> None:
        zones._kept.cache_clear()
        zones._read.cache_clear()

    return best({"cold": (forget, lambda: zone(name))})


def main() -> None:
    """Print the table: a line for each expression and zone."""
    options = arguments(__doc__).parse_args()
    lines = {f"{expression}  {name}": measure(expression, name) for expression in EXPRESSIONS for name in ZONES}
    lines |= {f"reading the file of {name}": reading(name) for name in ZONES}
    columns: dict[str, Figures] = {}
    for line, figures in lines.items():
        for column, value in figures.items():
            columns.setdefault(column, {})[line] = value
    report("parse and next, us", columns, options.json)


if __name__ == "__main__":
    main()
